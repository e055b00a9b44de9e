"""A graded table as HTML, for notebooks and for a page of its own."""

from html import escape

import pandas as pd

from deepcausalmmm_jax.io.grades import Grade

_COLORS = {
    Grade.NOT_RUN: ("#eceff3", "#3d4a57"),
    Grade.PASS: ("#e3f4ec", "#00563f"),
    Grade.LOOK: ("#fdf0d5", "#6b4700"),
    Grade.FAIL: ("#fbe3d8", "#8a2d00"),
}
_CELL = "padding:.35em .7em;text-align:left;vertical-align:top;border-bottom:1px solid #d9dee4"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body {{ font: 15px/1.5 system-ui, sans-serif; color: #1f2933; margin: 1.5rem auto; max-width: 1160px;
padding: 0 1rem; overflow-wrap: anywhere; }}</style>
</head>
<body>
{body}
</body>
</html>
"""


def graded_table(table: pd.DataFrame, title: str, lead: str = "") -> str:
    """A table whose first column is a grade, as an HTML fragment; every text is escaped.

    Args:
        table: of text; the first column holds values of `Grade`.
        title: caption.
        lead: a sentence between caption and table; empty for none.
    """
    head = "".join(f'<th scope="col" style="{_CELL}">{escape(str(name))}</th>' for name in table.columns)
    rows = "".join(f"<tr>{_cells(row)}</tr>" for row in table.itertuples(index=False))
    sentence = f"<p>{escape(lead)}</p>" if lead else ""
    return (
        f"<div><h3>{escape(title)}</h3>{sentence}"
        f'<div style="overflow-x:auto"><table style="border-collapse:collapse;font-size:.92em"><thead><tr>{head}</tr>'
        f"</thead><tbody>{rows}</tbody></table></div></div>"
    )


def graded_page(body: str, title: str) -> str:
    """A self-contained page around a fragment."""
    return _PAGE.format(title=escape(title), body=body)


def _cells(row: tuple[object, ...]) -> str:
    grade = Grade(str(row[0]))
    paper, ink = _COLORS[grade]
    badge = f"background:{paper};color:{ink};border-radius:4px;padding:.1em .5em;font-weight:600"
    first = f'<td style="{_CELL}"><span style="{badge}">{escape(grade.value)}</span></td>'
    return first + "".join(f'<td style="{_CELL}">{escape(str(cell))}</td>' for cell in row[1:])
