"""What a contact brings by how often a person is reached."""

import numpy as np
import plotly.graph_objects as go

from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.plots.annotations import add_band
from deepcausalmmm_jax.plots.theme import INK, channel_colors, labels, styled
from deepcausalmmm_jax.results.fit_result import FitResult


def frequency_effect(result: FitResult) -> go.Figure:
    """Effect of a contact against contacts per person reached; a dot marks the last year, a diamond the best frequency.

    Args:
        result: a fit; where it has draws, the curves have bands.

    Raises:
        DataError: a panel without reach and frequency.
    """
    told = result.frequency()
    if told.empty:
        raise DataError("No channel of the panel has reach and frequency; name their columns in reach= and frequency=.")
    curves, colors = result.frequency_curves(), channel_colors(list(result.panel.channels))
    shown, figure = labels(list(result.panel.channels)), go.Figure()
    for label, row in told.iterrows():
        name = str(label)
        own = curves[curves["channel"] == name]
        if "effect_low" in own:
            band = own["effect_low"], own["effect_high"]
            add_band(figure, list(own["frequency"]), *band, colors[name], {"channel": name})
        figure.add_scatter(
            x=own["frequency"],
            y=own["effect"],
            name=shown[name],
            mode="lines",
            line={"color": colors[name], "width": 2},
            legendgroup=name,
            meta={"channel": name},
            hovertemplate="%{x:.1f} contacts: %{y:.0%}<extra>" + shown[name] + "</extra>",
        )
        for words, at, symbol in (("last year", row["frequency"], "circle"), ("best", row["best"], "diamond")):
            figure.add_scatter(
                x=[at],
                y=[float(np.interp(at, own["frequency"], own["effect"]))],
                mode="markers",
                marker={"color": colors[name], "size": 11, "symbol": symbol, "line": {"color": INK, "width": 1.2}},
                legendgroup=name,
                showlegend=False,
                meta={"channel": name},
                hovertemplate=words + ": %{x:.1f} contacts, %{y:.0%}<extra>" + shown[name] + "</extra>",
            )
    title = "Effect of a contact by frequency; dots: the last year, diamonds: the best"
    styled(figure, title, "contacts per person reached in a week", "effect of a contact, of the last year's")
    return figure.update_yaxes(tickformat=".0%", rangemode="tozero")
