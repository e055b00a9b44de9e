"""Weeks without any count amid weeks with many: nothing could be sold, rather than nothing was."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.diagnosis.findings import Check, Finding, names, passed, several
from deepcausalmmm_jax.data.kpi_link import local_means
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.io.grades import Grade

_ENOUGH = 5.0  # count of a usual week with any, from which zeros by chance are few and can be told from others
_FEWEST = 3  # weeks
_LEAST_SPREAD = 0.05
_FEW = 0.25  # share of a region's weeks up to which zeros are the exception
_LOWEST, _NEAR_ZERO = 0.05, 0.2  # quantile of the other weeks, and the share of their median that it must reach


class _Zeros(NamedTuple):
    """Weeks of a region in which its KPI is 0."""

    weeks: np.ndarray  # positions
    by_chance: float  # how many of them the counts of the other weeks lead one to expect


def zero_week_findings(past: Panel) -> Iterator[Finding]:
    """Counts that are zero more often than those of the other weeks allow."""
    counts = not ((past.kpi < 0) | (past.kpi != np.round(past.kpi)))[past.weights > 0].any()
    if not counts:
        yield _never_zero_else(past)
        return
    regions = range(len(past.regions))
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


def _never_zero_else(past: Panel) -> Finding:
    """Zeros of a KPI that is nowhere near zero in the other weeks of the region."""
    known = past.weights > 0
    zero = known & (past.kpi == 0)
    sold = known & (past.kpi != 0)
    zero &= np.flip(np.logical_or.accumulate(np.flip(sold, axis=1), axis=1), axis=1)  # zeros at the end are asked about
    at_end = known & (past.kpi == 0) & ~zero
    if past.cadence is Cadence.DAILY:  # closed on Sundays
        for day in range(7):
            own = np.arange(zero.shape[1]) % 7 == day
            zero[:, own] &= (zero[:, own].sum(axis=1) <= _FEW * known[:, own].sum(axis=1))[:, None]
    for r in np.flatnonzero(zero.any(axis=1)).tolist():
        rest = past.kpi[r, known[r] & (past.kpi[r] != 0) & ~at_end[r]]
        few = zero[r].sum() <= _FEW * known[r].sum()
        if not few or (rest <= 0).any() or np.quantile(rest, _LOWEST) < _NEAR_ZERO * np.median(rest):
            zero[r] = False
    if not zero.any():
        return passed(Check.ZERO_WEEKS, "no zeros amid weeks far from zero")
    # A single week may have been a holiday; several in which nothing at all was sold were not loaded.
    together = zero.any(axis=0) & (zero.sum(axis=0) == known.sum(axis=0))
    everywhere, count, shared = int(together.sum()) > 1, int(zero.sum()), int(zero[:, together].sum())
    which = "of" if shared == count else f"{shared} of them in"
    return Finding(
        Grade.FAIL if everywhere else Grade.LOOK,
        Check.ZERO_WEEKS,
        f"the KPI is 0 in {several(count, 'region-week')}"
        f"{f', {which} all regions at once,' if everywhere else ''} and far from 0 in the others",
        past.kpi_name,
        names(past.regions[int(r)] for r in np.flatnonzero(zero.any(axis=1))),
        names(past.week_label(int(week)) for week in np.flatnonzero(zero.any(axis=0))),
        why="weeks that were not loaded look like weeks in which nothing was sold, whatever ran in them",
        advice="load them, or leave the KPI empty there and pass missing_kpi='mask'",
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
