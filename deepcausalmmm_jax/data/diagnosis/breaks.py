"""Where a series goes over to another level at once and stays there, as after a change of unit, and weeks cut short."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.diagnosis.findings import Check, Finding, names, not_run, passed, several
from deepcausalmmm_jax.data.diagnosis.series import median_spread
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.io.grades import Grade

_SIDE = 12  # known weeks before and after: more than a Christmas season, which goes up and down
_FEWEST = 6  # weeks of a side at the ends of a panel
_STEP = np.log(1.5)  # smallest step of the KPI that is reported
_CONTROL_STEP = np.log(5.0)  # of a control, whose price or weather may well move by half
_PERCENT = np.log(50.0)  # from shares to percent
_SURE = 6.0  # usual weekly changes
_LARGE, _SURE_OF_LARGE = np.log(2.2), 4.0  # media seldom bring a step of this size
_LASTS = 0.75  # share of the single step by which the levels on its two sides must differ, and at most its inverse
_STAYS = 0.85  # share of all weeks that lie on their side of the step
_MARGIN = 0.1  # share of the weeks of a side that may reach the other level
_UNITS = np.log(10.0)  # from here on a change of unit is likelier than one of the thing itself
_SHORT = np.log(0.7)  # of the weeks next to it: a week that lacks two days or more
_COUNTED = 4.0  # standard deviations of a count by which a short week is below the others
_NEAR = 4  # weeks that the first and the last week are compared with
_FEWEST_REGIONS, _ALIKE = 3, np.log(3.0)  # whose prices show what is usual


class Step(NamedTuple):
    """A change of level from one week to the next."""

    region: str
    week: str  # first at the new level
    size: float  # log of new over old


def kpi_step_findings(past: Panel) -> Iterator[Finding]:
    """Regions whose KPI steps to another level and stays there."""
    steps = [found for r in range(len(past.regions)) if (found := _step(past, r, past.kpi[r], _STEP)) is not None]
    if not steps:
        yield passed(Check.KPI_STEP, "the KPI keeps its unit")
        return
    worst = max(steps, key=lambda step: abs(step.size))
    yield Finding(
        Grade.FAIL if abs(worst.size) >= _UNITS else Grade.LOOK,
        Check.KPI_STEP,
        f"the KPI {_moves(worst)} from one week to the next and stays there in {several(len(steps), 'region')}",
        past.kpi_name,
        names(dict.fromkeys([worst.region, *(step.region for step in steps)])),
        names(dict.fromkeys([worst.week, *(step.week for step in steps)])),
        why="if its unit, currency or definition changed, the step is credited to whatever media changed at the time",
        advice="convert it to one unit; if the business itself changed, add a control that is 0 before and 1 after",
    )


def control_step_findings(past: Panel) -> Iterator[Finding]:
    """Controls that step to another level and stay there."""
    quiet = True
    for c, name in enumerate(past.controls):
        if name in past.event_names:
            continue
        steps = [
            found
            for r in range(len(past.regions))
            if (found := _step(past, r, past.control[r, :, c], _CONTROL_STEP)) is not None
        ]
        if not steps:
            continue
        quiet = False
        worst = max(steps, key=lambda step: abs(step.size))
        yield Finding(
            Grade.FAIL if abs(worst.size) >= _PERCENT else Grade.LOOK,
            Check.CONTROL_STEP,
            f"it {_moves(worst)} from one week to the next and stays there in {several(len(steps), 'region')}",
            name,
            names(dict.fromkeys([worst.region, *(step.region for step in steps)])),
            names(dict.fromkeys([worst.week, *(step.week for step in steps)])),
            why="a control whose unit changes explains nothing before or nothing after",
            advice="convert it to one unit",
        )
    if quiet:
        yield passed(Check.CONTROL_STEP, "every control keeps its unit")


def short_week_findings(past: Panel) -> Iterator[Finding]:
    """A first or last week with far less than the weeks beside it in every region, as if days were missing from it."""
    found = [week for week, others in _ends(past) if _is_short(past, week, others)]
    if not found:
        yield passed(Check.SHORT_WEEK, "the first and the last week are whole")
        return
    yield Finding(
        Grade.LOOK,
        Check.SHORT_WEEK,
        f"the KPI of the {' and the '.join('first' if week == 0 else 'last' for week in found)} week is below 70% of "
        "that of the weeks beside it in every region",
        past.kpi_name,
        weeks=names(past.week_label(week) for week in found),
        why="a week of a few days looks like one in which everything sold less; a last week decides the forecast",
        advice="leave it out if it lacks days",
    )


def region_price_findings(past: Panel) -> Iterator[Finding]:
    """Regions in which a unit of a channel's exposure costs ten times what it costs elsewhere, or a tenth."""
    if past.spend is None:
        yield not_run(Check.REGION_PRICE, "no spend given")
        return
    quiet = True
    for m, name in enumerate(past.channels):
        spend = np.where(past.present, np.nan_to_num(past.spend[:, :, m]), 0.0).sum(axis=1)
        exposure = np.where(past.present, past.exposure[:, :, m], 0.0).sum(axis=1)
        priced = np.flatnonzero((spend > 0) & (exposure > 0))
        if len(priced) < _FEWEST_REGIONS or ((exposure > 0) & (spend == 0)).any():
            continue  # another region may pay for what runs there
        price = np.log(spend[priced] / exposure[priced])
        away = price - np.median(price)
        odd = priced[np.abs(away) >= _UNITS]
        if not len(odd) or (np.abs(away[np.abs(away) < _UNITS]) > _ALIKE).any() or 2 * len(odd) > len(priced):
            continue
        quiet = False
        times = float(np.exp(np.abs(away).max()))
        yield Finding(
            Grade.FAIL,
            Check.REGION_PRICE,
            f"a unit costs {times:,.3g} times {'what' if away[np.abs(away).argmax()] > 0 else 'less than'} it costs "
            f"elsewhere in {several(len(odd), 'region')}",
            name,
            names(str(past.regions[r]) for r in odd),
            why="spend or exposure in another unit makes returns of the region, and the channel's total, wrong",
            advice="convert them to the unit of the other regions",
        )
    if quiet:
        yield passed(Check.REGION_PRICE, "a unit costs about the same in all regions")


