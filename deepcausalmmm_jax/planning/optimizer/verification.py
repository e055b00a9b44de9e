"""What a plan is held to before it is returned: every limit met, and today's spend not better."""

from collections.abc import Callable

import numpy as np

from deepcausalmmm_jax.errors import PlanError
from deepcausalmmm_jax.planning.limits import Feasible
from deepcausalmmm_jax.planning.optimizer.search import Found

_MET = 1e-6  # of a limit, by which a plan may miss it
_SMALLEST = 1e-9  # of the plan's spend, below which a limit is measured as if it were that
_WITHIN = 1e-9  # of the limits, by which today's spend may miss them and still be within


def verified(
    found: Found, limits: Feasible, today: np.ndarray, names: list[str], allowed: Callable[[np.ndarray], bool]
) -> Found:
    """The plan, mended once where a limit is missed, or today's spend where that is within the limits and better.

    Args:
        found: what the search ended with.
        limits: without the total, as they were asked for.
        today: spend without a plan, `[cell]`.
        names: of the cells.
        allowed: whether a plan keeps what `limits` do not say, such as minimum flights.

    Raises:
        PlanError: a limit is missed by more than a millionth of it, with its name and by how much.
    """
    plan, x = limits.with_total(float(found.problem.plan.least[-1])), found.x
    if _misses(plan, x).max(initial=0.0) > _MET:
        x = found.problem.projected(x)
        found = found._replace(x=x, value=float(found.problem.utilities(x[None])[0]))
    refuse_missed(plan, x, names)
    if not allowed(x):
        raise PlanError("The plan found has a week below its minimum flight; lower the minimum or raise the total.")
    if _misses(plan, today).max(initial=0.0) <= _WITHIN and allowed(today):
        value = float(found.problem.utilities(today[None])[0])
        if value > found.value:
            return found._replace(x=today.copy(), value=value, problem=found.problem.within(plan))
    return found


def refuse_missed(plan: Feasible, x: np.ndarray, names: list[str]) -> None:
    """Refuse a plan that misses a limit.

    Raises:
        PlanError: names the limit that is missed most, and by how much.
    """
    misses = _misses(plan, x)
    worst = int(misses.argmax())
    if misses[worst] <= _MET:
        return
    n, k = len(x), len(plan.least)
    labels = [*names, *names, *plan.names, *plan.names]
    ends = np.concatenate([plan.low, plan.high, plan.least, plan.most])
    spent = np.concatenate([x, x, plan.rows @ x, plan.rows @ x])[worst]
    side = "at least" if worst < n or 2 * n <= worst < 2 * n + k else "at most"
    raise PlanError(
        f"The plan found spends {spent:,.8g} on {labels[worst]}, which must be {side} {ends[worst]:,.8g}: it misses "
        f"that by {abs(spent - ends[worst]):,.3g}; try another method or more starts."
    )


def _misses(plan: Feasible, x: np.ndarray) -> np.ndarray:
    """By limit, how far it is missed in units of itself: lower and upper ends of cells, then of sums."""
    sums = plan.rows @ x
    off = np.concatenate([plan.low - x, x - plan.high, plan.least - sums, sums - plan.most])
    ends = np.abs(np.concatenate([plan.low, plan.high, plan.least, plan.most]))
    size = np.maximum(np.where(np.isfinite(ends), ends, 1.0), max(_SMALLEST * float(np.abs(x).sum()), 1e-300))
    return np.where(np.isfinite(off), off / size, np.where(np.isnan(x).any(), np.inf, 0.0))
