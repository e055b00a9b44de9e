"""Run the notebook and keep what it shows, in the notebook itself and as a page: `make notebook`.

Cells run as Python runs them, without a kernel. A figure becomes SVG in a headless Chromium.
"""

import ast
import contextlib
import io
import json
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from browser import Browser

import deepcausalmmm_jax as dcm

DOCS = Path(__file__).resolve().parents[1]
NOTEBOOK = DOCS.parent / "examples" / "csv_to_decision.ipynb"
DATA = DOCS.parent / "examples" / "weekly_sales.csv"
PAGE = DOCS / "notebook.md"
WIDTH, HEIGHT = 860, 400
_HEAD = "<!-- Written by `make notebook` from examples/csv_to_decision.ipynb: change that, not this page. -->"


def main() -> None:
    """Run all cells in a folder of their own, then write the notebook and its page."""
    notebook = json.loads(NOTEBOOK.read_text())
    page, names, count = [_HEAD], {}, 0
    dcm.keep_programs()
    with tempfile.TemporaryDirectory() as place, Browser() as browser:
        shutil.copy(DATA, place)
        os.chdir(place)
        for cell in notebook["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                page.append(source)
                continue
            count += 1
            printed, shown = run(source, names)
            cell["execution_count"] = count
            cell["outputs"] = []
            page.append(f"```python\n{source}\n```")
            if printed:
                cell["outputs"].append({"output_type": "stream", "name": "stdout", "text": printed})
                page.append(f"```text\n{printed.rstrip()}\n```")
            if shown is not None:
                data, text = _shown(shown, f"notebook_{count}", browser)
                cell["outputs"].append(
                    {"output_type": "execute_result", "execution_count": count, "data": data, "metadata": {}}
                )
                page.append(text)
    NOTEBOOK.write_text(json.dumps(notebook, indent=1) + "\n")
    PAGE.write_text("\n\n".join(page) + "\n")


def run(source: str, names: dict[str, Any]) -> tuple[str, Any]:
    """Run a cell: what it prints, and the value of its last line where that is an expression."""
    tree, printed = ast.parse(source), io.StringIO()
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(tree, "cell", "exec"), names)
        value = None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return printed.getvalue(), value


def _shown(value: Any, name: str, browser: Browser) -> tuple[dict[str, str], str]:
    """A value as the notebook keeps it, and as the page shows it."""
    if isinstance(value, go.Figure):
        drawn = browser.svg(value, WIDTH, value.layout.height or HEIGHT)
        (DOCS / "assets" / f"{name}.svg").write_text(drawn)
        return {"image/svg+xml": drawn}, f"![{value.layout.title.text}](assets/{name}.svg)"
    if hasattr(value, "_repr_html_"):
        html = str(value._repr_html_())
        if isinstance(value, pd.DataFrame):  # without the style that pandas adds, and wide ones in a box of their own
            html = f'<div style="overflow-x:auto">{value.to_html(border=0)}</div>'
        page = "\n".join(line.strip() for line in html.splitlines() if line.strip())  # indented, it would be code
        return {"text/html": html, "text/plain": repr(value)}, page
    return {"text/plain": repr(value)}, f"```text\n{value!r}\n```"


if __name__ == "__main__":
    main()
