"""Cells' own curves, looked up: where cells share nothing, many starts then cost no more than one."""

from dataclasses import dataclass

import numpy as np

from deepcausalmmm_jax.analysis.budget_problem import Problem

_LEVELS = 24  # at which slopes are taken


@dataclass(frozen=True, eq=False)
class Curves:
    """Slope of the utility by cell at rising levels of its own spend, all cells at the same level.

    Attributes:
        levels: `[level, cell]`, spend.
        slopes: `[level, cell]`.
        heights: `[level, cell]`, the slopes summed up.
    """

    levels: np.ndarray
    slopes: np.ndarray
    heights: np.ndarray

    @property
    def low(self) -> np.ndarray:
        """Least spend, `[cell]`."""
        return self.levels[0]


def tabulated(problem: Problem, total: float) -> Curves:
    """Slopes between the least spend of each cell and as much as it could well be given."""
    high = np.minimum(problem.plan.high, np.maximum(total, problem.plan.low))
    scaled = problem.typical * np.maximum(1.0, total / problem.typical.sum())
    low = np.minimum(problem.plan.low, high)
    reach = np.clip(10.0 * scaled, low, high)
    at = np.linspace(0.0, 1.0, _LEVELS) ** 2
    levels = low + (reach - low) * at[:, None]
    slopes = np.stack([problem.value_and_slope(level)[1] for level in levels])
    rises = 0.5 * (slopes[1:] + slopes[:-1]) * np.diff(levels, axis=0)
    return Curves(levels, slopes, np.concatenate([np.zeros((1, len(low))), np.cumsum(rises, axis=0)]))


@dataclass(frozen=True, eq=False)
class Separable(Problem):
    """A problem whose utility is read off the cells' curves; exact where cells share nothing, up to the steps."""

    curves: Curves | None = None

    def utilities(self, plans: np.ndarray) -> np.ndarray:
        """`[plan]` from spend `[plan, cell]`."""
        return np.array([self.value_and_slope(x)[0] for x in plans])

    def value_and_slope(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Utility, up to a constant, and slope `[cell]`: linear between levels, held beyond the last."""
        assert self.curves is not None
        levels, slopes, heights = self.curves.levels, self.curves.slopes, self.curves.heights
        cell = np.arange(len(x))
        k = np.clip((levels <= x).sum(axis=0) - 1, 0, len(levels) - 2)
        width = levels[k + 1, cell] - levels[k, cell]
        into = x - levels[k, cell]
        share = np.clip(np.where(width > 0, into / np.where(width > 0, width, 1.0), 0.0), 0.0, 1.0)
        slope = slopes[k, cell] + share * (slopes[k + 1, cell] - slopes[k, cell])
        inside = np.clip(into, 0.0, width)
        value = heights[k, cell] + 0.5 * (slopes[k, cell] + slope) * inside + slope * (into - inside)
        return float(value.sum()), slope


def separable(problem: Problem, curves: Curves) -> Separable:
    """The problem with its utility read off curves."""
    parts = {name: getattr(problem, name) for name in Problem.__dataclass_fields__}
    return Separable(**parts, curves=curves)
