"""Figures on the channel graph: as a network and as a heatmap."""

import math

import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.plots.theme import INK, MUTED, WARNING, channel_colors, escaped, styled


def graph_heatmap(adjacency: pd.DataFrame) -> go.Figure:
    """Strength of each edge, from row to column.

    Args:
        adjacency: channel x channel, 0 where there is no edge.
    """
    labels = [escaped(name) for name in adjacency.columns]
    figure = go.Figure(
        go.Heatmap(
            z=adjacency.where(adjacency != 0).to_numpy(),
            x=labels,
            y=labels,
            colorscale="RdBu",
            zmid=0,
            colorbar={"title": {"text": "mean weeks"}, "tickformat": ".2~f"},
            hovertemplate="%{y} → %{x}: %{z:.2f}<extra></extra>",
        )
    )
    styled(figure, "Channel graph: mean weeks a column gains per mean week of a row", "to", "from", height=460)
    figure.update_yaxes(autorange="reversed")
    return figure


def graph_network(adjacency: pd.DataFrame) -> go.Figure:
    """Channels on a circle, an arrow for each edge; one that takes exposure away is in the warning colour.

    Args:
        adjacency: channel x channel, 0 where there is no edge.
    """
    channels = list(adjacency.index)
    colors = channel_colors(channels)
    angle = {name: 2 * math.pi * i / len(channels) + math.pi / 2 for i, name in enumerate(channels)}
    at = {name: (math.cos(angle[name]), math.sin(angle[name])) for name in channels}
    figure = go.Figure()
    strongest = float(adjacency.abs().max().max())
    for source in channels:
        for target in channels:
            weight = float(adjacency.loc[source, target])
            if weight != 0:
                figure.add_annotation(
                    x=at[target][0],
                    y=at[target][1],
                    ax=at[source][0],
                    ay=at[source][1],
                    xref="x",
                    yref="y",
                    axref="x",
                    ayref="y",
                    text="",
                    showarrow=True,
                    arrowhead=2,
                    arrowwidth=1 + 3 * abs(weight) / strongest,
                    arrowcolor=MUTED if weight > 0 else WARNING,
                    standoff=14,
                    startstandoff=14,
                )
    figure.add_scatter(
        x=[at[name][0] for name in channels],
        y=[at[name][1] for name in channels],
        mode="markers+text",
        text=[escaped(name) for name in channels],
        textposition=["top center" if at[name][1] >= -0.2 else "bottom center" for name in channels],
        marker={"size": 22, "color": [colors[name] for name in channels], "line": {"color": INK, "width": 1}},
        hoverinfo="text",
        cliponaxis=False,
        showlegend=False,
    )
    styled(figure, "Channel graph", "", "", height=460)
    figure.update_xaxes(visible=False, range=[-1.5, 1.5])
    figure.update_yaxes(visible=False, range=[-1.3, 1.4])
    return figure
