r"""Nearest plan within the limits, $\min_x \tfrac12 \sum_i (x_i - y_i)^2 / s_i$."""

import numpy as np

from deepcausalmmm_jax.planning.limits import Feasible
from deepcausalmmm_jax.planning.optimizer.dual import SLACK, Sums, nearest

_CLOSE = 1e-11  # of a sum
_MOST_PASSES = 8
_LEAST_EASE = 1e-6  # of the largest weight, with which a cell takes part in mending the last digits
_DENSE = 20_000  # entries up to which a full matrix is quicker


def project(y: np.ndarray, plan: Feasible, weight: np.ndarray) -> np.ndarray:
    """Nearest plan to `y`.

    Args:
        y: spend, `[cell]`.
        plan: limits that some plan meets; its sums may contain, cross, repeat or imply one another.
        weight: s, `[cell]`, how easily a cell moves, above 0.

    Returns:
        `[cell]`, within the box exactly and within the sums to 1e-9 of themselves.
    """
    low, high, held = _forced(plan)
    x = np.clip(y, low, high)
    if not held.any():
        return x
    free = high > low
    given = _of_free_cells(y, plan, weight, low, high, held)
    best = np.inf
    for number in range(_MOST_PASSES):
        found = nearest(given, mending=number > 0)
        before, missed = best, _missed(given, found)
        if missed < best:
            best, x[free] = missed, found
        if best <= _CLOSE or best > 0.5 * before:
            break
        # Far from the limits digits are lost; from where the last pass ended, few are.
        given = given._replace(y=found, weight=np.maximum(given.weight, _LEAST_EASE * given.weight.max()))
    return x


def _forced(plan: Feasible) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ends of cells, closer where a sum leaves no choice or has a single cell, and which sums are still to meet."""
    low, high = plan.low, plan.high
    held = np.isfinite(plan.least) | np.isfinite(plan.most)
    while held.any():
        least, most = plan.rows @ low, plan.rows @ high
        held &= ((least < plan.least) | (most > plan.most)) & (most > least)
        at_low, at_high = held & (plan.most <= least), held & (plan.least >= most)
        alone = held & ~at_low & ~at_high & (plan.rows @ (high > low).astype(np.float64) == 1)
        if not (at_low | at_high | alone).any():
            break
        held &= ~alone
        if alone.any():
            low, high = _with_single_cells(plan, alone, low, high)
        high = np.where(plan.rows.T @ at_low.astype(np.float64) > 0, np.minimum(low, high), high)
        low = np.where(plan.rows.T @ at_high.astype(np.float64) > 0, np.maximum(low, high), low)
    return low, high, held


def _with_single_cells(
    plan: Feasible, alone: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of cells that are also those of sums in which no other cell has a choice."""
    rows, free = plan.rows[alone], high > low
    cells = np.flatnonzero(free)[rows[:, free].indices]
    rest = rows @ np.where(free, 0.0, high)
    least, most = plan.least[alone], plan.most[alone]
    slack = SLACK * _size(least, most, rest)
    closer_low, closer_high = low.copy(), high.copy()
    np.maximum.at(closer_low, cells, np.clip(least - rest - slack, low[cells], high[cells]))
    np.minimum.at(closer_high, cells, np.clip(most - rest + slack, low[cells], high[cells]))
    return closer_low, closer_high


def _of_free_cells(
    y: np.ndarray, plan: Feasible, weight: np.ndarray, low: np.ndarray, high: np.ndarray, held: np.ndarray
) -> Sums:
    """What is left to solve: cells that have a choice, sums less what the others spend."""
    rows, least, most, free = plan.rows[held], plan.least[held], plan.most[held], high > low
    fixed = np.zeros(len(least))
    if not free.all():
        fixed, rows = rows @ np.where(free, 0.0, high), rows[:, free]
    small = rows.shape[0] * rows.shape[1] <= _DENSE
    return Sums(
        y[free],
        weight[free] / weight[free].max(),
        low[free],
        high[free],
        rows.toarray() if small else rows,
        least - fixed,
        most - fixed,
        _size(least, most, fixed),
    )


def _size(*spends: np.ndarray) -> np.ndarray:
    """`[sum]`, largest of what is finite."""
    return np.max([np.where(np.isfinite(spend), np.abs(spend), 0.0) for spend in spends], axis=0)


def _missed(given: Sums, x: np.ndarray) -> float:
    """Largest miss of a sum, relative to itself."""
    sums = given.rows @ x
    off = np.abs(np.clip(sums, given.least, given.most) - sums)
    size = np.maximum(given.size, np.abs(sums))
    return float(np.divide(off, size, out=np.zeros_like(off), where=off > 0).max())
