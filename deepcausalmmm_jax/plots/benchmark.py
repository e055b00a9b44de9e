"""Figures of the benchmark suite, and the page that holds them."""

import html
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from deepcausalmmm_jax.plots.theme import MUTED, PREDICTED_COLOR, WARNING, styled

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>deepcausalmmm-jax benchmark</title>
<style>body{{font-family:system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem}}
table{{border-collapse:collapse;font-size:.8rem}}td,th{{padding:.2rem .6rem;text-align:right}}
div.wide{{overflow-x:auto}}</style><script>{script}</script>
<h1>Benchmark</h1><p>{where}</p>{body}</html>"""


def scaling_figure(rows: pd.DataFrame, axis: str) -> go.Figure:
    """Milliseconds per epoch against one size, with lower bounds from arithmetic, memory traffic and sequential steps.

    Args:
        rows: `size`, `ms_per_epoch` and `least_ms_*`, of one axis.
        axis: its name.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=rows["size"], y=rows["ms_per_epoch"], name="measured", mode="lines+markers", line={"color": PREDICTED_COLOR}
    )
    for name, dash in (("products", "dash"), ("bytes", "dot"), ("steps", "dashdot")):
        least = rows[f"least_ms_{name}"]
        figure.add_scatter(
            x=rows["size"], y=least, name=f"lower bound, {name}", mode="lines", line={"color": MUTED, "dash": dash}
        )
    styled(figure, f"Time per epoch by {axis}", axis, "milliseconds")
    figure.update_xaxes(type="log")
    figure.update_yaxes(type="log")
    return figure


def rate_figure(rows: pd.DataFrame, axis: str) -> go.Figure:
    """Refits per second, at full length, against their number or the number of workers."""
    figure = go.Figure()
    figure.add_scatter(x=rows[axis], y=rows["per_s_full"], mode="lines+markers", line={"color": PREDICTED_COLOR})
    styled(figure, f"Refits per second by {axis}", axis, "refits per second")
    figure.update_xaxes(type="log")
    return figure


def parts_figure(rows: pd.DataFrame) -> go.Figure:
    """Breakdown of the time per epoch, by model."""
    figure = go.Figure()
    for name, color in (("forward_ms", PREDICTED_COLOR), ("backward_ms", WARNING), ("rest_ms", MUTED)):
        share = 100 * rows[name] / rows["epoch_ms"]
        figure.add_bar(x=rows["model"], y=share, name=name.removesuffix("_ms"), marker={"color": color})
    figure.update_layout(barmode="stack")
    return styled(figure, "Breakdown of the time per epoch", "model", "%")


def benchmark_page(found: Mapping[str, Any], shown: dict[str, pd.DataFrame], where: str) -> str:
    """A self-contained page with all figures and tables.

    Args:
        found: figures of the suite.
        shown: tables by title.
        where: machine and versions in a sentence.
    """
    scaling = pd.DataFrame(found["scaling"])
    figures = [parts_figure(pd.DataFrame(found["single"]))]
    figures += [scaling_figure(rows, str(axis)) for axis, rows in scaling.groupby("against", sort=False)]
    figures += [rate_figure(pd.DataFrame(found[name]), name) for name in ("replicates", "workers")]
    parts = [figure.to_html(full_html=False, include_plotlyjs=False) for figure in figures]
    for title, table in shown.items():
        text = table.to_html(float_format=lambda value: f"{value:,.4g}", na_rep="-", border=0)
        parts.append(f"<h2>{html.escape(title)}</h2><div class='wide'>{text}</div>")
    return _PAGE.format(script=get_plotlyjs(), where=html.escape(where), body="".join(parts))
