"""What decides the total of a plan: a sum, today's spend, or a figure that is to be reached."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from deepcausalmmm_jax.checks import is_number, require
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.optimizer.problem import Problem
from deepcausalmmm_jax.planning.optimizer.search import Found, Search, best_for_total, mroi_of, outcome_of
from deepcausalmmm_jax.planning.optimizer.total_search import largest_total, least_total


@dataclass(frozen=True)
class Targets:
    """The total of a plan, or the figure that decides it: at most one of these, and today's spend without any.

    Attributes:
        total: spend of the plan.
        target_roi: the largest total whose ROI is at least this (revenue, or KPI units, per unit of spend).
        target_mroi: the largest total whose last unit of spend returns at least this.
        target_kpi: the least total whose incremental outcome, in KPI units, is at least this.

    Raises:
        ConfigError: more than one of them, or one that is not a number above 0.

    Example:
        >>> Targets(target_roi=2.0)
        Targets(total=None, target_roi=2.0, target_mroi=None, target_kpi=None)
    """

    total: float | None = None
    target_roi: float | None = None
    target_mroi: float | None = None
    target_kpi: float | None = None

    def __post_init__(self) -> None:
        given = {name: value for name, value in dataclasses.asdict(self).items() if value is not None}
        if len(given) > 1:
            raise ConfigError(f"Give one of total, target_roi, target_mroi and target_kpi, got {' and '.join(given)}.")
        for name, value in given.items():
            require(is_number(value) and value > 0, name, value, "a number above 0")

    @property
    def searched(self) -> bool:
        """Whether a figure decides the total, which is then searched for."""
        return any(target is not None for target in (self.target_roi, self.target_mroi, self.target_kpi))


def best_plan(problem: Problem, today: np.ndarray, targets: Targets, search: Search) -> Found:
    """The best plan of the total that the targets stand for.

    Args:
        problem: limits without a total.
        today: spend without a plan, `[cell]`.
        targets: at most one.
        search: method, starts, steps.

    Raises:
        ConfigError: limits that no plan meets, a target out of reach, or no total where nothing is spent today.
    """
    if targets.target_roi is not None:
        return largest_total(
            problem,
            today,
            search,
            lambda found: outcome_of(found) * problem.unit / float(found.x.sum()),
            targets.target_roi,
            "ROI",
        )
    if targets.target_mroi is not None:
        return largest_total(problem, today, search, mroi_of, targets.target_mroi, "marginal ROI")
    if targets.target_kpi is not None:
        return least_total(problem, today, search, targets.target_kpi / problem.unit)
    total = float(today.sum()) if targets.total is None else float(targets.total)
    if total <= 0:
        raise ConfigError("Nothing is spent in these weeks today; give the total to plan.")
    return best_for_total(problem, today, total, search)
