"""Search for the total itself: the largest or smallest one at which a figure reaches its target."""

from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.checks import amount
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.optimizer.polytope import total_range
from deepcausalmmm_jax.planning.optimizer.problem import Problem
from deepcausalmmm_jax.planning.optimizer.search import (
    Found,
    Search,
    best_near_curves,
    best_on_curves,
    by_curves,
    outcome_of,
)
from deepcausalmmm_jax.planning.optimizer.tabulated import tabulated
from deepcausalmmm_jax.planning.optimizer.totals import TURNS, Figure, Totals
from deepcausalmmm_jax.steps import parts, portion, uncounted

WIDEST = 1e4  # multiple of today's spend, up and down, within which totals are searched where limits leave it open
_WIDTHS = (1.02, 1.2)  # about a total found on the curves, within which the model is expected to find its own
_SAME = 1e-9  # share of a total by which two count as one


class _Range(NamedTuple):
    """Totals that are searched."""

    least: float
    most: float
    ceiling: float  # outcome that no total exceeds, in the unit of the outcome


class _Ended(NamedTuple):
    """How a search ended."""

    found: Found | None  # None where no total reaches the target
    best: float = np.nan  # then the best figure
    at: float = np.nan  # and its total


def largest_total(
    problem: Problem, today: np.ndarray, search: Search, figure: Figure, target: float, name: str
) -> Found:
    """The best plan of the largest total at which a figure is at least its target.

    Returns of S-shaped curves increase before they decrease, so totals are tried from the largest down. No total beyond
    the highest outcome divided by the target can have that return. Where cells hardly interact, totals are tried on the
    cells' curves first, and the model is run about the total found there.

    Args:
        problem: limits without a total.
        today: spend without a plan, `[cell]`.
        search: method, starts, steps.
        figure: of a plan.
        target: least value of it.
        name: of the figure, for messages.

    Raises:
        ConfigError: no total reaches the target; the message gives the best that was found, and the totals tried.
    """
    span = _range(problem, today)
    most = float(np.clip(max(1.05 * span.ceiling / target, _scale(problem, today)), span.least, span.most))
    curves = tabulated(problem, most)
    totals, ended = Totals(problem, today, search, curves), None
    if by_curves(problem, search):
        with uncounted():
            near = _largest(totals.by(best_on_curves), span.least, most, figure, target)
        ended = _largest_near(totals, near, most, figure, target)
    if ended is None:
        ended = _largest(totals, span.least, most, figure, target)
    if ended.found is not None:
        return ended.found
    raise ConfigError(
        f"No plan within the limits reaches the target {name} of {amount(target)}; the best is {amount(ended.best)}, "
        f"at a total of {amount(ended.at)} (totals from {amount(span.least)} to {amount(most)} were tried)."
    )


def _largest(totals: Totals, least: float, most: float, figure: Figure, target: float) -> _Ended:
    """The largest total between two that reaches a target."""
    tried, figures = totals.decreasing(least, most), []
    share = len(tried) / (len(tried) + TURNS)  # of the wait, if none of them reaches the target
    with portion(0.0, share):
        for total in parts(list(tried), at_most=True):
            found = totals.best(total)
            figures.append(figure(found))
            if figures[-1] >= target:
                break
    if figures[-1] >= target:
        with portion(share, 1.0):
            last = len(figures) - 1
            further = totals.narrowed(total, tried[last - 1], figure, target) if last else None
        return _Ended(further or found)
    top = int(np.argmax(figures))
    low, high = tried[min(top + 1, len(tried) - 1)], tried[max(top - 1, 0)]
    peak = totals.peak(low, high, figure, target)
    if figure(peak) >= target:
        return _Ended(totals.narrowed(float(peak.x.sum()), high, figure, target) or peak)
    return _Ended(None, *max((figure(peak), float(peak.x.sum())), (figures[top], float(tried[top]))))


def _largest_near(totals: Totals, near: _Ended, most: float, figure: Figure, target: float) -> _Ended | None:
    """What the model finds near the end of a search on the curves; None where it does not agree with them."""
    if near.found is None:
        best = figure(totals.best(near.at))
        return None if best >= target else near._replace(best=max(best, near.best))
    total, totals.warm = float(near.found.x.sum()), near.found.x
    if total >= most * (1 - _SAME):
        found = totals.best(most)
        return _Ended(found) if figure(found) >= target else None
    ends = [(total / width, min(total * width, most)) for width in _WIDTHS]
    found_there = _between(totals, ends, figure, target)
    return None if found_there is None else _Ended(found_there)


