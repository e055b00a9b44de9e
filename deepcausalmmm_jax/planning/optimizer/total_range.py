"""Whether limits can be met at all, and what totals they allow; linear programs, each limit in units of itself."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.limits import Feasible

_SLACK = 1e-9  # of a total, by which it may miss its range
_EXACT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
_MISSED = 1e-7  # of a limit, from where on it is named as one that cannot be met


def total_range(plan: Feasible) -> tuple[float, float]:
    """Least and most that a plan within the limits can spend.

    Raises:
        ConfigError: no plan meets all limits; says which cannot be met, and by how much.
    """
    if not len(plan.least):
        return float(plan.low.sum()), float(plan.high.sum())
    problem = _linear_program(plan)
    least = problem.least(problem.unit)
    if least is None:
        raise ConfigError(_what_is_missing(plan, problem))
    if not np.isfinite(plan.high).all() and _unbounded(plan):
        return least, np.inf
    most = problem.least(-problem.unit)
    return least, np.inf if most is None else -most


def refuse_total(plan: Feasible, total: float) -> None:
    """Refuse a total that the limits do not allow.

    Raises:
        ConfigError: says by how much it is too small or too large, or which limits contradict each other.
    """
    if not (np.isfinite(total) and total > 0):
        raise ConfigError(f"The total must be above 0, got {total:,.6g}.")
    least, most = total_range(plan)
    if total < least * (1 - _SLACK):
        raise ConfigError(
            f"The total {total:,.6g} is {least - total:,.6g} below the sum of the least spends, {least:,.6g}; raise it "
            "or lower the bounds."
        )
    if total > most * (1 + _SLACK):
        raise ConfigError(
            f"The total {total:,.6g} is {total - most:,.6g} above the sum of the most spends, {most:,.6g}; lower it or "
            "raise the bounds."
        )


class _LinearProgram(NamedTuple):
    """Cells and sums each in units of their own ends: a small sum beside a huge one counts as much."""

    unit: np.ndarray  # [cell], currency
    rows: sp.csr_matrix  # [inequality, cell], at most `ends`
    ends: np.ndarray  # [inequality]
    size: np.ndarray  # [inequality], currency
    origin: np.ndarray  # [inequality], the sum that it belongs to
    box: np.ndarray  # [cell, 2]

    def least(self, slope: np.ndarray) -> float | None:
        """Least of `slope @ cells` within the limits; None where there is none."""
        some = len(self.ends) > 0
        scale = max(float(np.abs(slope).max()), 1e-300)
        found = linprog(
            slope / scale,
            A_ub=self.rows if some else None,
            b_ub=self.ends if some else None,
            bounds=self.box,
            options=_EXACT,
        )
        return float(found.fun) * scale if found.status == 0 else None


def _linear_program(plan: Feasible) -> _LinearProgram:
    above, below = np.flatnonzero(np.isfinite(plan.most)), np.flatnonzero(np.isfinite(plan.least))
    rows = sp.vstack([plan.rows[above], -plan.rows[below]], format="csr")
    ends = np.concatenate([plan.most[above], -plan.least[below]])
    unit = np.maximum(plan.low, np.where(np.isfinite(plan.high), plan.high, 0.0))
    whole = max(float(unit.max(initial=0.0)), float(np.abs(ends).max(initial=0.0))) or 1.0
    size = np.maximum(np.abs(ends), np.abs(rows) @ plan.low)
    size = np.where(size > 0, size, whole)
    smallest = np.full(len(unit), np.inf)
    at, cells = rows.nonzero()
    np.minimum.at(smallest, cells, size[at])
    unit = np.where(unit > 0, unit, np.where(np.isfinite(smallest), smallest, whole))
    scaled = sp.diags(1.0 / size) @ rows @ sp.diags(unit)
    box = np.stack([plan.low, plan.high], axis=1) / unit[:, None]
    return _LinearProgram(unit, scaled.tocsr(), ends / size, size, np.concatenate([above, below]), box)


def _unbounded(plan: Feasible) -> bool:
    """Whether some cell without an upper end is in no sum that has one."""
    held = np.asarray(plan.rows[np.isfinite(plan.most)].sum(axis=0)).ravel() > 0
    return bool((~np.isfinite(plan.high) & ~held).any())


def _what_is_missing(plan: Feasible, problem: _LinearProgram) -> str:
    """The sums that miss their ends in the plan that misses least."""
    k, n = problem.rows.shape
    wide = sp.hstack([problem.rows, -sp.identity(k)], format="csr")
    cost = np.concatenate([np.zeros(n), np.ones(k)])
    box = np.concatenate([problem.box, np.tile([0.0, np.inf], (k, 1))])
    missing = linprog(cost, A_ub=wide, b_ub=problem.ends, bounds=box, options=_EXACT).x[n:]
    parts = [
        f"{plan.names[problem.origin[i]]} by {missing[i] * problem.size[i]:,.6g}"
        for i in np.flatnonzero(missing > _MISSED)
    ]
    return f"No plan meets all bounds: they miss {', '.join(parts)}; widen these or the bounds of what they contain."
