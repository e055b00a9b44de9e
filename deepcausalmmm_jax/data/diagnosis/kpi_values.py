"""The KPI's values: its level, weeks out of line, repeated or doubled, regions with one KPI, totals of regions."""

from collections.abc import Iterator

import numpy as np

from deepcausalmmm_jax.data.diagnosis.findings import Check, Finding, names, passed, several
from deepcausalmmm_jax.data.diagnosis.series import median_spread
from deepcausalmmm_jax.data.kpi_notes import constant_regions, huge_weeks, net_regions, odd_levels, turned_weeks
from deepcausalmmm_jax.data.near_copies import same_regions
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.region_totals import region_totals
from deepcausalmmm_jax.io.grades import Grade

_SPIKE = 6.0  # spreads from the mean of the two neighbouring weeks; a normal law gives one such week in 500 million
_SHOWN = 5
_OFTEN_ZERO = 0.05  # of the region-weeks
_CONTINUOUS = 0.8  # share of different values from which two equal weeks in a row are no chance
_LONG = 3  # repeated weeks in a row from which a single region is reported
_EMPTY, _DOUBLE = 0.25, (1.6, 2.6)  # of the level around them: a week that is nearly empty, and its full neighbour
_AROUND = 4  # weeks on either side that give the level
_STEADY = 0.2  # relative spread of a region's KPI up to which a doubled week can be recognised


def level_findings(past: Panel) -> Iterator[Finding]:
    """Regions whose KPI never changes or lies around zero, and weeks of the opposite sign."""
    kpi, regular = past.kpi_name, True
    constant = constant_regions(past)
    if constant and len(constant) < len(past.regions):  # fit refuses a KPI that never changes anywhere
        regular = False
        yield Finding(
            Grade.LOOK,
            Check.KPI_LEVEL,
            f"the KPI is the same in all weeks of {several(len(constant), 'region')}",
            kpi,
            names(constant),
            why="nothing can be learned from it; its figures come from the other regions",
            advice="remove these regions if the values were filled in",
        )
    if net := net_regions(past):
        regular = False
        yield Finding(
            Grade.LOOK,
            Check.KPI_LEVEL,
            f"the mean KPI of {several(len(net), 'region')} is negative, or small next to its weekly changes",
            kpi,
            names(net),
            why="shares of such a KPI mean little; its weekly changes set the scale of the region instead",
            advice="use gross sales, before returns, where you have them",
        )
    if odd := odd_levels(past):
        regular = False
        yield Finding(
            Grade.LOOK,
            Check.KPI_LEVEL,
            f"next to its weekly changes the KPI of {several(len(odd), 'region')} is far from that of the others, "
            f"{odd[0].times:.2g} times as high in {odd[0].region}",
            kpi,
            names(at.region for at in odd),
            why="an amount may be missing, such as returns, or added; the changes, not the level, set the scale",
            advice="correct the KPI if so",
        )
    if turned := turned_weeks(past):
        regular = False
        yield Finding(
            Grade.FAIL,
            Check.KPI_LEVEL,
            f"the KPI is below 0 in every region in {several(len(turned), 'week')}, and rarely elsewhere",
            kpi,
            weeks=names(turned),
            why="a reversed sign biases every effect",
            advice="correct the sign, or leave the KPI empty there and pass missing_kpi='mask'",
        )
    if regular:
        yield passed(Check.KPI_LEVEL, "above zero and changing in every region")


def count_findings(past: Panel) -> Iterator[Finding]:
    """A KPI of whole numbers that is often zero, which other settings suit better than the default ones."""
    seen = past.weights > 0
    kpi = past.kpi[seen]
    zeros = float((kpi == 0).mean()) if kpi.size else 0.0
    if zeros <= _OFTEN_ZERO or (kpi < 0).any() or (kpi != np.round(kpi)).any():
        yield passed(Check.COUNTED_KPI, "no counts that are often zero")
        return
    yield Finding(
        Grade.LOOK,
        Check.COUNTED_KPI,
        f"the KPI is a whole number throughout, and 0 in {zeros:.0%} of the region-weeks",
        past.kpi_name,
        why="with the default settings predictions and intervals of such counts fall below 0",
        advice="fit with counts=True if it is a count of something",
    )


