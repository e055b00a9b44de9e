"""Where each channel stands on its curve today, and bands of the curves over refits."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.curves import hill_curves, model_exposure
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.intervals import interval
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.ops.hill import hill

_RECENT_WEEKS = 8


def today(fit: FittedPanel) -> pd.DataFrame:
    """Position on the Hill curve of the last eight weeks with a KPI, if their exposure continued.

    Returns:
        By channel: `relative_exposure` (1 = the mean training week, mean over regions), `saturation` (share of the
        ceiling), and `headroom`, 1 less that.
    """
    stop = fit.panel.n_past_weeks
    scaled, _ = model_exposure(fit, fit.panel.exposure[:, max(0, stop - _RECENT_WEEKS) : stop])
    level = scaled.mean(axis=(0, 1))
    curves = fit.internals.curves
    reached = np.asarray(hill(jnp.asarray(level, jnp.float32)[None], curves.slope, curves.half_saturation)[0], float)
    return pd.DataFrame(
        {"relative_exposure": level, "saturation": reached, "headroom": 1.0 - reached},
        index=pd.Index(fit.panel.channels, name=CHANNEL),
    )


def hill_bands(fit: FittedPanel, draws: dict[str, np.ndarray], level: float) -> pd.DataFrame:
    """`hill_curves` with `saturation_low` and `saturation_high` over refits.

    Args:
        fit: the fit on its own panel.
        draws: `slope` and `half_saturation`, `[replicate, channel]`.
        level: of the band.

    Raises:
        ConfigError: a level that is not between 0 and 1.
    """
    table = hill_curves(fit)
    exposure = jnp.asarray(table["relative_exposure"], jnp.float32).reshape(len(fit.panel.channels), -1).T
    slope, half = (jnp.asarray(draws[name]) for name in ("slope", "half_saturation"))
    drawn = jax.vmap(hill, in_axes=(None, 0, 0))(exposure, slope, half)
    by_channel = np.asarray(drawn, np.float64).swapaxes(1, 2)  # [replicate, channel, point], as the table's rows
    low, high = interval(by_channel.reshape(len(by_channel), -1), level)
    return table.assign(saturation_low=low, saturation_high=high)
