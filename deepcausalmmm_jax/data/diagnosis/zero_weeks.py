"""Weeks without any count amid weeks with many: nothing could be sold, rather than nothing was."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.diagnosis.findings import Check, Finding, names, passed, several
from deepcausalmmm_jax.data.kpi_link import local_means
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.io.grades import Grade

_ENOUGH = 5.0  # count of a usual week with any, from which zeros by chance are few and can be told from others
_FEWEST = 3  # weeks
_LEAST_SPREAD = 0.05


class _Zeros(NamedTuple):
    """Weeks of a region in which its KPI is 0."""

    weeks: np.ndarray  # positions
    by_chance: float  # how many of them the counts of the other weeks lead one to expect


def zero_week_findings(past: Panel) -> Iterator[Finding]:
    """Counts that are zero more often than those of the other weeks allow."""
    counts = not ((past.kpi < 0) | (past.kpi != np.round(past.kpi)))[past.weights > 0].any()
    regions = range(len(past.regions)) if counts else ()
    found = {r: zeros for r in regions if (zeros := _beyond_chance(past, r)) is not None}
    if not found:
        yield passed(Check.ZERO_WEEKS, "no more zeros than chance explains")
        return
    n, chance = sum(len(zeros.weeks) for zeros in found.values()), sum(zeros.by_chance for zeros in found.values())
    weeks = sorted({int(week) for zeros in found.values() for week in zeros.weeks})
    yield Finding(
        Grade.LOOK,
        Check.ZERO_WEEKS,
        f"the KPI is 0 in {several(n, 'region-week')} among weeks with many; chance explains about {chance:.0f}",
        past.kpi_name,
        names(past.regions[r] for r in found),
        names(past.week_label(week) for week in weeks),
        why="weeks in which nothing could be sold say nothing about media, but are taken for noise and lower every "
        "prediction",
        advice="if the shop was closed or sold out, leave the KPI empty there and pass missing_kpi='mask'",
    )


def _beyond_chance(past: Panel, region: int) -> _Zeros | None:
    """The zeros of a region where a negative binomial, like the weeks with any count, has far fewer; else None."""
    kpi, seen = past.kpi[region], past.weights[region] > 0
    some, none = seen & (kpi > 0), np.flatnonzero(seen & (kpi == 0))
    if len(none) < _FEWEST or some.sum() < _FEWEST or np.median(kpi[some]) < _ENOUGH:
        return None
    mean = local_means(kpi[None], some[None].astype(float))[0]
    excess = (kpi[some] / mean[some] - 1.0) ** 2 - 1.0 / mean[some]
    spread = max(float(np.sqrt(max(excess.mean(), 0.0))), _LEAST_SPREAD)
    by_chance = float(((1.0 + spread**2 * mean[seen]) ** (-1.0 / spread**2)).sum())
    return _Zeros(none, by_chance) if len(none) > 2.0 * by_chance + 3.0 * np.sqrt(by_chance) else None
