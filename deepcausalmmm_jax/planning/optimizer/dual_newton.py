r"""Nearest plan by one multiplier per sum, however many cells there are.

$\min_x \tfrac12 \sum_i (x_i - y_i)^2 / s_i$ under $l \le x \le u$ and $b \le A x \le c$ has the solution
$x(\lambda) = \mathrm{clip}(y + s A^T \lambda, l, u)$, whose multipliers $\lambda$ maximise the dual function
$d(\lambda)$: concave, piecewise quadratic. Where sums imply one another, or can be met only with cells at their ends, d
has flat and linear parts on which Newton's method fails. The proximal point method therefore maximises
$d(\lambda) - \tfrac12 \sum_j \rho_j (\lambda_j - \bar\lambda_j)^2$ repeatedly, with $\bar\lambda$ the last
maximum; it converges without further assumptions (Rockafellar 1976). Each maximum is found by a semismooth Newton
method (Qi & Sun 1993) with an exact line search.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

SLACK = 2e-13  # share of a sum by which its ends are widened, so that ends that agree up to rounding do not conflict
_EXACT = 1e-12  # share of a sum within which it counts as met
_DIGIT = np.finfo(np.float64).eps
_RIDGES = (1e-14, 1e-10, 1e-6, 1e-2)
_ROUNDING = 0.1  # share of the tolerance of a sum below which its gradient is rounding
_TINY = 1e-200
_OVERSHOT = 0.05  # share of the slope before a full step that the slope after it may be below zero
# Rounds of (share, steps, slack): the proximal weight as a share of the curvature of a sum whose cells are all free;
# the number of Newton steps; the share by which ends are widened. Newton's method alone mostly succeeds; where it does
# not, it ends far off.
_NEWTON = ((1e-15, 15, 0.0),)
_PROXIMAL = tuple((10.0**-power, 60, SLACK) for power in range(1, 19))


class QuadraticProgram(NamedTuple):
    """The projection that is to be solved, in units of spend.

    Attributes:
        y: `[cell]`, the point to be projected.
        weight: `[cell]`, s, above 0.
        low: `[cell]`.
        high: `[cell]`, may be infinite.
        rows: `[sum, cell]`, A.
        least: `[sum]`, may be minus infinity.
        most: `[sum]`, may be infinite.
        size: `[sum]`, scale of the tolerance of a sum; the sum itself is used where it is larger.
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
    """Multipliers and the plan that belongs to them."""

    multipliers: np.ndarray  # [sum]
    wanted: np.ndarray  # [cell], before it is clipped to the ends
    x: np.ndarray
    sums: np.ndarray


def solve(program: QuadraticProgram, refine: bool) -> np.ndarray:
    """Nearest plan `[cell]`, within the ends of cells exactly and within the sums as far as rounding allows.

    Args:
        program: limits that some plan meets, with at least one sum.
        refine: whether `y` misses the limits by its last digits only.
    """
    dual = _Dual(program)
    best, smallest = program.y, np.inf
    for rounds in (_PROXIMAL,) if refine else (_NEWTON, _PROXIMAL):
        multipliers = np.zeros(len(program.least))
        for share, most_steps, slack in rounds:
            dual.set_proximal(multipliers, share, slack)
            for _ in range(most_steps):
                point = dual.at(multipliers)
                tolerance = dual.tolerance(point)
                off = float((np.abs(dual.residual(point)) / tolerance).max())
                if off <= 1:
                    return point.x
                if off < smallest:
                    best, smallest = point.x, off
                moved = dual.newton_step(point, dual.gradient(point), tolerance)
                if moved is None:
                    break
                multipliers = moved
    return best


