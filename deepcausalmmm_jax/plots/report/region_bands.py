"""Weekly intervals of each region for the page: forecasts, and contributions of the largest channels."""

import numpy as np

from deepcausalmmm_jax.attribution.by_replicate import weekly_contributions
from deepcausalmmm_jax.attribution.intervals import interval
from deepcausalmmm_jax.plots.contribution import banded_channels, grouped_contributions
from deepcausalmmm_jax.plots.fit import FORECAST_BAND, has_forecast_interval
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult

_LEVEL = 0.9  # as in the figures
_TOP = 12  # channels of the figure of lines
_BYTES = 16 / 3  # of a low and a high end, two bytes each in base64
_MOST_VALUES = 50_000_000  # of the draws that are held at once


def region_bands(result: FitResult, rows: list[int], budget: int) -> dict[str, np.ndarray]:
    """Lower ends and upper ends of the shaded bands, by the band's name and `_low` or `_high`.

    Args:
        result: a fit; bands of contributions need an ensemble.
        rows: positions of the regions, the most important first.
        budget: bytes that all bands may take on the page; later regions have none where it is spent.

    Returns:
        `[row, week of the band]`, for as many of the rows as the budget allows: a forecast's weeks are those after
        training, a contribution's all weeks.
    """
    found = {}
    if has_forecast_interval(result):
        low, high = _forecast_ends(result)
        kept = rows[: _affordable(budget // 2, low.shape[1])]
        found = {f"{FORECAST_BAND}_low": low[kept], f"{FORECAST_BAND}_high": high[kept]}
    if isinstance(result, Ensemble):
        names, n_weeks = _banded(result), len(result.panel.weeks)
        most = _MOST_VALUES // (len(result.replicates) * n_weeks * len(names))
        kept = rows[: min(most, _affordable(budget // 2, n_weeks * len(names)))]
        channels = [result.panel.channels.index(name) for name in names]
        drawn = weekly_contributions(result.fitted_panel, result.replicates.variables, kept, channels)
        low, high = np.moveaxis(interval(drawn, _LEVEL), -1, 1)
        for at, name in enumerate(names):
            found |= {f"{name}_low": low[at], f"{name}_high": high[at]}
    return found


def _affordable(budget: int, values: int) -> int:
    """Number of regions whose bands fit."""
    return int(budget // (_BYTES * max(values, 1)))


def _banded(result: FitResult) -> list[str]:
    return banded_channels(grouped_contributions(result, _TOP), list(result.panel.channels))


def _forecast_ends(result: FitResult) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the forecast intervals, `[region, week after training]`."""
    table, n_regions = result.forecast_intervals(by_region=True), len(result.panel.regions)
    low, high = (table[end].to_numpy(np.float64).reshape(n_regions, -1) for end in ("low", "high"))
    return low, high