def _moves(step: Step) -> str:
    return f"{'rises' if step.size > 0 else 'falls'} {np.exp(abs(step.size)):,.3g}-fold"


def _step(past: Panel, r: int, series: np.ndarray, least: float) -> Step | None:
    """The largest lasting step of a region's series, where there is one and the series keeps its sign."""
    weeks = np.flatnonzero(past.weights[r] > 0)
    values = series[weeks]
    if len(weeks) < 2 * _SIDE or not ((values > 0).all() or (values < 0).all()):
        return None
    level = np.log(np.abs(values))
    changes = np.diff(level)
    usual = max(median_spread(changes), 1e-9)
    sizes = np.abs(changes).copy()
    sizes[: _FEWEST - 1], sizes[len(sizes) - _FEWEST + 1 :] = 0.0, 0.0
    at = int(sizes.argmax())
    size = float(changes[at])
    if sizes[at] < least or sizes[at] < (_SURE_OF_LARGE if sizes[at] >= _LARGE else _SURE) * usual:
        return None
    before, after = level[max(0, at + 1 - _SIDE) : at + 1], level[at + 1 : at + 1 + _SIDE]
    lasting = float(np.median(after) - np.median(before)) / size
    lower, upper = (before, after) if size > 0 else (after, before)
    apart = np.quantile(upper, _MARGIN) > np.quantile(lower, 1.0 - _MARGIN)
    if not _LASTS <= lasting <= 1.0 / _LASTS or not apart:
        return None
    middle = (np.median(before) + np.median(after)) / 2.0  # which a season crosses again
    kept = np.concatenate([level[: at + 1] < middle, level[at + 1 :] > middle])
    if (kept.mean() if size > 0 else 1.0 - kept.mean()) < _STAYS:
        return None
    return Step(str(past.regions[r]), past.week_label(int(weeks[at + 1])), size)


def _ends(past: Panel) -> Iterator[tuple[int, np.ndarray]]:
    """Positions of the first and the last week, each with those of the weeks beside it."""
    n = len(past.weeks)
    if n >= 2 * _SIDE and past.cadence is not Cadence.DAILY:  # a day lacks no days, and Sundays are short
        yield 0, np.arange(1, 1 + _NEAR)
        yield n - 1, np.arange(n - 1 - _NEAR, n - 1)


def _is_short(past: Panel, week: int, others: np.ndarray) -> bool:
    known = past.weights > 0
    regions = known[:, week] & known[:, others].all(axis=1) & (past.kpi[:, others] > 0).all(axis=1)
    if 2 * regions.sum() < len(regions):
        return False
    kpi = past.kpi[regions]
    beside = np.median(kpi[:, others], axis=1)
    if not (np.maximum(kpi[:, week], 0.0) < np.exp(_SHORT) * beside).all():
        return False
    total = np.where(known[regions], kpi, 0.0).sum(axis=0)
    usual = total[others].mean()
    if (kpi[known[regions]] % 1 == 0).all() and usual - total[week] < _COUNTED * np.sqrt(usual):
        return False  # a week in which few sold by chance
    inner = np.diff(np.log(np.maximum(total[1:-1], 1e-12)))
    return bool(np.log(max(total[week], 1e-12) / total[others].mean()) < -_SURE * median_spread(inner))
