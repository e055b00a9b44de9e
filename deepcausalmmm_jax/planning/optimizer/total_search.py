"""Search for the total itself: the largest or smallest one at which a figure reaches its target."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from deepcausalmmm_jax.checks import amount
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.optimizer.polytope import total_range
from deepcausalmmm_jax.planning.optimizer.problem import Problem
from deepcausalmmm_jax.planning.optimizer.search import FEW_CELLS, Found, Search, best_for_total
from deepcausalmmm_jax.planning.optimizer.tabulated import Curves, tabulated
from deepcausalmmm_jax.steps import parts, portion, uncounted

_WIDEST = 1e4  # multiple of today's spend, up and down, within which totals are searched where limits leave it open
_RATIO, _RATIO_OF_MANY = 1.5, 2.5  # between neighbouring totals; the second where there are many cells
_MOST_STARTS_OF_MANY = 3
_HALVINGS = 14


class _Totals:
    """Best plans by total, each started from the one before; the cells' curves are computed once."""

    def __init__(self, problem: Problem, today: np.ndarray, search: Search, most: float) -> None:
        self.problem, self.today = problem, today
        self.few = len(today) <= FEW_CELLS
        fewer = min(search.starts_for(len(today)), _MOST_STARTS_OF_MANY)
        self.search = search if self.few else dataclasses.replace(search, starts=fewer)
        self.curves: Curves = tabulated(problem, most)
        self.warm: np.ndarray | None = None

    @property
    def ratio(self) -> float:
        """Between neighbouring totals."""
        return _RATIO if self.few else _RATIO_OF_MANY

    def best(self, total: float) -> Found:
        with uncounted():
            found = best_for_total(self.problem, self.today, total, self.search, self.warm, self.curves)
        self.warm = found.x
        return found

    def decreasing(self, least: float, most: float) -> np.ndarray:
        """Totals between two ends, the largest first."""
        number = int(np.ceil(np.log(most / least) / np.log(self.ratio))) + 1
        return np.geomspace(most, least, number) if number > 1 else np.array([most])

    def bisected(self, good: float, bad: float, holds: Callable[[Found], bool]) -> Found:
        """The plan of the last total that holds, on the way from one that holds to one that does not."""
        found = self.best(good)
        for _ in parts(range(_HALVINGS)):
            middle = float(np.sqrt(good * bad))
            tried = self.best(middle)
            if holds(tried):
                good, found = middle, tried
            else:
                bad = middle
        return found


class _Range(NamedTuple):
    """Totals that are searched."""

    least: float
    most: float
    ceiling: float  # outcome that no total exceeds, in the unit of the outcome


def largest_total(
    problem: Problem, today: np.ndarray, search: Search, reached: Callable[[Found], float], target: float, name: str
) -> Found:
    """The best plan of the largest total at which a figure is at least its target.

    Returns of S-shaped curves increase before they decrease, so totals are tried from the largest down. No total beyond
    the highest outcome divided by the target can have that return.

    Args:
        problem: limits without a total.
        today: spend without a plan, `[cell]`.
        search: method, starts, steps.
        reached: the figure of a plan.
        target: least value of it.
        name: of the figure, for messages.

    Raises:
        ConfigError: no total reaches the target; the message gives the best that was found, and the totals tried.
    """
    span = _range(problem, today)
    most = float(np.clip(max(1.05 * span.ceiling / target, _scale(problem, today)), span.least, span.most))
    totals = _Totals(problem, today, search, most)
    tried, figures = totals.decreasing(span.least, most), []
    share = len(tried) / (len(tried) + _HALVINGS)  # of the wait, if none of them reaches the target
    with portion(0.0, share):
        for total in parts(list(tried), at_most=True):
            found = totals.best(total)
            figures.append(reached(found))
            if figures[-1] >= target:
                break
    if figures[-1] >= target:
        with portion(share, 1.0):
            last = len(figures) - 1
            return found if not last else totals.bisected(total, tried[last - 1], lambda f: reached(f) >= target)
    top = int(np.argmax(figures))
    low, high = tried[min(top + 1, len(tried) - 1)], tried[max(top - 1, 0)]
    peak = _peak(totals, low, high, reached, target)
    if reached(peak) >= target:
        return totals.bisected(float(peak.x.sum()), high, lambda f: reached(f) >= target)
    best = max((reached(peak), float(peak.x.sum())), (figures[top], float(tried[top])))
    raise ConfigError(
        f"No plan within the limits reaches the target {name} of {amount(target)}; the best is {amount(best[0])}, at a "
        f"total of {amount(best[1])} (totals from {amount(tried[-1])} to {amount(tried[0])} were tried)."
    )


