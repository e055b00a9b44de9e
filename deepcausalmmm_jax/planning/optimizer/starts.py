"""Starting plans: S-shaped curves have several local optima, and only some starts lead to the global one."""

import numpy as np

from deepcausalmmm_jax.planning.optimizer.problem import Problem
from deepcausalmmm_jax.planning.optimizer.tabulated import Curves


def starts(
    problem: Problem, today: np.ndarray, total: float, curves: Curves, number: int, seed: int
) -> list[tuple[str, np.ndarray]]:
    """Named plans within the limits, to start from; the first is today's plan, or the nearest one within the limits.

    Args:
        problem: to be solved, with the total among its limits.
        today: spend without a plan, `[cell]`.
        total: spend of the plan.
        curves: return of each cell.
        number: of plans to return.
        seed: for the random ones.
    """
    scaled = today * (total / today.sum()) if today.sum() > 0 else problem.typical * (total / problem.typical.sum())
    found = [("today", problem.projected(today))]
    if abs(total - today.sum()) > 1e-6 * total:
        found.append(("today, scaled", problem.projected(scaled)))
    if number > len(found):
        found.append(("best by each cell's own curve", problem.projected(_by_own_curves(problem, curves, total))))
    if number > len(found):
        slope = np.maximum(problem.value_and_slope(found[0][1])[1], 0.0) * np.maximum(scaled, problem.typical)
        share = slope / slope.sum() if slope.sum() > 0 else np.full(len(slope), 1 / len(slope))
        found.append(("in proportion to marginal returns", problem.projected(total * share)))
    rng = np.random.default_rng(seed)
    concentration = np.maximum(scaled / total * len(scaled), 0.05)
    while len(found) < number:
        found.append((f"random {len(found)}", problem.projected(total * rng.dirichlet(concentration))))
    return found


def _by_own_curves(problem: Problem, curves: Curves, total: float) -> np.ndarray:
    """The plan that would be best if each cell's return depended on its own spend alone and were concave.

    The pieces of the curves' concave hulls are bought in decreasing order of slope until the total is spent.
    """
    steps, gains = _hull_steps(curves.levels, curves.heights)
    order = np.argsort(-gains, axis=None, kind="stable")
    bought, left = np.zeros(steps.size), max(total - curves.low.sum(), 0.0)
    sizes = steps.ravel()[order]
    spent = np.minimum(sizes, np.maximum(left - np.concatenate([[0.0], np.cumsum(sizes)[:-1]]), 0.0))
    bought[order] = spent
    return np.asarray(curves.low + bought.reshape(steps.shape).sum(axis=0))


def _hull_steps(levels: np.ndarray, curve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Widths and slopes of the pieces of the concave hulls, `[piece, cell]` each; missing pieces have width 0.

    Adjacent pieces whose slopes increase are pooled, as in isotonic regression, until slopes decrease; one sweep per
    point does that for all cells at once.
    """
    width = np.diff(levels, axis=0)
    rise = np.diff(curve, axis=0)
    for _ in range(len(width)):
        slope = np.where(width > 0, rise / np.where(width > 0, width, 1.0), -np.inf)
        for k in range(len(width) - 1, 0, -1):
            pool = (width[k] > 0) & (slope[k] > slope[k - 1])
            width[k - 1] = np.where(pool, width[k - 1] + width[k], width[k - 1])
            rise[k - 1] = np.where(pool, rise[k - 1] + rise[k], rise[k - 1])
            width[k], rise[k] = np.where(pool, 0.0, width[k]), np.where(pool, 0.0, rise[k])
            slope[k - 1] = np.where(
                width[k - 1] > 0, rise[k - 1] / np.where(width[k - 1] > 0, width[k - 1], 1.0), -np.inf
            )
        # Close the gaps that pooling left.
        order = np.argsort(width == 0, axis=0, kind="stable")
        width, rise = np.take_along_axis(width, order, axis=0), np.take_along_axis(rise, order, axis=0)
    slope = np.where(width > 0, rise / np.where(width > 0, width, 1.0), -np.inf)
    return width, slope
