"""Drawings of the model for its page: the way of an exposure to the KPI, carry-over, saturation, and what adds up.

Curves are those of `deepcausalmmm_jax/ops`, so that the drawings show what the model computes.
"""

from collections.abc import Sequence
from html import escape

import jax.numpy as jnp
import numpy as np

from deepcausalmmm_jax.ops.adstock import delayed_geometric_kernel, geometric_kernel
from deepcausalmmm_jax.ops.frequency import effect_per_contact
from deepcausalmmm_jax.ops.hill import hill
from deepcausalmmm_jax.ops.saturation import linear, logarithmic, logistic_saturation, michaelis_menten, root

_STYLE = "max-width:100%;height:auto;font-family:system-ui,sans-serif"
_INK, _MUTED, _LINE = "#1f2933", "#55606b", "#34658c"
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#5D3A9B")
_PAPER, _BOX = "#ffffff", "#e3edf5"
_N_WAITS = 14


def flow_drawing() -> str:
    """From the exposure of a channel to the prediction of the KPI, step by step."""
    steps = (
        ("exposure", "impressions, GRPs"),
        ("carry-over", "adstock: later weeks"),
        ("saturation", "Hill curve"),
        ("channel graph", "tv drives search"),
        ("coefficient", "by region and week"),
    )
    width, box, top = 900, 160, 40
    gap = (width - 20 - box * len(steps)) / (len(steps) - 1)
    parts = []
    for i, (name, says) in enumerate(steps):
        x = 10 + i * (box + gap)
        parts.append(_boxed(x, top, box, name, says))
        if i:
            parts.append(_arrow(x - gap, top + 28, x, top + 28))
    parts.append(_boxed(330, 190, 240, "prediction of the KPI", "the sum, in units of the KPI"))
    terms = (("baseline, trend, season", "level, random walk, Fourier"), ("controls", "price, promotion, ..."))
    for (name, says), x in zip(terms, (10, 620), strict=True):
        parts.append(_boxed(x, 190, 240, name, says))
    parts += [_arrow(250, 218, 330, 218), _arrow(620, 218, 570, 218)]
    last = 10 + 4 * (box + gap) + box / 2
    parts.append(f'<path d="M{last:.0f},96 V150 H450 V190" {_stroke()} marker-end="url(#tip)"/>')
    return _svg(width, 270, "The way of a channel's exposure to the prediction of the KPI", parts)


def adstock_drawing() -> str:
    """Carry-over of the default kind for four channels: weights by weeks after the exposure."""
    kinds = ((0.3, 0.0), (0.7, 0.0), (0.5, 1.0), (0.7, 3.0))
    decay, delay = (jnp.array([kind[i] for kind in kinds]) for i in (0, 1))
    plain = np.asarray(geometric_kernel(decay, 13))
    late = np.asarray(delayed_geometric_kernel(decay, jnp.maximum(delay, 1e-6), _N_WAITS, 13))
    weights = [late[:, i] if wait else plain[:, i] for i, (_, wait) in enumerate(kinds)]
    names = [
        f"decay {a:g}, " + (f"delay {wait:g} week{'s' * (wait != 1)}" if wait else "no delay") for a, wait in kinds
    ]
    return _chart(
        "Carry-over: share of an exposure's effect by weeks after it",
        np.arange(13.0),
        weights,
        names,
        "weeks after the exposure",
        "share of the effect",
    )


def hill_drawing() -> str:
    """Hill curves of four slopes with the same half-saturation."""
    slopes = (0.5, 1.0, 2.0, 4.0)
    exposure = np.linspace(0.0, 4.0, 81)
    repeated = jnp.repeat(jnp.asarray(exposure)[:, None], len(slopes), axis=1)
    curves = np.asarray(hill(repeated, jnp.array(slopes), jnp.ones(len(slopes))))
    return _chart(
        "Saturation: Hill curves with half-saturation 1",
        exposure,
        list(curves.T),
        [f"slope {slope:g}" for slope in slopes],
        "carried-over exposure, in half-saturations",
        "share of the maximum effect",
    )


