"""Figures on the data, before any fit."""

from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.plots.annotations import OTHERS, all_regions, group_name, largest, need, rest_color, some_of
from deepcausalmmm_jax.plots.theme import (
    ACTUAL_COLOR,
    BASE_COLOR,
    PREDICTED_COLOR,
    WARNING,
    channel_colors,
    escaped,
    labels,
    row_height,
    styled,
)

_STATES = ("no row", "no KPI", "observed")


def panel_kpi(panel: Panel, top: int = 5) -> go.Figure:
    """KPI by week: the sum of all regions; a click on the legend adds the largest ones.

    Args:
        panel: the data.
        top: regions drawn.
    """
    seen = panel.weights > 0
    kpi = np.where(seen, panel.kpi, np.nan)
    whole = pd.Series(np.nansum(kpi, axis=0), index=panel.weeks).where(np.asarray(seen.any(axis=0)))
    figure = go.Figure()
    figure.add_scatter(
        x=panel.weeks,
        y=whole,
        name=all_regions(panel) or escaped(panel.kpi_label),
        mode="lines",
        line={"color": ACTUAL_COLOR, "width": 2.2},
    )
    if len(panel.regions) > 1:
        total = pd.Series(np.nansum(kpi, axis=1), index=np.arange(len(panel.regions)))
        colors = channel_colors([str(name) for name in range(top)])
        for color, row in zip(colors.values(), total.sort_values(ascending=False).index[:top], strict=False):
            figure.add_scatter(
                x=panel.weeks,
                y=kpi[row],
                name=escaped(panel.regions[row]),
                mode="lines",
                line={"color": color, "width": 1.5},
                visible="legendonly",
            )
    figure.update_traces(hovertemplate="%{x}: %{y:,.4~r}<extra>%{fullData.name}</extra>")
    styled(figure, f"KPI: {escaped(panel.kpi_label)}", "week", escaped(panel.kpi_label))
    return figure.update_yaxes(rangemode="tozero").update_layout(showlegend=True)


def panel_exposure(panel: Panel, top: int = 12) -> go.Figure:
    """Exposure of all regions by week, each channel relative to its own mean so that all share an axis.

    Args:
        panel: the data.
        top: channels drawn, those that vary the most.
    """
    weekly = panel.exposure.sum(axis=0)
    mean = weekly.mean(axis=0)
    relative = pd.DataFrame(weekly / np.where(mean > 0, mean, 1.0), index=panel.weeks, columns=list(panel.channels))
    kept = largest(relative.std(), top)
    colors, shown = channel_colors(list(panel.channels)), labels(list(panel.channels))
    figure = go.Figure()
    for name in kept:
        figure.add_scatter(
            x=panel.weeks,
            y=relative[name],
            name=shown[name],
            mode="lines",
            line={"color": colors[name], "width": 1.5},
            meta={"channel": name},
            hovertemplate="%{x}: %{y:.2f}<extra>" + shown[name] + "</extra>",
        )
    title = "Exposure" + some_of(len(kept), len(panel.channels), "the {} channels that vary most")
    return styled(figure, title, "week", "exposure (1 = average week)", scope=all_regions(panel))


def panel_spend(panel: Panel, top: int = 12) -> go.Figure:
    """Spend of all regions by week, stacked.

    Args:
        panel: the data.
        top: channels drawn; the others are added up.

    Raises:
        DataError: a panel without spend.
    """
    need(panel.spend is not None, "spend", "give the panel its spend columns")
    spend = np.zeros(panel.exposure.shape) if panel.spend is None else np.nan_to_num(panel.spend)
    weekly = pd.DataFrame(spend.sum(axis=0), index=panel.weeks, columns=list(panel.channels))
    priced = weekly.loc[:, weekly.sum() > 0]
    need(priced.shape[1], "spend", "all spend of this panel is zero")
    kept = largest(priced.sum(), top)
    parts = {name: priced[name] for name in kept}
    rest = [name for name in priced.columns if name not in kept]
    others = group_name(panel, OTHERS)
    parts |= {others: priced[rest].sum(axis=1)} if rest else {}
    colors, shown = channel_colors(list(panel.channels)), labels([*panel.channels, others])
    figure = go.Figure()
    for name, values in parts.items():
        figure.add_scatter(
            x=panel.weeks,
            y=values,
            name=shown[name],
            mode="lines",
            stackgroup="all",
            line={"color": rest_color(name, colors), "width": 0.5},
            meta={"channel": name} if name in panel.channels else {},
            hovertemplate="%{x}: %{y:,.4~r}<extra>" + shown[name] + "</extra>",
        )
    return styled(figure, "Spend", "week", "currency", scope=all_regions(panel))


def panel_gaps(panel: Panel, order: Literal["gaps", "panel"] = "gaps", top: int = 40) -> go.Figure:
    """Which region-weeks have a KPI, which have only a row, and which have neither.

    Args:
        panel: the data.
        order: `gaps` for the regions with gaps, most gaps first; `panel` for all regions in the panel's order.
        top: regions drawn.
    """
    state = panel.present.astype(int) + (panel.weights > 0)
    gaps = (state < 2).sum(axis=1)
    some = np.argsort(-gaps, kind="stable")[: min(top, max(1, int((gaps > 0).sum())))]
    rows = some if order == "gaps" else np.arange(min(top, len(gaps)))
    shown = labels([str(panel.regions[row]) for row in rows])
    figure = go.Figure(
        go.Heatmap(
            z=state[rows],
            x=panel.weeks,
            y=list(shown.values()),
            zmin=0,
            zmax=2,
            colorscale=[
                [0, WARNING],
                [0.33, WARNING],
                [0.33, BASE_COLOR],
                [0.67, BASE_COLOR],
                [0.67, PREDICTED_COLOR],
                [1, PREDICTED_COLOR],
            ],
            colorbar={"tickvals": [0.33, 1.0, 1.67], "ticktext": list(_STATES), "thickness": 12},
            ygap=1,
            hovertemplate="%{y}, %{x}<extra></extra>",
        )
    )
    title = f"Gaps in {int((gaps > 0).sum())} of {len(gaps)} regions, {int(gaps.sum()):,} region-weeks in total"
    styled(figure, title, "week", "", height=row_height(len(rows)))
    return figure.update_yaxes(autorange="reversed", type="category", showgrid=False, tickmode="linear")
