"""Figures on contributions: over time and in total."""

import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.plots.theme import BASE_COLOR, channel_colors, escaped, styled

BASE_NAME = "baseline, trend, season and controls"


def contribution_over_time(weekly: pd.DataFrame, channels: list[str], kpi_name: str) -> go.Figure:
    """Stacked weekly contributions of all regions together.

    Args:
        weekly: a row a week, a column a component.
        channels: the columns that are channels; the others are drawn as one base.
        kpi_name: name of the KPI.
    """
    colors = channel_colors(channels)
    base = weekly.drop(columns=channels).sum(axis=1)
    figure = go.Figure()
    figure.add_scatter(
        x=weekly.index,
        y=base,
        name=BASE_NAME,
        mode="lines",
        stackgroup="all",
        line={"color": BASE_COLOR, "width": 0.5},
    )
    for name in channels:
        figure.add_scatter(
            x=weekly.index,
            y=weekly[name],
            name=escaped(name),
            mode="lines",
            stackgroup="all",
            line={"color": colors[name], "width": 0.5},
        )
    return styled(figure, "Contribution over time, all regions", "week", escaped(kpi_name), height=480)


def contribution_total(summary: pd.DataFrame) -> go.Figure:
    """Each channel's share of the predicted KPI.

    Args:
        summary: by channel, with `pct_of_contribution` in percent and `incremental_outcome` in KPI units.
    """
    ordered = summary.sort_values("pct_of_contribution")
    colors = channel_colors(list(summary.index))
    figure = go.Figure(
        go.Bar(
            x=ordered["pct_of_contribution"],
            y=[escaped(name) for name in ordered.index],
            orientation="h",
            marker={"color": [colors[name] for name in ordered.index]},
            text=[f"{share:.1f} %" for share in ordered["pct_of_contribution"]],
            textposition="outside",
            cliponaxis=False,
            customdata=ordered["incremental_outcome"],
            hovertemplate="%{y}: %{x:.2f} % · %{customdata:,.0f}<extra></extra>",
        )
    )
    height = max(260, 120 + 34 * len(ordered))
    return styled(figure, "Contribution in total", "percent of the predicted KPI", "", height=height)
