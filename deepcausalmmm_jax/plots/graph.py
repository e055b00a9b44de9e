"""Figures on the channel graph: as a network, as a heatmap, and the effects along its edges."""

import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.plots.annotations import largest, need
from deepcausalmmm_jax.plots.theme import (
    BASE_COLOR,
    DIVERGING,
    INK,
    MUTED,
    WARNING,
    channel_colors,
    escaped,
    labels,
    row_height,
    styled,
)
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult

_MOST_NAMES = 24  # in larger networks the nodes carry no names


def edge_shares(result: FitResult) -> pd.DataFrame | None:
    """Share of the refits with each edge, channel x channel; None without refits that learn the graph again."""
    return result.edge_frequency if isinstance(result, Ensemble) and not result.from_posterior else None


def graph_heatmap(result: FitResult, top: int = 30) -> go.Figure:
    """Weight of each edge from row to column, and the share of refits that contain it.

    Args:
        result: a fit.
        top: channels drawn, those with the strongest edges.

    Raises:
        DataError: a single channel, or no edge.
    """
    adjacency = _linked(result, top)
    names = [labels(list(result.panel.channels))[name] for name in adjacency.columns]
    text, hover = None, ""
    often = edge_shares(result)
    if often is not None:
        found = often.loc[adjacency.index, adjacency.columns].to_numpy()
        text = [[f"{share:.0%}" if share > 0 else "" for share in row] for row in found]
        hover = " · in %{text} of refits"
    shown = adjacency.where(adjacency != 0).to_numpy()
    span = float(np.nanmax(np.abs(shown)))
    figure = go.Figure(
        go.Heatmap(
            z=shown,
            x=names,
            y=names,
            colorscale=DIVERGING,
            zmin=-span,
            zmax=span,
            xgap=1,
            ygap=1,
            text=text,
            texttemplate="%{text}" if text and len(names) <= 16 else None,
            colorbar={"title": {"text": "weight"}, "thickness": 12},
            hovertemplate="%{y} → %{x}: %{z:.2f}" + hover + "<extra></extra>",
        )
    )
    remark = "; numbers: share of refits with the edge" if text else ""
    styled(figure, "Edge weights, in average weeks", "to", "from", remark=remark)
    figure.update_layout(height=row_height(len(names), base=240))
    figure.update_xaxes(tickangle=-60, tickmode="linear", showgrid=False, ticks="")
    return figure.update_yaxes(autorange="reversed", tickmode="linear", showgrid=False, ticks="")


def graph_network(result: FitResult, top: int = 30) -> go.Figure:
    """Channels on a circle, with an arrow for each edge; edges of negative weight have the warning colour.

    Args:
        result: a fit; for a bootstrap, edges found in few refits are paler.
        top: channels drawn, those with the strongest edges.

    Raises:
        DataError: a single channel, or no edge.
    """
    adjacency = _linked(result, top)
    often = edge_shares(result)
    channels = list(adjacency.index)
    angle = {name: 2 * math.pi * i / len(channels) + math.pi / 2 for i, name in enumerate(channels)}
    at = {name: (math.cos(angle[name]), math.sin(angle[name])) for name in channels}
    figure = go.Figure()
    strongest = float(adjacency.abs().max().max())
    for source, target in zip(*np.nonzero(adjacency.to_numpy()), strict=True):
        tail, head = channels[source], channels[target]
        weight = float(adjacency.iloc[source, target])
        figure.add_annotation(
            x=at[head][0],
            y=at[head][1],
            ax=at[tail][0],
            ay=at[tail][1],
            xref="x",
            yref="y",
            axref="x",
            ayref="y",
            text="",
            showarrow=True,
            arrowhead=2,
            arrowwidth=1 + 3 * abs(weight) / strongest,
            arrowcolor=MUTED if weight > 0 else WARNING,
            opacity=1.0 if often is None else 0.25 + 0.75 * float(often.loc[tail, head]),
            standoff=13,
            startstandoff=13,
        )
    _add_nodes(figure, result, at)
    styled(figure, "Which channel drives which", "", "", height=480)
    figure.update_xaxes(visible=False, range=[-1.75, 1.75])
    return figure.update_yaxes(visible=False, range=[-1.3, 1.3])


def _add_nodes(figure: go.Figure, result: FitResult, at: dict[str, tuple[float, float]]) -> None:
    channels = list(at)
    colors, shown = channel_colors(list(result.panel.channels)), labels(list(result.panel.channels))
    side = {
        name: "middle right" if x > 0.2 else "middle left" if x < -0.2 else "top center" if y > 0 else "bottom center"
        for name, (x, y) in at.items()
    }
    figure.add_scatter(
        x=[at[name][0] for name in channels],
        y=[at[name][1] for name in channels],
        mode="markers+text" if len(channels) <= _MOST_NAMES else "markers",
        text=[shown[name] for name in channels],
        textposition=[side[name] for name in channels],
        textfont={"size": 11},
        marker={"size": 18, "color": [colors[name] for name in channels], "line": {"color": INK, "width": 1}},
        hovertemplate="%{text}<extra></extra>",
        cliponaxis=False,
        showlegend=False,
    )


def _linked(result: FitResult, top: int) -> pd.DataFrame:
    adjacency = result.adjacency
    need(len(adjacency) > 1, "several channels", "a single channel has no links")
    need(bool((adjacency != 0).any().any()), "a link between channels", "the fit found none that is clearly above zero")
    strength = adjacency.abs().max(axis=0) + adjacency.abs().max(axis=1)
    kept = largest(strength[strength > 0] if len(adjacency) > top else strength, top)
    return adjacency.loc[kept, kept]


def effects(result: FitResult, top: int = 20) -> go.Figure:
    """Outcome lost without each channel: its own, and through the channels that it drives.

    Args:
        result: a fit.
        top: channels drawn, by total effect.
    """
    table = result.effects()
    drawn = table.loc[largest(table["total"], top)].sort_values("total")
    colors, shown = channel_colors(list(table.index)), labels(list(table.index))
    figure = go.Figure()
    for part in ("direct", "mediated"):
        figure.add_bar(
            x=drawn[part],
            y=[shown[name] for name in drawn.index],
            orientation="h",
            name="direct" if part == "direct" else "mediated by other channels (hatched)",
            marker={
                "color": [colors[name] for name in drawn.index],
                "pattern": {"shape": "" if part == "direct" else "/", "fgcolor": "white", "size": 6},
            },
            customdata=[escaped(name) for name in drawn["through"]],
            hovertemplate="%{y}: %{x:,.4~r} "
            + ("direct" if part == "direct" else "mediated by %{customdata}")
            + "<extra></extra>",
            meta={"channels": list(drawn.index)},
        )
    figure.add_scatter(
        x=drawn["total"],
        y=[shown[name] for name in drawn.index],
        mode="markers",
        name="total",
        marker={"symbol": "line-ns", "size": 16, "line": {"color": INK, "width": 2.5}},
        hovertemplate="%{y}: %{x:,.4~r} in total<extra></extra>",
        meta={"channels": list(drawn.index)},
    )
    styled(figure, "Direct, mediated and total effects", escaped(result.panel.kpi_name), "")
    figure.update_layout(barmode="relative", height=row_height(len(drawn), base=190))
    figure.update_xaxes(zerolinecolor=BASE_COLOR)
    return figure.update_yaxes(tickmode="linear", showgrid=False)
