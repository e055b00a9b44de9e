"""Figures on the fit: progress of the training, actual against predicted values, and the held-out weeks."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.axes import REGION, TIME
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.plots.annotations import add_band, all_regions, mark_holdout, need
from deepcausalmmm_jax.plots.theme import (
    ACTUAL_COLOR,
    BASE_COLOR,
    NAIVE_COLORS,
    PREDICTED_COLOR,
    channel_colors,
    escaped,
    naive_names,
    styled,
)
from deepcausalmmm_jax.results.fit_result import FitResult

FORECAST_BAND = "forecast"
_SHOWN_TERMS = 8
_TERMS = {
    "volume": "Laplace term",
    "sizes": "prior on scales",
    "huber": "residuals (Huber)",
    "shocks": "shocks that all regions share",
    "counts": "likelihood of counts",
    "gru": "GRU weights",
}
_MOST_POINTS = 400
_WIDE = 20.0  # times the smallest value, from which on axes are logarithmic
_MOST_MARKERS = 2500
_SETTLED = 0.1  # share of the epochs after which the objective sets the axis


def training_progress(result: FitResult) -> go.Figure:
    """Objective by epoch with each of its terms; a click on the legend shows the smaller ones.

    Raises:
        DataError: the weights were imported, so that there is no record of a training.
    """
    history = result.history
    need(len(history), "a training record", "imported weights have none")
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
            name=escaped(_TERMS.get(str(name), str(name).replace("_", " "))),
            mode="lines",
            line={"color": colors[name], "width": 1.3},
            visible=True if number < _SHOWN_TERMS else "legendonly",
        )
    figure.update_traces(hovertemplate="epoch %{x}: %{y:.4~r}<extra>%{fullData.name}</extra>")
    styled(figure, "Training objective and its terms", "epoch", "nats per observation", height=460)
    settled = thin.iloc[int(_SETTLED * len(thin)) :][["objective", *order[:_SHOWN_TERMS]]]
    low, high = float(settled.min().min()), float(settled.max().max())
    margin = 0.06 * (high - low) or 1.0
    figure.update_yaxes(range=[low - margin, high + margin])
    return figure


def actual_and_predicted(result: FitResult, region: object | None = None, *, scaled: bool = False) -> go.Figure:
    """KPI and prediction by week; in the shaded held-out weeks also a forecast interval and naive forecasts.

    Args:
        result: a fit.
        region: one region; None for the sum of all.
        scaled: each region in units of its average training week, so that large regions do not hide small ones.

    Raises:
        DataError: an unknown region.
    """
    table, name = fit_table(result, region)
    kpi = escaped(result.panel.kpi_label)
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
        _add_naive(figure, table, result)
    if not scaled:
        _add_interval(figure, result, region)
    mark_holdout(figure, result)
    unit = f"{kpi} (1 = average training week)" if scaled else kpi
    title = "Actual and predicted, each region relative to its average week" if scaled else "Actual and predicted"
    return styled(figure, title, "week", unit, scope=name)


def fit_table(result: FitResult, region: object | None) -> tuple[pd.DataFrame, str]:
    """Forecasts by week of one region or of all together, and the scope for the title.

    Raises:
        DataError: an unknown region.
    """
    panel = result.panel
    if region is None:
        return result.forecasts().reindex(panel.weeks), all_regions(panel) or escaped(panel.regions[0])
    if region not in panel.regions:
        raise DataError(f"The panel has no region {region!r}; one that it has is {panel.regions[0]!r}.")
    table = result.forecasts(by_region=True)
    own = table[table[panel.region_name] == region].set_index(panel.time_name)
    return own.reindex(panel.weeks), escaped(region)


def has_forecast_interval(result: FitResult) -> bool:
    """Whether there are weeks after training, and a model of their errors."""
    return result.family.has_forecast_errors and (
        result.holdout > 0 or result.panel.n_past_weeks < len(result.panel.weeks)
    )


def _add_interval(figure: go.Figure, result: FitResult, region: object | None) -> None:
    """The interval in which 90% of KPI values are expected after the training weeks."""
    if not has_forecast_interval(result):
        return
    table = result.forecast_intervals(by_region=region is not None)
    own = table if region is None else table[table[REGION] == region]
    add_band(
        figure,
        list(own[TIME]),
        own["low"],
        own["high"],
        PREDICTED_COLOR,
        {"whole": True, "band": FORECAST_BAND, "of": "prediction"},
    )
    figure.data[-1].update(name="90% forecast interval", showlegend=True)


def _add_naive(figure: go.Figure, table: pd.DataFrame, result: FitResult) -> None:
    """Naive forecasts; the best is that of all regions together, also where one of them is shown."""
    best, names = str(result.metrics.loc["holdout", "naive"]), naive_names(result.panel.cadence)
    mark = " (best over all regions)" if len(result.panel.regions) > 1 else " (best)"
    for name, color in NAIVE_COLORS.items():
        if table[name].notna().any():
            label = f"naive: {names[name]}" + (mark if name == best else "")
            figure.add_scatter(
                x=table.index[table["held_out"] == True],  # noqa: E712  # weeks without a row are neither true nor false
                y=table[name][table["held_out"] == True],  # noqa: E712
                name=label,
                mode="lines",
                line={"color": color, "width": 1.8, "dash": "dot"},
                visible=True if name == best else "legendonly",
                meta={"series": name},
                hovertemplate="%{x}: %{y:,.4~r}<extra>" + label + "</extra>",
            )


def regional_fit(result: FitResult) -> go.Figure:
    """Mean KPI of each region against its mean prediction; logarithmic axes where regions differ much in size.

    Raises:
        DataError: a panel of one region.
    """
    panel = result.panel
    need(len(panel.regions) > 1, "several regions", "a national panel has one")
    table = result.forecasts(by_region=True)
    means = table.groupby(panel.region_name)[["kpi", "prediction"]].mean()
    kpi = escaped(panel.kpi_label)
    figure = go.Figure()
    _add_points(figure, means["kpi"], means["prediction"], means.index, "a region")
    styled(figure, "Average week of each region: actual and predicted", f"actual {kpi}", f"predicted {kpi}", height=460)
    return _logarithmic(figure, means)


def holdout_scatter(result: FitResult) -> go.Figure:
    """Actual against predicted in the held-out weeks: one point a region and week, thinned out where there are many.

    Where values differ much in size axes are logarithmic, and those at or below zero cannot be drawn.

    Raises:
        DataError: no weeks were held out, or none of them is above zero.
    """
    need(result.holdout, "held-out weeks", "fit with holdout=8, for example")
    panel = result.panel
    table = result.forecasts(by_region=True)
    table = table[table["held_out"]]
    above = table[(table["kpi"] > 0) & (table["prediction"] > 0)]
    need(len(above), "held-out weeks with KPI and prediction above zero", "this fit has none")
    drawn = above if _is_wide(above[["kpi", "prediction"]]) else table
    every = -(-len(drawn) // _MOST_MARKERS)
    shown = drawn.iloc[::every]
    names = [
        f"{region}, {str(week)[:10]}"
        for region, week in zip(shown[panel.region_name], shown[panel.time_name], strict=True)
    ]
    kpi = escaped(panel.kpi_label)
    figure = go.Figure()
    _add_points(figure, shown["kpi"], shown["prediction"], names, "a region in a week")
    thinned = "" if every == 1 else f", one region-week in {every}"
    left_out = f", {len(table) - len(drawn)} at or below zero not drawn" if len(drawn) < len(table) else ""
    title = f"The {result.holdout} held-out weeks: actual and predicted{thinned}{left_out}"
    styled(figure, title, f"actual {kpi}", f"predicted {kpi}", height=460)
    return _logarithmic(figure, drawn[["kpi", "prediction"]])


def _add_points(figure: go.Figure, x: pd.Series, y: pd.Series, names: Iterable[object], point: str) -> None:
    span = [float(min(x.min(), y.min())), float(max(x.max(), y.max()))]
    figure.add_scatter(
        x=span,
        y=span,
        mode="lines",
        name="prediction = actual",
        line={"color": BASE_COLOR, "dash": "dot"},
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        name=point,
        text=[escaped(name) for name in names],
        marker={"color": PREDICTED_COLOR, "size": 6, "opacity": 0.55},
        hovertemplate="%{text}: %{x:,.4~r} actual, %{y:,.4~r} predicted<extra></extra>",
    )


def _logarithmic(figure: go.Figure, values: pd.DataFrame) -> go.Figure:
    if _is_wide(values):
        figure.update_xaxes(type="log", dtick=1)
        figure.update_yaxes(type="log", dtick=1)
    return figure


def _is_wide(values: pd.DataFrame) -> bool:
    """Whether values, all above zero, differ so much in size that axes should be logarithmic."""
    least, most = float(values.min().min()), float(values.max().max())
    return least > 0 and most > _WIDE * least
