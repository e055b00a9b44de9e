"""The KPI of a simulated panel under other exposure, and with it the true lifts of tests."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deepcausalmmm_jax.config.lift_tests import LiftTest
from deepcausalmmm_jax.data.experiments import arms_of, worth_of
from deepcausalmmm_jax.data.panel import Panel


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """What the KPI of a simulated panel would have been.

    Attributes:
        size: `[region]`, KPI units.
        unit: `[region, channel]`, exposure of the panel that counts as 1 in the simulation.
        expected: from exposure in that unit, `[region, week, channel]`, to the KPI without noise, `[region, week]`, as
            a share of the size; the weeks begin with the panel's first.
    """

    size: np.ndarray
    unit: np.ndarray
    expected: Callable[[np.ndarray], np.ndarray]

    def kpi(self, exposure: np.ndarray) -> np.ndarray:
        """KPI without noise, `[region, week]`, KPI units.

        Args:
            exposure: `[region, week, channel]`, units of the panel, from its first week on.
        """
        return np.asarray(self.expected(exposure / self.unit[:, None, :]) * self.size[:, None])

    def lift(self, test: LiftTest, panel: Panel, n_weeks: int) -> float:
        """The lift of a test in its first `n_weeks` weeks, in its unit.

        Raises:
            DataError: a test that does not fit the panel.
        """
        arms = arms_of(panel, test, (test,), n_weeks)
        other = panel.exposure[:, :n_weeks].copy()
        other[arms.regions, arms.weeks, arms.channel] = arms.other
        more = self.kpi(panel.exposure[:, :n_weeks]) - self.kpi(other)
        return float((arms.sign * worth_of(panel, test, arms)[:, :n_weeks] * more)[arms.regions].sum())
