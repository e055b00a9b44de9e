"""The CSV that the page's button gives: the same escape of formulas as in the files of the command line."""

import csv
import io
from importlib.resources import files

import numpy as np

from deepcausalmmm_jax.io.write_csv import escaped
from deepcausalmmm_jax.plots.report.payload import figure_data
from tests.io.test_write_csv import HOSTILE
from tests.plots.conftest import linked

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


def table_of(browser, figure, tmp_path):
    """The table that the page has behind a figure."""
    page = tmp_path / "page.html"
    page.write_text(f"<meta charset=utf-8><script>{SCRIPT}</script>", encoding="utf-8")
    browser.get(page.as_uri())
    return browser.execute_script("return tableOf(arguments[0])", figure_data(figure)["data"])


def test_shares_of_the_prediction_are_percent_in_the_table_too(browser, small_result, tmp_path):
    table = table_of(browser, small_result.plot("contribution_over_time", kind="percent"), tmp_path)
    assert all(name.endswith(", %") for name in table["header"][1:])
    sums = [sum(value for value in row[1:] if value is not None) for row in table["rows"]]
    np.testing.assert_allclose(sums, 100.0, rtol=1e-6)
    weekly = small_result.contributions.sum("region").to_pandas()
    share = 100 * weekly["channel_1"] / weekly.sum(axis=1)
    at = table["header"].index("channel_1, %")
    np.testing.assert_allclose([row[at] for row in table["rows"]], share, rtol=0.01)


def test_the_table_behind_the_graph_has_its_links(browser, small_result, tmp_path):
    result = linked(small_result)
    table = table_of(browser, result.plot("graph_network"), tmp_path)
    assert table["header"][:2] == ["from", "to"]
    assert table["header"][-1] == "weight, average weeks"
    links = result.links()
    assert [row[:2] for row in table["rows"]] == links[["source", "target"]].to_numpy().tolist()
    np.testing.assert_allclose([row[-1] for row in table["rows"]], links["weight"], rtol=0.01)
