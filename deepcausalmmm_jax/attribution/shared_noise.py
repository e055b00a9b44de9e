"""Innovations of regions without the shocks that all of them share, for least squares on the host."""

import jax.numpy as jnp
import numpy as np

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.ops.shared_shock import without_correlation


def without_shared_shocks(innovations: np.ndarray, used: np.ndarray, fit: FittedPanel) -> np.ndarray:
    """Rows that are uncorrelated over regions, in place of rows of which all regions share a part (Aitken 1936).

    Args:
        innovations: `[region, week, term]`, in standard deviations of each region's own noise.
        used: `[region, week]`, boolean; other weeks are 0.
        fit: the fit, which knows how large shared shocks are.

    Returns:
        `[region, week, term]`; as they were where regions share none.
    """
    ratio = float(fit.internals.shared)
    if ratio == 0.0:
        return innovations
    by_week = jnp.asarray(innovations.swapaxes(0, 1), jnp.float32)
    found = without_correlation(by_week, jnp.asarray(used.T), jnp.float32(ratio))
    return np.asarray(found, np.float64).swapaxes(0, 1)
