"""Figures on the channels' curves: carry-over and saturation."""

import pandas as pd
import plotly.graph_objects as go

from deepcausalmmm_jax.plots.theme import channel_colors, escaped, styled


def adstock_decay(decay: pd.DataFrame) -> go.Figure:
    """Share of an exposure's effect by weeks after it.

    Args:
        decay: index lag in weeks, a column a channel, each summing to at most 1.
    """
    colors = channel_colors(list(decay.columns))
    figure = go.Figure()
    for name in decay.columns:
        figure.add_scatter(
            x=decay.index, y=decay[name], name=escaped(name), mode="lines+markers", line={"color": colors[name]}
        )
    styled(figure, "Carry-over (adstock)", "weeks after the exposure", "share of the effect")
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    return figure


def hill_curves(curves: pd.DataFrame) -> go.Figure:
    """Saturation against exposure, up to the largest week seen.

    Args:
        curves: rows with `channel`, `relative_exposure` (1 = the mean training week) and `saturation` (0 to 1).
    """
    channels = list(dict.fromkeys(curves["channel"]))
    colors = channel_colors(channels)
    figure = go.Figure()
    for name in channels:
        curve = curves[curves["channel"] == name]
        figure.add_scatter(
            x=curve["relative_exposure"],
            y=curve["saturation"],
            name=escaped(name),
            mode="lines",
            line={"color": colors[name]},
        )
    figure.add_vline(x=1, line={"dash": "dot", "width": 1})
    styled(figure, "Diminishing returns (Hill)", "carried-over exposure, 1 = mean week", "share of the ceiling")
    figure.update_yaxes(tickformat=".0%", range=[0, 1])
    return figure
