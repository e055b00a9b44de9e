"""Where each channel stands on its curve today, and bands of the curves over refits."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.attribution.curves import curve_kinds, hill_curves, model_exposure
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.intervals import interval
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.model.curves import saturation_by_channel

_RECENT_WEEKS = 8


def today(fit: FittedPanel) -> pd.DataFrame:
    """Position on the Hill curve of the last eight weeks with a KPI, if their exposure continued.

    Returns:
        By channel: `relative_exposure` (1 = the mean training week, mean over regions), `saturation` (share of the
        maximum), and `headroom`, 1 less that; both are missing where a channel's kind has no maximum. Where any has
        none, `activity` is the height of its curve.
    """
    stop = fit.panel.n_past_weeks
    scaled, _ = model_exposure(fit, fit.panel.exposure[:, max(0, stop - _RECENT_WEEKS) : stop])
    level = scaled.mean(axis=(0, 1))
    curves, kinds = jax.tree.map(jnp.asarray, fit.internals.curves), curve_kinds(fit)
    reached = np.asarray(saturation_by_channel(jnp.asarray(level, jnp.float32)[None], curves, kinds)[0], float)
    share = np.where(kinds.bounded(), reached, np.nan)
    table = pd.DataFrame(
        {"relative_exposure": level, "saturation": share, "headroom": 1.0 - share},
        index=pd.Index(fit.panel.channels, name=CHANNEL),
    )
    return table if all(kinds.bounded()) else table.assign(activity=reached)


def hill_bands(fit: FittedPanel, draws: dict[str, np.ndarray], level: float) -> pd.DataFrame:
    """`hill_curves` with `saturation_low` and `saturation_high` over refits.

    Args:
        fit: the fit on its own panel.
        draws: parameters of the curves by name, `[replicate, channel]`.
        level: of the band.

    Raises:
        ConfigError: a level that is not between 0 and 1.
    """
    table = hill_curves(fit)
    exposure = jnp.asarray(table["relative_exposure"], jnp.float32).reshape(len(fit.panel.channels), -1).T
    kinds, own = curve_kinds(fit), jax.tree.map(jnp.asarray, fit.internals.curves)

    def reached(parameters: dict[str, Array]) -> Array:
        return saturation_by_channel(exposure, own._replace(**parameters), kinds)

    drawn = jax.vmap(reached)({name: jnp.asarray(values) for name, values in draws.items()})
    by_channel = np.asarray(drawn, np.float64).swapaxes(1, 2)  # [replicate, channel, point], as the table's rows
    low, high = interval(by_channel.reshape(len(by_channel), -1), level)
    return table.assign(saturation_low=low, saturation_high=high)