def outlier_findings(past: Panel) -> Iterator[Finding]:
    """Values of the KPI that no season explains, and weeks far from both of their neighbours."""
    huge = huge_weeks(past)
    for at in huge[:_SHOWN]:
        yield Finding(
            Grade.FAIL,
            Check.KPI_OUTLIERS,
            f"the KPI is {at.value:,.4g}, {at.times:,.0f} times the region's median",
            past.kpi_name,
            at.region,
            at.week,
            why="one such value can dominate the estimate of whatever ran in that week",
            advice="correct it, or leave the KPI empty there and pass missing_kpi='mask'",
        )
    told = {(at.region, at.week) for at in huge}
    spikes = [at for at in _spikes(past) if (at[0], at[1]) not in told]
    if spikes:
        region, week, times = max(spikes, key=lambda at: abs(at[2]))
        yield Finding(
            Grade.LOOK,
            Check.KPI_OUTLIERS,
            f"{several(len(spikes), 'region-week')} {'lies' if len(spikes) == 1 else 'lie'} more than {_SPIKE:.0f} "
            "times as far from both neighbours as weeks usually do from the mean of theirs, the farthest "
            f"{abs(times):.0f} times",
            past.kpi_name,
            names(dict.fromkeys([region, *(at[0] for at in spikes)])),
            names(dict.fromkeys([week, *(at[1] for at in spikes)])),
            why="what happened there is credited to the media of that week unless a control says otherwise",
            advice="add a control if it was a holiday, a promotion or a stock-out; correct it if it is an error",
        )
    if not huge and not spikes:
        yield passed(Check.KPI_OUTLIERS, "no week is far out of line")


def _spikes(past: Panel) -> list[tuple[str, str, float]]:
    """Region, week and distance of the weeks far from both neighbours, in usual distances from the neighbours' mean.

    Weekly changes are no measure of it: a season makes them large and hardly bends the series.
    """
    known = past.weights > 0
    found = []
    for r in map(int, np.flatnonzero(known.sum(axis=1) >= 2 * _AROUND)):
        kpi = past.kpi[r]
        middle = known[r, 1:-1] & known[r, :-2] & known[r, 2:]
        before, after = kpi[1:-1] - kpi[:-2], kpi[1:-1] - kpi[2:]
        spread = median_spread((before + after)[middle] / 2.0)
        if spread <= 0:
            continue
        near = np.where(before * after > 0, np.minimum(np.abs(before), np.abs(after)), 0.0) * np.sign(before) / spread
        for week in np.flatnonzero(middle & (np.abs(near) > _SPIKE)):
            found.append((str(past.regions[r]), past.week_label(int(week) + 1), float(near[week])))
    return found


def repeated_findings(past: Panel) -> Iterator[Finding]:
    """Weeks whose KPI is exactly that of the week before: filled in, or loaded twice."""
    known = past.weights > 0
    equal = known[:, 1:] & known[:, :-1] & (past.kpi[:, 1:] == past.kpi[:, :-1]) & (past.kpi[:, 1:] != 0)
    for r in np.flatnonzero(known.any(axis=1)):
        values = past.kpi[r, known[r]]
        if len(np.unique(values)) < _CONTINUOUS * len(values):
            equal[r] = False  # small counts repeat by chance
    judged = (known[:, 1:] & known[:, :-1]).sum(axis=0)
    whole = (judged > 1) & (equal.sum(axis=0) == judged) & (judged >= len(past.regions) / 2)
    long = [(r, week) for r, week in _runs(equal) if equal[r, week]]
    if whole.any():
        weeks = [past.week_label(int(week) + 1) for week in np.flatnonzero(whole)]
        yield Finding(
            Grade.FAIL,
            Check.REPEATED_KPI,
            f"the KPI of every region repeats the week before exactly in {several(len(weeks), 'week')}",
            past.kpi_name,
            weeks=names(weeks),
            why="a week loaded twice is not an observation, and hides what media did in it",
            advice="load the week again, or leave its KPI empty and pass missing_kpi='mask'",
        )
    rest = [(r, week) for r, week in long if not whole[week]]
    if rest:
        yield Finding(
            Grade.LOOK,
            Check.REPEATED_KPI,
            f"the KPI repeats the week before exactly in {several(len(rest), 'region-week')}",
            past.kpi_name,
            names(dict.fromkeys(str(past.regions[r]) for r, _ in rest)),
            names(dict.fromkeys(past.week_label(week + 1) for _, week in rest)),
            why="values that were carried forward look like weeks in which media did nothing",
            advice="leave the KPI empty where it was filled in, and pass missing_kpi='mask'",
        )
    if not whole.any() and not rest:
        yield passed(Check.REPEATED_KPI, "no week repeats the one before")


