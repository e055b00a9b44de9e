"""The channels' shares of the KPI."""

import numpy as np

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel


def shares(fit: FittedPanel) -> np.ndarray:
    """Shares of the KPI of the training weeks, `[channel]`."""
    return np.asarray(fit.components.media[fit.weights > 0].sum(axis=0) / fit.kpi_learned_from())
