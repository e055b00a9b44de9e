"""Where each channel stands on its curve today, and bands of the curves over refits."""

import jax
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.attribution.accuracy import RECENT_WEEKS
from deepcausalmmm_jax.attribution.curves import curve_kinds, hill_curves, model_exposure, saturations
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.intervals import interval
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.config.curves import CurveKinds
from deepcausalmmm_jax.data.scaling import ran_in_training
from deepcausalmmm_jax.io.on_device import on_device, single
from deepcausalmmm_jax.io.quick_compile import jit_once
from deepcausalmmm_jax.model.curves import MediaCurves, saturation_by_channel


def today(fit: FittedPanel) -> pd.DataFrame:
    """Position on the Hill curve of the last eight weeks with a KPI, if their exposure continued.

    On other calendars these are the last 56 days, 2 months or 1 quarter.

    Returns:
        By channel: `relative_exposure` (1 = the mean training week, in the paper's model the share of voice; mean over
        the regions in which the channel ran in training), `saturation` (share of the maximum), and `headroom`, 1 less
        that; both are missing where a channel's kind has no maximum. Where any has none, `activity` is the height of
        its curve.
    """
    stop = fit.panel.n_past_weeks
    recent = slice(max(0, stop - fit.panel.cadence.steps(RECENT_WEEKS)), stop)
    scaled, _ = model_exposure(fit, fit.panel.exposure[:, recent])
    ran = ran_in_training(fit.panel, fit.n_training_weeks)[:, None]
    rows = fit.panel.present[:, recent, None] & ran
    rows = np.where(rows.any(axis=(0, 1)), rows, ran)  # of a channel whose regions have no row in these weeks
    level = np.where(rows, scaled, 0.0).sum(axis=(0, 1)) / rows.sum(axis=(0, 1))
    curves, kinds = fit.internals.curves, curve_kinds(fit)
    reached = np.asarray(saturations(single(level[None]), curves, kinds)[0], float)
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
    exposure = single(table["relative_exposure"].to_numpy().reshape(len(fit.panel.channels), -1).T)
    drawn = _reached(exposure, fit.internals.curves, on_device(draws), curve_kinds(fit))
    by_channel = np.asarray(drawn, np.float64).swapaxes(1, 2)  # [replicate, channel, point], as the table's rows
    low, high = interval(by_channel.reshape(len(by_channel), -1), level)
    return table.assign(saturation_low=low, saturation_high=high)


@jit_once("kinds")
def _reached(exposure: Array, own: MediaCurves, draws: dict[str, Array], kinds: CurveKinds) -> Array:
    """`[replicate, point, channel]`."""

    def one(parameters: dict[str, Array]) -> Array:
        return saturation_by_channel(exposure, own._replace(**parameters), kinds)

    reached: Array = jax.vmap(one)(draws)
    return reached
