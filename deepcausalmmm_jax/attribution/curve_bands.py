"""Where each channel stands on its curve today, and bands of the curves over refits."""

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax.typing import ArrayLike

from deepcausalmmm_jax.attribution.curves import hill_curves, model_exposure
from deepcausalmmm_jax.attribution.forward import internals
from deepcausalmmm_jax.attribution.intervals import bounds
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.ops.hill import hill
from deepcausalmmm_jax.training.fitted import Fitted

_RECENT_WEEKS = 8


def today(fitted: Fitted) -> pd.DataFrame:
    """Where the last eight weeks up to the last KPI stand on the Hill curve, were they to go on.

    Returns:
        By channel: `relative_exposure` (1 = the mean training week, mean over regions), `saturation` (share of the
        ceiling), and `headroom`, 1 less that.
    """
    stop = fitted.panel.n_past_weeks
    scaled, _ = model_exposure(fitted, fitted.panel.exposure[:, max(0, stop - _RECENT_WEEKS) : stop])
    level = scaled.mean(axis=(0, 1))
    curves = internals(fitted).curves
    reached = _hill(level, curves.slope, curves.half_saturation)
    return pd.DataFrame(
        {"relative_exposure": level, "saturation": reached, "headroom": 1.0 - reached},
        index=pd.Index(fitted.panel.channels, name=CHANNEL),
    )


def hill_bands(fitted: Fitted, draws: dict[str, np.ndarray], level: float) -> pd.DataFrame:
    """`hill_curves` with `saturation_low` and `saturation_high` over refits.

    Args:
        fitted: the point estimate.
        draws: `slope` and `half_saturation`, `[replicate, channel]`.
        level: of the band.

    Raises:
        ConfigError: a level that is not between 0 and 1.
    """
    table = hill_curves(fitted)
    exposure = table["relative_exposure"].to_numpy().reshape(len(fitted.panel.channels), -1)  # [channel, point]
    drawn = _hill(exposure, draws["slope"][:, :, None], draws["half_saturation"][:, :, None])
    low, high = bounds(drawn.reshape(len(drawn), -1), level)
    return table.assign(saturation_low=low, saturation_high=high)


def _hill(exposure: np.ndarray, slope: ArrayLike, half_saturation: ArrayLike) -> np.ndarray:
    values = hill(jnp.asarray(exposure, jnp.float32), jnp.asarray(slope), jnp.asarray(half_saturation))
    return np.asarray(values, np.float64)
