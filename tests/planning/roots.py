"""A budget problem whose best plans are known in closed form: returns grow with the root of spend.

Of a total T, the best plan gives each cell T a_i^2 / sum(a^2); it earns sqrt(T sum(a^2)), and its last unit of spend
earns half of what the mean unit does.
"""

import numpy as np

from deepcausalmmm_jax.planning.optimizer.polytope import Polytope
from deepcausalmmm_jax.planning.optimizer.problem import Problem
from deepcausalmmm_jax.planning.optimizer.utility import utility_of

FREE = 30.0  # KPI without any spend
UNIT = 10.0
REVENUE = 4.0  # of a KPI unit


class Roots:
    """KPI of a_i sqrt(x_i), summed over cells, in refits that find some multiple of it."""

    def __init__(self, heights, refits=(1.0,)):
        self.heights, self.refits = np.array(heights, float), np.array(refits, float)

    def values(self, plans):
        kpi = FREE + (np.sqrt(np.maximum(plans, 0.0)) @ self.heights)[:, None] * self.refits
        return np.stack([kpi, REVENUE * kpi], axis=-1)[..., None]

    def values_and_slopes(self, plan, value):
        slope = self.refits[:, None] * 0.5 * self.heights / np.sqrt(np.maximum(plan, 1e-9))
        return self.values(plan[None])[0], slope * (1.0, REVENUE)[value]


def problem_of(heights, polytope=None, value=0, refits=(1.0,), typical=1.0):
    """To maximise the KPI (or revenue, as value 1) beyond that without spend, in units of 10."""
    n = len(heights)
    return Problem(
        outcome=Roots(heights, refits),
        utility=utility_of("mean", len(refits), UNIT, None),
        value=value,
        nothing=np.full(len(refits), FREE * (1.0, REVENUE)[value]),
        polytope=Polytope.nonnegative(n) if polytope is None else polytope,
        typical=np.full(n, float(typical)),
        unit=UNIT,
        separable=True,
    )
