"""Reach and frequency of a simulated panel, drawn separately, so that panels without them do not change."""

import dataclasses

import numpy as np
import pandas as pd

from deepcausalmmm_jax.config.curves import BY_REACH, CurveKind
from deepcausalmmm_jax.data.simulation.request import autoregressive
from deepcausalmmm_jax.errors import DataError

_USUAL = (2.5, 5.0)  # contacts per person reached
_SPREAD = np.log(3.0) / (2 * 1.645)  # of logs: the middle nine tenths of the weeks differ by a factor of three
_NATIONAL = 0.6  # share of its variance that all regions have in common
_SLOPE, _HALF = (1.6, 2.5), (2.0, 5.0)


def with_reach(kinds: tuple[CurveKind, ...], n_reached: int) -> tuple[CurveKind, ...]:
    """Kinds whose first `n_reached` channels have reach and frequency."""
    first = (dataclasses.replace(kind, saturation=BY_REACH, saturation_first=True) for kind in kinds[:n_reached])
    return (*first, *kinds[n_reached:])


def drawn_frequency(rng: np.random.Generator, shape: tuple[int, int, int], n_reached: int) -> np.ndarray | None:
    """Contacts per person reached, `[region, week, channel]`, NaN for channels without reach; None where none has it.

    Args:
        rng: of all draws.
        shape: numbers of regions, weeks and channels.
        n_reached: channels with reach, the first ones.
    """
    if not n_reached:
        return None
    n_regions, n_weeks, _ = shape
    usual = rng.uniform(*_USUAL, n_reached)
    logs = np.sqrt(_NATIONAL) * autoregressive(rng, (1, n_weeks, n_reached), 0.5)
    logs = logs + np.sqrt(1.0 - _NATIONAL) * autoregressive(rng, (n_regions, n_weeks, n_reached), 0.5)
    frequency = np.full(shape, np.nan)
    frequency[:, :, :n_reached] = np.maximum(usual * np.exp(_SPREAD * logs), 1.0)
    return frequency


def drawn_curves_of_frequency(rng: np.random.Generator, table: pd.DataFrame, n_reached: int) -> pd.DataFrame:
    """Parameters of all channels, with slope, half-frequency and the frequency at which a contact brings most."""
    if not n_reached:
        return table
    slope, half = rng.uniform(*_SLOPE, n_reached), rng.uniform(*_HALF, n_reached)
    table = table.assign(half_frequency=np.nan, best_frequency=np.nan)
    first = table.index[:n_reached]
    table.loc[first, "slope"], table.loc[first, "half_frequency"] = slope, half
    table.loc[first, "best_frequency"] = np.maximum(half * (slope - 1.0) ** (1.0 / slope), 1.0)
    return table


def effective(relative: np.ndarray, frequency: np.ndarray | None, parameters: pd.DataFrame) -> np.ndarray:
    """Exposure `[region, week, channel]` with contacts counted by what they bring at their frequency.

    Args:
        relative: exposure in mean weeks of the region.
        frequency: `[region, week, channel]`, of the same weeks or more; None where no channel has reach.
        parameters: by channel.
    """
    if frequency is None:
        return relative
    changed = relative.copy()
    for m in np.flatnonzero(~np.isnan(frequency).all(axis=(0, 1))):
        slope, half = parameters["slope"].iloc[m], parameters["half_frequency"].iloc[m]
        often = frequency[:, :, m]
        brings = often ** (slope - 1.0) / (often**slope + half**slope)
        changed[:, :, m] *= (brings / brings.mean())[:, : relative.shape[1]]  # the scale is that of all weeks
    return changed


def check_reach(n_reached: int, n_channels: int, kind: str, cadence: str | None) -> None:
    """Refuse reach and frequency that a simulation cannot have.

    Raises:
        DataError: a number that is none of channels, or panels of another kind or cadence.
    """
    if not isinstance(n_reached, int) or isinstance(n_reached, bool) or not 0 <= n_reached <= n_channels:
        raise DataError(f"reach_frequency must be from 0 to n_channels={n_channels}, got {n_reached!r}.")
    if n_reached and (kind != "hill" or cadence is not None):
        raise DataError(
            f"reach_frequency={n_reached} is only for the kind 'hill' without a cadence; leave one of them out."
        )
