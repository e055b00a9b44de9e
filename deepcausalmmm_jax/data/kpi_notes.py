"""Unusual values of a panel's KPI: constant regions, odd levels, weeks of the opposite sign, outliers."""

from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.kpi_levels import ODD, level_ratios
from deepcausalmmm_jax.data.kpi_scale import is_constant, kpi_means, kpi_sizes, weekly_spread
from deepcausalmmm_jax.data.panel import Panel

_SELDOM = 0.1  # of the weeks: a KPI that is negative more often is net of something
_HUGE_MOVES, _HUGE_TIMES = 30.0, 5.0  # weekly spreads above the median, and multiples of it; no season goes so far


class HugeWeek(NamedTuple):
    """A KPI far above all others of its region."""

    region: str
    week: str
    value: float  # KPI units
    times: float  # multiple of the region's median


class OddLevel(NamedTuple):
    """A region whose KPI lies higher or lower above zero, next to its changes, than in other regions."""

    region: str
    times: float  # multiple of the level that its changes suggest


def constant_regions(past: Panel) -> tuple[str, ...]:
    """Regions whose KPI is constant up to rounding."""
    seen = (past.weights > 0).any(axis=1)
    return tuple(map(str, past.regions[seen & is_constant(past.kpi, past.weights)]))


def net_regions(past: Panel) -> tuple[str, ...]:
    """Regions whose KPI is not measured by its mean; see `kpi_sizes`."""
    moves = ~is_constant(past.kpi, past.weights)
    kpi, weights = past.kpi[moves], past.weights[moves]
    return tuple(map(str, past.regions[moves][kpi_sizes(kpi, weights) != kpi_means(kpi, weights)]))


def odd_levels(past: Panel) -> list[OddLevel]:
    """Regions whose KPI may lack an amount, such as returns, or contain one that others lack; the oddest first."""
    moves = ~is_constant(past.kpi, past.weights)
    ratios = level_ratios(past.kpi[moves], past.weights[moves])
    named = zip(past.regions[moves], ratios, strict=True)
    found = [OddLevel(str(region), float(times)) for region, times in named if abs(np.log(times)) > np.log(ODD)]
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
