"""Outcome of plans by a table of Hill curves instead of a model."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.planning.fit_hill import hill_value


class CurveOutcome:
    """Outcome of spend by independent Hill curves, a cell each.

    Args:
        table: a row per cell: `bottom`, `top`, `half_saturation`, `slope` of one period's spend.
        periods: number of periods that spend is spread over evenly.
    """

    def __init__(self, table: pd.DataFrame, periods: float) -> None:
        columns = table[["bottom", "top", "half_saturation", "slope"]].to_numpy(np.float64).T
        self.bottom, self.top, self.half, self.slope = columns
        self.periods = periods

    def gained(self, plans: np.ndarray) -> np.ndarray:
        """Outcome above that without spend, `[plan, cell]`, from spend `[plan, cell]`."""
        own = (self.bottom, self.top, self.half, self.slope)
        return np.asarray(self.periods * (hill_value(plans / self.periods, *own) - self.bottom))

    def values(self, plans: np.ndarray) -> np.ndarray:
        """Outcome `[plan, 1, 2, 1]`; KPI and revenue are the same."""
        whole = self.gained(plans).sum(axis=1)
        return np.broadcast_to(whole[:, None, None, None], (len(plans), 1, 2, 1))

    def values_and_slopes(self, plan: np.ndarray, value: int) -> tuple[np.ndarray, np.ndarray]:
        """Outcome `[1, 2, 1]` and its gradient `[1, cell]`; there is one replicate."""
        x = np.maximum(plan / self.periods, 1e-9 * self.half)
        share = hill_value(x, 0.0, 1.0, self.half, self.slope)
        slope = (self.top - self.bottom) * self.slope * share * (1.0 - share) / x
        return self.values(plan[None])[0], slope[None]
