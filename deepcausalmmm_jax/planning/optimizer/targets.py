"""The total itself, where a target is given instead: the largest or least one at which a figure is reached."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.optimizer.problem import Problem
from deepcausalmmm_jax.planning.optimizer.search import Found, Search, best_for_total
from deepcausalmmm_jax.planning.optimizer.tabulated import Curves, tabulated
from deepcausalmmm_jax.planning.optimizer.total_range import total_range

_WIDEST = 1e4  # times today's spend, up and down, that totals are looked at where limits leave it open
_RATIO, _RATIO_OF_MANY = 1.5, 2.5  # between totals; where cells are many
FEW_CELLS = 80  # up to which many starts and totals cost little
_HALVINGS = 14


class _Totals:
    """Best plans by total, each from the one before; the cells' curves are taken once."""

    def __init__(self, problem: Problem, today: np.ndarray, how: Search, most: float) -> None:
        self.problem, self.today = problem, today
        self.few = len(today) <= FEW_CELLS
        self.how = how if self.few else how._replace(n_starts=min(how.n_starts, 3))
        self.curves: Curves = tabulated(problem, most)
        self.warm: np.ndarray | None = None

    def best(self, total: float) -> Found:
        found = best_for_total(self.problem, self.today, total, self.how, self.warm, self.curves)
        self.warm = found.x
        return found

    def falling(self, least: float, most: float) -> np.ndarray:
        """Totals between two ends, the largest first."""
        ratio = _RATIO if self.few else _RATIO_OF_MANY
        number = int(np.ceil(np.log(most / least) / np.log(ratio))) + 1
        return np.geomspace(most, least, number) if number > 1 else np.array([most])

    def halved(self, good: float, bad: float, holds: Callable[[Found], bool]) -> Found:
        """The plan of the last total on the way from a good one to a bad one that is still good."""
        found = self.best(good)
        for _ in range(_HALVINGS):
            middle = float(np.sqrt(good * bad))
            tried = self.best(middle)
            if holds(tried):
                good, found = middle, tried
            else:
                bad = middle
        return found


class _Range(NamedTuple):
    """Totals that are looked at."""

    least: float
    most: float
    worth: float  # outcome beyond which no total comes, in the unit of the outcome


def largest_total(
    problem: Problem, today: np.ndarray, how: Search, reached: Callable[[Found], float], target: float, name: str
) -> Found:
    """The best plan of the largest total at which a figure is at least its target.

    Returns of S-shaped curves rise before they fall, so totals are looked at from the largest down. No total beyond
    the highest outcome over the target can have that return.

    Args:
        problem: limits without a total.
        today: spend without a plan, `[cell]`.
        how: method, starts, steps.
        reached: the figure of a plan.
        target: least value of it.
        name: of the figure, for messages.

    Raises:
        ConfigError: no total reaches the target; says the best that can be had, and where was looked.
    """
    span = _range(problem, today)
    most = float(np.clip(max(1.05 * span.worth / target, _scale(problem, today)), span.least, span.most))
    totals = _Totals(problem, today, how, most)
    looked, figures = totals.falling(span.least, most), []
    for i, total in enumerate(looked):
        found = totals.best(total)
        figures.append(reached(found))
        if figures[-1] >= target:
            return found if i == 0 else totals.halved(total, looked[i - 1], lambda f: reached(f) >= target)
    top = int(np.argmax(figures))
    low, high = looked[min(top + 1, len(looked) - 1)], looked[max(top - 1, 0)]
    peak = _peak(totals, low, high, reached, target)
    if reached(peak) >= target:
        return totals.halved(float(peak.x.sum()), high, lambda f: reached(f) >= target)
    best = max((reached(peak), float(peak.x.sum())), (figures[top], float(looked[top])))
    raise ConfigError(
        f"No plan within the limits reaches a {name} of {target:,.6g}; the best is {best[0]:,.6g}, at a total of "
        f"{best[1]:,.6g} (totals from {looked[-1]:,.6g} to {looked[0]:,.6g})."
    )


def _peak(totals: _Totals, low: float, high: float, reached: Callable[[Found], float], target: float) -> Found:
    """The plan with the highest figure between two totals, or the first found that reaches the target."""
    if high <= low * (1 + 1e-9):
        return totals.best(high)
    seen: list[tuple[float, Found]] = []

    def falling(log_total: float) -> float:
        found = totals.best(float(np.exp(log_total)))
        seen.append((reached(found), found))
        return -seen[-1][0]

    minimize_scalar(falling, bounds=(np.log(low), np.log(high)), method="bounded", options={"xatol": 1e-3})
    enough = [found for figure, found in seen if figure >= target]
    return enough[0] if enough else max(seen, key=lambda pair: pair[0])[1]


def least_total(problem: Problem, today: np.ndarray, how: Search, target: float) -> Found:
    """The best plan of the least total whose utility is at least the target (in the problem's unit).

    Raises:
        ConfigError: no total reaches the target, or nothing need be spent for it; says the best that can be had.
    """
    span = _range(problem, today)
    totals = _Totals(problem, today, how, span.most)
    now = float(np.clip(_scale(problem, today), span.least, span.most))
    found = totals.best(now)
    step = _RATIO if totals.few else _RATIO_OF_MANY
    while found.value < target:
        if now >= span.most or found.value * problem.unit >= 0.999 * span.worth:
            raise ConfigError(
                f"No plan within the limits reaches a KPI of {target * problem.unit:,.6g}; the most is "
                f"{found.value * problem.unit:,.6g}, at a total of {now:,.6g}."
            )
        below, now = now, min(now * step, span.most)
        found = totals.best(now)
        if found.value >= target:
            return totals.halved(now, below, lambda f: f.value >= target)
    bottom = total_range(problem.plan)[0]
    least = span.least if bottom > 0 else 1e-6 * span.least
    while now > least:
        above, now = now, max(now / step, least)
        if totals.best(now).value < target:
            return totals.halved(above, now, lambda f: f.value >= target)
    if bottom > 0 or float(problem.utilities(np.zeros((1, len(today))))[0]) < target:
        return totals.best(now)
    raise ConfigError(
        f"A KPI of {target * problem.unit:,.6g} is reached without any spend: exposure that was free brings it already."
    )


def _scale(problem: Problem, today: np.ndarray) -> float:
    return float(today.sum()) if today.sum() > 0 else float(problem.typical.sum())


def _range(problem: Problem, today: np.ndarray) -> _Range:
    """Totals that the limits allow, within ten thousand times today's spend up and down."""
    least, most = total_range(problem.plan)
    if most <= 0:
        raise ConfigError("The limits leave no spend at all, so that there is no total to look for; widen them.")
    scale = _scale(problem, today)
    flooded = np.minimum(np.maximum(_WIDEST * np.maximum(problem.typical, scale), problem.plan.low), problem.plan.high)
    worth = float(problem.utilities(flooded[None])[0]) * problem.unit
    return _Range(max(least, min(scale / _WIDEST, most)), min(most, max(_WIDEST * scale, 2.0 * least)), worth)
