"""From a problem and a total to its best plan, from many starts."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.planning.optimizer.problem import Problem
from deepcausalmmm_jax.planning.optimizer.shadow_prices import total_price
from deepcausalmmm_jax.planning.optimizer.solvers import Method, Solved, projected, solver_for
from deepcausalmmm_jax.planning.optimizer.starts import starts
from deepcausalmmm_jax.planning.optimizer.tabulated import Curves, separable, tabulated
from deepcausalmmm_jax.planning.optimizer.total_range import refuse_total

_SAME = 1e-4  # of the best value, within which a start counts as having found it
_NEAR = 0.01  # of the spend, by which two ends on the curves may differ and count as one
_FEW_STARTS = 4  # below which one start is enough to be solved as it is


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
    problem: Problem,
    today: np.ndarray,
    total: float,
    how: Search,
    warm: np.ndarray | None = None,
    curves: Curves | None = None,
) -> Found:
    """The best plan of a total.

    Args:
        problem: limits without the total.
        today: spend without a plan, `[cell]`.
        total: sum of the cells.
        how: method, starts, steps.
        warm: another plan to start from.
        curves: of the cells, up to this total at least; taken anew when None.

    Raises:
        ConfigError: no plan of that total meets the limits.
    """
    refuse_total(problem.plan, total)
    held = problem.within(problem.plan.with_total(total))
    name, solve = solver_for(how.method, len(today))
    curves = tabulated(held, total) if curves is None else curves
    begins = starts(held, today, total, curves, how.n_starts, how.seed)
    if warm is not None:
        begins.append(("plan of a near total", held.projected(warm)))
    if name in ("differential_evolution", "hybrid"):  # a population of its own: one run, from the best start
        begins = [begins[int(np.argmax(held.utilities(np.stack([x for _, x in begins]))))]]
    elif held.utility.is_mean and held.separable:
        begins = _by_curves(held, curves, begins, how)
    at_start = held.utilities(np.stack([x for _, x in begins]))
    ended = [solve(held, x, how.steps, how.seed) for _, x in begins]
    kept = [
        end if end.value >= v else Solved(x, float(v)) for end, (_, x), v in zip(ended, begins, at_start, strict=True)
    ]
    best = max(kept, key=lambda end: end.value)
    values = np.array([end.value for end in kept])
    size = abs(best.value) or 1.0
    table = pd.DataFrame(
        {
            "start": [label for label, _ in begins],
            "value_at_start": at_start / size,
            "value": values / size,
            "best": values >= best.value - _SAME * size,
        }
    )
    return Found(best.x, best.value, name, table, held)


def _by_curves(
    problem: Problem, curves: Curves, begins: list[tuple[str, np.ndarray]], how: Search
) -> list[tuple[str, np.ndarray]]:
    """Where the model starts: each plan that some starts end in on the cells' curves, and two starts as they are.

    Looking up costs next to nothing. What agrees there has agreed on the curves alone, so that it counts as one start;
    the two that the model solves on its own would tell where the curves mislead.
    """
    looked_up = separable(problem, curves)
    size = max(float(np.abs(begins[0][1]).sum()), 1e-300)
    met: list[tuple[list[str], np.ndarray]] = []
    for label, x in begins:
        end = projected(looked_up, x, how.steps, how.seed).x
        near = [labels for labels, other in met if np.abs(other - end).sum() < _NEAR * size]
        if near:
            near[0].append(label)
        else:
            met.append(([label], end))
    own = begins[:1] if len(begins) < _FEW_STARTS else [begins[0], begins[-1]]
    return [(f"on the curves, from {'; '.join(labels)}", end) for labels, end in met] + own


def mroi_of(found: Found) -> float:
    """What the last unit of the total brings, in the unit of the outcome per unit of spend."""
    return total_price(found.problem, found.x)
