"""Figures on returns: ROI, marginal ROI, cost per unit of KPI, effectiveness."""

from typing import Literal, get_args

import numpy as np
import plotly.graph_objects as go

from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.plots.annotations import add_intervals, interval_texts, largest, need, some_of
from deepcausalmmm_jax.plots.theme import (
    BASE_COLOR,
    INK,
    channel_colors,
    compact,
    escaped,
    labels,
    row_height,
    styled,
)
from deepcausalmmm_jax.results.fit_result import FitResult

Measure = Literal["roi", "mroi", "cpik", "effectiveness"]
_TITLES = {
    "roi": "Return on investment (ROI)",
    "mroi": "Marginal return (mROI) of the next 1% of spend",
    "cpik": "Cost per incremental unit of KPI (CPIK)",
    "effectiveness": "Effectiveness (outcome per unit of exposure)",
}
_WIDEST = 4.0  # an interval may stretch the axis to at most this many times the largest estimate
_SMALL = 1e-4  # below this, ticks are powers of ten
_APART = 50.0  # ratio of largest to smallest estimate from which the axis is logarithmic


def channel_returns(result: FitResult, measure: Measure = "roi", top: int = 25) -> go.Figure:
    """ROI, mROI, CPIK or effectiveness by channel, with intervals for an ensemble.

    Args:
        result: a fit.
        measure: `roi`, `mroi`, `cpik` or `effectiveness`.
        top: channels drawn, those with the largest outcome.

    Raises:
        ConfigError: an unknown measure.
        DataError: no channel has the measure, e.g. because there is no spend.
    """
    if measure not in get_args(Measure):
        raise ConfigError(f"measure must be one of {', '.join(get_args(Measure))}, got {measure!r}.")
    summary = result.media_summary()
    known = summary[summary[measure].notna()]
    need(len(known), "spend" if measure != "effectiveness" else "exposure", "give the panel its spend columns")
    drawn = known.loc[largest(known["incremental_outcome"], top)].sort_values(measure)
    colors, shown = channel_colors(list(summary.index)), labels(list(summary.index))
    refitted = f"{measure}_low" in summary
    beyond = 2.0 * _WIDEST * float(drawn[measure].max())
    ended = drawn.replace(np.inf, beyond)  # a line without an end leaves the axis
    low, high = (
        ended[f"{measure}{end}"].fillna(drawn[measure]) if refitted else drawn[measure] for end in ("_low", "_high")
    )
    names = [shown[name] for name in drawn.index]
    figure = go.Figure(
        go.Scatter(
            x=drawn[measure],
            y=names,
            name="estimate",
            mode="markers" if refitted else "markers+text",
            text=None if refitted else [compact(value) for value in drawn[measure]],
            textposition="middle right",
            cliponaxis=False,
            marker={"size": 13, "color": [colors[name] for name in drawn.index], "line": {"color": INK, "width": 1}},
            customdata=interval_texts(drawn, measure),
            hovertemplate="%{y}: %{x:,.3~r}%{customdata}<extra></extra>",
            meta={
                "channels": list(drawn.index),
                **({"matrix": measure} if measure in ("roi", "effectiveness") else {}),
            },
        )
    )
    if refitted:
        ends = measure if measure in ("roi", "effectiveness") else ""
        own = drawn[f"{measure}_low"], drawn[f"{measure}_high"]
        add_intervals(figure, names, *own, list(drawn.index), ends, beyond=beyond)
    remark = ", 90% intervals" if refitted else ""
    title = _TITLES[measure] + some_of(len(drawn), len(known))
    styled(figure, title, _unit(result, measure), "", height=row_height(len(drawn)), remark=remark)
    has_line = measure in ("roi", "mroi") and result.panel.revenue_per_kpi is not None
    _set_range(figure, drawn[measure].to_numpy(), low.to_numpy(), high.to_numpy(), 1.0 if has_line else 0.0)
    if has_line:
        figure.add_vline(x=1.0, line={"dash": "dot", "width": 1.5, "color": BASE_COLOR})
    return figure.update_yaxes(tickmode="linear").update_layout(showlegend=False)


def _unit(result: FitResult, measure: str) -> str:
    kpi = escaped(result.panel.kpi_label)
    if measure == "cpik":
        return f"currency per unit of {kpi}"
    if measure == "effectiveness":
        return f"{kpi} per unit of exposure"
    return f"{kpi} per unit of currency" if result.panel.revenue_per_kpi is None else "revenue per unit of spend"


def _set_range(figure: go.Figure, values: np.ndarray, low: np.ndarray, high: np.ndarray, shown: float) -> None:
    """Make the axis logarithmic where estimates lie far apart, and keep wide intervals from squeezing the estimates.

    A linear axis includes the value `shown`.
    """
    if values.min() > 0 and values.max() > _APART * values.min():
        bottom, above = low[low > 0], high.max()
        least = max(bottom.min() if len(bottom) else values.min(), values.min() / 100)
        figure.update_xaxes(type="log", range=[np.log10(least / 1.5), np.log10(above * 2)], dtick=1)
        if least < _SMALL:
            figure.update_xaxes(exponentformat="power")
        return
    most = min(high.max(), _WIDEST * max(values.max(), 1e-12)) if values.max() > 0 else high.max()
    least, cut = min(low.min(), 0.0), high.max() > most
    most = max(most, shown)
    figure.update_xaxes(range=[least - 0.04 * (most - least), most + 0.12 * (most - least)])
    if cut:
        figure.update_xaxes(title_text=f"{figure.layout.xaxis.title.text} (some intervals extend further)")


def spend_and_effect_share(result: FitResult, top: int = 20) -> go.Figure:
    """Each channel's share of spend beside its share of the outcome of all media.

    Args:
        result: a fit.
        top: channels drawn, by spend.

    Raises:
        DataError: no channel has spend.
    """
    summary = result.media_summary()
    priced = summary[summary["spend"] > 0]
    need(len(priced), "spend", "give the panel its spend columns")
    drawn = priced.loc[largest(priced["spend"], top)].sort_values("spend")
    colors, shown = channel_colors(list(summary.index)), labels(list(summary.index))
    figure = go.Figure()
    outcome = priced["incremental_outcome"].clip(lower=0)
    shares = {
        "share of spend": (100 * drawn["spend"] / priced["spend"].sum(), True),
        "share of effect": (100 * outcome[drawn.index] / max(float(outcome.sum()), 1e-12), False),
    }
    for label, (share, light) in shares.items():
        figure.add_bar(
            x=share,
            y=[shown[name] for name in drawn.index],
            orientation="h",
            name=label,
            marker={"color": [BASE_COLOR if light else colors[name] for name in drawn.index]},
            hovertemplate="%{y}: %{x:.1f}%<extra>" + label + "</extra>",
            meta={"channels": list(drawn.index)},
        )
    title = "Share of spend (grey) and share of effect (colour)" + some_of(len(drawn), len(priced))
    styled(figure, title, "% of all channels with spend", "", height=row_height(int(1.6 * len(drawn))))
    figure.update_yaxes(tickmode="linear", showgrid=False)
    return figure.update_layout(barmode="group", bargap=0.25, showlegend=False)
