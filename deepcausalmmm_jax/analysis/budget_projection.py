r"""Nearest plan within the limits, by the dual: one number a sum, found by Newton's method.

$\min_x \tfrac12 \sum_i (x_i - y_i)^2 / s_i$ under box and sums has
$x(\lambda) = \mathrm{clip}(y + s A^T \lambda)$, and the multipliers maximise a concave function of as many variables as
there are sums (semismooth Newton: Qi & Sun 1993).
"""

import numpy as np
import scipy.sparse as sp

from deepcausalmmm_jax.analysis.budget_constraints import Feasible
from deepcausalmmm_jax.analysis.budget_interior import Sums, interior_multipliers

_MOST_STEPS = 30
_LENGTHS = 0.5 ** np.arange(10)
_EXACT = 1e-11  # of the sums at hand
_CLOSE = 1e-10
_MENDS = 5


def project(y: np.ndarray, plan: Feasible, weight: np.ndarray) -> np.ndarray:
    """Nearest plan to `y`.

    Args:
        y: spend, `[cell]`.
        plan: limits that some plan meets.
        weight: s, `[cell]`, how easily a cell moves.

    Returns:
        `[cell]`, within the box exactly and within the sums to 1e-9 of themselves.
    """
    held = (np.isfinite(plan.least) | np.isfinite(plan.most)) & (np.diff(plan.rows.indptr) > 0)
    if not held.any():
        return np.clip(y, plan.low, plan.high)
    if held.sum() == 1 and plan.least[held][0] == plan.most[held][0]:
        return _on_one_sum(y, plan, weight, plan.rows[held].toarray()[0], float(plan.least[held][0]))
    dual = _Dual(y, plan, weight, held)
    multipliers, met = dual.by_newton(np.zeros(int(held.sum())))
    found = dual.primal(multipliers)[0] if met else _by_interior(y, plan, weight, held, dual)
    return _mended(found, plan, weight, held)


def _by_interior(y: np.ndarray, plan: Feasible, weight: np.ndarray, held: np.ndarray, dual: "_Dual") -> np.ndarray:
    """The same where Newton's steps circle between sets of touched ends: from an interior point on."""
    free = plan.high > plan.low
    rows = plan.rows[held]
    fixed = rows[:, ~free] @ plan.low[~free] if (~free).any() else 0.0
    some = np.diff(rows[:, free].tocsr().indptr) > 0
    multipliers, x = np.zeros(len(some)), plan.low.copy()
    if not some.any():  # every sum is what it is
        return np.clip(y, plan.low, plan.high)
    x[free], multipliers[some] = interior_multipliers(
        Sums(
            y[free],
            weight[free],
            plan.low[free],
            plan.high[free],
            rows[some][:, free].tocsr(),
            (dual.least - fixed)[some],
            (dual.most - fixed)[some],
        )
    )
    x = np.clip(x, plan.low, plan.high)
    multipliers, _ = dual.by_newton(multipliers)
    exact = dual.primal(multipliers)[0]
    return exact if plan.violation(exact) <= max(_EXACT, plan.violation(x)) else x


def _mended(x: np.ndarray, plan: Feasible, weight: np.ndarray, held: np.ndarray) -> np.ndarray:
    """With what the last digits of the sums miss laid on cells that have room, as evenly as the weights say."""
    rows = plan.rows[held]
    for _ in range(_MENDS):
        sums = rows @ x
        off = np.clip(sums, plan.least[held], plan.most[held]) - sums
        if (np.abs(off) <= _CLOSE * np.maximum(np.abs(sums), _CLOSE * np.abs(x).sum())).all():
            break
        moves = np.where((x > plan.low) & (x < plan.high), weight, 0.0)
        touched = np.abs(off) > 0
        touched |= (np.abs(sums - plan.least[held]) <= _CLOSE * np.abs(sums)) | (
            np.abs(sums - plan.most[held]) <= _CLOSE * np.abs(sums)
        )
        some = rows[touched]
        matrix = (some @ sp.diags(moves) @ some.T).toarray()
        x = np.clip(x + moves * (some.T @ np.linalg.lstsq(matrix, off[touched], rcond=1e-12)[0]), plan.low, plan.high)
    return x


