"""The CSV that the page's button gives: the same escape of formulas as in the files of the command line."""

import csv
import io
from importlib.resources import files

from deepcausalmmm_jax.io.write_csv import escaped
from tests.io.test_write_csv import HOSTILE

SCRIPT = (files("deepcausalmmm_jax.plots.report") / "templates" / "tables.js").read_text(encoding="utf-8")


def test_a_download_runs_no_formula_in_a_spreadsheet(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(f"<meta charset=utf-8><script>{SCRIPT}</script>", encoding="utf-8")
    browser.get(page.as_uri())
    table = {"header": ["=name", "value"], "rows": [[text, -1.5] for text in HOSTILE] + [["plain", None]]}
    text = browser.execute_script("return csvOf(arguments[0])", table)
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == ["'=name", "value"]
    assert rows == [[escaped(text), "-1.5"] for text in HOSTILE] + [["plain", ""]]
