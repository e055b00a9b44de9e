"""The look of all figures: one colour for a channel everywhere, readable numbers, light axes."""

import re
from collections.abc import Sequence
from math import isfinite

import plotly.graph_objects as go

from deepcausalmmm_jax.attribution.accuracy import RECENT_WEEKS
from deepcausalmmm_jax.data.cadence import Cadence

# Okabe & Ito (2008), distinct under any colour vision; then lighter and darker variants of the same.
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
MUTED = "#616e7c"
GRID = "#e4e7eb"
WARNING = "#D55E00"
BASE_COLOR = "#9aa5b1"
REST_COLOR = "#cbd2d9"  # channels beyond the largest, added up
ACTUAL_COLOR = INK
PREDICTED_COLOR = "#0072B2"
NAIVE_COLORS = {"mean": "#8C6D1F", "last": "#D55E00", "mean8": "#CC79A7", "seasonal": "#009E73"}
# From light to dark, readable in print and under any colour vision; and one for signed values.
SEQUENTIAL = [[0.0, "#f3f8fc"], [0.35, "#9ecae1"], [0.7, "#3182bd"], [1.0, "#08396e"]]
DIVERGING = [[0.0, "#9a3d00"], [0.25, "#eba27a"], [0.5, "#f7f7f7"], [0.75, "#7ab3d9"], [1.0, "#00497a"]]
ROW = 26  # pixels of a bar or a row
_LONGEST = 24
_UNIT = re.compile(r"[_ .-](?:impressions?|impr|clicks?|grps?|views?|exposure|spend)$", re.IGNORECASE)

_AXIS = {
    "gridcolor": GRID,
    "zerolinecolor": BASE_COLOR,
    "automargin": True,
    "linecolor": GRID,
    "ticks": "outside",
    "tickcolor": GRID,
    "title": {"standoff": 10, "font": {"size": 13}},
    "exponentformat": "B",
    "minexponent": 3,
}
TEMPLATE = go.layout.Template(
    layout={
        "font": {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 13, "color": INK},
        "title": {"x": 0, "xanchor": "left", "xref": "paper", "font": {"size": 16}},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "colorway": list(_PALETTE),
        "margin": {"l": 60, "r": 24, "t": 56, "b": 56},
        "legend": {"orientation": "h", "yanchor": "top", "y": -0.2, "x": 0, "font": {"size": 12}},
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "bgcolor": "white", "font": {"color": INK}},
        "separators": ".,",
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)


def recent_weeks(cadence: Cadence) -> str:
    """The stretch that `today` and the naive forecast `mean8` are of; as in other texts, `week` stands for a step."""
    recent = cadence.steps(RECENT_WEEKS)
    return f"last {recent} weeks" if recent > 1 else "last week"


def naive_names(cadence: Cadence = Cadence.WEEKLY) -> dict[str, str]:
    """Naive forecasts in words; as in other texts, `week` stands for a step, and is reworded with the text.

    Args:
        cadence: of the panel.
    """
    return {
        "mean": "training mean",
        "last": "last week",
        "mean8": f"mean of the {recent_weeks(cadence)}",
        "seasonal": "same week a year ago",
    }


def channel_colors(channels: Sequence[str]) -> dict[str, str]:
    """Colour of each channel by its position in the panel, the same in every figure; all distinct up to 64 channels."""
    return {name: _shaded(_PALETTE[i % len(_PALETTE)], i // len(_PALETTE)) for i, name in enumerate(channels)}


def _shaded(color: str, turn: int) -> str:
    """The colour, or from the second round on a darker or lighter one of the same hue."""
    toward, share = ((0, 0.0), (0, 0.35), (255, 0.35), (0, 0.6))[turn % 4]
    parts = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part + share * (toward - part)):02x}" for part in parts)


def styled(
    figure: go.Figure, title: str, x: str, y: str, height: int = 420, *, scope: str = "", remark: str = ""
) -> go.Figure:
    """Give a figure the shared look.

    Args:
        figure: changed in place.
        title: what the figure shows, in a few words.
        x: name and unit of the horizontal axis.
        y: name and unit of the vertical axis.
        height: pixels.
        scope: the regions shown, put after the title; a report puts the selected region in its place.
        remark: what holds for the whole panel only, put last; a report has none, or another, for a selected region.

    Returns:
        The same figure.
    """
    text = title + (f", {scope}" if scope else "") + remark
    figure.update_layout(title={"text": text}, template=TEMPLATE, height=height, meta={"subject": title})
    figure.update_xaxes(title_text=x)
    figure.update_yaxes(title_text=y)
    return figure


def row_height(rows: int, base: int = 150) -> int:
    """Height in pixels of a figure with this many bars, one above another."""
    return max(280, base + ROW * rows)


def escaped(name: object) -> str:
    """A name as plain text: plotly interprets some HTML in labels, and a column may have any name."""
    return str(name).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def labels(names: Sequence[object]) -> dict[object, str]:
    """Names as axes and legends show them: plain text, without a unit at the end, shortened; no two alike."""
    bare = bare_names(names)
    short = {name: _shortened(bare[name]) for name in names}
    shown = list(short.values())
    return {name: escaped(text if shown.count(text) == 1 else str(name)) for name, text in short.items()}


def bare_names(names: Sequence[object]) -> dict[object, str]:
    """Names without the unit at their end, such as `_impressions`, where no two become alike; not escaped."""
    bare = {name: _UNIT.sub("", str(name)) or str(name) for name in names}
    count = list(bare.values())
    return {name: text if count.count(text) == 1 else str(name) for name, text in bare.items()}


def _shortened(name: str) -> str:
    half = (_LONGEST - 1) // 2
    return name if len(name) <= _LONGEST else f"{name[:half]}…{name[-half:]}"


def compact(value: float) -> str:
    """A number in three significant digits for a label: 1.23M, 45.6k, 0.12."""
    if not isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "–"
    rounded = float(f"{value:.3g}")
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(rounded) >= size:
            return f"{rounded / size:,.3g}{letter}" if abs(rounded) < 1000 * size else f"{rounded / size:,.0f}{letter}"
    text = f"{rounded:.3g}"
    return text if "e" not in text else f"{rounded:.12f}".rstrip("0").rstrip(".")


def faded(color: str, opacity: float) -> str:
    """A hex colour made partly transparent, as `rgba(...)`."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def percent(value: float, digits: int = 1) -> str:
    """A percentage as text, e.g. 6.8%; three significant digits from 100 on."""
    return f"{value:,.{digits}f}%" if abs(value) < 100 else f"{float(f'{value:.3g}'):,.0f}%"


def money(value: float, currency: str | None) -> str:
    """An amount with its currency before it, e.g. EUR 1.23M; the number alone where no currency is known."""
    return f"{currency}\u00a0{compact(value)}" if currency else compact(value)
