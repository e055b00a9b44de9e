"""Tabulated returns of single cells: where cells do not interact, many starts then cost no more than one."""

from dataclasses import dataclass

import numpy as np

from deepcausalmmm_jax.planning.optimizer.problem import Problem

_LEVELS, _FEWEST_LEVELS = 32, 8  # of spend at which slopes are computed, from nothing to the widest, and at least
_WIDEST = 1000.0  # steps of the first one's size that all levels together reach over
_FIRST = 0.1  # share of a cell's typical spend: about the size of the first step


@dataclass(frozen=True, eq=False)
class Curves:
    """Slope of the utility by cell at increasing levels of spend, all cells at the same level at once.

    Attributes:
        levels: `[level, cell]`, spend.
        slopes: `[level, cell]`.
        heights: `[level, cell]`, integral of the slopes.
    """

    levels: np.ndarray
    slopes: np.ndarray
    heights: np.ndarray

    @property
    def low(self) -> np.ndarray:
        """Least spend, `[cell]`."""
        return np.asarray(self.levels[0])


def tabulated(problem: Problem, total: float) -> Curves:
    """Slopes between the least spend of each cell and the most that a total leaves it.

    Levels are dense where spend is small and sparse where it is large, in steps of about equal ratio: a channel that
    was paused may be given a hundred times its typical spend, and saturates long before that. Where every cell is held
    near its spend today, as within 30% of it, the same steps need few levels.
    """
    low = np.minimum(problem.polytope.low, problem.polytope.high)
    reach = np.clip(low + max(total - low.sum(), 0.0), low, problem.polytope.high) - low
    first = np.maximum(_FIRST * np.minimum(problem.typical, np.where(reach > 0, reach, np.inf)), 1e-300)
    widest = np.log1p(reach / first).max(initial=0.0) / np.log1p(_WIDEST)
    at = np.linspace(0.0, 1.0, int(np.clip(np.ceil(_LEVELS * widest), _FEWEST_LEVELS, _LEVELS)))
    levels = low + np.minimum(first * np.expm1(np.log1p(reach / first) * at[:, None]), reach)
    slopes = np.stack([problem.value_and_slope(level)[1] for level in levels])
    rises = 0.5 * (slopes[1:] + slopes[:-1]) * np.diff(levels, axis=0)
    return Curves(levels, slopes, np.concatenate([np.zeros((1, len(low))), np.cumsum(rises, axis=0)]))


@dataclass(frozen=True, eq=False)
class Separable(Problem):
    """A problem whose utility is interpolated from its cells' curves; otherwise exact where cells do not interact."""

    curves: Curves | None = None

    def judge(self) -> Problem:
        """The curves themselves."""
        return self

    def utilities(self, plans: np.ndarray) -> np.ndarray:
        """`[plan]` from spend `[plan, cell]`."""
        return np.array([self.value_and_slope(x)[0] for x in plans])

    def value_and_slope(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Utility, up to a constant, and gradient `[cell]`: linear between levels, constant beyond the last."""
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
    """The problem with its utility interpolated from curves."""
    parts = {name: getattr(problem, name) for name in Problem.__dataclass_fields__}
    return Separable(**parts, curves=curves)
