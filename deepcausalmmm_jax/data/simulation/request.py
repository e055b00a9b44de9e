"""Request and result of a simulation, whatever its equations."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from deepcausalmmm_jax.axes import CHANNEL

YEAR = 365.25 / 7  # weeks


class Request(NamedTuple):
    """A validated request."""

    weeks: pd.DatetimeIndex
    n_regions: int
    n_channels: int
    n_controls: int
    media_share: float | None  # None: drawn
    noise: float | None  # None: drawn
    drift: float
    outliers: float


class LinkRequest(NamedTuple):
    """Links between channels that are asked for."""

    draws: int  # of a link
    longest_lag: int  # weeks
    lags: np.random.Generator  # draws the lags; separate, so that panels whose links have none do not change
    groups: int  # of regions, each with links of its own
    apart: np.random.Generator  # draws which regions are in which group, and the links of all but the first


class Simulation(NamedTuple):
    """A simulated panel as arrays; terms are shares of a region's `size`."""

    size: np.ndarray  # [region], KPI units, close to the mean KPI
    kpi: np.ndarray  # [region, week], KPI units
    relative: np.ndarray  # [region, week, channel], exposure up to a factor by region and channel
    control: np.ndarray  # [region, week, control]
    parts: np.ndarray  # [region, week, 3 + control], level, trend, season and each control
    base: np.ndarray  # [region, week], everything but media and noise
    media: np.ndarray  # [region, week, channel], contribution of each channel
    worth: np.ndarray  # [region, week, channel], effect of a channel at full activity
    parameters: pd.DataFrame  # by channel
    links: np.ndarray  # [1 + lag, channel, channel]; with a leading axis [group] where there are several
    effects: pd.DataFrame  # by channel, KPI units
    noise: float  # standard deviation, share of `size`
    expected: Callable[[np.ndarray], np.ndarray]  # KPI without noise `[region, week]`, given another `relative`
    frequency: np.ndarray | None = None  # [region, week, channel], contacts per person reached; see `reach`
    group: np.ndarray | None = None  # [region], number of its group; None where all regions have the same links


def channel_index(n_channels: int) -> pd.Index:
    """Names of the channels of a simulated panel."""
    return pd.Index([f"channel_{m + 1}" for m in range(n_channels)], name=CHANNEL)


def autoregressive(rng: np.random.Generator, shape: tuple[int, ...], memory: float) -> np.ndarray:
    """Stationary AR(1) along axis 1 with unit variance."""
    shocks = rng.normal(size=shape) * np.sqrt(1.0 - memory**2)
    shocks[:, 0] /= np.sqrt(1.0 - memory**2)
    return np.asarray(lfilter([1.0], [1.0, -memory], shocks, axis=1))
