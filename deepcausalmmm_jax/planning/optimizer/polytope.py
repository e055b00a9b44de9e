"""The set of plans that meet all limits, and the totals that it allows; cells are numbers here, without meaning."""

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

from deepcausalmmm_jax.checks import amount
from deepcausalmmm_jax.errors import ConfigError

TOTAL = "the total"
TOLERANCE = 1e-6  # share of a limit by which a plan may miss it
_SMALLEST = 1e-9  # share of the plan's total below which a limit is measured as if it were that large
_TOTAL_SLACK = 1e-9  # share of a total by which it may lie outside its range, for rounding
_EXACT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
_NAMED = 1e-7  # share of a limit from which on an infeasible limit is named in the message


@dataclass(frozen=True, eq=False)
class Polytope:
    """Plans x with `low <= x <= high` by cell and `least <= rows @ x <= most` by sum, in units of spend.

    Attributes:
        low: `[cell]`, 0 or more.
        high: `[cell]`, may be infinite.
        rows: `[sum, cell]`, 1 for the cells of a sum, 0 elsewhere.
        least: `[sum]`, may be minus infinity.
        most: `[sum]`, may be infinite.
        names: of the sums, for messages and tables.
    """

    low: np.ndarray
    high: np.ndarray
    rows: sp.csr_matrix
    least: np.ndarray
    most: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def nonnegative(cls, n_cells: int) -> "Polytope":
        """All plans without negative spend."""
        none = np.zeros(0)
        return cls(np.zeros(n_cells), np.full(n_cells, np.inf), sp.csr_matrix((0, n_cells)), none, none, ())

    def with_total(self, total: float) -> "Polytope":
        """The same with the sum of all cells fixed; the total is always the last row."""
        return self.with_sum(np.ones(len(self.low)), total, total, TOTAL)

    def with_sum(self, row: np.ndarray, least: float, most: float, name: str) -> "Polytope":
        """The same with one more sum; `row` is `[cell]`."""
        return self.with_sums(sp.csr_matrix(row[None]), np.array([least]), np.array([most]), (name,))

    def with_sums(self, rows: sp.csr_matrix, least: np.ndarray, most: np.ndarray, names: tuple[str, ...]) -> "Polytope":
        """The same with more sums: `rows` is `[sum, cell]`, the others `[sum]`."""
        return dataclasses.replace(
            self,
            rows=sp.vstack([self.rows, rows], format="csr"),
            least=np.concatenate([self.least, least]),
            most=np.concatenate([self.most, most]),
            names=(*self.names, *names),
        )

    def with_box(self, low: np.ndarray | float = 0.0, high: np.ndarray | float = np.inf) -> "Polytope":
        """The same with tighter ends of cells, `[cell]`."""
        return dataclasses.replace(self, low=np.maximum(self.low, low), high=np.minimum(self.high, high))

    def violations(self, x: np.ndarray) -> np.ndarray:
        """By limit, how far a plan misses it, as a share of the limit; 0 or below where the limit holds.

        Limits far smaller than the plan's total are measured by a billionth of the total, so that rounding is no
        violation.

        Args:
            x: spend, `[cell]`.

        Returns:
            `[2 cells + 2 sums]`: lower ends of cells, upper ends of cells, lower ends of sums, upper ends of sums.
            Infinite where spend is NaN.
        """
        sums = self.rows @ x
        off = np.concatenate([self.low - x, x - self.high, self.least - sums, sums - self.most])
        ends = np.abs(np.concatenate([self.low, self.high, self.least, self.most]))
        size = np.maximum(np.where(np.isfinite(ends), ends, 1.0), max(_SMALLEST * float(np.abs(x).sum()), 1e-300))
        return np.where(np.isfinite(off), off / size, np.where(np.isnan(x).any(), np.inf, 0.0))


def total_range(polytope: Polytope) -> tuple[float, float]:
    """Least and most that a plan within the limits can spend.

    Raises:
        ConfigError: no plan meets all limits; the message names those that cannot be met, and by how much.
    """
    if not len(polytope.least):
        return float(polytope.low.sum()), float(polytope.high.sum())
    program = _linear_program(polytope)
    least = program.minimum(program.unit)
    if least is None:
        raise ConfigError(_infeasible(polytope, program))
    if not np.isfinite(polytope.high).all() and _is_unbounded(polytope):
        return least, np.inf
    most = program.minimum(-program.unit)
    return least, np.inf if most is None else -most