def _runs(equal: np.ndarray) -> list[tuple[int, int]]:
    """Region and position of repeats: all of them in a national panel, elsewhere those in runs of several weeks."""
    least = 1 if len(equal) == 1 else _LONG - 1
    found = []
    for r, row in enumerate(equal):
        weeks = np.flatnonzero(row)
        for run in np.split(weeks, np.flatnonzero(np.diff(weeks) > 1) + 1) if len(weeks) else []:
            found += [(r, int(week)) for week in run] if len(run) >= least else []
    return found


def doubled_findings(past: Panel) -> Iterator[Finding]:
    """Two neighbouring weeks of which one is nearly empty and the other has the sales of both."""
    pairs = [pair for r in range(len(past.regions)) for pair in _doubled(past, r)]
    if not pairs:
        yield passed(Check.DOUBLED_KPI, "no week holds the sales of two")
        return
    yield Finding(
        Grade.LOOK,
        Check.DOUBLED_KPI,
        f"in {several(len(pairs), 'case')} a week is nearly empty and its neighbour holds about twice the usual KPI",
        past.kpi_name,
        names(dict.fromkeys(str(past.regions[r]) for r, _ in pairs)),
        names(dict.fromkeys(past.week_label(week) for _, week in pairs)),
        why="sales booked a week late or early are matched with the wrong week's media",
        advice="book them in their own week, or leave both weeks empty and pass missing_kpi='mask'",
    )


def _doubled(past: Panel, r: int) -> list[tuple[int, int]]:
    """Region and position of the first week of each such pair."""
    kpi, known, found = past.kpi[r], past.weights[r] > 0, []
    usual = float(np.median(kpi[known])) if known.any() else 0.0
    if usual <= 0 or median_spread(np.diff(kpi[known])) > np.sqrt(2.0) * _STEADY * usual:
        return []
    for week in np.flatnonzero(known[1:] & known[:-1]):
        around = np.r_[max(0, week - _AROUND) : week, week + 2 : min(len(kpi), week + 2 + _AROUND)]
        around = around[known[around]]
        level = float(np.median(kpi[around])) if len(around) >= _AROUND else usual
        low, high = sorted((kpi[week], kpi[week + 1]))
        if 0 <= low < _EMPTY * level and _DOUBLE[0] * level < high < _DOUBLE[1] * level:
            found.append((r, int(week)))
    return found


def same_region_findings(past: Panel) -> Iterator[Finding]:
    """Regions whose KPI is one series up to a factor."""
    groups = same_regions(past)
    for group in groups:
        yield Finding(
            Grade.FAIL,
            Check.SAME_REGIONS,
            f"the KPI of {several(len(group), 'region')} is the same in every week, up to a factor",
            past.kpi_name,
            names(group),
            why="copies of a region, or one figure divided among several, count as several regions where there is one",
            advice="keep one of them, or add them up",
        )
    if not groups:
        yield passed(Check.SAME_REGIONS, "every region has a KPI of its own")


def region_total_findings(past: Panel) -> Iterator[Finding]:
    """Regions that are the sum of others, or are called a total."""
    totals = region_totals(past)
    for total in totals:
        yield Finding(
            Grade.FAIL if total.parts else Grade.LOOK,
            Check.REGION_TOTAL,
            f"the KPI is the sum of that of {names(total.parts)}" if total.parts else "the region is called a total",
            past.kpi_name,
            total.region,
            why="sales of a region that is part of a total count twice",
            advice="leave the rows of the total out" + ("" if total.parts else ", or rename it if it is none"),
        )
    if not totals:
        yield passed(Check.REGION_TOTAL, "no region is the total of others")
