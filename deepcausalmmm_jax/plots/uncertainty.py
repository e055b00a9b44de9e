"""Figures on forecasts from rolling origins, and on what refits say."""

import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.plots.annotations import largest, need
from deepcausalmmm_jax.plots.protocols import Answers, has_refits
from deepcausalmmm_jax.plots.theme import (
    INK,
    NAIVE_COLORS,
    PREDICTED_COLOR,
    channel_colors,
    escaped,
    labels,
    row_height,
    styled,
)

_UNITS = {
    "pct_of_contribution": "percent of the predicted KPI",
    "incremental_outcome": "KPI units",
    "roi": "ROI",
    "mroi": "marginal ROI",
}


def cross_validation(scores: pd.DataFrame, kpi_name: str = "KPI") -> go.Figure:
    """Error of the model and of the naive forecasts at each origin.

    Args:
        scores: what `cross_validate` returns, of one configuration and seed or several (those are then averaged).
        kpi_name: name of the KPI.

    Raises:
        DataError: a table without folds.
    """
    if not {"fold", "origin", "rmse"} <= set(scores.columns) or scores.empty:
        raise DataError("The figure needs the table of cross_validate, with columns fold, origin and rmse.")
    columns = ["rmse", *(f"rmse_{name}" for name in NAIVE_COLORS if f"rmse_{name}" in scores)]
    folds = scores.assign(origin=scores["origin"].where(scores["fold"] != "all", "all folds"))
    table = folds.groupby("origin", sort=False)[columns].mean()
    table = table.loc[[*(name for name in table.index if name != "all folds"), "all folds"]]
    figure = go.Figure()
    for column in columns:
        name = column.removeprefix("rmse_")
        model = column == "rmse"
        figure.add_bar(
            x=[f"from {escaped(label)}" if label != "all folds" else label for label in table.index],
            y=table[column],
            name="model" if model else f"naive {name}",
            marker={"color": PREDICTED_COLOR if model else NAIVE_COLORS[name], "opacity": 1.0 if model else 0.55},
            hovertemplate="%{x}: %{y:,.4~r}<extra>" + ("model" if model else f"naive {name}") + "</extra>",
        )
    figure.update_layout(barmode="group", bargap=0.3)
    styled(figure, "Forecasts from rolling origins, beside naive ones", "", f"RMSE, {escaped(kpi_name)}")
    return figure.update_xaxes(type="category")


def distributions(result: Answers, column: str = "pct_of_contribution", top: int = 20) -> go.Figure:
    """What the refits say of each channel, as boxes (middle half, and all within 1.5 times that) with outliers.

    Args:
        result: an ensemble.
        column: of `media_summary`, e.g. `pct_of_contribution`, `roi`, `incremental_outcome`.
        top: channels drawn, by outcome.

    Raises:
        DataError: a result without refits.
        ConfigError: an unknown column.
    """
    if not has_refits(result):
        raise DataError("The figure needs refits; run bootstrap first.")
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
        marker={"symbol": "diamond", "size": 9, "color": "white", "line": {"color": INK, "width": 1.5}},
        meta={"channels": list(order)},
        hovertemplate="estimate %{x:,.3~r}<extra></extra>",
    )
    unit = _UNITS.get(column, column.replace("_", " "))
    styled(figure, f"What {len(draws)} draws say: {unit}", unit, "", height=row_height(len(order), base=180))
    return figure.update_yaxes(tickmode="linear", showgrid=False).update_layout(showlegend=True)
