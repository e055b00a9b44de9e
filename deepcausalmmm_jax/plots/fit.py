"""Figures on the fit: actual against predicted, and the course of the training."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.plots.theme import ACTUAL_COLOR, MUTED, PREDICTED_COLOR, channel_colors, escaped, styled


def actual_and_predicted(table: pd.DataFrame, time: str, kpi_name: str, holdout_start: object | None) -> go.Figure:
    """National KPI and prediction by week.

    Args:
        table: one row per region and week with columns `time`, `kpi` (empty where not observed) and `prediction`.
        time: the column of weeks.
        kpi_name: name of the KPI.
        holdout_start: first held-out week, marked by a line; None marks nothing.
    """
    observed = table[table["kpi"].notna()]
    weekly = observed.groupby(time)[["kpi", "prediction"]].sum()
    figure = go.Figure()
    figure.add_scatter(
        x=weekly.index, y=weekly["kpi"], name="actual", mode="lines", line={"color": ACTUAL_COLOR, "width": 2}
    )
    figure.add_scatter(
        x=weekly.index,
        y=weekly["prediction"],
        name="predicted",
        mode="lines",
        line={"color": PREDICTED_COLOR, "width": 2, "dash": "dash"},
    )
    if holdout_start is not None:
        figure.add_shape(
            type="rect",
            x0=holdout_start,
            x1=weekly.index[-1],
            y0=0,
            y1=1,
            yref="paper",
            fillcolor=MUTED,
            opacity=0.12,
            line_width=0,
        )
        figure.add_annotation(
            x=holdout_start, y=1, yref="paper", text="held out", showarrow=False, xanchor="left", yanchor="bottom"
        )
    return styled(figure, "Actual and predicted, all regions", "week", escaped(kpi_name))


def regional_fit(table: pd.DataFrame, region: str, kpi_name: str) -> go.Figure:
    """Mean KPI of each region against its mean prediction, on logarithmic axes.

    Args:
        table: as for `actual_and_predicted`, with a column `region` of regions.
        region: the column of regions.
        kpi_name: name of the KPI.
    """
    means = table[table["kpi"].notna()].groupby(region)[["kpi", "prediction"]].mean()
    figure = go.Figure()
    span = [float(means.min().min()), float(means.max().max())]
    figure.add_scatter(x=span, y=span, mode="lines", name="equal", line={"color": MUTED, "dash": "dot"})
    figure.add_scatter(
        x=means["kpi"],
        y=means["prediction"],
        mode="markers",
        name="region",
        text=[escaped(label) for label in means.index],
        marker={"color": PREDICTED_COLOR, "size": 7, "opacity": 0.7},
    )
    styled(figure, "Mean week of each region", f"actual {escaped(kpi_name)}", f"predicted {escaped(kpi_name)}")
    figure.update_xaxes(type="log")
    figure.update_yaxes(type="log")
    return figure


def training_progress(history: pd.DataFrame, most: int = 8) -> go.Figure:
    """Objective by epoch, with the largest of its terms.

    Args:
        history: by epoch: `objective`, and a column a term.
        most: number of terms drawn.
    """
    terms = history.drop(columns=["objective", "acyclicity_h", "learning_rate"])
    shown = terms.iloc[-1].abs().sort_values(ascending=False).index[:most]
    colors = channel_colors(list(shown))
    step = max(1, len(history) // 400)
    thin = history.iloc[np.arange(0, len(history), step)]
    figure = go.Figure()
    figure.add_scatter(
        x=thin.index, y=thin["objective"], name="objective", mode="lines", line={"color": ACTUAL_COLOR, "width": 2.5}
    )
    for name in shown:
        figure.add_scatter(
            x=thin.index, y=thin[name], name=name, mode="lines", line={"color": colors[name], "width": 1.2}
        )
    return styled(figure, "Training", "epoch", "nats per observation")
