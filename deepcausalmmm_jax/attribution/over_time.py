"""Contributions and coefficients by week, all regions together."""

import numpy as np
import pandas as pd
import xarray as xr

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.axes import CHANNEL, COMPONENT, REGION, TIME
from deepcausalmmm_jax.data.panel import Panel


def weekly_contributions(terms: xr.DataArray, panel: Panel) -> pd.DataFrame:
    """Contributions of all regions together, KPI units, over region-weeks that have a row; week x component.

    A week in which no region has one has none: a sum of nothing, 0, would say that nothing was sold.
    """
    summed = np.where(panel.present[:, :, None], terms.values, 0.0).sum(axis=0)
    summed[~panel.present.any(axis=0)] = np.nan
    names = [str(name) for name in terms[COMPONENT].values]
    return pd.DataFrame(summed, index=panel.weeks.rename(TIME), columns=names)


def weekly_coefficients(fit: FittedPanel) -> pd.DataFrame:
    """KPI of a week per full activity of a channel, as a share of the mean KPI; week x channel.

    Regions are averaged with weights proportional to the size of their KPI.
    """
    coefficient = fit.internals.coefficient.astype(np.float64)
    weights = fit.scales.kpi / fit.scales.kpi.sum()
    table = np.einsum("rtm,r->tm", coefficient, weights)
    return pd.DataFrame(table, index=fit.panel.weeks.rename(TIME), columns=list(fit.panel.channels))


def coefficients(fit: FittedPanel) -> xr.DataArray:
    """KPI of a week per full activity of a channel, as a share of the mean KPI, `(region, time, channel)`.

    Under a log link it is the effect on the log of the KPI.
    """
    return xr.DataArray(
        fit.internals.coefficient.astype(np.float64),
        dims=(REGION, TIME, CHANNEL),
        coords={REGION: fit.panel.regions, TIME: fit.panel.weeks, CHANNEL: list(fit.panel.channels)},
        name="coefficient",
    )