def saturation_drawing() -> str:
    """The kinds of saturation, each at one half where exposure is at its reference."""
    exposure = np.linspace(0.0, 4.0, 81)
    column, one = jnp.asarray(exposure)[:, None], jnp.ones(1)
    curves = {
        "hill, slope 2": hill(column, 2.0 * one, one),
        "michaelis_menten": michaelis_menten(column, one),
        "logistic": logistic_saturation(column, one),
        "log": logarithmic(column, one),
        "root, exponent 0.5": root(column, 0.5 * one, one),
        "linear": linear(column, one),
    }
    return _chart(
        "Kinds of saturation",
        exposure,
        [np.asarray(curve)[:, 0] for curve in curves.values()],
        list(curves),
        "carried-over exposure, in half-saturations",
        "activity",
    )


def frequency_drawing() -> str:
    """Effect of a contact by the contacts of a person, for three curves of the same half-frequency."""
    frequency = np.linspace(1.0, 10.0, 91)
    slopes = (1.0, 1.5, 2.5)
    column, one = jnp.asarray(frequency)[:, None], jnp.ones(1)
    curves = [np.asarray(effect_per_contact(column, a * one, 3.0 * one, 3.0 * one))[:, 0] for a in slopes]
    names = [f"slope {a:g}" for a in slopes]
    title, axis = "Effect of a contact, half-frequency 3", "contacts per person reached in a week"
    return _chart(title, frequency, curves, names, axis, "effect, 1 at three contacts")


def split_drawing() -> str:
    """A prediction as the sum of its terms, week by week."""
    weeks = np.arange(105.0)
    bursts = ((weeks % 26) < 6) * 1.0
    kernel = np.asarray(geometric_kernel(jnp.array([0.6]), 13))[:, 0]
    tv = 22.0 * np.convolve(bursts, kernel)[: len(weeks)]
    search = 12.0 + 3.0 * np.sin(2 * np.pi * (weeks - 8) / 52)
    season = 10.0 * np.sin(2 * np.pi * weeks / 52)
    base = 60.0 + 0.12 * weeks + season
    layers = ((base, "baseline, trend and season", "#cbd2d9"), (search, "search", "#009E73"), (tv, "tv", "#0072B2"))
    frame = _Frame(weeks, 0.0, 120.0, "week", "KPI")
    parts, below = frame.axes(), np.zeros(len(weeks))
    for values, _, color in layers:
        above = below + values
        line = " ".join(f"{frame.x(t):.1f},{frame.y(v):.1f}" for t, v in zip(weeks, above, strict=True))
        back = " ".join(f"{frame.x(t):.1f},{frame.y(v):.1f}" for t, v in zip(weeks[::-1], below[::-1], strict=True))
        parts.append(f'<polygon points="{line} {back}" fill="{color}" fill-opacity="0.85"/>')
        below = above
    for i, (_, name, color) in enumerate(layers[::-1]):
        y = 60 + 28 * i
        parts.append(f'<rect x="{frame.right + 12}" y="{y - 9}" width="18" height="18" fill="{color}"/>')
        parts.append(_text(frame.right + 40, y + 5, name, 14, _INK))
    return _svg(900, 340, "The prediction is the sum of its terms in every week", parts)


def link_drawing() -> str:
    """A KPI with a season, and the same campaign on top, whose effect adds up or multiplies."""
    weeks = np.arange(105.0)
    kernel = np.asarray(geometric_kernel(jnp.array([0.6]), 13))[:, 0]
    carried = np.convolve(((weeks % 26) < 6) * 1.0, kernel)[: len(weeks)]
    base = 0.6 * (1.0 + 0.45 * np.sin(2 * np.pi * weeks / 52))
    return _chart(
        "The same campaign, where its effect adds up and where it multiplies",
        weeks,
        [base * np.exp(0.3 * carried), base + 0.6 * np.expm1(0.3) * carried, base],
        ['link="log"', 'link="identity"', "without the campaign"],
        "week",
        "KPI",
    )


