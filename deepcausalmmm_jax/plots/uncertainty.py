"""Figures on forecasts from rolling origins, and on the spread of draws."""

import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.attribution.share_basis import share_basis
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.plots.annotations import largest, need
from deepcausalmmm_jax.plots.theme import (
    INK,
    NAIVE_COLORS,
    PREDICTED_COLOR,
    channel_colors,
    escaped,
    labels,
    naive_names,
    row_height,
    styled,
)
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult

_NAMES = {
    "pct_of_contribution": ("Contribution", "%"),
    "incremental_outcome": ("Incremental outcome", "KPI units"),
    "roi": ("ROI", "ROI"),
    "mroi": ("Marginal ROI", "marginal ROI"),
    "cpik": ("Cost per incremental unit of KPI (CPIK)", "currency per unit of KPI"),
    "effectiveness": ("Effectiveness", "KPI units per unit of exposure"),
}


def cross_validation(scores: pd.DataFrame, kpi_name: str = "KPI") -> go.Figure:
    """RMSE of the model and of the naive forecasts at each origin.

    Args:
        scores: what `cross_validate` returns; several configurations or seeds are averaged.
        kpi_name: name of the KPI.

    Raises:
        DataError: not a table of `cross_validate`.
    """
    if not {"fold", "origin", "rmse"} <= set(scores.columns) or scores.empty:
        raise DataError("This figure needs the table of cross_validate, with columns fold, origin and rmse.")
    columns = ["rmse", *(f"rmse_{name}" for name in NAIVE_COLORS if f"rmse_{name}" in scores)]
    folds = scores.assign(origin=scores["origin"].where(scores["fold"] != "all", "all folds"))
    table = folds.groupby("origin", sort=False)[columns].mean()
    table = table.loc[[*(name for name in table.index if name != "all folds"), "all folds"]]
    figure = go.Figure()
    for column in columns:
        name = column.removeprefix("rmse_")
        model = column == "rmse"
        label = "model" if model else f"naive: {naive_names()[name]}"
        figure.add_bar(
            x=[f"from {escaped(origin)}" if origin != "all folds" else origin for origin in table.index],
            y=table[column],
            name=label,
            marker={"color": PREDICTED_COLOR if model else NAIVE_COLORS[name], "opacity": 1.0 if model else 0.55},
            hovertemplate="%{x}: %{y:,.4~r}<extra>" + label + "</extra>",
        )
    figure.update_layout(barmode="group", bargap=0.3)
    styled(figure, "Forecast error at each origin: model and naive forecasts", "", f"RMSE, {escaped(kpi_name)}")
    return figure.update_xaxes(type="category")


def distributions(result: FitResult, column: str = "pct_of_contribution", top: int = 20) -> go.Figure:
    """Distribution of the draws of each channel: boxes (quartiles), whiskers (within 1.5 box lengths) and outliers.

    Args:
        result: an ensemble, whose draws are refits or draws from the posterior.
        column: of `media_summary`, e.g. `pct_of_contribution`, `roi`, `incremental_outcome`.
        top: channels drawn, by outcome.

    Raises:
        DataError: a result without draws.
        ConfigError: an unknown column.
    """
    if not isinstance(result, Ensemble):
        raise DataError("This figure needs refits or posterior draws; run bootstrap first.")
    draws = result.draws(column)
    summary = result.media_summary()
    kept = [name for name in largest(summary["incremental_outcome"], top) if draws[name].notna().any()]
    need(kept, "spend", "give the panel its spend columns")
    order = draws[kept].median().sort_values().index
    colors, shown = channel_colors(list(result.panel.channels)), labels(list(result.panel.channels))
    figure = go.Figure()
    for name in order:
        figure.add_box(
            x=draws[name],
            name=shown[name],
            marker={"color": colors[name], "size": 4},
            line={"width": 1.5},
            boxpoints="outliers",
            orientation="h",
            showlegend=False,
            meta={"channel": name},
            hovertemplate="%{x:,.3~r}<extra>" + shown[name] + "</extra>",
        )
    figure.add_scatter(
        x=summary.loc[order, column],
        y=[shown[name] for name in order],
        mode="markers",
        name="estimate",
        cliponaxis=False,
        marker={"symbol": "diamond", "size": 9, "color": "white", "line": {"color": INK, "width": 1.5}},
        meta={"channels": list(order)},
        hovertemplate="estimate %{x:,.3~r}<extra></extra>",
    )
    name, unit = _NAMES[column]
    unit += f" of {escaped(share_basis(result.fitted_panel))}" if column == "pct_of_contribution" else ""
    figure.update_xaxes(rangemode="tozero", hoverformat=",.3~r")
    styled(figure, f"{name}, distribution of {len(draws)} draws", unit, "", height=row_height(len(order), base=180))
    return figure.update_yaxes(tickmode="linear", showgrid=False).update_layout(showlegend=True)
