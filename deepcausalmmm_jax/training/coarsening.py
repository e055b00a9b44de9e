"""How much the likelihood of several regions counts, whose model is not quite the true one."""

import numpy as np


def coarsening_power(weights: np.ndarray, coarsening: float) -> float:
    r"""Power of the likelihood, so that errors which all regions share are not averaged away with them.

    Where the model's curves are not quite the true ones, the posterior of many regions concentrates on a wrong value.
    The coarsened posterior asks only that the data be close to the model's; it is nearly a posterior whose likelihood
    is raised to the power $\alpha / (\alpha + n)$ (Miller & Dunson 2019), here with n the regions beyond the first,
    since the intervals of one region cover as they say.

    Args:
        weights: `[region, week]`, 0 where nothing is learned from.
        coarsening: regions beyond the first at which the likelihood counts half.
    """
    further = max(int((weights > 0).any(axis=1).sum()) - 1, 0)
    return 1.0 / (1.0 + further / coarsening)