def _peak(totals: _Totals, low: float, high: float, reached: Callable[[Found], float], target: float) -> Found:
    """The plan with the highest figure between two totals, or the first found that reaches the target."""
    if high <= low * (1 + 1e-9):
        return totals.best(high)
    seen: list[tuple[float, Found]] = []

    def negative(log_total: float) -> float:
        found = totals.best(float(np.exp(log_total)))
        seen.append((reached(found), found))
        return -seen[-1][0]

    minimize_scalar(negative, bounds=(np.log(low), np.log(high)), method="bounded", options={"xatol": 1e-3})
    enough = [found for figure, found in seen if figure >= target]
    return enough[0] if enough else max(seen, key=lambda pair: pair[0])[1]


def least_total(problem: Problem, today: np.ndarray, search: Search, target: float) -> Found:
    """The best plan of the least total whose utility is at least the target (in the problem's unit).

    Args:
        problem: limits without a total.
        today: spend without a plan, `[cell]`.
        search: method, starts, steps.
        target: utility, in `problem.unit`.

    Raises:
        ConfigError: no total reaches the target (the message gives the most that can be reached), or it is reached
            without any spend.
    """
    span = _range(problem, today)
    totals = _Totals(problem, today, search, span.most)
    now = float(np.clip(_scale(problem, today), span.least, span.most))
    found = totals.best(now)
    while found.value < target:
        if now >= span.most or found.value * problem.unit >= 0.999 * span.ceiling:
            raise ConfigError(
                f"No plan within the limits reaches a KPI of {amount(target * problem.unit)}; the most is "
                f"{amount(found.value * problem.unit)}, at a total of {amount(now)}."
            )
        below, now = now, min(now * totals.ratio, span.most)
        found = totals.best(now)
        if found.value >= target:
            return totals.bisected(now, below, lambda f: f.value >= target)
    bottom = total_range(problem.polytope)[0]
    least = span.least if bottom > 0 else 1e-6 * span.least
    while now > least:
        above, now = now, max(now / totals.ratio, least)
        if totals.best(now).value < target:
            return totals.bisected(above, now, lambda f: f.value >= target)
    if bottom > 0 or float(problem.utilities(np.zeros((1, len(today))))[0]) < target:
        return totals.best(now)
    raise ConfigError(
        f"A KPI of {amount(target * problem.unit)} needs no spend: exposure that was free already reaches it."
    )


def _scale(problem: Problem, today: np.ndarray) -> float:
    return float(today.sum()) if today.sum() > 0 else float(problem.typical.sum())


def _range(problem: Problem, today: np.ndarray) -> _Range:
    """Totals that the limits allow, within ten thousand times today's spend up and down."""
    polytope = problem.polytope
    least, most = total_range(polytope)
    if most <= 0:
        raise ConfigError("The limits allow no spend at all, so there is no total to search for; widen them.")
    scale = _scale(problem, today)
    flooded = np.minimum(np.maximum(_WIDEST * np.maximum(problem.typical, scale), polytope.low), polytope.high)
    ceiling = float(problem.utilities(flooded[None])[0]) * problem.unit
    return _Range(max(least, min(scale / _WIDEST, most)), min(most, max(_WIDEST * scale, 2.0 * least)), ceiling)
