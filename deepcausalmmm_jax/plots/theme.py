"""One look for all figures: colours that a channel keeps everywhere, readable numbers, quiet axes."""

from collections.abc import Sequence

import plotly.graph_objects as go

# Okabe & Ito (2008), told apart with any colour vision; then a lighter and a darker turn of the same.
_PALETTE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#8C6D1F",
    "#5D3A9B",
    "#66AAD1",
    "#F0C566",
    "#66C5AB",
    "#E69E66",
    "#E0AFCA",
    "#00415F",
    "#005F45",
    "#7F3800",
)
INK = "#1f2933"
MUTED = "#7b8794"
GRID = "#e4e7eb"
WARNING = "#D55E00"
BASE_COLOR = "#9aa5b1"
ACTUAL_COLOR = INK
PREDICTED_COLOR = "#0072B2"


def channel_colors(channels: Sequence[str]) -> dict[str, str]:
    """Colour of each channel, the same in every figure of a panel."""
    return {name: _PALETTE[i % len(_PALETTE)] for i, name in enumerate(channels)}


def styled(figure: go.Figure, title: str, x: str, y: str, height: int = 420) -> go.Figure:
    """Give a figure the shared look.

    Args:
        figure: changed in place.
        title: what the figure shows, in a few words.
        x: name and unit of the horizontal axis.
        y: name and unit of the vertical axis.
        height: pixels.

    Returns:
        The same figure.
    """
    figure.update_layout(
        title={"text": title, "x": 0, "xanchor": "left", "xref": "paper", "font": {"size": 16}},
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 13, "color": INK},
        height=height,
        margin={"l": 70, "r": 20, "t": 56, "b": 60},
        legend={"orientation": "h", "yanchor": "top", "y": -0.18, "x": 0},
        hovermode="closest",
        separators=".,",
    )
    axis = {"gridcolor": GRID, "zerolinecolor": MUTED, "automargin": True}
    figure.update_xaxes(title_text=x, **axis)
    figure.update_yaxes(title_text=y, **axis)
    return figure


def escaped(name: object) -> str:
    """A name as text: plotly reads some HTML in labels, and a column may be called anything."""
    return str(name).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