class _Frame:
    """The axes of a chart of 900 x 340 pixels, with room for names on the right."""

    left, right, top, bottom = 70, 660, 24, 280

    def __init__(self, across: np.ndarray, low: float, high: float, x_title: str, y_title: str) -> None:
        self._x0, self._x1, self._low, self._high = float(across[0]), float(across[-1]), low, high
        self._titles = x_title, y_title

    def x(self, value: float) -> float:
        """Position of a value across, pixels."""
        return self.left + (self.right - self.left) * (value - self._x0) / (self._x1 - self._x0)

    def y(self, value: float) -> float:
        """Position of a value upwards, pixels."""
        return self.bottom - (self.bottom - self.top) * (value - self._low) / (self._high - self._low)

    def axes(self) -> list[str]:
        """Lines, ticks and titles."""
        parts = [
            f'<path d="M{self.left},{self.top} V{self.bottom} H{self.right}" fill="none" stroke="#9aa5b1"/>',
            _text((self.left + self.right) / 2, self.bottom + 44, self._titles[0], 14, _MUTED, "middle"),
            f'<text transform="translate(20 {(self.top + self.bottom) / 2}) rotate(-90)" text-anchor="middle" '
            f'font-size="14" fill="{_MUTED}">{escape(self._titles[1])}</text>',
        ]
        for value in np.linspace(self._x0, self._x1, 5):
            parts.append(_text(self.x(value), self.bottom + 20, f"{value:.3g}", 13, _MUTED, "middle"))
        for value in np.linspace(self._low, self._high, 5):
            parts.append(_text(self.left - 8, self.y(value) + 5, f"{value:.3g}", 13, _MUTED, "end"))
        return parts


def _chart(
    title: str, across: np.ndarray, curves: Sequence[np.ndarray], names: Sequence[str], x_title: str, y_title: str
) -> str:
    highest = max(float(curve.max()) for curve in curves)
    frame = _Frame(across, 0.0, np.ceil(10.0 * highest) / 10.0, x_title, y_title)
    parts = frame.axes()
    for i, (curve, name) in enumerate(zip(curves, names, strict=True)):
        points = " ".join(f"{frame.x(t):.1f},{frame.y(v):.1f}" for t, v in zip(across, curve, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{_COLORS[i]}" stroke-width="2.5"/>')
        y = 50 + 28 * i
        parts.append(f'<path d="M{frame.right + 10},{y} h24" stroke="{_COLORS[i]}" stroke-width="3"/>')
        parts.append(_text(frame.right + 42, y + 5, name, 14, _INK))
    return _svg(900, 340, title, parts)


def _svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    tip = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0,0 L8,4 L0,8 z" fill="{_MUTED}"/></marker></defs>'
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" style="{_STYLE}">'
    paper = f'<rect width="{width}" height="{height}" fill="{_PAPER}"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", tip, paper, *parts, "</svg>"]) + "\n"


def _boxed(x: float, y: float, width: float, name: str, says: str) -> str:
    middle = x + width / 2
    return (
        f'<rect x="{x:.0f}" y="{y}" width="{width}" height="56" rx="6" fill="{_BOX}" stroke="{_LINE}"/>'
        + _text(middle, y + 24, name, 15, _INK, "middle", bold=True)
        + _text(middle, y + 43, says, 12, _MUTED, "middle")
    )


def _arrow(x0: float, y0: float, x1: float, y1: float) -> str:
    return f'<path d="M{x0:.0f},{y0:.0f} L{x1:.0f},{y1:.0f}" {_stroke()} marker-end="url(#tip)"/>'


def _stroke() -> str:
    return f'fill="none" stroke="{_MUTED}" stroke-width="1.6"'


def _text(x: float, y: float, text: str, size: int, color: str, anchor: str = "start", *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{color}" text-anchor="{anchor}"{weight}>'
        f"{escape(text)}</text>"
    )
