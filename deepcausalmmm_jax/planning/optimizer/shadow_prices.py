"""Shadow prices: the gain from one more unit of spend, overall and where a constraint binds."""

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.linalg import null_space
from scipy.optimize import linprog

from deepcausalmmm_jax.planning.optimizer.problem import Problem

_AT = 1e-6  # share of a cell's typical spend, or of a sum, within which a limit counts as reached
_RANK = 1e-9  # singular values below that share of the largest are none
_NONE = 1e-5  # share of the largest slope up to which no unit is lost for a multiplier
_ROUNDING = 1e-12  # and up to which it is the rounding of a difference
_SECOND, _MISSED = 1e-4, 1e3  # what the multipliers of other sums count beside that of the total, and missing a sign


def between_limits(problem: Problem, x: np.ndarray) -> np.ndarray:
    """`[cell]`, whether a cell of a plan is at neither end of its range, so that it may spend more and less."""
    low, high, step = problem.polytope.low, problem.polytope.high, _AT * problem.typical
    return np.asarray((x > low + step) & (x < high - step))


def with_room(problem: Problem, x: np.ndarray) -> np.ndarray:
    """`[cell]`, whether the last unit of the total can go to a cell of a plan, or come from it.

    Such a cell is between its ends, and no sum with it is at an end but the total, which is the last sum. Where there
    is no such cell, it is one that the last unit came from without loss: neither its own end nor any sum with it is
    worth anything. All cells count where there is none either.
    """
    inside = between_limits(problem, x)
    others = problem.polytope.rows[:-1]
    free = np.asarray(inside & ~_is_in(others[_held(problem, x)[:-1]]))
    if free.any():
        return free
    by_sum, by_cell = multipliers(problem, x)
    none = _NONE * max(float(np.abs(problem.value_and_slope(x)[1]).max() * problem.unit), 1e-300)
    moved = (np.abs(by_cell) <= none) & ~_is_in(others[np.abs(by_sum[:-1]) > none])
    gives = moved & (x > problem.polytope.low + _AT * problem.typical)
    found = gives if gives.any() else moved if (x[moved] > 0).any() else inside
    return np.asarray(found) if (x[found] > 0).any() else np.ones(len(x), bool)


def _is_in(rows: sp.csr_matrix) -> np.ndarray:
    """`[cell]`, whether any of the sums `[sum, cell]` has the cell."""
    return np.asarray((rows != 0).sum(axis=0) > 0).ravel()


def _held(problem: Problem, x: np.ndarray) -> np.ndarray:
    """`[sum]`, whether a sum is at an end of its range."""
    return np.asarray(np.logical_or(*_ends(problem, x)))


