"""What moves from week to week, all regions together."""

import numpy as np
import pandas as pd
import xarray as xr

from deepcausalmmm_jax.attribution.forward import internals
from deepcausalmmm_jax.axes import COMPONENT, TIME
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.training.fitted import Fitted


def weekly_contributions(terms: xr.DataArray, panel: Panel) -> pd.DataFrame:
    """Contributions of all regions together in KPI units, over region-weeks that have a row; week x component."""
    summed = np.where(panel.present[:, :, None], terms.values, 0.0).sum(axis=0)
    names = [str(name) for name in terms[COMPONENT].values]
    return pd.DataFrame(summed, index=panel.weeks.rename(TIME), columns=names)


def weekly_coefficients(fitted: Fitted) -> pd.DataFrame:
    """KPI of a week per full activity of a channel, as a share of the mean KPI; week x channel.

    Regions are averaged by the size of their KPI.
    """
    coefficient = internals(fitted).coefficient.astype(np.float64)
    weights = fitted.scales.kpi / fitted.scales.kpi.sum()
    table = np.einsum("rtm,r->tm", coefficient, weights)
    return pd.DataFrame(table, index=fitted.panel.weeks.rename(TIME), columns=list(fitted.panel.channels))