def _on_one_sum(y: np.ndarray, plan: Feasible, weight: np.ndarray, row: np.ndarray, total: float) -> np.ndarray:
    """The same where only one sum is fixed: its multiplier by halving, since the sum rises with it."""

    def at(multiplier: float) -> np.ndarray:
        return np.clip(y + multiplier * weight * row, plan.low, plan.high)

    reach = max(abs(total), float(np.abs(y).sum()), 1e-300) / float((weight * row).max())
    low, high = -reach, reach
    while row @ at(low) > total and low > -1e30 * reach:
        low *= 4.0
    while row @ at(high) < total and high < 1e30 * reach:
        high *= 4.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if row @ at(middle) < total else (low, middle)
    return at(0.5 * (low + high))


class _Dual:
    """The dual problem of a projection."""

    def __init__(self, y: np.ndarray, plan: Feasible, weight: np.ndarray, held: np.ndarray) -> None:
        self.y, self.low, self.high, self.weight = y, plan.low, plan.high, weight
        self.rows = plan.rows[held]
        self.across = self.rows.T.tocsr()
        self.least, self.most = plan.least[held], plan.most[held]
        ends = np.concatenate([self.least, self.most])
        self.size = max(float(np.abs(ends[np.isfinite(ends)]).max()), 1e-300)
        self.unit = np.maximum(self.rows @ weight, 1e-300)  # how far a sum moves per multiplier

    def primal(self, multipliers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x = np.clip(self.y + self.weight * (self.across @ multipliers), self.low, self.high)
        return x, self.rows @ x

    def aims(self, multipliers: np.ndarray, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where each sum is to be, and whether one of its ends holds it."""
        free = sums - self.unit * multipliers
        return np.clip(free, self.least, self.most), (free <= self.least) | (free >= self.most)

    def value(self, multipliers: np.ndarray) -> float:
        """What is to be maximised."""
        x, sums = self.primal(multipliers)
        apart = 0.5 * ((x - self.y) ** 2 / self.weight).sum() - multipliers @ sums
        up, down = np.maximum(multipliers, 0.0), np.maximum(-multipliers, 0.0)
        with np.errstate(invalid="ignore"):
            ends = np.where(up > 0, up * self.least, 0.0) - np.where(down > 0, down * self.most, 0.0)
        return float(apart + ends.sum())

    def newton(self, multipliers: np.ndarray) -> np.ndarray:
        """Step of the multipliers."""
        x, sums = self.primal(multipliers)
        target, active = self.aims(multipliers, sums)
        step = -multipliers.copy()
        if not active.any():
            return step
        moves = np.where((x > self.low) & (x < self.high), self.weight, 0.0)
        rows = self.rows[active]
        # Sums whose multipliers go to zero move the cells too.
        shift = rows @ (moves * (self.across[:, ~active] @ step[~active])) if (~active).any() else 0.0
        matrix = (rows @ sp.diags(moves) @ rows.T).toarray()
        ridge = 1e-10 * self.unit[active] + np.where(matrix.diagonal() <= 0, self.unit[active], 0.0)
        matrix[np.diag_indices_from(matrix)] += ridge
        step[active] = np.linalg.solve(matrix, (target - sums)[active] - shift)
        return step

    def by_newton(self, multipliers: np.ndarray) -> tuple[np.ndarray, bool]:
        """Multipliers after Newton's steps, each of which raises the dual, and whether all sums are met."""
        off = self.off(multipliers)
        for _ in range(_MOST_STEPS):
            if off <= _EXACT * self.size:
                break
            step = self.newton(multipliers)
            before = self.value(multipliers)
            rising = (multipliers + length * step for length in _LENGTHS)
            moved = next((tried for tried in rising if self.value(tried) > before), multipliers + step)
            now = self.off(moved)
            # Where the dual is flat to the last digit, the sums themselves say whether a step helps.
            after = self.value(moved)
            if after <= before and (now > 0.5 * off or after < before - 1e-9 * abs(before)):
                break
            multipliers, off = moved, now
        return multipliers, off <= _CLOSE * self.size

    def off(self, multipliers: np.ndarray) -> float:
        """How far the sums are from where they are to be."""
        _, sums = self.primal(multipliers)
        target, active = self.aims(multipliers, sums)
        return float(np.abs(np.where(active, sums - target, self.unit * multipliers)).max())
