r"""Nearest plan within the limits, by the dual: one number a sum, found by Newton's method.

$\min_x \tfrac12 \sum_i (x_i - y_i)^2 / s_i$ under box and sums has
$x(\lambda) = \mathrm{clip}(y + s A^T \lambda)$, and the multipliers maximise a concave function of as many variables as
there are sums (semismooth Newton: Qi & Sun 1993).
"""

import numpy as np
import scipy.sparse as sp

from deepcausalmmm_jax.analysis.budget_constraints import Feasible

_MOST_STEPS = 200
_EXACT = 1e-11  # of the sums at hand


def project(y: np.ndarray, plan: Feasible, weight: np.ndarray) -> np.ndarray:
    """Nearest plan to `y`.

    Args:
        y: spend, `[cell]`.
        plan: limits that some plan meets.
        weight: s, `[cell]`, how easily a cell moves.

    Returns:
        `[cell]`, within the box exactly and within the sums to 1e-9 of the largest.
    """
    held = np.isfinite(plan.least) | np.isfinite(plan.most)
    if not held.any():
        return np.clip(y, plan.low, plan.high)
    dual = _Dual(y, plan, weight, held)
    multipliers = np.zeros(int(held.sum()))
    for _ in range(_MOST_STEPS):
        x, sums = dual.primal(multipliers)
        target, active = dual.aims(multipliers, sums)
        off = np.where(active, sums - target, dual.unit * multipliers)
        if np.abs(off).max() <= _EXACT * dual.size:
            break
        multipliers = dual.ascended(multipliers, dual.newton(x, multipliers, sums, target, active))
    return dual.primal(multipliers)[0]


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

    def newton(
        self, x: np.ndarray, multipliers: np.ndarray, sums: np.ndarray, target: np.ndarray, active: np.ndarray
    ) -> np.ndarray:
        """Step of the multipliers."""
        step = -multipliers.copy()
        if not active.any():
            return step
        moves = np.where((x > self.low) & (x < self.high), self.weight, 0.0)
        rows = self.rows[active]
        # Sums whose multipliers go to zero move the cells too.
        shift = rows @ (moves * (self.across[:, ~active] @ step[~active])) if (~active).any() else 0.0
        matrix = (rows @ sp.diags(moves) @ rows.T).toarray()
        ridge = 1e-12 * self.unit[active] + np.where(matrix.diagonal() <= 0, self.unit[active], 0.0)
        matrix[np.diag_indices_from(matrix)] += ridge
        step[active] = np.linalg.solve(matrix, (target - sums)[active] - shift)
        return step

    def ascended(self, multipliers: np.ndarray, step: np.ndarray) -> np.ndarray:
        """As far along the step as the dual rises; else along the sums' own misses, one by one."""
        before = self.value(multipliers)
        for length in 0.5 ** np.arange(12):
            tried = multipliers + length * step
            if self.value(tried) > before - 1e-15 * abs(before):
                return tried
        return self.swept(multipliers)

    def swept(self, multipliers: np.ndarray) -> np.ndarray:
        """Each multiplier in turn moved until its sum is where it is to be (Hildreth 1957), by halving."""
        moved = multipliers.copy()
        for k in range(len(moved)):
            low, high = self._around(moved, k)
            for _ in range(60):
                moved[k] = 0.5 * (low + high)
                low, high = (moved[k], high) if self._rises(moved, k) else (low, moved[k])
        return moved

    def _rises(self, multipliers: np.ndarray, k: int) -> bool:
        total = self.primal(multipliers)[1][k]
        end = self.least[k] if multipliers[k] > 0 else self.most[k]
        return bool(total < end)

    def _around(self, multipliers: np.ndarray, k: int) -> tuple[float, float]:
        reach = max(self.size / self.unit[k], abs(multipliers[k]), 1e-12)
        return multipliers[k] - 64 * reach, multipliers[k] + 64 * reach
