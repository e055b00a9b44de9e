"""Annotations that several figures share: shaded weeks, intervals, the rest beyond the largest."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.plots.theme import INK, MUTED, REST_COLOR, compact, faded
from deepcausalmmm_jax.results.fit_result import FitResult

OTHERS = "other channels"


def mark_holdout(figure: go.Figure, result: FitResult) -> None:
    """Shade the held-out weeks of a figure over weeks, and planned weeks after the last KPI, where there are any."""
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


def largest(values: pd.Series, top: int) -> list[str]:
    """Labels of the `top` largest absolute values, in the order of the series."""
    kept = set(values.abs().sort_values(ascending=False, kind="stable").index[:top])
    return [label for label in values.index if label in kept]


def some_of(drawn: int, whole: int, words: str = "the largest {}") -> str:
    """For a title, how many of the channels are drawn; empty where all are."""
    return "" if drawn >= whole else f" ({words.format(f'{drawn} of {whole}')})"


def add_band(
    figure: go.Figure,
    x: Sequence[object],
    low: Iterable[float],
    high: Iterable[float],
    color: str,
    meta: Mapping[str, object],
) -> None:
    """A shaded interval behind a line."""
    figure.add_scatter(
        x=[*x, *list(x)[::-1]],
        y=[*high, *list(low)[::-1]],
        fill="toself",
        connectgaps=True,  # with a gap, each half of the outline would be closed by itself
        fillcolor=faded(color, 0.18),
        mode="lines",
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
        meta=dict(meta),
    )


def add_intervals(
    figure: go.Figure,
    names: Sequence[str],
    low: Iterable[float],
    high: Iterable[float],
    channels: Sequence[str],
    matrix: str = "",
    unit: str = "",
    beyond: float = np.inf,
) -> None:
    """Whiskers from `low` to `high` on horizontal bars or dots, also where the estimate lies outside them.

    Args:
        figure: changed in place.
        names: labels on the vertical axis.
        low: lower ends; missing where there is no interval.
        high: upper ends.
        channels: the channel of each label.
        matrix: the measure whose intervals a report has by region; empty where it has none.
        unit: put after each end in tooltips.
        beyond: a value off the axis, to which an interval without an upper end is drawn; the table behind has no number
            for that end.
    """
    ends = {"low": list(low), "high": list(high)}
    drawn = [min(value, beyond) for value in ends["high"]]
    x = [value for pair in zip(ends["low"], drawn, strict=True) for value in (*pair, None)]
    figure.add_scatter(
        x=x,
        y=[name for name in names for _ in range(3)],
        mode="lines",
        line={"color": INK, "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
        meta={"channels": [name for name in channels for _ in range(3)], "whole": True, "ends": matrix},
    )
    for end, values in ends.items():
        endless = [bool(np.isposinf(value)) for value in values]
        figure.add_scatter(
            x=[None if without else value for value, without in zip(values, endless, strict=True)],
            y=list(names),
            mode="markers",
            name=end,
            marker={"symbol": "line-ns", "size": 9, "line": {"color": INK, "width": 1.5}},
            showlegend=False,
            meta={"channels": list(channels), "whole": True, "ends": matrix, "end": end, "endless": endless},
            hovertemplate="%{y}, " + end + " end: %{x:,.3~r}" + unit + "<extra></extra>",
        )


def interval_texts(table: pd.DataFrame, column: str, unit: str = "") -> list[str]:
    """The interval of each row in words, for tooltips, such as ` (90% range: 0.2 to 0.4)`; empty where there is none.

    Args:
        table: with `<column>_low` and `<column>_high` where there are intervals.
        column: whose intervals are wanted.
        unit: put after each end.
    """
    if f"{column}_low" not in table:
        return [""] * len(table)
    pairs = zip(table[f"{column}_low"], table[f"{column}_high"], strict=True)
    return [
        "" if pd.isna(low) else f" (90% range: {compact(low)}{unit} to {compact(high)}{unit})" for low, high in pairs
    ]


def need(given: object, what: str, remedy: str) -> None:
    """Refuse a figure whose data are missing.

    Raises:
        DataError: saying what is missing, and what to do about it.
    """
    if not given:
        raise DataError(f"This figure needs {what}; {remedy}.")


def group_name(panel: Panel, name: str) -> str:
    """The name of parts that are added up, such as `events`; another where a channel or a treatment is called so."""
    taken = {*panel.channels, *(entry.name for entry in panel.treatments)}
    while name in taken:
        name = f"all {name}"
    return name


def rest_color(name: object, colors: dict[str, str]) -> str:
    """Colour of a channel, or of the rest added up."""
    return colors.get(str(name), REST_COLOR)


def all_regions(panel: Panel) -> str:
    """Scope of a figure of the whole panel, for its title; empty for a national panel."""
    return "all regions" if len(panel.regions) > 1 else ""
