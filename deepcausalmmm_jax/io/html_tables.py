"""Plain tables as an HTML fragment, for notebooks; every text is escaped."""

from collections.abc import Mapping
from html import escape

import pandas as pd

from deepcausalmmm_jax.io.plain_numbers import plain_number

_MOST_ROWS = 60


def html_tables(tables: Mapping[str, pd.DataFrame], title: str, lead: str = "") -> str:
    """Tables under a title, without the empty ones; long ones are cut and say so.

    Args:
        tables: by caption.
        title: of all.
        lead: a sentence below the title; empty for none.
    """
    parts = [f"<h3>{escape(title)}</h3>"]
    if lead:
        parts.append(f"<p>{escape(lead)}</p>")
    for caption, table in tables.items():
        if not len(table):
            continue
        shown = table.head(_MOST_ROWS)
        more = f"; the first {_MOST_ROWS} of {len(table)} rows" if len(table) > _MOST_ROWS else ""
        parts.append(f"<h4>{escape(caption)}{more}</h4>")
        parts.append(str(shown.to_html(float_format=plain_number, na_rep="", border=0, index_names=False)))
    return f'<div style="overflow-x:auto">{"".join(parts)}</div>'