def _between(totals: Totals, ends: list[tuple[float, float]], figure: Figure, target: float) -> Found | None:
    """The last plan that reaches a target between two totals, of which the first does and the second does not."""
    near = totals.by(best_near_curves)
    for good, bad in ends:
        found = near.narrowed(good, bad, figure, target)
        if found is not None:
            totals.warm = found.x
            whole = totals.best(float(found.x.sum()))  # from all starts
            # Else it misses by rounding; what is said of starts is what the model itself found from them.
            return whole if figure(whole) >= target else found._replace(starts=whole.starts)
    return None


def least_total(problem: Problem, today: np.ndarray, search: Search, target: float) -> Found:
    """The best plan of the least total whose outcome is at least the target (in the problem's unit).

    Args:
        problem: limits without a total.
        today: spend without a plan, `[cell]`.
        search: method, starts, steps.
        target: outcome as `outcome_of` counts it, in `problem.unit`.

    Raises:
        ConfigError: no total reaches the target (the message gives the most that can be reached), or it is reached
            without any spend.
    """
    span = _range(problem, today)
    curves = tabulated(problem, span.most)
    totals, ended = Totals(problem, today, search, curves), None
    if by_curves(problem, search):
        with uncounted():
            near = _least(totals.by(best_on_curves), problem, today, span, target)
        ended = _least_near(totals, near, span, target)
    if ended is None:
        ended = _least(totals, problem, today, span, target)
    if ended.found is not None:
        return ended.found
    if ended.best >= target:
        raise ConfigError(
            f"A KPI of {amount(target * problem.unit)} needs no spend: exposure that was free already reaches it."
        )
    raise ConfigError(
        f"No plan within the limits reaches a KPI of {amount(target * problem.unit)}; the most is "
        f"{amount(ended.best * problem.unit)}, at a total of {amount(ended.at)}."
    )


def _least(totals: Totals, problem: Problem, today: np.ndarray, span: _Range, target: float) -> _Ended:
    """The least total whose utility reaches a target; `best` reaches it too where that takes no spend."""
    now = float(np.clip(_scale(problem, today), span.least, span.most))
    found = totals.best(now)
    while (reached := outcome_of(found)) < target:
        if now >= span.most or reached * problem.unit >= 0.999 * span.ceiling:
            return _Ended(None, reached, now)
        below, now = now, min(now * totals.ratio, span.most)
        found = totals.best(now)
        if outcome_of(found) >= target:
            return _Ended(totals.narrowed(now, below, outcome_of, target) or found)
    bottom = total_range(problem.polytope)[0]
    least = span.least if bottom > 0 else 1e-6 * span.least
    while now > least:
        above, now = now, max(now / totals.ratio, least)
        lower = totals.best(now)
        if outcome_of(lower) < target:
            return _Ended(totals.narrowed(above, now, outcome_of, target) or found)
        found = lower
    free = float(problem.judge().utilities(np.zeros((1, len(today))))[0])
    return _Ended(found) if bottom > 0 or free < target else _Ended(None, free, 0.0)


def _least_near(totals: Totals, near: _Ended, span: _Range, target: float) -> _Ended | None:
    """What the model finds near the end of a search on the curves; None where it does not agree with them."""
    if near.found is None:
        best = outcome_of(totals.best(near.at)) if near.best < target else near.best
        return near._replace(best=max(best, near.best)) if (best < target) == (near.best < target) else None
    total, totals.warm = float(near.found.x.sum()), near.found.x
    if total <= span.least * (1 + _SAME):
        found = totals.best(total)
        return _Ended(found) if outcome_of(found) >= target else None
    ends = [(min(total * width, span.most), max(total / width, span.least)) for width in _WIDTHS]
    found_there = _between(totals, ends, outcome_of, target)
    return None if found_there is None else _Ended(found_there)


def _scale(problem: Problem, today: np.ndarray) -> float:
    return float(today.sum()) if today.sum() > 0 else float(problem.typical.sum())


def _range(problem: Problem, today: np.ndarray) -> _Range:
    """Totals that the limits allow, within ten thousand times today's spend up and down."""
    polytope = problem.polytope
    least, most = total_range(polytope)
    if most <= 0:
        raise ConfigError("The limits allow no spend at all, so there is no total to search for; widen them.")
    scale = _scale(problem, today)
    flooded = np.minimum(np.maximum(WIDEST * np.maximum(problem.typical, scale), polytope.low), polytope.high)
    ceiling = problem.unit * max(float(each.utilities(flooded[None])[0]) for each in (problem, problem.judge()))
    return _Range(max(least, min(scale / WIDEST, most)), min(most, max(WIDEST * scale, 2.0 * least)), ceiling)
