r"""Nearest plan by one number a sum, however many cells there are.

$\min_x \tfrac12 \sum_i (x_i - y_i)^2 / s_i$ under $l \le x \le u$ and $b \le A x \le c$ has
$x(\lambda) = \mathrm{clip}(y + s A^T \lambda, l, u)$, and the multipliers maximise a concave function d made of
quadratic pieces. Where sums follow from one another, or hold only where cells are at their ends, d has flat and
straight parts on which Newton's steps go astray. So what is maximised is
$d(\lambda) - \tfrac12 \sum_j \rho_j (\lambda_j - \bar\lambda_j)^2$, again and again with $\bar\lambda$ the last
maximum: the proximal point method, which needs no other assumption (Rockafellar 1976). Within, semismooth Newton
(Qi & Sun 1993) with an exact line search.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

SLACK = (
    2e-13  # of a sum, by which its ends are taken wider, lest those that agree but for rounding contradict each other
)
_EXACT = 1e-12  # of a sum, within which it is met
_DIGIT = np.finfo(np.float64).eps
_RIDGES = (1e-14, 1e-10, 1e-6, 1e-2)
_ROUNDING = 0.1  # of what a sum may be off
_TINY = 1e-200
# How firmly the multipliers are held, as a share of what would hold a sum with all its cells free; Newton's steps; and
# by how much the ends are taken wider. Newton's method alone mostly succeeds; where not, it ends far off.
_NEWTON = ((1e-15, 15, 0.0),)
_NEARLY = 0.05  # of the slope at the start, below zero, with which a whole step is good enough
_PROXIMAL = tuple((10.0**-power, 60, SLACK) for power in range(1, 19))


class Sums(NamedTuple):
    """What is to be solved.

    Attributes:
        y: `[cell]`, where to be near to.
        weight: `[cell]`, s, how easily a cell moves, above 0.
        low: `[cell]`.
        high: `[cell]`, may be infinite.
        rows: `[sum, cell]`.
        least: `[sum]`, may be minus infinity.
        most: `[sum]`, may be infinite.
        size: `[sum]`, by which a miss is measured, or by the sum itself where that is larger.
    """

    y: np.ndarray
    weight: np.ndarray
    low: np.ndarray
    high: np.ndarray
    rows: np.ndarray | sp.csr_matrix
    least: np.ndarray
    most: np.ndarray
    size: np.ndarray


class _Point(NamedTuple):
    multipliers: np.ndarray  # [sum]
    wanted: np.ndarray  # [cell], before the ends
    x: np.ndarray
    sums: np.ndarray


def nearest(given: Sums, mending: bool) -> np.ndarray:
    """Nearest plan `[cell]`, within the box exactly and within the sums as far as digits carry.

    Args:
        given: limits that some plan meets, at least one sum.
        mending: whether `y` misses the limits by its last digits alone.
    """
    dual = _Dual(given)
    best, smallest = given.y, np.inf
    for rounds in (_PROXIMAL,) if mending else (_NEWTON, _PROXIMAL):
        multipliers = np.zeros(len(given.least))
        for share, most_steps, slack in rounds:
            dual.hold(multipliers, share, slack)
            for _ in range(most_steps):
                point = dual.at(multipliers)
                allowed = dual.allowed(point)
                off = float((np.abs(dual.off(point)) / allowed).max())
                if off <= 1:
                    return point.x
                if off < smallest:
                    best, smallest = point.x, off
                moved = dual.stepped(point, dual.slope(point), allowed)
                if moved is None:
                    break
                multipliers = moved
    return best


class _Dual:
    """The function of the multipliers that is maximised."""

    def __init__(self, given: Sums) -> None:
        self.given = given
        self.y, self.weight, self.low, self.high, self.rows, self.least, self.most, self.size = given
        self.across = self.rows.T if isinstance(self.rows, np.ndarray) else self.rows.T.tocsr()
        self.unit = np.maximum(self.rows @ self.weight, _TINY)  # how far a sum moves per multiplier
        self.hold(np.zeros(len(self.least)), 0.0, 0.0)

    def hold(self, centre: np.ndarray, share: float, slack: float) -> None:
        """Hold multipliers near to `centre`, and take the ends of sums wider by a share of them."""
        self.centre, self.firm = centre, share * self.unit
        self.least, self.most = self.given.least - slack * self.size, self.given.most + slack * self.size

    def at(self, multipliers: np.ndarray) -> _Point:
        wanted = self.y + self.weight * (self.across @ multipliers)
        x = np.clip(wanted, self.low, self.high)
        return _Point(multipliers, wanted, x, self.rows @ x)

    def off(self, point: _Point) -> np.ndarray:
        """`[sum]`, how far each sum is below where it is to be."""
        aim = np.clip(point.sums, self.least, self.most)
        aim = np.where(point.multipliers > 0, self.least, np.where(point.multipliers < 0, self.most, aim))
        return aim - point.sums

    def allowed(self, point: _Point) -> np.ndarray:
        """`[sum]`, how far off counts as met: what is lost to rounding where `y` is far larger than the plan, too."""
        lost = np.abs(self.y) + self.weight * (self.across @ np.abs(point.multipliers))
        lost = self.rows @ np.where((point.wanted > self.low) & (point.wanted < self.high), lost, 0.0)
        return np.maximum(_EXACT * np.maximum(self.size, np.abs(point.sums)) + _DIGIT * lost, _TINY)

    def slope(self, point: _Point) -> np.ndarray:
        """`[sum]`, by which the maximised function rises; 0 where a sum between its ends needs no multiplier."""
        held = point.sums + self.firm * (point.multipliers - self.centre)
        up, down = self.least - held, self.most - held
        resting = np.maximum(up, 0.0) + np.minimum(down, 0.0)
        return np.where(point.multipliers > 0, up, np.where(point.multipliers < 0, down, resting))

    def stepped(self, point: _Point, exact: np.ndarray, allowed: np.ndarray) -> np.ndarray | None:
        """Multipliers after one of Newton's steps, None where the slope is but rounding or no step rises."""
        slope = np.where(np.abs(exact) > _ROUNDING * allowed, exact, 0.0)
        if not slope.any():
            return None
        matrix = self.bend(np.where((point.wanted > self.low) & (point.wanted < self.high), self.weight, 0.0))
        scale = 1.0 / np.sqrt(matrix.diagonal())
        matrix *= scale * scale[:, None]
        # Where sums follow from one another, a small ridge may leave a direction made of rounding.
        for ridge in _RIDGES:
            step = self.direction(point, exact, slope, matrix + ridge * np.eye(len(slope)), scale)
            moved = None if step is None else self.moved(point, exact - slope, step)
            if moved is not None:
                return moved
        return None

    def direction(
        self, point: _Point, exact: np.ndarray, slope: np.ndarray, matrix: np.ndarray, scale: np.ndarray
    ) -> np.ndarray | None:
        """Newton's step, None where no sum may move; `matrix` in units in which its diagonal is one."""
        active = exact != 0
        while active.any():
            step = np.zeros(len(slope))
            step[active] = scale[active] * np.linalg.solve(matrix[np.ix_(active, active)], (scale * slope)[active])
            # A sum that only one of its ends holds must not be pushed to where the other would.
            astray = active & (self.least < self.most) & (point.multipliers == 0) & (step * exact < 0)
            if not astray.any():
                return step
            active &= ~astray
        return None

    def bend(self, moves: np.ndarray) -> np.ndarray:
        """`[sum, sum]`, minus the second derivatives, where cells move as said."""
        if isinstance(self.rows, np.ndarray):
            found = (self.rows * moves) @ self.across
        else:
            parts = self.rows.data * moves[self.rows.indices], self.rows.indices, self.rows.indptr
            found = (sp.csr_matrix(parts, shape=self.rows.shape) @ self.across).toarray()
        found[np.diag_indices_from(found)] += self.firm
        return found

    def moved(self, point: _Point, rounding: np.ndarray, step: np.ndarray) -> np.ndarray | None:
        """Multipliers where the maximised function is highest along a step, None where it does not rise.

        Args:
            point: where the step begins.
            rounding: `[sum]`, what of the slope there is to be left out.
            step: `[sum]`.
        """
        on = step != 0
        now, change = point.multipliers[on], step[on]
        # Sums of what is missing, not of what there is: those may be a billion times as large.
        held = point.sums + self.firm * (point.multipliers - self.centre) + rounding
        below, above = (self.least - held)[on], (self.most - held)[on]
        per_cell = self.across @ step
        drift = self.weight * per_cell
        pull = float((self.firm * step) @ step)

        def rate(length: float, within: float) -> float:
            """Slope at a length, by the ends that hold the sums around another."""
            ahead = now + within * change
            side = np.where(ahead == 0, change if within == 0 else now, ahead)
            x = np.clip(point.wanted + length * drift, self.low, self.high)
            return float(change @ np.where(side > 0, below, above)) - float(per_cell @ (x - point.x)) - length * pull

        def kinks() -> np.ndarray:
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                ends = (self.low - point.wanted) / drift, (self.high - point.wanted) / drift, -now / change
            found = np.concatenate(ends)
            return np.unique(found[(found > 0) & np.isfinite(found)])

        length = _crossing(rate, kinks)
        if length is None:
            return None
        found = point.multipliers + length * step
        found[np.abs(found) <= _DIGIT * np.maximum(np.abs(point.multipliers), length * np.abs(step))] = 0.0
        return found


def _crossing(rate: Callable[[float, float], float], kinks: Callable[[], np.ndarray]) -> float | None:
    """Where a falling function of linear pieces crosses zero; None where it is not above zero at first.

    Args:
        rate: value at a length, of the piece around another length.
        kinks: where pieces meet, above 0 and rising.
    """
    first = rate(0.0, 0.0)
    if not first > 0:
        return None
    if -_NEARLY * first <= rate(1.0, 1.0) <= 0.5 * first:  # as it mostly is; the kinks of many cells take long to sort
        return 1.0
    starts = np.r_[0.0, kinks()]
    middles = np.r_[0.5 * (starts[:-1] + starts[1:]), 2.0 * starts[-1] + 1.0]
    low, high = 0, len(starts) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if rate(starts[middle], middles[middle]) > 0 else (low, middle - 1)
    begin, end, within = starts[low], starts[low + 1] if low + 1 < len(starts) else middles[low], middles[low]
    above, after = rate(begin, within), rate(end, within)
    if after >= 0 and low + 1 < len(starts):  # the function jumps below zero here
        return float(end)
    return float(begin + (end - begin) * above / (above - after)) if after < above else None
