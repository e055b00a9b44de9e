"""Response curves for a figure: many points of the estimate, intervals from fewer runs of the members."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.response import response_table
from deepcausalmmm_jax.training.fitted import Replicates

_LEVELS = (*(np.arange(23) / 16) ** 2, 2.0)  # dense near zero, where curves bend the most; 1 is one of them
_DRAWN_AT = (*_LEVELS[:4], *_LEVELS[4:-1:2], 2.0)  # every other one but the lowest, 1 and 2 among them
_MOST_WORK = 5e8  # exposures run through the model: about 4 seconds on two cores


def curves_to_draw(fit: FittedPanel, replicates: Replicates | None) -> pd.DataFrame:
    """Table of curves over the panel's own weeks, for a figure, without marginal returns.

    Members are run at every other level, and their curves interpolated. Intervals are left out where they would take
    too long: each point of a curve costs each member one run of the model per channel.

    Args:
        fit: the fit on its own panel.
        replicates: members of an ensemble for the intervals; None for none.
    """
    panel = fit.panel
    runs = len(_DRAWN_AT) * (len(panel.channels) + 1) * (0 if replicates is None else len(replicates))
    afforded = replicates if runs * panel.exposure.size <= _MOST_WORK else None
    return response_table(fit, afforded, None, "all", _LEVELS, 0.9, with_marginal=False, drawn_at=_DRAWN_AT).table


def curve_levels() -> np.ndarray:
    """Multiples of today's spend at which curves to be drawn are computed."""
    return np.asarray(_LEVELS)