class _Dual:
    """The dual function, less the proximal term."""

    def __init__(self, program: QuadraticProgram) -> None:
        self.program = program
        self.y, self.weight, self.low, self.high, self.rows, self.least, self.most, self.size = program
        self.across = self.rows.T if isinstance(self.rows, np.ndarray) else self.rows.T.tocsr()
        self.unit = np.maximum(self.rows @ self.weight, _TINY)  # change of a sum per multiplier, with all cells free
        self.set_proximal(np.zeros(len(self.least)), 0.0, 0.0)

    def set_proximal(self, centre: np.ndarray, share: float, slack: float) -> None:
        """Centre and weight of the proximal term; `slack` is the share by which ends of sums are widened."""
        self.centre, self.proximal_weight = centre, share * self.unit
        self.least, self.most = self.program.least - slack * self.size, self.program.most + slack * self.size

    def at(self, multipliers: np.ndarray) -> _Point:
        wanted = self.y + self.weight * (self.across @ multipliers)
        x = np.clip(wanted, self.low, self.high)
        return _Point(multipliers, wanted, x, self.rows @ x)

    def residual(self, point: _Point) -> np.ndarray:
        """`[sum]`, how far each sum is below its target: an end that its multiplier holds it at, or the nearest end."""
        aim = np.clip(point.sums, self.least, self.most)
        aim = np.where(point.multipliers > 0, self.least, np.where(point.multipliers < 0, self.most, aim))
        return np.asarray(aim - point.sums)

    def tolerance(self, point: _Point) -> np.ndarray:
        """`[sum]`, residual within which a sum is met; allows for rounding where `y` is far larger than the plan."""
        lost = np.abs(self.y) + self.weight * (self.across @ np.abs(point.multipliers))
        lost = self.rows @ np.where((point.wanted > self.low) & (point.wanted < self.high), lost, 0.0)
        return np.asarray(np.maximum(_EXACT * np.maximum(self.size, np.abs(point.sums)) + _DIGIT * lost, _TINY))

    def gradient(self, point: _Point) -> np.ndarray:
        """`[sum]`, gradient of what is maximised; 0 where a sum lies between its ends and its multiplier is 0."""
        held = point.sums + self.proximal_weight * (point.multipliers - self.centre)
        up, down = self.least - held, self.most - held
        resting = np.maximum(up, 0.0) + np.minimum(down, 0.0)
        return np.asarray(np.where(point.multipliers > 0, up, np.where(point.multipliers < 0, down, resting)))

    def newton_step(self, point: _Point, exact: np.ndarray, tolerance: np.ndarray) -> np.ndarray | None:
        """Multipliers after a Newton step; None where the gradient is rounding, or no step increases the function."""
        slope = np.where(np.abs(exact) > _ROUNDING * tolerance, exact, 0.0)
        if not slope.any():
            return None
        is_free = (point.wanted > self.low) & (point.wanted < self.high)
        matrix = self.negative_hessian(np.where(is_free, self.weight, 0.0))
        scale = 1.0 / np.sqrt(matrix.diagonal())
        matrix *= scale * scale[:, None]
        # Where sums imply one another, a small ridge may leave a direction that is pure rounding.
        for ridge in _RIDGES:
            step = self.direction(point, exact, slope, matrix + ridge * np.eye(len(slope)), scale)
            moved = None if step is None else self.line_search(point, exact - slope, step)
            if moved is not None:
                return moved
        return None

    def direction(
        self, point: _Point, exact: np.ndarray, slope: np.ndarray, matrix: np.ndarray, scale: np.ndarray
    ) -> np.ndarray | None:
        """Newton direction; None where no sum may move. `matrix` is scaled to a unit diagonal by `scale`."""
        active = exact != 0
        while active.any():
            step = np.zeros(len(slope))
            step[active] = scale[active] * np.linalg.solve(matrix[np.ix_(active, active)], (scale * slope)[active])
            # A sum at one of its ends must not be pushed across to the other end's side.
            astray = active & (self.least < self.most) & (point.multipliers == 0) & (step * exact < 0)
            if not astray.any():
                return step
            active &= ~astray
        return None

    def negative_hessian(self, moves: np.ndarray) -> np.ndarray:
        """`[sum, sum]`, minus the second derivatives; `moves` is the weight of each cell, 0 at its ends."""
        found: np.ndarray
        if isinstance(self.rows, np.ndarray):
            found = (self.rows * moves) @ self.across
        else:
            parts = self.rows.data * moves[self.rows.indices], self.rows.indices, self.rows.indptr
            found = (sp.csr_matrix(parts, shape=self.rows.shape) @ self.across).toarray()
        found[np.diag_indices_from(found)] += self.proximal_weight
        return found

    def line_search(self, point: _Point, rounding: np.ndarray, step: np.ndarray) -> np.ndarray | None:
        """Multipliers at the maximum along a step; None where the function does not increase.

        Args:
            point: start of the step.
            rounding: `[sum]`, part of the gradient that is rounding, and left out.
            step: `[sum]`.
        """
        on = step != 0
        now, change = point.multipliers[on], step[on]
        # Residuals rather than sums, which may be a billion times larger and would lose the digits.
        held = point.sums + self.proximal_weight * (point.multipliers - self.centre) + rounding
        below, above = (self.least - held)[on], (self.most - held)[on]
        per_cell = self.across @ step
        drift = self.weight * per_cell
        proximal_curvature = float((self.proximal_weight * step) @ step)

        def slope(length: float, within: float) -> float:
            """Slope at a length along the step, with the ends of sums that hold around the length `within`."""
            ahead = now + within * change
            side = np.where(ahead == 0, change if within == 0 else now, ahead)
            x = np.clip(point.wanted + length * drift, self.low, self.high)
            linear_term = float(change @ np.where(side > 0, below, above))
            return linear_term - float(per_cell @ (x - point.x)) - length * proximal_curvature

        def kinks() -> np.ndarray:
            """Lengths above 0, in order, at which a cell reaches an end or a multiplier changes sign."""
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                ends = (self.low - point.wanted) / drift, (self.high - point.wanted) / drift, -now / change
            found = np.concatenate(ends)
            return np.unique(found[(found > 0) & np.isfinite(found)])

        length = _crossing(slope, kinks)
        if length is None:
            return None
        found = point.multipliers + length * step
        found[np.abs(found) <= _DIGIT * np.maximum(np.abs(point.multipliers), length * np.abs(step))] = 0.0
        return found


def _crossing(slope: Callable[[float, float], float], kinks: Callable[[], np.ndarray]) -> float | None:
    """Where a decreasing piecewise linear function crosses zero; None where it does not begin above zero.

    Args:
        slope: value at a length, on the piece around another length.
        kinks: where pieces meet, above 0 and increasing.
    """
    first = slope(0.0, 0.0)
    if not first > 0:
        return None
    if -_OVERSHOT * first <= slope(1.0, 1.0) <= 0.5 * first:  # usual, and spares sorting the kinks of all cells
        return 1.0
    starts = np.r_[0.0, kinks()]
    middles = np.r_[0.5 * (starts[:-1] + starts[1:]), 2.0 * starts[-1] + 1.0]
    low, high = 0, len(starts) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if slope(starts[middle], middles[middle]) > 0 else (low, middle - 1)
    begin, end, within = starts[low], starts[low + 1] if low + 1 < len(starts) else middles[low], middles[low]
    above, after = slope(begin, within), slope(end, within)
    if after >= 0 and low + 1 < len(starts):  # the function jumps below zero here
        return float(end)
    return float(begin + (end - begin) * above / (above - after)) if after < above else None
