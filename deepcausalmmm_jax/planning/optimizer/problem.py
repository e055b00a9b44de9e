"""A budget problem as the solvers see it: the utility of a plan, its gradient, and the limits."""

import dataclasses
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from deepcausalmmm_jax.planning.optimizer.polytope import Polytope
from deepcausalmmm_jax.planning.optimizer.projection import project
from deepcausalmmm_jax.planning.optimizer.utility import Utility


class OutcomeModel(Protocol):
    """Outcome as a function of spend: the fitted model, or a table of curves."""

    def values(self, plans: np.ndarray) -> np.ndarray:
        """KPI and revenue `[plan, replicate, 2, region]` from spend `[plan, cell]`."""
        ...

    def values_and_slopes(self, plan: np.ndarray, value: int) -> tuple[np.ndarray, np.ndarray]:
        """Outcome `[replicate, 2, region]`, and the gradient of one of the two, `[replicate, cell]`."""
        ...


@dataclass(frozen=True, eq=False)
class Problem:
    """Maximise the utility of the incremental outcome within limits.

    Attributes:
        outcome: of plans.
        utility: of outcomes by replicate.
        value: what is maximised: 0 for the KPI, 1 for revenue.
        nothing: `[replicate]`, outcome without spend in any cell.
        polytope: limits.
        typical: `[cell]`, spend in which steps of a cell are measured, above 0.
        unit: utility of today's plan, which brings values to the order of one.
        separable: whether cells hardly interact, as with channels and regions but not with weeks.
        estimate: the same problem under the estimate alone, in the same unit, whose figures targets are held against;
            None where they are held against the utility.
        rough: the same problem over a few of the replicates, which a search begins with; None where there is none.
    """

    outcome: OutcomeModel
    utility: Utility
    value: int
    nothing: np.ndarray
    polytope: Polytope
    typical: np.ndarray
    unit: float
    separable: bool = False
    estimate: "Problem | None" = None
    rough: "Problem | None" = None

    def judge(self) -> "Problem":
        """The problem whose figures targets are held against, within the same limits."""
        return self if self.estimate is None else self.estimate.within(self.polytope)

    def quick(self) -> "Problem":
        """The problem by which starts are found, within the same limits."""
        return self if self.rough is None else self.rough.within(self.polytope)

    def within(self, polytope: Polytope) -> "Problem":
        """The same with other limits."""
        return dataclasses.replace(self, polytope=polytope)

    def utilities(self, plans: np.ndarray) -> np.ndarray:
        """`[plan]` from spend `[plan, cell]`, in `unit`."""
        outcomes = self.outcome.values(plans)[:, :, self.value].sum(axis=-1) - self.nothing
        return np.array([self.utility(row) for row in outcomes]) / self.unit

    def value_and_slope(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Utility of one plan and its gradient `[cell]`, in `unit`."""
        values, slopes = self.outcome.values_and_slopes(x, self.value)
        outcomes = values[:, self.value].sum(axis=-1) - self.nothing
        slope = self.utility.weights(outcomes).astype(slopes.dtype) @ slopes
        return self.utility(outcomes) / self.unit, slope.astype(np.float64) / self.unit

    def projected(self, x: np.ndarray) -> np.ndarray:
        """Nearest plan within the limits, where cells move in proportion to their typical spend."""
        return project(x, self.polytope, self.typical)
