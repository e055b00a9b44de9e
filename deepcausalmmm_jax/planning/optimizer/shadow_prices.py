"""Shadow prices: what one more unit of spend would bring, overall and where a limit holds a plan back."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.planning.limits import TOTAL
from deepcausalmmm_jax.planning.optimizer.problem import Problem

_AT = 1e-6  # of a cell's typical spend or of a sum, within which an end counts as touched


def multipliers(problem: Problem, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope of the outcome by each sum's end, `[sum]`, and by each cell's bound, `[cell]`; 0 where none binds.

    At the best plan the slope by cell is the sum of the multipliers of what holds it (Karush-Kuhn-Tucker); cells that
    nothing else holds give them by least squares, weighed by what they spend.
    """
    slope = problem.value_and_slope(x)[1] * problem.unit
    plan = problem.plan
    inside = (x > plan.low + _AT * problem.typical) & (x < plan.high - _AT * problem.typical)
    sums, size = plan.rows @ x, np.maximum(np.abs(plan.rows @ x), _AT)
    with np.errstate(invalid="ignore"):
        held = (np.abs(sums - plan.least) <= _AT * size) | (np.abs(plan.most - sums) <= _AT * size)
    found = np.zeros(len(sums))
    cells = inside if inside.any() else np.ones(len(x), bool)
    weight = np.sqrt(np.maximum(x, _AT * problem.typical))[cells]
    matrix = plan.rows[held][:, cells].toarray().T * weight[:, None]
    found[held] = np.linalg.lstsq(matrix, slope[cells] * weight, rcond=1e-9)[0]
    return found, np.where(inside, 0.0, slope - plan.rows.T @ found)


def total_price(problem: Problem, x: np.ndarray) -> float:
    """Of the total, which is the last sum."""
    return float(multipliers(problem, x)[0][-1])


def binding(problem: Problem, x: np.ndarray, names: list[str]) -> pd.DataFrame:
    """Limits that hold the plan back, with `limit`, `end`, `value` and `shadow_price`.

    Args:
        problem: with its limits.
        x: the plan, `[cell]`.
        names: of the cells.

    Returns:
        Rows by limit; the shadow price is what one more unit of room would bring: at a lower end (and for a total that
        is too large) it is negative, what one more unit forced there costs.
    """
    by_sum, by_cell = multipliers(problem, x)
    plan = problem.plan
    rows = []
    for k in np.flatnonzero(by_sum):
        end = "equal" if plan.least[k] == plan.most[k] else "least" if by_sum[k] < 0 else "most"
        value = plan.most[k] if end != "least" else plan.least[k]
        rows.append((plan.names[k], end, value, by_sum[k]))
    touched = np.flatnonzero(by_cell)
    for i in touched[np.argsort(-np.abs(by_cell[touched]))]:
        at_top = plan.high[i] - x[i] < x[i] - plan.low[i]
        fixed = plan.high[i] - plan.low[i] <= 2 * _AT * problem.typical[i]
        end = "fixed" if fixed else "most" if at_top else "least"
        rows.append((names[i], end, plan.high[i] if at_top else plan.low[i], by_cell[i]))
    return pd.DataFrame(rows, columns=["limit", "end", "value", "shadow_price"])


def is_total(name: str) -> bool:
    """Whether a limit is the plan's total."""
    return name == TOTAL
