"""Unusual values of a panel's KPI: constant regions, odd levels, weeks of the opposite sign, outliers."""

from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.kpi_scale import is_constant, kpi_means, kpi_scales, weekly_spread
from deepcausalmmm_jax.data.panel import Panel

_SELDOM = 0.1  # of the weeks: a KPI that is negative more often is net of something
# Ratio of a median week to the weekly changes, relative to the median over regions. On 140 panels, simulated and real
# ones, it never left these bounds. In counts it grows by chance with the root of the mean, so a region has to be out of
# line with that as well.
_HIGH_LEVEL, _LOW_LEVEL = 2.2, 0.45
_BEYOND_CHANCE = 1.4
_FEWEST_REGIONS = 3  # of two that differ, either may be the odd one
_HUGE_MOVES, _HUGE_TIMES = 30.0, 5.0  # weekly spreads above the median, and multiples of it; no season goes so far


class HugeWeek(NamedTuple):
    """A KPI far above all others of its region."""

    region: str
    week: str
    value: float  # KPI units
    times: float  # multiple of the region's median


class OddLevel(NamedTuple):
    """A region whose KPI lies higher or lower above zero, next to its weekly changes, than in other regions."""

    region: str
    times: float  # multiple of the median over regions


def constant_regions(past: Panel) -> tuple[str, ...]:
    """Regions whose KPI is constant up to rounding."""
    seen = (past.weights > 0).any(axis=1)
    return tuple(map(str, past.regions[seen & is_constant(past.kpi, past.weights)]))


def net_regions(past: Panel) -> tuple[str, ...]:
    """Regions whose KPI is not divided by its mean; see `kpi_scales`."""
    moves = ~is_constant(past.kpi, past.weights)
    kpi, weights = past.kpi[moves], past.weights[moves]
    return tuple(map(str, past.regions[moves][kpi_scales(kpi, weights) != kpi_means(kpi, weights)]))


def odd_levels(past: Panel) -> list[OddLevel]:
    """Regions whose KPI may lack an amount, such as returns, or contain one that others lack; the oddest first."""
    moves = ~is_constant(past.kpi, past.weights)
    kpi, weights, regions = past.kpi[moves], past.weights[moves], past.regions[moves]
    mean = kpi_means(kpi, weights)
    sized = (kpi_scales(kpi, weights) == mean) & (mean > 0)
    if sized.sum() < _FEWEST_REGIONS:
        return []
    usual = np.nanmedian(np.where(weights > 0, kpi, np.nan)[sized], axis=1)  # which one huge week leaves as it is
    spread, regions = weekly_spread(kpi, weights)[sized], regions[sized]
    steady = np.maximum(usual, 0.0) / spread
    if (middle := float(np.median(steady))) <= 0:
        return []
    times, chance = steady / middle, np.sqrt(mean[sized] / np.median(mean[sized]))
    high = (times > _HIGH_LEVEL) & (times > _BEYOND_CHANCE * chance)
    low = (times > 0) & (times < _LOW_LEVEL) & (times < chance / _BEYOND_CHANCE)
    found = [OddLevel(str(regions[r]), float(times[r])) for r in np.flatnonzero(high | low)]
    return sorted(found, key=lambda at: -abs(np.log(at.times)))


def turned_weeks(past: Panel) -> tuple[str, ...]:
    """Weeks with a negative KPI in every region, provided that negative values are rare in each region."""
    seen = past.weights > 0
    below = (past.kpi < 0) & seen
    if (below.sum(axis=1) > _SELDOM * seen.sum(axis=1)).any():
        return ()
    together = seen.any(axis=0) & (below | ~seen).all(axis=0)
    return tuple(past.week_label(int(week)) for week in np.flatnonzero(together))


def huge_weeks(past: Panel) -> list[HugeWeek]:
    """Region-weeks whose KPI is too large for any season, the largest first."""
    spread, found = weekly_spread(past.kpi, past.weights), []
    for r in range(len(past.regions)):
        seen = past.weights[r] > 0
        median = float(np.median(past.kpi[r, seen])) if seen.any() else 0.0
        if median <= 0:
            continue
        far = seen & (past.kpi[r] > _HUGE_TIMES * median) & (past.kpi[r] - median > _HUGE_MOVES * spread[r])
        for week in np.flatnonzero(far):
            value = float(past.kpi[r, week])
            found.append(HugeWeek(str(past.regions[r]), past.week_label(int(week)), value, value / median))
    return sorted(found, key=lambda at: -at.times)
