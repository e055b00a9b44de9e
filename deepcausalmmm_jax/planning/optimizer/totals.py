"""Best plans of one total after another, and the last of them whose figure reaches a target."""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from deepcausalmmm_jax.planning.optimizer.problem import Problem
from deepcausalmmm_jax.planning.optimizer.search import FEW_CELLS, Finder, Found, Search, best_for_total
from deepcausalmmm_jax.planning.optimizer.tabulated import Curves
from deepcausalmmm_jax.steps import parts, uncounted

TURNS = 10  # the most plans that it usually takes to narrow a total down
_RATIO, _RATIO_OF_MANY = 1.5, 2.5  # between neighbouring totals; the second where there are many cells
_MOST_STARTS_OF_MANY = 3
_PRECISION = 2.5e-5  # of the logarithm of the total
Figure = Callable[[Found], float]  # of a plan, such as its ROI


class Totals:
    """Best plans by total, each started from the one before.

    Attributes:
        warm: plan to start the next one from, `[cell]`; None for none.
    """

    def __init__(
        self, problem: Problem, today: np.ndarray, search: Search, curves: Curves, find: Finder = best_for_total
    ) -> None:
        """Plans of a problem without a total, from curves that reach the largest total asked for."""
        self._problem, self._today, self._curves, self._find = problem, today, curves, find
        self._few = len(today) <= FEW_CELLS
        fewer = min(search.starts_for(len(today)), _MOST_STARTS_OF_MANY)
        self._search = search if self._few else dataclasses.replace(search, starts=fewer)
        self.warm: np.ndarray | None = None

    def by(self, find: Finder) -> "Totals":
        """The same, found in another way."""
        other = Totals(self._problem, self._today, self._search, self._curves, find)
        other.warm = self.warm
        return other

    @property
    def ratio(self) -> float:
        """Between neighbouring totals."""
        return _RATIO if self._few else _RATIO_OF_MANY

    def best(self, total: float) -> Found:
        """The best plan of a total."""
        with uncounted():
            found = self._find(self._problem, self._today, total, self._search, self.warm, self._curves)
        self.warm = found.x
        return found

    def decreasing(self, least: float, most: float) -> np.ndarray:
        """Totals between two ends, the largest first."""
        number = int(np.ceil(np.log(most / least) / np.log(self.ratio))) + 1
        return np.geomspace(most, least, number) if number > 1 else np.array([most])

    def narrowed(self, good: float, bad: float, figure: Figure, target: float) -> Found | None:
        """The plan of the last total that reaches a target, on the way from one that does to one that does not.

        None where the first total does not reach it, or the second does.
        """
        reached: list[Found] = []
        turns = parts(range(TURNS), at_most=True)

        def excess(log_total: float) -> float:
            next(turns, None)
            found = self.best(float(np.exp(log_total)))
            above = figure(found) - target
            if above >= 0:
                reached.append(found)
            return above

        first, last = np.log(good), np.log(bad)
        if excess(first) < 0 or excess(last) >= 0:
            return None
        root, back = brentq(excess, first, last, xtol=_PRECISION), np.sign(first - last) * _PRECISION
        while (first - root) * back > 0 and excess(root) < 0:  # it lies within the precision, on either side
            root, back = root + back, 2 * back
        return min(reached, key=lambda found: abs(np.log(found.x.sum()) - last))

    def peak(self, low: float, high: float, figure: Figure, target: float) -> Found:
        """The plan with the highest figure between two totals, or the first found that reaches the target."""
        if high <= low * (1 + 1e-9):
            return self.best(high)
        seen: list[tuple[float, Found]] = []

        def negative(log_total: float) -> float:
            found = self.best(float(np.exp(log_total)))
            seen.append((figure(found), found))
            return -seen[-1][0]

        minimize_scalar(negative, bounds=(np.log(low), np.log(high)), method="bounded", options={"xatol": 1e-3})
        enough = [found for value, found in seen if value >= target]
        return enough[0] if enough else max(seen, key=lambda pair: pair[0])[1]
