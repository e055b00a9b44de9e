"""Power of a test: what it would find, and how small an effect it can find."""

import numpy as np
from scipy.stats import norm

WANTED = 0.8  # power at which the smallest detectable effect is stated


def power(effect: np.ndarray, error: np.ndarray, level: float) -> np.ndarray:
    r"""Probability that a two-sided test finds an effect, $\Phi(|\delta|/s - z) + \Phi(-|\delta|/s - z)$.

    Args:
        effect: true effect, any unit.
        error: standard error of the measurement, same unit.
        level: 0.9 for a test at the 10 % level.
    """
    ratio, z = np.abs(effect) / error, norm.ppf((1.0 + level) / 2.0)
    return np.asarray(norm.cdf(ratio - z) + norm.cdf(-ratio - z))


def detectable(error: np.ndarray, level: float) -> np.ndarray:
    """Smallest effect that is found with a probability of 80 %, in the unit of the standard error."""
    return np.asarray((norm.ppf((1.0 + level) / 2.0) + norm.ppf(WANTED)) * error)
