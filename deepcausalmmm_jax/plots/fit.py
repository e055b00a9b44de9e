"""Figures on the fit: the course of the training, actual against predicted, and the holdout."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.axes import REGION, TIME
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.plots.annotations import add_band, mark_holdout, need
from deepcausalmmm_jax.plots.protocols import Answers
from deepcausalmmm_jax.plots.theme import (
    ACTUAL_COLOR,
    BASE_COLOR,
    NAIVE_COLORS,
    PREDICTED_COLOR,
    channel_colors,
    escaped,
    styled,
)

_SHOWN_TERMS = 8
_MOST_POINTS = 400
_MOST_MARKERS = 2500
_SETTLED = 0.1  # share of the epochs after which the objective sets the axis


def training_progress(result: Answers) -> go.Figure:
    """Objective by epoch with every one of its terms; the smaller ones appear by a click on the legend.

    Raises:
        DataError: the result was not trained here.
    """
    history = result.history
    need(len(history), "a training", "weights that were taken over have none")
    terms = history.drop(columns=["objective", "acyclicity_h", "learning_rate"])
    order = terms.iloc[-1].abs().sort_values(ascending=False).index
    colors = channel_colors(list(order))
    thin = history.iloc[np.unique(np.linspace(0, len(history) - 1, _MOST_POINTS).astype(int))]
    figure = go.Figure()
    figure.add_scatter(
        x=thin.index, y=thin["objective"], name="objective", mode="lines", line={"color": ACTUAL_COLOR, "width": 3}
    )
    for number, name in enumerate(order):
        figure.add_scatter(
            x=thin.index,
            y=thin[name],
            name=escaped(str(name).replace("_", " ")),
            mode="lines",
            line={"color": colors[name], "width": 1.3},
            visible=True if number < _SHOWN_TERMS else "legendonly",
        )
    styled(figure, "Training: the objective and its terms", "epoch", "nats per observation", height=460)
    settled = thin.iloc[int(_SETTLED * len(thin)) :][["objective", *order[:_SHOWN_TERMS]]]
    low, high = float(settled.min().min()), float(settled.max().max())
    margin = 0.06 * (high - low) or 1.0
    figure.update_yaxes(range=[low - margin, high + margin])
    return figure


def actual_and_predicted(result: Answers, region: object | None = None, *, scaled: bool = False) -> go.Figure:
    """KPI and prediction by week, the held-out weeks shaded, with interval and naive forecasts there.

    Args:
        result: a fit.
        region: one region; None adds up all.
        scaled: in units of each region's mean training week, so that large regions do not hide small ones.

    Raises:
        DataError: an unknown region.
    """
    table, name = fit_table(result, region)
    kpi = escaped(result.panel.kpi_name)
    columns = ("scaled_kpi", "scaled_prediction") if scaled else ("kpi", "prediction")
    figure = go.Figure()
    shown = {columns[0]: ("actual", ACTUAL_COLOR, "solid"), columns[1]: ("predicted", PREDICTED_COLOR, "dash")}
    for column, (label, color, dash) in shown.items():
        figure.add_scatter(
            x=table.index,
            y=table[column],
            name=label,
            mode="lines",
            line={"color": color, "width": 2.2, "dash": dash},
            meta={"series": column},
            hovertemplate="%{x}: %{y:,.4~r}<extra>" + label + "</extra>",
        )
    if result.holdout and not scaled:
        _add_naive(figure, table, str(result.metrics.loc["holdout", "naive"]))
    if not scaled:
        _add_interval(figure, result, region)
    mark_holdout(figure, result)
    unit = f"{kpi}, 1 = mean training week" if scaled else kpi
    what = "Actual and predicted, each region over its mean week" if scaled else "Actual and predicted"
    return styled(figure, f"{what}, {name}", "week", unit)


def fit_table(result: Answers, region: object | None) -> tuple[pd.DataFrame, str]:
    """Forecasts by week of one region or of all, and the region's name.

    Raises:
        DataError: an unknown region.
    """
    panel = result.panel
    if region is None:
        whole = "all regions" if len(panel.regions) > 1 else escaped(panel.regions[0])
        return result.forecasts().reindex(panel.weeks), whole
    if region not in panel.regions:
        raise DataError(f"The panel has no region {region!r}; it has e.g. {panel.regions[0]!r}.")
    table = result.forecasts(by_region=True)
    own = table[table[panel.region_name] == region].set_index(panel.time_name)
    return own.reindex(panel.weeks), escaped(region)


def _add_interval(figure: go.Figure, result: Answers, region: object | None) -> None:
    """Where nine in ten values of the KPI are expected after training."""
    panel = result.panel
    if result.config.model == "paper" or not (result.holdout or panel.n_past_weeks < len(panel.weeks)):
        return
    table = result.forecast_intervals(by_region=region is not None)
    own = table if region is None else table[table[REGION] == region]
    add_band(figure, list(own[TIME]), own["low"], own["high"], PREDICTED_COLOR, {"whole": True})
    figure.data[-1].update(name="90 % of values expected", showlegend=True)


def _add_naive(figure: go.Figure, table: pd.DataFrame, best: str) -> None:
    for name, color in NAIVE_COLORS.items():
        if table[name].notna().any():
            label = f"naive {name}" + (" (best)" if name == best else "")
            figure.add_scatter(
                x=table.index[table["held_out"] == True],  # noqa: E712  # weeks without a row are neither
                y=table[name][table["held_out"] == True],  # noqa: E712
                name=label,
                mode="lines",
                line={"color": color, "width": 1.8, "dash": "dot"},
                visible=True if name == best else "legendonly",
                meta={"series": name},
                hovertemplate="%{x}: %{y:,.4~r}<extra>" + label + "</extra>",
            )


def regional_fit(result: Answers) -> go.Figure:
    """Mean KPI of each region against its mean prediction, on logarithmic axes.

    Raises:
        DataError: a panel of one region.
    """
    panel = result.panel
    need(len(panel.regions) > 1, "several regions", "a national panel has one")
    table = result.forecasts(by_region=True)
    means = table.groupby(panel.region_name)[["kpi", "prediction"]].mean()
    kpi = escaped(panel.kpi_name)
    figure = go.Figure()
    _add_points(figure, means["kpi"], means["prediction"], means.index)
    styled(figure, "Mean week of each region", f"actual {kpi}", f"predicted {kpi}", height=460)
    return _logarithmic(figure, means)


def holdout_scatter(result: Answers) -> go.Figure:
    """Actual against predicted in the held-out weeks, a point a region and week (some of them, where there are many).

    Raises:
        DataError: nothing was held out, or nothing above zero.
    """
    need(result.holdout, "held-out weeks", "fit with holdout=8 or so")
    panel = result.panel
    table = result.forecasts(by_region=True)
    table = table[table["held_out"]]
    above = table[(table["kpi"] > 0) & (table["prediction"] > 0)]
    need(len(above), "held-out weeks with KPI and prediction above zero", "there are none")
    every = -(-len(above) // _MOST_MARKERS)
    shown = above.iloc[::every]
    names = [
        f"{region}, {str(week)[:10]}"
        for region, week in zip(shown[panel.region_name], shown[panel.time_name], strict=True)
    ]
    kpi = escaped(panel.kpi_name)
    figure = go.Figure()
    _add_points(figure, shown["kpi"], shown["prediction"], names)
    note = "" if every == 1 else f", one region-week in {every}"
    left_out = f", {len(table) - len(above)} at or below zero left out" if len(above) < len(table) else ""
    title = f"The {result.holdout} held-out weeks{note}{left_out}"
    styled(figure, title, f"actual {kpi}", f"predicted {kpi}", height=460)
    return _logarithmic(figure, shown[["kpi", "prediction"]])


def _add_points(figure: go.Figure, x: pd.Series, y: pd.Series, names: Iterable[object]) -> None:
    span = [float(min(x.min(), y.min())), float(max(x.max(), y.max()))]
    figure.add_scatter(
        x=span, y=span, mode="lines", name="equal", line={"color": BASE_COLOR, "dash": "dot"}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        name="actual and predicted",
        text=[escaped(name) for name in names],
        marker={"color": PREDICTED_COLOR, "size": 6, "opacity": 0.55},
        hovertemplate="%{text}: %{x:,.4~r} actual, %{y:,.4~r} predicted<extra></extra>",
    )


def _logarithmic(figure: go.Figure, values: pd.DataFrame) -> go.Figure:
    if float(values.min().min()) > 0 and float(values.max().max()) > 20 * float(values.min().min()):
        figure.update_xaxes(type="log", dtick=1)
        figure.update_yaxes(type="log", dtick=1)
    return figure
