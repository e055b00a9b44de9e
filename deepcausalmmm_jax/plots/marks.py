"""Marks that several figures share."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.analysis.answers import Answers
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.plots.theme import BASE_COLOR, MUTED, faded

OTHERS = "other channels"


def mark_holdout(figure: go.Figure, result: Answers) -> None:
    """Shade the held-out weeks of a figure over weeks, where there are any."""
    if not result.holdout:
        return
    weeks = result.panel.weeks
    figure.add_shape(
        type="rect",
        x0=weeks[-result.holdout],
        x1=weeks[-1],
        y0=0,
        y1=1,
        yref="paper",
        fillcolor=MUTED,
        opacity=0.13,
        line_width=0,
        layer="below",
    )
    figure.add_annotation(
        x=weeks[-1],
        y=1,
        yref="paper",
        text="held out",
        showarrow=False,
        xanchor="right",
        yanchor="bottom",
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


def need(given: object, what: str, way: str) -> None:
    """Refuse a figure whose data are not there.

    Raises:
        DataError: saying what is missing, and the way out.
    """
    if not given:
        raise DataError(f"The figure needs {what}; {way}.")


def rest_color(name: object, colors: dict[str, str]) -> str:
    """Colour of a channel, or of the rest."""
    return colors.get(str(name), BASE_COLOR)