def _ends(problem: Problem, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`[sum]` each, whether a sum is at its lower end, and at its upper one."""
    polytope = problem.polytope
    sums = polytope.rows @ x
    size = np.maximum(np.abs(sums), _AT)
    with np.errstate(invalid="ignore"):
        return np.abs(sums - polytope.least) <= _AT * size, np.abs(polytope.most - sums) <= _AT * size


def multipliers(problem: Problem, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multipliers of sums, `[sum]`, and of ends of cells, `[cell]`: outcome per unit of spend; 0 where none binds.

    At the optimum the gradient by cell is the sum of the multipliers of its binding limits (Karush-Kuhn-Tucker). Those
    of the sums are estimated by least squares from the cells between their own ends, weighted by spend. Where these
    leave them open, as where the sums of all channels are at their ends and add up to the total, see `_one_sided`.
    """
    slope = problem.value_and_slope(x)[1] * problem.unit
    polytope = problem.polytope
    inside = between_limits(problem, x)
    held = _held(problem, x)
    found = np.zeros(len(held))
    weight = np.sqrt(np.maximum(x, _AT * problem.typical))[inside]
    matrix = polytope.rows[held][:, inside].toarray().T * weight[:, None]
    left = slope[inside] * weight
    found[held] = np.linalg.lstsq(matrix, left, rcond=_RANK)[0] if inside.any() else 0.0
    is_open = null_space(np.linalg.qr(matrix, mode="r"), rcond=_RANK) if inside.any() else np.eye(int(held.sum()))
    if is_open.shape[1]:
        found[held] = _one_sided(problem, x, slope, found[held], is_open)
    by_cell, rounding = np.where(inside, 0.0, slope - polytope.rows.T @ found), _ROUNDING * np.abs(slope).max()
    return np.where(np.abs(found) > rounding, found, 0.0), np.where(np.abs(by_cell) > rounding, by_cell, 0.0)


def _one_sided(
    problem: Problem, x: np.ndarray, slope: np.ndarray, found: np.ndarray, is_open: np.ndarray
) -> np.ndarray:
    """Multipliers of the sums at their ends, `[held sum]`, where the cells between their ends leave some of them open.

    That of the total is what its last unit loses where it came from, which is its largest value: a limit at its upper
    end gains by more spend, one at its lower end by less, and so does a cell. Where nothing can spend less, it is what
    the next unit gains. The other limits have the least that goes with it: what raising each of them alone would gain.

    Args:
        problem: with its limits.
        x: the plan, `[cell]`.
        slope: outcome per unit of spend, `[cell]`.
        found: any multipliers that fit the cells between their ends.
        is_open: `[held sum, direction]`, by which others that fit differ from them.
    """
    polytope, held, step = problem.polytope, _held(problem, x), _AT * problem.typical
    unit = max(float(np.abs(slope).max()), 1e-300)
    at_least, at_most = (end[held] for end in _ends(problem, x))
    sign = at_most.astype(float) - at_least  # 0 of a sum that is fixed
    below, above = x <= polytope.low + step, x >= polytope.high - step
    own = above.astype(float) - below  # of a cell; 0 between its ends, and where it is fixed
    ends = own != 0
    rows, kept = polytope.rows[held].T.toarray()[ends], sign != 0
    wanted = np.concatenate([own[ends] * (slope[ends] - rows @ found), sign[kept] * found[kept]]) / unit
    across = np.concatenate([own[ends, None] * (rows @ is_open), -sign[kept, None] * is_open[kept]])
    least_of_others = _SECOND * sign * (np.arange(len(sign)) < len(sign) - 1)
    missed = np.full(len(wanted), _MISSED)  # rounding of a search is no reason for there to be none
    for total in (1.0, -1.0):
        aim = (least_of_others - total * (np.arange(len(sign)) == len(sign) - 1)) @ is_open
        within = sp.hstack([sp.csr_matrix(across), -sp.eye(len(wanted))], format="csr")
        free = [(None, None)] * is_open.shape[1] + [(0.0, None)] * len(wanted)
        best = linprog(np.concatenate([aim, missed]), A_ub=within, b_ub=wanted, bounds=free)
        if best.status == 0:
            return np.asarray(found + unit * (is_open @ best.x[: is_open.shape[1]]))
    return np.linalg.lstsq(polytope.rows[held].T.toarray(), slope, rcond=_RANK)[0] if ends.all() else found


def total_price(problem: Problem, x: np.ndarray) -> float:
    """Shadow price of the total, which is the last sum."""
    return float(multipliers(problem, x)[0][-1])


def binding(problem: Problem, x: np.ndarray, names: list[str]) -> pd.DataFrame:
    """Binding limits of a plan, with `limit`, `end`, `value` (spend) and `shadow_price`.

    Args:
        problem: with its limits.
        x: the plan, `[cell]`.
        names: of the cells.

    Returns:
        One row per limit. The shadow price is the gain in outcome from raising the limit by one unit of spend; it is
        negative at a lower end (and for a total that is too large), where that forces one more unit to be spent.
    """
    by_sum, by_cell = multipliers(problem, x)
    polytope = problem.polytope
    rows = []
    for k in np.flatnonzero(by_sum):
        end = "equal" if polytope.least[k] == polytope.most[k] else "least" if by_sum[k] < 0 else "most"
        value = polytope.most[k] if end != "least" else polytope.least[k]
        rows.append((polytope.names[k], end, value, by_sum[k]))
    touched = np.flatnonzero(by_cell)
    for i in touched[np.argsort(-np.abs(by_cell[touched]))]:
        at_top = polytope.high[i] - x[i] < x[i] - polytope.low[i]
        fixed = polytope.high[i] - polytope.low[i] <= _AT * polytope.low[i]
        end = "fixed" if fixed else "most" if at_top else "least"
        rows.append((names[i], end, polytope.high[i] if at_top else polytope.low[i], by_cell[i]))
    return pd.DataFrame(rows, columns=["limit", "end", "value", "shadow_price"])
