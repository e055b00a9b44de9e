r"""Nearest plan within the limits, $\min_x \tfrac12 \sum_i (x_i - y_i)^2 / s_i$."""

import numpy as np

from deepcausalmmm_jax.planning.optimizer.dual_newton import SLACK, QuadraticProgram, solve
from deepcausalmmm_jax.planning.optimizer.polytope import Polytope

_CLOSE = 1e-11  # share of a limit by which the result may miss it
_MOST_PASSES = 8
_LEAST_WEIGHT = 1e-6  # share of the largest weight that every cell has when the last digits are refined
_DENSE = 20_000  # entries up to which a dense matrix is faster


def project(y: np.ndarray, polytope: Polytope, weight: np.ndarray) -> np.ndarray:
    """Nearest plan to `y`.

    Args:
        y: spend, `[cell]`.
        polytope: limits that some plan meets; its sums may contain, cross, repeat or imply one another.
        weight: s, `[cell]`, above 0; a cell with twice the weight moves twice as far.

    Returns:
        `[cell]`, within the ends of cells exactly, and within the sums to 1e-9 of themselves.
    """
    low, high, held = _presolved(polytope)
    x: np.ndarray = np.clip(y, low, high)
    if not held.any():
        return x
    free = high > low
    program = _of_free_cells(y, polytope, weight, low, high, held)
    best = np.inf
    for number in range(_MOST_PASSES):
        found = solve(program, refine=number > 0)
        candidate = x.copy()
        candidate[free] = found
        before, missed = best, max(float(polytope.violations(candidate).max()), 0.0)
        if missed < best:
            best, x = missed, candidate
        if best <= _CLOSE or best > 0.5 * before:
            break
        # A start far outside the limits costs digits; a start where the last pass ended costs few.
        program = program._replace(y=found, weight=np.maximum(program.weight, _LEAST_WEIGHT * program.weight.max()))
    return x


def _presolved(polytope: Polytope) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ends of cells, tightened where a sum leaves no choice or has a single free cell; and the sums still to be met."""
    low, high = polytope.low, polytope.high
    held = np.isfinite(polytope.least) | np.isfinite(polytope.most)
    while held.any():
        least, most = polytope.rows @ low, polytope.rows @ high
        held &= ((least < polytope.least) | (most > polytope.most)) & (most > least)
        at_low, at_high = held & (polytope.most <= least), held & (polytope.least >= most)
        alone = held & ~at_low & ~at_high & (polytope.rows @ (high > low).astype(np.float64) == 1)
        if not (at_low | at_high | alone).any():
            break
        held &= ~alone
        if alone.any():
            low, high = _with_single_cells(polytope, alone, low, high)
        high = np.where(polytope.rows.T @ at_low.astype(np.float64) > 0, np.minimum(low, high), high)
        low = np.where(polytope.rows.T @ at_high.astype(np.float64) > 0, np.maximum(low, high), low)
    return low, high, held


def _with_single_cells(
    polytope: Polytope, alone: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of cells after sums with a single free cell have been turned into ends of that cell."""
    rows, free = polytope.rows[alone], high > low
    cells = np.flatnonzero(free)[rows[:, free].indices]
    rest = rows @ np.where(free, 0.0, high)
    least, most = polytope.least[alone], polytope.most[alone]
    slack = SLACK * _size(least, most, rest)
    closer_low, closer_high = low.copy(), high.copy()
    np.maximum.at(closer_low, cells, np.clip(least - rest - slack, low[cells], high[cells]))
    np.minimum.at(closer_high, cells, np.clip(most - rest + slack, low[cells], high[cells]))
    return closer_low, closer_high


def _of_free_cells(
    y: np.ndarray, polytope: Polytope, weight: np.ndarray, low: np.ndarray, high: np.ndarray, held: np.ndarray
) -> QuadraticProgram:
    """What is left to solve: cells that have a choice, and sums less the spend of the other cells."""
    rows, least, most, free = polytope.rows[held], polytope.least[held], polytope.most[held], high > low
    fixed = np.zeros(len(least))
    if not free.all():
        fixed, rows = rows @ np.where(free, 0.0, high), rows[:, free]
    small = rows.shape[0] * rows.shape[1] <= _DENSE
    return QuadraticProgram(
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
    """`[sum]`, largest absolute value among the finite ones."""
    return np.asarray(np.max([np.where(np.isfinite(spend), np.abs(spend), 0.0) for spend in spends], axis=0))
