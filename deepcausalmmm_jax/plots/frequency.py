"""What a contact brings by how often a person is reached."""

import numpy as np
import pandas as pd
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
                error_x=_ends(row, colors[name]) if words == "best" else None,
                hovertemplate=words + ": %{x:.1f} contacts, %{y:.0%}<extra>" + shown[name] + "</extra>",
            )
    drawn = "the median over the draws of the best, 90% intervals" if "best_low" in told else "the best"
    title = f"Effect of a contact by frequency; dots: the last year, diamonds: {drawn}"
    styled(figure, title, "contacts per person reached in a week", "effect of a contact, of the last year's")
    return figure.update_yaxes(tickformat=".0%", rangemode="tozero")


def _ends(row: pd.Series, color: str) -> dict[str, object] | None:
    """The interval of the best frequency: the line is the estimate, whose highest point may be elsewhere within it."""
    if "best_low" not in row:
        return None
    up, down = (max(float(size), 0.0) for size in (row["best_high"] - row["best"], row["best"] - row["best_low"]))
    return {"type": "data", "symmetric": False, "array": [up], "arrayminus": [down], "color": color, "thickness": 1.5}
