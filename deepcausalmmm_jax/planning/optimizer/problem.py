"""A budget problem as solvers see it: numbers of the order of one, a value and its slope, and the limits."""

import dataclasses
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from deepcausalmmm_jax.planning.limits import Feasible
from deepcausalmmm_jax.planning.optimizer.projection import project
from deepcausalmmm_jax.planning.optimizer.utility import Utility


class Brings(Protocol):
    """What plans bring: the model, or a table of curves."""

    def values(self, plans: np.ndarray) -> np.ndarray:
        """KPI and revenue `[plan, replicate, 2, region]` from spend `[plan, cell]`."""
        ...

    def value_and_slope(
        self, plan: np.ndarray, ranked: np.ndarray, aversion: float, value: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Outcome `[replicate, 2, region]` and the slope `[cell]` of a utility of it."""
        ...


@dataclass(frozen=True, eq=False)
class Problem:
    """Utility of the incremental outcome, to be maximised.

    Attributes:
        outcome: of plans.
        utility: of outcomes by replicate.
        value: `KPI` or `REVENUE`.
        nothing: `[replicate]`, outcome with no spend in any cell.
        plan: limits.
        typical: `[cell]`, spend by which steps are measured.
        unit: utility of today's plan, to bring values to the order of one.
        separable: whether cells share next to nothing, as channels and regions do and weeks do not.
    """

    outcome: Brings
    utility: Utility
    value: int
    nothing: np.ndarray
    plan: Feasible
    typical: np.ndarray
    unit: float
    separable: bool = False

    def within(self, plan: Feasible) -> "Problem":
        """The same with other limits."""
        return dataclasses.replace(self, plan=plan)

    def utilities(self, plans: np.ndarray) -> np.ndarray:
        """`[plan]` from spend `[plan, cell]`."""
        outcomes = self.outcome.values(plans)[:, :, self.value].sum(axis=-1) - self.nothing
        return np.array([self.utility(row) for row in outcomes]) / self.unit

    def value_and_slope(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Utility of one plan and its slope `[cell]`."""
        values, slope = self.outcome.value_and_slope(x, self.utility.ranked, self.utility.aversion, self.value)
        outcomes = values[:, self.value].sum(axis=-1) - self.nothing
        return self.utility(outcomes) / self.unit, slope / self.unit

    def projected(self, x: np.ndarray) -> np.ndarray:
        """Nearest plan within the limits; cells move in proportion to what they typically spend."""
        return project(x, self.plan, self.typical)
