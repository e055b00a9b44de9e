"""Shadow prices: the gain from one more unit of spend, overall and where a constraint binds."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.planning.optimizer.problem import Problem

_AT = 1e-6  # share of a cell's typical spend, or of a sum, within which a limit counts as reached


def between_limits(problem: Problem, x: np.ndarray) -> np.ndarray:
    """`[cell]`, whether a cell of a plan is at neither end of its range, so that it may spend more and less."""
    low, high, step = problem.polytope.low, problem.polytope.high, _AT * problem.typical
    return np.asarray((x > low + step) & (x < high - step))


def with_room(problem: Problem, x: np.ndarray) -> np.ndarray:
    """`[cell]`, whether the last unit of the total can go to a cell of a plan, or come from it.

    Such a cell is between its ends, and no sum with it is at an end but the total, which is the last sum. Where there
    is no such cell, all cells between their ends count; where none is, the one that `multipliers` takes, or all.
    """
    inside = between_limits(problem, x)
    others = problem.polytope.rows[:-1][_held(problem, x)[:-1]]
    free = inside & ~np.asarray((others != 0).sum(axis=0) > 0).ravel()
    if inside.any():
        return free if free.any() else inside
    moved = _at_ends(problem, x, problem.value_and_slope(x)[1])
    return moved if (x[moved] > 0).any() else np.ones(len(x), bool)


def _held(problem: Problem, x: np.ndarray) -> np.ndarray:
    """`[sum]`, whether a sum is at an end of its range."""
    polytope = problem.polytope
    sums = polytope.rows @ x
    size = np.maximum(np.abs(sums), _AT)
    with np.errstate(invalid="ignore"):
        return np.asarray((np.abs(sums - polytope.least) <= _AT * size) | (np.abs(polytope.most - sums) <= _AT * size))


def multipliers(problem: Problem, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multipliers of sums, `[sum]`, and of ends of cells, `[cell]`: outcome per unit of spend; 0 where none binds.

    At the optimum the gradient by cell is the sum of the multipliers of its binding limits (Karush-Kuhn-Tucker). Those
    of the sums are estimated by least squares from the cells between their own ends, weighted by spend. Where every
    cell is at an end and only the total holds, its last unit came from the cell that loses least by it.
    """
    slope = problem.value_and_slope(x)[1] * problem.unit
    polytope = problem.polytope
    inside = between_limits(problem, x)
    held = _held(problem, x)
    found = np.zeros(len(held))
    cells = inside if inside.any() else _at_ends(problem, x, slope)
    weight = np.sqrt(np.maximum(x, _AT * problem.typical))[cells]
    matrix = polytope.rows[held][:, cells].toarray().T * weight[:, None]
    found[held] = np.linalg.lstsq(matrix, slope[cells] * weight, rcond=1e-9)[0]
    return found, np.where(inside, 0.0, slope - polytope.rows.T @ found)


def _at_ends(problem: Problem, x: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """`[cell]`, of cells at their ends, the one that the last unit of the total came from, or that the next goes to.

    All of them where each is fixed, or where other sums than the total are at an end.
    """
    low, high, step = problem.polytope.low, problem.polytope.high, _AT * problem.typical
    gives, takes, every = x > low + step, x < high - step, np.ones(len(x), bool)
    if _held(problem, x)[:-1].any() or not (gives | takes).any():
        return every
    last = np.where(gives, slope, np.inf).argmin() if gives.any() else np.where(takes, slope, -np.inf).argmax()
    return np.asarray(np.arange(len(x)) == last)


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
