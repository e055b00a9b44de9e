r"""Multipliers of the nearest plan by an interior point method, which no set of touched ends can lead in circles.

$\min_x \tfrac12 \sum_i (x_i - y_i)^2 / s_i$ under $l \le x \le u$ and $b \le A x \le c$ becomes, with $t = A x$, a
problem with bounds alone and equations between x and t (predictor-corrector: Mehrotra 1992; Nocedal & Wright 2006,
section 16.6). Each step solves as many linear equations as there are sums.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

_MOST_STEPS = 60
_GAP = 1e-13  # mean product of room and multiplier, in units in which spend is about one
_LEAST_ROOM = 1e-16
_CLOSE = 1e-8
_MOST_STALE = 5  # steps without halving that product: the last digits are reached
_BACK = 0.995  # of the way to the nearest end


class Sums(NamedTuple):
    """What is to be solved; every cell has room between its ends.

    Attributes:
        y: `[cell]`, where to be near to.
        weight: `[cell]`, s, how easily a cell moves.
        low: `[cell]`.
        high: `[cell]`, may be infinite.
        rows: `[sum, cell]`.
        least: `[sum]`, may be minus infinity.
        most: `[sum]`, may be infinite; at least one end of a sum is finite.
    """

    y: np.ndarray
    weight: np.ndarray
    low: np.ndarray
    high: np.ndarray
    rows: sp.csr_matrix
    least: np.ndarray
    most: np.ndarray


class _Ends(NamedTuple):
    """Bounds of cells and of the sums that have room; where an end is open its room is 1 and its multiplier 0."""

    low: np.ndarray
    high: np.ndarray
    has_low: np.ndarray
    has_high: np.ndarray

    def room(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        below, above = np.where(self.has_low, v - self.low, 1.0), np.where(self.has_high, self.high - v, 1.0)
        return np.maximum(below, _LEAST_ROOM), np.maximum(above, _LEAST_ROOM)


class _Point(NamedTuple):
    v: np.ndarray  # cells, then the sums that have room
    multiplier: np.ndarray  # [sum]
    lower: np.ndarray  # multipliers of the ends, as v
    upper: np.ndarray


def interior_multipliers(sums: Sums) -> tuple[np.ndarray, np.ndarray]:
    """Nearest plan `[cell]` and the multiplier of each sum `[sum]`, close to exact.

    Args:
        sums: what is to be solved.
    """
    size = max(float(np.abs(np.r_[sums.least, sums.most][np.isfinite(np.r_[sums.least, sums.most])]).max()), 1e-300)
    ease = sums.weight / sums.weight.max()
    loose = sums.least < sums.most
    low, high = np.r_[sums.low, sums.least[loose]] / size, np.r_[sums.high, sums.most[loose]] / size
    ends = _Ends(
        np.where(np.isfinite(low), low, 0.0),
        np.where(np.isfinite(high), high, 0.0),
        np.isfinite(low),
        np.isfinite(high),
    )
    system = _System(sums.rows, loose, sums.least / size, ease, sums.y / size)
    point = system.begin(ends)
    best, least, stale = point, np.inf, 0
    for _ in range(_MOST_STEPS):
        point, gap = system.stepped(point, ends)
        stale = 0 if gap < 0.5 * least else stale + 1
        if gap < least:
            best, least = point, gap
        if gap < _GAP or (least < _CLOSE and stale >= _MOST_STALE):
            break
    n = len(sums.y)
    return best.v[:n] * size, best.multiplier * size / sums.weight.max()


class _System:
    """The equations of a step."""

    def __init__(
        self, rows: sp.csr_matrix, loose: np.ndarray, equal: np.ndarray, ease: np.ndarray, y: np.ndarray
    ) -> None:
        self.rows, self.across, self.loose = rows, rows.T.tocsr(), loose
        self.target = np.where(loose, 0.0, np.where(np.isfinite(equal), equal, 0.0))
        self.bend = np.r_[1.0 / ease, np.zeros(int(loose.sum()))]
        self.pull = np.r_[y / ease, np.zeros(int(loose.sum()))]
        self.n = len(y)

    def of(self, v: np.ndarray) -> np.ndarray:
        """`[sum]`, what the equations set to the target."""
        found = self.rows @ v[: self.n]
        found[self.loose] -= v[self.n :]
        return found

    def back(self, multiplier: np.ndarray) -> np.ndarray:
        """Transposed: `[cell and loose sum]`."""
        return np.r_[self.across @ multiplier, -multiplier[self.loose]]

    def begin(self, ends: _Ends) -> _Point:
        """Within the ends, well away from them."""
        mean = np.abs(self.target).max(initial=0.0) or 1.0
        wide = np.where(ends.has_low & ends.has_high, ends.high - ends.low, mean / max(self.n, 1))
        wanted = np.r_[self.pull[: self.n] / self.bend[: self.n], np.zeros(int(self.loose.sum()))]
        wanted[self.n :] = (self.rows @ np.clip(wanted[: self.n], 0.0, None))[self.loose]
        margin = 0.1 * wide
        v = np.where(ends.has_low, np.maximum(wanted, ends.low + margin), wanted)
        v = np.where(ends.has_high, np.minimum(v, ends.high - margin), v)
        start = 0.1 * max(float(np.abs(self.bend * v - self.pull)[: self.n].mean()), 1e-6)
        return _Point(v, np.zeros(len(self.target)), start * ends.has_low, start * ends.has_high)

    def stepped(self, point: _Point, ends: _Ends) -> tuple[_Point, float]:
        """The next point, and its mean product of room and multiplier together with what the equations miss."""
        below, above = ends.room(point.v)
        matrix, stiff = self.equations(point, below, above)
        count = max(int(ends.has_low.sum() + ends.has_high.sum()), 1)
        products = point.lower * below, point.upper * above
        gap = float(products[0].sum() + products[1].sum()) / count
        guess = self.direction(point, matrix, stiff, below, above, products)
        length = _reach(point, guess, below, above)
        ahead = (
            (point.lower + length * guess.lower) * (below + length * guess.v * ends.has_low)
            + (point.upper + length * guess.upper) * (above - length * guess.v * ends.has_high)
        ).sum() / count
        centre = gap * min((max(ahead, 0.0) / gap) ** 3, 1.0) if gap > 0 else 0.0
        wanted = (
            (products[0] + guess.lower * guess.v - centre) * ends.has_low,
            (products[1] - guess.upper * guess.v - centre) * ends.has_high,
        )
        move = self.direction(point, matrix, stiff, below, above, wanted)
        length = min(1.0, _BACK * _reach(point, move, below, above))
        moved = _Point(*(now + length * step for now, step in zip(point, move, strict=True)))
        missed = float(np.abs(self.of(moved.v) - self.target).max(initial=0.0))
        return moved, max(gap * (1 - length), float(self.gap(moved, ends)) / count, 1e-1 * missed)

    @staticmethod
    def gap(point: _Point, ends: _Ends) -> float:
        below, above = ends.room(point.v)
        return float((point.lower * below).sum() + (point.upper * above).sum())

    def equations(self, point: _Point, below: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The matrix of the multipliers' equations, and how stiffly each variable is held."""
        stiff = np.maximum(self.bend + point.lower / below + point.upper / above, 1e-14)
        loosened = 1.0 / stiff
        matrix = (self.rows @ sp.diags(loosened[: self.n]) @ self.across).toarray()
        at = np.flatnonzero(self.loose)
        matrix[at, at] += loosened[self.n :]
        diagonal = np.maximum(matrix.diagonal(), 1e-300)
        matrix[np.diag_indices_from(matrix)] += 1e-16 * diagonal.max() + 1e-15 * diagonal  # sums may follow from others
        return matrix, stiff

    def direction(
        self,
        point: _Point,
        matrix: np.ndarray,
        stiff: np.ndarray,
        below: np.ndarray,
        above: np.ndarray,
        products: tuple[np.ndarray, np.ndarray],
    ) -> _Point:
        """Newton's step that brings the given products of room and multiplier to zero."""
        off = self.bend * point.v - self.pull - self.back(point.multiplier) - point.lower + point.upper
        right = -off - products[0] / below + products[1] / above
        missed = self.target - self.of(point.v)
        multiplier = np.linalg.solve(matrix, missed - self.of(right / stiff))
        v = (right + self.back(multiplier)) / stiff
        return _Point(
            v,
            multiplier,
            -(products[0] + point.lower * v) / below,
            -(products[1] - point.upper * v) / above,
        )


def _reach(point: _Point, move: _Point, below: np.ndarray, above: np.ndarray) -> float:
    """How much of a step keeps room and multipliers above zero, at most 1."""
    lowered, raised = point.lower > 0, point.upper > 0
    falls = [
        (below[lowered], move.v[lowered]),
        (above[raised], -move.v[raised]),
        (point.lower[lowered], move.lower[lowered]),
        (point.upper[raised], move.upper[raised]),
    ]
    found = 1.0
    for now, step in falls:
        falling = step < 0
        if falling.any():
            found = min(found, float((now[falling] / -step[falling]).min()))
    return found
