"""Where solvers start: S-shaped curves have more than one best plan nearby, and only some are best of all."""

import numpy as np

from deepcausalmmm_jax.analysis.budget_problem import Problem

_LEVELS = 24  # at which the slope of each cell's own curve is looked at


def starts(problem: Problem, today: np.ndarray, total: float, number: int, seed: int) -> list[tuple[str, np.ndarray]]:
    """Plans within the limits, named; today's plan, or the nearest one, is the first.

    Args:
        problem: what is solved.
        today: spend without a plan, `[cell]`.
        total: sum of the cells.
        number: plans wanted.
        seed: of the random ones.
    """
    scaled = today * (total / today.sum()) if today.sum() > 0 else problem.typical * (total / problem.typical.sum())
    found = [("today", problem.projected(today)), ("today, scaled", problem.projected(scaled))]
    if number > 1:
        found.append(("best by each cell's own curve", problem.projected(_by_own_curves(problem, total))))
    if number > 2:
        slope = np.maximum(problem.value_and_slope(found[0][1])[1], 0.0) * np.maximum(scaled, problem.typical)
        share = slope / slope.sum() if slope.sum() > 0 else np.full(len(slope), 1 / len(slope))
        found.append(("in proportion to marginal returns", problem.projected(total * share)))
    rng = np.random.default_rng(seed)
    concentration = np.maximum(scaled / total * len(scaled), 0.05)
    while len(found) < number:
        found.append((f"random {len(found)}", problem.projected(total * rng.dirichlet(concentration))))
    return found


def _by_own_curves(problem: Problem, total: float) -> np.ndarray:
    """The best plan were each cell's return a curve of its own spend, and the curves concave.

    Slopes at common multiples of the typical spend are summed up to curves; each curve's concave hull is bought in the
    order of its slopes until the total is spent. Exact for channels that share nothing, up to the steps.
    """
    n = len(problem.typical)
    high = np.minimum(problem.plan.high, np.maximum(total, problem.plan.low))
    reach = np.minimum(high, np.maximum(10.0 * problem.typical, 4.0 * problem.typical * total / problem.typical.sum()))
    low = np.minimum(problem.plan.low, high)
    reach = np.maximum(reach, low)
    at = np.linspace(0.0, 1.0, _LEVELS + 1) ** 2
    levels = low + (reach - low) * at[:, None]
    slopes = np.stack([problem.value_and_slope(level)[1] for level in 0.5 * (levels[1:] + levels[:-1])])
    width = np.diff(levels, axis=0)
    curve = np.concatenate([np.zeros((1, n)), np.cumsum(slopes * width, axis=0)])
    steps, gains = _hull_steps(levels, curve)
    order = np.argsort(-gains, axis=None, kind="stable")
    bought, left = np.zeros(steps.size), max(total - low.sum(), 0.0)
    sizes = steps.ravel()[order]
    spent = np.minimum(sizes, np.maximum(left - np.concatenate([[0.0], np.cumsum(sizes)[:-1]]), 0.0))
    bought[order] = spent
    return low + bought.reshape(steps.shape).sum(axis=0)


def _hull_steps(levels: np.ndarray, curve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Widths and slopes of the concave hulls' pieces, `[piece, cell]` each; pieces that are not there have width 0.

    The hull of k points is the pieces left when a piece with a smaller slope before it is pooled with it, as in
    isotonic regression, until slopes fall; k sweeps do that for all cells at once.
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
        # Move pieces up over the gaps that pooling left.
        order = np.argsort(width == 0, axis=0, kind="stable")
        width, rise = np.take_along_axis(width, order, axis=0), np.take_along_axis(rise, order, axis=0)
    slope = np.where(width > 0, rise / np.where(width > 0, width, 1.0), -np.inf)
    return width, slope
