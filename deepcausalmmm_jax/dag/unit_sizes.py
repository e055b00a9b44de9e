"""Sizes of units: rows of small and of large units together pass for noise that is not Gaussian, and for many rows.

Where units differ in size the rows of the largest decide, and the shape of all rows tells sizes, not directions. A
unit's rows over its size follow the same equations as before, so that weights stay what they are.
"""

import numpy as np
from scipy.special import polygamma

from deepcausalmmm_jax.dag.samples import Samples


def of_one_size(samples: Samples) -> Samples:
    """The rows of each unit over the unit's size, one number for all of its variables.

    Args:
        samples: from `read_samples`.
    """
    size = _known(_log_sizes(_not_from_before(samples), samples.unit).mean(axis=1), samples.unit)
    return samples._replace(values=samples.values / np.exp(size)[samples.unit, None])


def in_own_sizes(values: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Each column over its size in the unit, `[row, column]`, which leaves the shape within units.

    Args:
        values: `[row, column]`.
        unit: `[row]`, index of the unit.
    """
    sizes = np.stack([_known(size, unit) for size in _log_sizes(values, unit).T], axis=1)
    return np.asarray(values / np.exp(sizes)[unit])


def _not_from_before(samples: Samples) -> np.ndarray:
    """What the rows before do not explain, `[row, variable]`: series that persist differ in size by chance alone."""
    now, before = np.split(samples.values, [samples.n_variables], axis=1)
    if not samples.lags:
        return now
    return np.asarray(now - before @ np.linalg.lstsq(before, now, rcond=None)[0])


def _log_sizes(values: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Log of the root mean square in each unit over that in the usual unit, `[unit, column]`; 0 where all is zero."""
    rows = np.maximum(np.bincount(unit), 1)
    square = np.stack([np.bincount(unit, column**2) for column in values.T], axis=1) / rows[:, None]
    some = square > 0
    log = 0.5 * np.log(np.where(some, square, 1.0))
    usual = log.sum(axis=0) / np.maximum(some.sum(axis=0), 1)
    return np.where(some, log - usual, 0.0)


def _known(log_size: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Log sizes `[unit]` as far as units differ by more than chance (Morris 1983): over few rows any two differ."""
    chance = 0.25 * polygamma(1, 0.5 * np.maximum(np.bincount(unit) - 1, 1))  # variance of the log of a normal's size
    spread = max(float((log_size**2 - chance).mean()), 0.0)
    return log_size * spread / (spread + chance)
