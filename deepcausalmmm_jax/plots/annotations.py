"""Marks that several figures share."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.plots.protocols import Answers
from deepcausalmmm_jax.plots.theme import INK, MUTED, REST_COLOR, faded

OTHERS = "other channels"


def mark_holdout(figure: go.Figure, result: Answers) -> None:
    """Shade the held-out weeks of a figure over weeks, and planned ones behind the last KPI, where there are any."""
    panel = result.panel
    if result.holdout:
        _shade(figure, result.holdout_weeks, "held out", 0.13)
    planned = panel.weeks[panel.n_past_weeks :]
    if len(planned):
        _shade(figure, planned, "no KPI yet", 0.06)


def _shade(figure: go.Figure, weeks: pd.Index, text: str, opacity: float) -> None:
    figure.add_shape(
        type="rect",
        x0=weeks[0],
        x1=weeks[-1],
        y0=0,
        y1=1,
        yref="paper",
        fillcolor=MUTED,
        opacity=opacity,
        line_width=0,
        layer="below",
    )
    figure.add_annotation(
        x=weeks[-1],
        y=1,
        yref="paper",
        text=text,
        showarrow=False,
        xanchor="right",
        yanchor="top",
        font={"size": 12, "color": MUTED},
    )


def largest(values: pd.Series, top: int) -> list[Any]:
    """Labels of the `top` largest absolute values, in the order of the series."""
    kept = set(values.abs().sort_values(ascending=False, kind="stable").index[:top])
    return [label for label in values.index if label in kept]


def add_band(
    figure: go.Figure, x: Sequence[Any], low: Iterable[float], high: Iterable[float], color: str, meta: dict[str, Any]
) -> None:
    """A shaded interval behind a line."""
    figure.add_scatter(
        x=[*x, *list(x)[::-1]],
        y=[*high, *list(low)[::-1]],
        fill="toself",
        fillcolor=faded(color, 0.18),
        mode="lines",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        meta=meta,
    )


def add_intervals(
    figure: go.Figure, names: Sequence[Any], low: Iterable[float], high: Iterable[float], channels: Sequence[Any]
) -> None:
    """Whiskers from `low` to `high` on horizontal bars or dots, wherever the estimate itself lies.

    Args:
        figure: changed in place.
        names: labels on the vertical axis.
        low: lower ends; empty where there is none.
        high: upper ends.
        channels: the channel of each label.
    """
    ends = {"low": list(low), "high": list(high)}
    x = [value for pair in zip(ends["low"], ends["high"], strict=True) for value in (*pair, None)]
    figure.add_scatter(
        x=x,
        y=[name for name in names for _ in range(3)],
        mode="lines",
        line={"color": INK, "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
        meta={"channels": [name for name in channels for _ in range(3)], "whole": True},
    )
    for end, values in ends.items():
        figure.add_scatter(
            x=values,
            y=list(names),
            mode="markers",
            name=end,
            marker={"symbol": "line-ns", "size": 9, "line": {"color": INK, "width": 1.5}},
            showlegend=False,
            meta={"channels": list(channels), "whole": True},
            hovertemplate="%{y}, " + end + " end: %{x:,.3~r}<extra></extra>",
        )


def need(given: object, what: str, way: str) -> None:
    """Refuse a figure whose data are not there.

    Raises:
        DataError: saying what is missing, and the way out.
    """
    if not given:
        raise DataError(f"The figure needs {what}; {way}.")


def rest_color(name: object, colors: dict[str, str]) -> str:
    """Colour of a channel, or of the rest."""
    return colors.get(str(name), REST_COLOR)
