"""The last check of a plan: every limit is met, and today's spend is not better."""

from collections.abc import Callable

import numpy as np

from deepcausalmmm_jax.errors import PlanError
from deepcausalmmm_jax.planning.optimizer.polytope import TOLERANCE, Polytope
from deepcausalmmm_jax.planning.optimizer.search import Found

_WITHIN = 1e-9  # share of a limit by which today's spend may miss it and still count as within
_CRUMB = 1e-4  # of a cell's typical spend: less is what a solver left over, and a return on it would be that of nothing


def verified(
    found: Found, limits: Polytope, today: np.ndarray, names: list[str], allowed: Callable[[np.ndarray], bool]
) -> Found:
    """The plan, projected once more if it misses a limit, or today's spend if that is within the limits and better.

    Crumbs of spend that a solver left on cells go to the largest cell that may take more.

    Args:
        found: result of the search.
        limits: as they were asked for, without the total.
        today: spend without a plan, `[cell]`.
        names: of the cells.
        allowed: whether a plan `[cell]` meets what `limits` cannot express, such as minimum flights.

    Raises:
        PlanError: a limit is missed by more than a millionth of it; the message names it, and by how much.
    """
    polytope, x = limits.with_total(float(found.problem.polytope.least[-1])), found.x
    if polytope.violations(x).max(initial=0.0) > TOLERANCE:
        x = found.problem.projected(x)
        found = found._replace(x=x, value=float(found.problem.utilities(x[None])[0]))
    swept = _without_crumbs(x, polytope, found.problem.typical)
    if swept is not x and allowed(swept):
        x = swept
        found = found._replace(x=x, value=float(found.problem.utilities(x[None])[0]))
    refuse_missed(polytope, x, names)
    if not allowed(x):
        raise PlanError("The plan found has a week below its minimum flight; lower the minimum or raise the total.")
    if polytope.violations(today).max(initial=0.0) <= _WITHIN and allowed(today):
        value = float(found.problem.utilities(today[None])[0])
        if value > found.value:
            return found._replace(x=today.copy(), value=value, problem=found.problem.within(polytope))
    return found


def _without_crumbs(x: np.ndarray, polytope: Polytope, typical: np.ndarray) -> np.ndarray:
    """The plan without spend of next to nothing; the very same where there is none, or a limit asks for it.

    Args:
        x: spend, `[cell]`.
        polytope: limits, with the total.
        typical: spend of each cell, to which next to nothing is compared.
    """
    crumbs = (polytope.low <= 0) & (x > 0) & (x < _CRUMB * typical)
    takes = ~crumbs & (x > 0) & (x < polytope.high * (1.0 - _WITHIN))
    if not crumbs.any() or not takes.any():
        return x
    swept = np.where(crumbs, 0.0, x)
    swept[int(np.where(takes, x, -np.inf).argmax())] += x[crumbs].sum()
    return swept if polytope.violations(swept).max(initial=0.0) <= TOLERANCE else x


def refuse_missed(polytope: Polytope, x: np.ndarray, names: list[str]) -> None:
    """Refuse a plan that misses a limit.

    Args:
        polytope: limits, with the total.
        x: spend, `[cell]`.
        names: of the cells.

    Raises:
        PlanError: the message names the limit that is missed most, and by how much.
    """
    violations = polytope.violations(x)
    worst = int(violations.argmax())
    if violations[worst] <= TOLERANCE:
        return
    n, k = len(x), len(polytope.least)
    labels = [*names, *names, *polytope.names, *polytope.names]
    ends = np.concatenate([polytope.low, polytope.high, polytope.least, polytope.most])
    spent = np.concatenate([x, x, polytope.rows @ x, polytope.rows @ x])[worst]
    side = "at least" if worst < n or 2 * n <= worst < 2 * n + k else "at most"
    raise PlanError(
        f"The plan found spends {spent:,.8g} on {labels[worst]}, which must be {side} {ends[worst]:,.8g}: it misses "
        f"this limit by {abs(spent - ends[worst]):,.3g}; try another method or more starts."
    )
