"""How much the likelihood counts under a model that is not quite the true one."""

import numpy as np


def coarsening_power(weights: np.ndarray, coarsening: float) -> float:
    r"""Power of the likelihood, so that errors which all weeks and regions share are not averaged away with them.

    Where the model's curves are not quite the true ones, the posterior concentrates on a wrong value, the more so the
    more regions there are. The coarsened posterior asks only that the data be close to the model's; it is nearly a
    posterior whose likelihood is raised to the power $\alpha / (\alpha + n)$ (Miller & Dunson 2019), here with n the
    number of regions.

    Args:
        weights: `[region, week]`, 0 where nothing is learned from.
        coarsening: regions at which the likelihood counts half.
    """
    regions = int((weights > 0).any(axis=1).sum())
    return 1.0 / (1.0 + regions / coarsening)