def refuse_total(polytope: Polytope, total: float) -> None:
    """Refuse a total that the limits do not allow.

    Raises:
        ConfigError: the total is too small or too large (the message says by how much), or limits contradict each
            other.
    """
    if not (np.isfinite(total) and total > 0):
        raise ConfigError(f"The total must be above 0, got {amount(total)}.")
    least, most = total_range(polytope)
    if total < least * (1 - _TOTAL_SLACK):
        raise ConfigError(
            f"The total, {amount(total)}, is {amount(least - total)} below the least that the limits allow, "
            f"{amount(least)}; raise the total or lower the limits."
        )
    if total > most * (1 + _TOTAL_SLACK):
        raise ConfigError(
            f"The total, {amount(total)}, is {amount(total - most)} above the most that the limits allow, "
            f"{amount(most)}; lower the total or raise the limits."
        )


class _LinearProgram(NamedTuple):
    """The limits with every cell and sum in units of its own ends, so that a small sum counts as much as a huge one."""

    unit: np.ndarray  # [cell], units of spend
    rows: sp.csr_matrix  # [inequality, cell]; rows @ x <= ends
    ends: np.ndarray  # [inequality]
    size: np.ndarray  # [inequality], units of spend
    origin: np.ndarray  # [inequality], position of the sum that it comes from
    box: np.ndarray  # [cell, 2]

    def minimum(self, slope: np.ndarray) -> float | None:
        """Minimum of `slope @ x` within the limits; None where there is none."""
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


def _linear_program(polytope: Polytope) -> _LinearProgram:
    above, below = np.flatnonzero(np.isfinite(polytope.most)), np.flatnonzero(np.isfinite(polytope.least))
    rows = sp.vstack([polytope.rows[above], -polytope.rows[below]], format="csr")
    ends = np.concatenate([polytope.most[above], -polytope.least[below]])
    unit = np.maximum(polytope.low, np.where(np.isfinite(polytope.high), polytope.high, 0.0))
    whole = max(float(unit.max(initial=0.0)), float(np.abs(ends).max(initial=0.0))) or 1.0
    size = np.maximum(np.abs(ends), np.abs(rows) @ polytope.low)
    size = np.where(size > 0, size, whole)
    smallest = np.full(len(unit), np.inf)
    at, cells = rows.nonzero()
    np.minimum.at(smallest, cells, size[at])
    unit = np.where(unit > 0, unit, np.where(np.isfinite(smallest), smallest, whole))
    scaled = sp.diags(1.0 / size) @ rows @ sp.diags(unit)
    box = np.stack([polytope.low, polytope.high], axis=1) / unit[:, None]
    return _LinearProgram(unit, scaled.tocsr(), ends / size, size, np.concatenate([above, below]), box)


def _is_unbounded(polytope: Polytope) -> bool:
    """Whether a cell without an upper end is in no sum that has one."""
    held = np.asarray(polytope.rows[np.isfinite(polytope.most)].sum(axis=0)).ravel() > 0
    return bool((~np.isfinite(polytope.high) & ~held).any())


def _infeasible(polytope: Polytope, program: _LinearProgram) -> str:
    """Message that names the sums which the least infeasible plan misses."""
    k, n = program.rows.shape
    wide = sp.hstack([program.rows, -sp.identity(k)], format="csr")
    cost = np.concatenate([np.zeros(n), np.ones(k)])
    box = np.concatenate([program.box, np.tile([0.0, np.inf], (k, 1))])
    missing = linprog(cost, A_ub=wide, b_ub=program.ends, bounds=box, options=_EXACT).x[n:]
    parts = [
        f"{polytope.names[program.origin[i]]} by {amount(missing[i] * program.size[i])}"
        for i in np.flatnonzero(missing > _NAMED)
    ]
    return (
        f"No plan meets all limits: the closest one misses {', '.join(parts)}; widen these or the limits within them."
    )
