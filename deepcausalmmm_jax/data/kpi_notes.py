"""What is odd about a panel's KPI: regions that never move, means around zero, weeks of another sign or size."""

from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.kpi_scale import is_constant, kpi_means, kpi_scales, weekly_spread
from deepcausalmmm_jax.data.panel import Panel

_SELDOM = 0.1  # of the weeks: a KPI below zero more often is net of something
_HUGE_MOVES, _HUGE_TIMES = 30.0, 5.0  # weekly spreads from the median, and medians, that no season reaches


class HugeWeek(NamedTuple):
    """A KPI far from all others of its region."""

    region: str
    week: str
    value: float  # KPI units
    times: float  # the region's median


def constant_regions(past: Panel) -> tuple[str, ...]:
    """Regions with the same KPI in all weeks, but for rounding."""
    seen = (past.weights > 0).any(axis=1)
    return tuple(map(str, past.regions[seen & is_constant(past.kpi, past.weights)]))


def net_regions(past: Panel) -> tuple[str, ...]:
    """Regions whose mean KPI is not what the KPI is divided by; see `kpi_scales`."""
    moves = ~is_constant(past.kpi, past.weights)
    kpi, weights = past.kpi[moves], past.weights[moves]
    return tuple(map(str, past.regions[moves][kpi_scales(kpi, weights) != kpi_means(kpi, weights)]))


def turned_weeks(past: Panel) -> tuple[str, ...]:
    """Weeks with a KPI below zero in every region, where that is rare in each of the regions."""
    seen = past.weights > 0
    below = (past.kpi < 0) & seen
    if (below.sum(axis=1) > _SELDOM * seen.sum(axis=1)).any():
        return ()
    together = seen.any(axis=0) & (below | ~seen).all(axis=0)
    return tuple(past.week_label(int(week)) for week in np.flatnonzero(together))


def huge_weeks(past: Panel) -> list[HugeWeek]:
    """Region-weeks whose KPI no season explains, the largest first."""
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
