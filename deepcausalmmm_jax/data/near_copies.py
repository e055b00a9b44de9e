"""Redundant series of a panel: near-copies among columns, channels that are sums of others, regions with one KPI."""

from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.panel import Panel

_ALIKE = 0.98  # correlation within regions
_UNEXPLAINED = 0.01  # of a channel's variance, by the other channels
_PART = 0.02  # of the spread of a sum; a channel with a smaller weight is not part of it
_FEWEST = 8  # weeks of a region for a correlation
_SAME = 0.01  # of the spread of a region's KPI, left by another region's KPI times a factor
_BLOCK = 256  # regions compared with all others at once


class Copies(NamedTuple):
    """Series that are near-copies of one another."""

    channels: tuple[str, ...]
    controls: tuple[str, ...]
    with_kpi: bool  # whether the KPI is among them
    likeness: float  # minimum over series of the absolute correlation with the most similar one


def copies(past: Panel) -> list[Copies]:
    """Groups of near-copies, by the correlation within regions, averaged over regions."""
    series = np.concatenate([past.kpi[:, :, None], past.exposure, past.control], axis=2)
    known = past.present & (past.weights > 0)
    alike = np.abs(_correlation(series, known))
    np.fill_diagonal(alike, 0.0)
    label = _components(alike >= _ALIKE)
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
    """Channels whose exposure is a weighted sum of that of other channels within regions, with those channels.

    Found by least squares on all others, with the residual variance corrected for their number. Of the channels in one
    such relation only the largest is named as the sum.
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


def _components(alike: np.ndarray) -> np.ndarray:
    """Number of the group that each series, or region, belongs to: those alike, directly or through others."""
    if not (alike & ~np.eye(len(alike), dtype=bool)).any():
        return np.arange(len(alike))
    from scipy.sparse.csgraph import connected_components  # a third of a second, which every fit would wait for

    return np.asarray(connected_components(alike, directed=False)[1])


def same_regions(past: Panel) -> list[tuple[str, ...]]:
    """Groups of regions whose KPI is one series up to a factor, over the weeks that both have.

    Regions of a market share its season and its trend, and still differ by chance each week. Those that do not are
    copies of a region, or one figure that was divided by fixed shares.
    """
    seen = past.weights > 0
    size = np.abs(past.kpi).max(axis=1, initial=0.0, where=seen)
    kpi = np.where(seen, past.kpi, 0.0) / np.where(size > 0, size, 1.0)[:, None]
    weeks, squares, moving = seen.astype(float), kpi**2, (kpi != 0).astype(float)
    same = np.zeros((len(kpi), len(kpi)), dtype=bool)
    for first in range(0, len(kpi), _BLOCK):
        rows, rest = slice(first, first + _BLOCK), slice(first, None)  # pairs with earlier regions are known
        others = weeks[rest].T
        cross, own, other = kpi[rows] @ kpi[rest].T, squares[rows] @ others, weeks[rows] @ squares[rest].T
        spread = own - (kpi[rows] @ others) ** 2 / np.maximum(weeks[rows] @ others, 1.0)
        left = own - cross**2 / np.where(other > 0, other, 1.0)
        enough = (moving[rows] @ others >= _FEWEST) & (cross > 0) & (spread > 1e-9 * own)
        same[rows, rest] = enough & (left < _SAME**2 * spread)
    label = _components(same | same.T)
    groups = [np.flatnonzero(label == one) for one in range(label.max() + 1)]
    return [tuple(str(past.regions[r]) for r in at.tolist()) for at in groups if len(at) > 1]


def _within(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Deviation from the region's mean over known weeks, 0 elsewhere, `[region, week, series]`."""
    mask = known[:, :, None]
    mean = np.where(mask, values, 0.0).sum(axis=1, keepdims=True) / np.maximum(mask.sum(axis=1, keepdims=True), 1)
    return np.where(mask, values - mean, 0.0)


def _correlation(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Correlation within regions, averaged over regions, `[series, series]`; 0 if undefined in every region."""
    deviation = _within(values, known)
    length = np.sqrt((deviation**2).sum(axis=1, keepdims=True))
    varies = length > 1e-9 * np.abs(values).max(axis=1, initial=0.0)[:, None, :]
    unit = np.where(varies, deviation / np.where(varies, length, 1.0), 0.0)
    unit = np.where((known.sum(axis=1) >= _FEWEST)[:, None, None], unit, 0.0)
    both = np.einsum("rti,rtj->ij", unit, unit)
    shows = (unit != 0).any(axis=1).astype(float)
    return np.asarray(both / np.maximum(shows.T @ shows, 1.0))
