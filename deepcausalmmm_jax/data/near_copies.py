"""Series of a panel that say the same: channels, controls and KPI that move together, channels made of others."""

from typing import NamedTuple

import numpy as np
from scipy.sparse.csgraph import connected_components

from deepcausalmmm_jax.data.panel import Panel

_ALIKE = 0.98  # correlation within regions
_UNEXPLAINED = 0.01  # of a channel's variance, by the other channels
_PART = 0.02  # of the spread of a sum, below which a channel is no part of it
_FEWEST = 8  # weeks of a region to judge by


class Copies(NamedTuple):
    """Series of which each moves as another of them does."""

    channels: tuple[str, ...]
    controls: tuple[str, ...]
    with_kpi: bool  # whether the KPI is one of them
    likeness: float  # smallest correlation, without its sign, of a series with its likest


def copies(past: Panel) -> list[Copies]:
    """Groups of near-copies, by the mean over regions of the correlation within a region."""
    series = np.concatenate([past.kpi[:, :, None], past.exposure, past.control], axis=2)
    known = past.present & (past.weights > 0)
    alike = np.abs(_correlation(series, known))
    np.fill_diagonal(alike, 0.0)
    _, label = connected_components(alike >= _ALIKE, directed=False)
    n_channels, groups = len(past.channels), []
    for one in range(label.max() + 1):
        at = np.flatnonzero(label == one)
        if len(at) == 1:
            continue
        channels = tuple(past.channels[i - 1] for i in at if 1 <= i <= n_channels)
        controls = tuple(past.controls[i - 1 - n_channels] for i in at if i > n_channels)
        groups.append(Copies(channels, controls, bool(at[0] == 0), float(alike[np.ix_(at, at)].max(axis=1).min())))
    return groups


def sums(past: Panel) -> list[tuple[str, tuple[str, ...]]]:
    """Channels whose exposure is a sum of other channels' within regions, with those; the largest of a set alone.

    By least squares on all others, the variance left corrected for their number.
    """
    deviation = _within(past.exposure, past.present)[past.present]
    spread = deviation.std(axis=0)
    usable = np.flatnonzero(spread > 0)
    free = len(deviation) - len(past.regions) - len(usable)
    if free < _FEWEST or len(usable) < 3:
        return []
    found, taken = [], set()
    for m in sorted(usable, key=lambda m: -spread[m]):
        others = usable[usable != m]
        scaled = deviation[:, others] / spread[others]
        weight, *_ = np.linalg.lstsq(scaled, deviation[:, m] / spread[m])
        left = ((deviation[:, m] / spread[m] - scaled @ weight) ** 2).sum() / free
        parts = others[np.abs(weight) > _PART]
        if left < _UNEXPLAINED and len(parts) > 1 and m not in taken:
            found.append((past.channels[m], tuple(past.channels[i] for i in parts)))
            taken |= {m, *parts}
    return found


def _within(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Deviation from the region's mean over known weeks, 0 elsewhere, `[region, week, series]`."""
    mask = known[:, :, None]
    mean = np.where(mask, values, 0.0).sum(axis=1, keepdims=True) / np.maximum(mask.sum(axis=1, keepdims=True), 1)
    return np.where(mask, values - mean, 0.0)


def _correlation(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Mean over regions of the correlation within them, `[series, series]`; 0 where no region shows one."""
    deviation = _within(values, known)
    length = np.sqrt((deviation**2).sum(axis=1, keepdims=True))
    varies = length > 1e-9 * np.abs(values).max(axis=1, initial=0.0)[:, None, :]
    unit = np.where(varies, deviation / np.where(varies, length, 1.0), 0.0)
    unit = np.where((known.sum(axis=1) >= _FEWEST)[:, None, None], unit, 0.0)
    both = np.einsum("rti,rtj->ij", unit, unit)
    shows = (unit != 0).any(axis=1).astype(float)
    return both / np.maximum(shows.T @ shows, 1.0)
