"""Intervals of refits, none narrower than the errors of the fit: refits do not show how far curves may be off."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.shares import shares
from deepcausalmmm_jax.axes import ALL_MEDIA, PAID_MEDIA

_COMMON = 0.5  # of the variance of errors: on panels of other worlds 54 of 60 totals are covered, without it 45
_PER_EFFECT = ("cpik",)  # columns that the effect divides


def at_least_as_wide(table: pd.DataFrame, relative_error: np.ndarray, level: float) -> pd.DataFrame:
    """The table with intervals that reach at least a normal quantile of the standard errors from the estimates.

    Args:
        table: a row for each figure, with columns `<column>_low` and `<column>_high`; all columns rise with the effect
            as it does, except for a cost per effect. An interval that is missing stays so.
        relative_error: `[row]`, standard error of the effect as a share of it; a row where it is missing stays.
        level: of the intervals.
    """
    wider, far = table.copy(), ndtri((1.0 + level) / 2.0) * relative_error
    for name in (str(column)[: -len("_low")] for column in table if str(column).endswith("_low")):
        value = table[name].to_numpy(np.float64)
        if name in _PER_EFFECT:
            least, most = value / (1.0 + far), np.where(far >= 1.0, np.inf, value / np.maximum(1.0 - far, 1e-12))
        else:
            least, most = value * np.maximum(1.0 - far, 0.0), value * (1.0 + far)
        low, high = (table[f"{name}_{end}"].to_numpy(np.float64) for end in ("low", "high"))
        wider[f"{name}_low"] = np.where(np.isnan(least), low, np.minimum(low, least))
        wider[f"{name}_high"] = np.where(np.isnan(most), high, np.maximum(high, most))
    return wider


def relative_errors(fit: FittedPanel, covariance: np.ndarray, rows: Sequence[str], paid: np.ndarray) -> np.ndarray:
    """Standard errors of effects as shares of them, of channels and totals, `[row]`; missing where one of a total is.

    Where the model's curves are not the true ones, the effects of all channels are mostly missed in the same direction,
    which the covariance by the fit does not know: in a total half of each error counts as common to all.

    Args:
        fit: the fit.
        covariance: `[channel, channel]`, of its shares, see `diagnostics.share_covariance`.
        rows: names of channels, or of the totals of `main_figures`.
        paid: boolean `[channel]`, whether the channel has spend.
    """
    channels, share = fit.panel.channels, shares(fit)
    counted = {ALL_MEDIA: np.ones(len(channels), bool), PAID_MEDIA: paid}
    counted |= {name: np.arange(len(channels)) == m for m, name in enumerate(channels)}
    error = np.sqrt(np.diag(covariance))
    covariance = (1.0 - _COMMON) * covariance + _COMMON * np.outer(error, error)
    variance = np.array([covariance[np.ix_(counted[row], counted[row])].sum() for row in rows])
    total = np.array([share[counted[row]].sum() for row in rows])
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)) / np.where(total > 0, total, np.nan))
