"""From a problem to its best plan: many starts for a given total, and the total itself where a target is given."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.analysis.budget_constraints import refuse_total, total_range
from deepcausalmmm_jax.analysis.budget_prices import total_price
from deepcausalmmm_jax.analysis.budget_problem import Problem
from deepcausalmmm_jax.analysis.budget_solvers import Method, Solved, Solver, projected, solver_for
from deepcausalmmm_jax.analysis.budget_starts import starts
from deepcausalmmm_jax.analysis.budget_tabulated import Curves, separable, tabulated
from deepcausalmmm_jax.errors import ConfigError

_SAME = 1e-4  # of the best value, within which a start counts as having found it
_LARGEST = 5.0  # of today's spend, the most that is looked at where limits leave it open
_LEAST = 0.02
_TOTALS = 10
_NEAR = 0.01  # of the spend, by which two ends on the curves may differ and count as one
_HALVINGS = 14


class Search(NamedTuple):
    """How to look for a plan."""

    method: Method
    n_starts: int
    steps: int
    seed: int


class Found(NamedTuple):
    """The best plan of a search."""

    x: np.ndarray
    value: float
    method: str
    starts: pd.DataFrame  # by start: value, relative to the best, and whether it is the best
    problem: Problem  # with the total among its limits


def best_for_total(
    problem: Problem, today: np.ndarray, total: float, how: Search, warm: np.ndarray | None = None
) -> Found:
    """The best plan of a total.

    Args:
        problem: limits without the total.
        today: spend without a plan, `[cell]`.
        total: sum of the cells.
        how: method, starts, steps.
        warm: another plan to start from.

    Raises:
        ConfigError: no plan of that total meets the limits.
    """
    refuse_total(problem.plan, total)
    held = problem.within(problem.plan.with_total(total))
    name, solve = solver_for(how.method, len(today))
    curves = tabulated(held, total)
    begins = starts(held, today, total, curves, how.n_starts, how.seed)
    if warm is not None:
        begins.append(("plan of a near total", held.projected(warm)))
    at_start = held.utilities(np.stack([x for _, x in begins]))
    if name in ("differential_evolution", "hybrid"):  # a population of its own: one run, from the best start
        chosen = int(np.argmax(at_start))
        begins, at_start = [begins[chosen]], at_start[[chosen]]
    whole = held.utility.is_mean and held.separable
    ended = (
        _together(held, curves, begins, solve, how)
        if whole
        else [solve(held, x, how.steps, how.seed) for _, x in begins]
    )
    kept = [
        end if end.value >= v else Solved(x, float(v)) for end, (_, x), v in zip(ended, begins, at_start, strict=True)
    ]
    best = max(kept, key=lambda end: end.value)
    values = np.array([end.value for end in kept])
    table = pd.DataFrame(
        {
            "start": [label for label, _ in begins],
            "value_at_start": at_start / abs(best.value),
            "value": values / abs(best.value),
            "best": values >= best.value - _SAME * abs(best.value),
        }
    )
    return Found(best.x, best.value, name, table, held)


def _together(
    problem: Problem, curves: Curves, begins: list[tuple[str, np.ndarray]], solve: Solver, how: Search
) -> list[Solved]:
    """Every start solved on the cells' curves, and each plan that some of them end in solved once by the model."""
    looked_up = separable(problem, curves)
    ends = [projected(looked_up, x, how.steps, how.seed).x for _, x in begins]
    size = max(float(np.abs(ends[0]).sum()), 1e-300)
    solved: list[tuple[np.ndarray, Solved]] = []
    found = []
    for end in ends:
        near = [one for x, one in solved if np.abs(x - end).sum() < _NEAR * size]
        if not near:
            near = [solve(problem, end, how.steps, how.seed)]
            solved.append((end, near[0]))
        found.append(near[0])
    return found


def largest_total(
    problem: Problem, today: np.ndarray, how: Search, reached: Callable[[Found], float], target: float, name: str
) -> Found:
    """The best plan of the largest total at which a figure is at least its target.

    Returns of S-shaped curves rise before they fall, so totals are looked at from the largest down.

    Args:
        problem: limits without a total.
        today: spend without a plan, `[cell]`.
        how: method, starts, steps.
        reached: the figure of a plan.
        target: least value of it.
        name: of the figure, for messages.

    Raises:
        ConfigError: no total reaches the target; says the best that can be had.
    """
    totals = _totals(problem, today)[::-1]
    quick = how._replace(n_starts=min(how.n_starts, 3))
    best, above, warm = (-np.inf, np.nan), None, None
    for total in totals:
        found = best_for_total(problem, today, total, quick, warm)
        warm, figure = found.x, reached(found)
        best = max(best, (figure, total))
        if figure >= target:
            break
        above = total
    else:
        raise ConfigError(
            f"No plan within the limits reaches a {name} of {target:,.6g}; the best is {best[0]:,.6g}, at a total of "
            f"{best[1]:,.6g}."
        )
    low = total
    if above is not None:
        low, warm = _halved(problem, today, quick, warm, low, above, lambda found: reached(found) >= target)
    return best_for_total(problem, today, low, how, warm)


def least_total(problem: Problem, today: np.ndarray, how: Search, target: float) -> Found:
    """The best plan of the least total whose utility is at least the target (in the problem's unit).

    Raises:
        ConfigError: no total reaches the target; says the best that can be had.
    """
    quick = how._replace(n_starts=min(how.n_starts, 3))
    below, warm = None, None
    for total in _totals(problem, today):
        found = best_for_total(problem, today, total, quick, warm)
        warm = found.x
        if found.value >= target:
            break
        below = total
    else:
        raise ConfigError(
            f"No plan within the limits reaches a KPI of {target * problem.unit:,.6g}; the most is "
            f"{found.value * problem.unit:,.6g}, at a total of {total:,.6g}."
        )
    high = total
    if below is not None:
        high, warm = _halved(problem, today, quick, warm, high, below, lambda found: found.value >= target)
    return best_for_total(problem, today, high, how, warm)


def _halved(
    problem: Problem,
    today: np.ndarray,
    how: Search,
    warm: np.ndarray | None,
    good: float,
    bad: float,
    holds: Callable[[Found], bool],
) -> tuple[float, np.ndarray | None]:
    """The last total on the way from a good one to a bad one that is still good, and its plan."""
    how, kept = how._replace(n_starts=1), warm
    for _ in range(_HALVINGS):
        middle = 0.5 * (good + bad)
        found = best_for_total(problem, today, middle, how, warm)
        good, bad, kept = (middle, bad, found.x) if holds(found) else (good, middle, kept)
        warm = found.x
    return good, kept


def _totals(problem: Problem, today: np.ndarray) -> np.ndarray:
    """Totals to look at, rising."""
    least, most = total_range(problem.plan)
    scale = today.sum() if today.sum() > 0 else problem.typical.sum()
    most = min(most, max(_LARGEST * scale, 2 * least))
    least = max(least, _LEAST * most)
    return np.geomspace(least, most, _TOTALS) if most > least * (1 + 1e-9) else np.array([most])


def mroi_of(found: Found) -> float:
    """What the last unit of the total brings, in the unit of the outcome per unit of spend."""
    return total_price(found.problem, found.x)
