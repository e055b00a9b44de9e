"""Lift tests as arrays: for each, the exposure that it is compared with and the cells in which its lift counts."""

import warnings
from collections.abc import Sequence
from typing import Generic, NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.axes import ArrayT
from deepcausalmmm_jax.checks import did_you_mean
from deepcausalmmm_jax.config.lift_tests import LiftTest, day_or_number
from deepcausalmmm_jax.data.bookings import accrued
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.calendar import day_numbers
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.regions import nearly, region_positions
from deepcausalmmm_jax.data.scaling import Scales
from deepcausalmmm_jax.errors import DataError, DataWarning

_EPOCH = 719_163  # ordinal of 1970-01-01
_DAYS = 7
_HIDDEN_DEMAND = 0.015  # share of the KPI that typically moves with a channel without being its effect
_TRANSFER = 0.1  # of a lift, that differs between the weeks and regions of a test and all others
_OTHER_LENGTH = 0.25  # of a test, by which what it is compared with may be shorter or longer
_LARGE_RISE = 3.0  # share of spend, from which on a percentage may have been meant
_SHOWN_RISE = 0.2  # of a stated rise, that the exposure has at least beside other weeks
_VAGUE = 0.05  # standard error of a test, as a share of the KPI, from which on it tells nothing of that


class LiftTests(NamedTuple, Generic[ArrayT]):
    """What the model reads of lift tests; lifts are counted in units of `errors_of` the test, so their error is 1."""

    channel: ArrayT  # [test], whole numbers, position of the channel
    other: ArrayT  # [test, region, week], exposure of the channel in the other arm of the test, in mean weeks
    counted: ArrayT  # [test, region, week], lift per scaled KPI that the panel's arm has above the other; 0 elsewhere
    measured: ArrayT  # [test]
    demand_scale: ArrayT  # [channel], prior scale of the hidden demand behind a tested channel, share of the KPI; 0 for
    # a channel without a test that is exact enough to tell it from the effect
    demand_centre: ArrayT  # [channel], where that prior has its centre: 0, but in refits


class Arms(NamedTuple):
    """A test on a panel: where it ran, and what would have run otherwise."""

    channel: int  # its position
    regions: np.ndarray  # positions of its regions
    weeks: slice  # its weeks
    other: np.ndarray  # [region, week], exposure of the other arm in those cells, channel units
    sign: float  # 1 where the panel has the higher exposure, -1 where the other arm has
    spend_difference: float  # spend of the arm with more less that of the other, currency; NaN if unknown


def lift_tests(
    panel: Panel, scales: Scales, n_training_weeks: int, tests: Sequence[LiftTest]
) -> LiftTests[np.ndarray] | None:
    """Lift tests as the model reads them, single precision; None where there are none.

    The lift of a test counts from its first week to the end of the training weeks, since carry-over arrives after it.

    Args:
        panel: regions in the order of `scales`, weeks from the first training week on.
        scales: from the training weeks.
        n_training_weeks: weeks up to the last one learned from.
        tests: as measured.

    Raises:
        DataError: a test that does not fit the panel.
    """
    if not tests:
        return None
    shape, errors = (len(tests), *panel.kpi.shape), errors_of(tests)
    other, counted, scale = np.zeros(shape), np.zeros(shape), np.zeros(len(panel.channels))
    for k, test in enumerate(tests):
        arms = arms_of(panel, test, tests, n_training_weeks)
        other[k] = panel.exposure[:, :, arms.channel]
        other[k, arms.regions, arms.weeks] = arms.other
        other[k] /= scales.exposure[:, arms.channel, None]
        worth = scales.kpi[:, None] * worth_of(panel, test, arms)
        cells = float((panel.present * worth)[arms.regions, arms.weeks].sum())
        if test.standard_error < _VAGUE * cells:
            scale[arms.channel] = _HIDDEN_DEMAND
        later = slice(arms.weeks.start, n_training_weeks)
        counted[k, arms.regions, later] = arms.sign * worth[arms.regions, later] / errors[k]
    position = [panel.channels.index(test.channel) for test in tests]
    measured = np.array([test.lift for test in tests]) / errors
    single = (np.asarray(array, np.float32) for array in (other, counted, measured, scale, np.zeros_like(scale)))
    return LiftTests(np.asarray(position, np.int32), *single)


def errors_of(tests: Sequence[LiftTest]) -> np.ndarray:
    """Error of each test as evidence on its channel, `[test]`, in the unit of its lift; see `as_evidence`."""
    return as_evidence(np.array([test.standard_error for test in tests]), np.array([test.lift for test in tests]))


def as_evidence(error: np.ndarray, lift: np.ndarray) -> np.ndarray:
    """Errors of tests as evidence on their channels: of the measurement, and a tenth of the lift.

    A channel's effect in the weeks and regions of a test is not quite what it is in all others, and the model's curve
    is not quite the true one. On simulated panels, intervals were too narrow without it.

    Args:
        error: standard errors of the measurements.
        lift: measured or expected, in the same unit.
    """
    return np.asarray(np.hypot(error, _TRANSFER * lift))


def ended_tests(panel: Panel, n_training_weeks: int, tests: Sequence[LiftTest]) -> tuple[LiftTest, ...]:
    """The tests whose weeks are all among the first `n_training_weeks` of the panel.

    Raises:
        DataError: a test that does not fit the panel in another way.
    """
    every = len(panel.weeks)
    return tuple(t for t in tests if arms_of(panel, t, tests, every).weeks.stop <= n_training_weeks)


def arms_of(panel: Panel, test: LiftTest, tests: Sequence[LiftTest], n_training_weeks: int) -> Arms:
    """Both arms of a test.

    Args:
        panel: the panel, with the exposure of one of them.
        test: the test.
        tests: all tests, whose weeks are no usual ones.
        n_training_weeks: weeks up to the last one learned from.

    Raises:
        DataError: a test that does not fit the panel.
    """
    channel, regions, weeks = _cells(panel, test)
    unit = panel.cadence.unit
    if weeks.stop > n_training_weeks:
        raise DataError(
            f"{_named(test)} has {unit} {panel.week_label(weeks.stop - 1)}, which is not a training {unit}: the last "
            f"one is {panel.week_label(n_training_weeks - 1)}; shorten the holdout, or leave the test out."
        )
    ran = panel.exposure[regions, weeks, channel]
    spend = _spend(panel, channel, test)
    paid = float("nan") if spend is None else float(spend[regions, weeks].sum())
    change = test.change
    if test.kind == "go_dark" and change == -1.0:
        _refuse_running(panel, test, ran, regions, weeks)
        usual = _usual_weeks(panel, test, tests, regions, weeks)
        other = np.repeat(_means(panel.exposure[:, :, channel], regions, usual)[:, None], ran.shape[1], axis=1)
        _refuse_silent(test, other, "did not run before the test either, so the test switched nothing off")
        if spend is not None:
            paid = float(_means(spend, regions, usual).sum()) * ran.shape[1]
        return Arms(channel, regions, weeks, other, -1.0, paid)
    _refuse_silent(test, ran, "has no exposure in the regions and weeks of the test, so nothing can have been changed")
    _refuse_percentage(panel, test, tests, ran, n_training_weeks)
    if test.kind == "holdback":
        return Arms(channel, regions, weeks, ran * (1.0 + change), 1.0, paid * -change)
    sign = 1.0 if test.kind == "heavy_up" else -1.0
    return Arms(channel, regions, weeks, ran / (1.0 + change), sign, abs(paid - paid / (1.0 + change)))


def _named(test: LiftTest) -> str:
    return f"The lift test {test.label!r}"


def _cells(panel: Panel, test: LiftTest) -> tuple[int, np.ndarray, slice]:
    """Position of the channel, positions of the regions `[region]`, and the weeks."""
    if test.channel not in panel.channels:
        hint = did_you_mean(test.channel, panel.channels, f"; it has {', '.join(panel.channels)}.")
        raise DataError(f"{_named(test)} is on the channel {test.channel!r}, which the panel does not have{hint}")
    regions = np.arange(len(panel.regions))
    if test.regions is not None:
        regions = region_positions(panel.regions, test.regions)
        if (regions < 0).any():
            name = test.regions[int((regions < 0).argmax())]
            names = [str(region) for region in panel.regions]
            hint = nearly(panel.regions, name) or did_you_mean(name, names)
            raise DataError(f"{_named(test)} is in region {name!r}, which the panel does not have{hint}")
    return panel.channels.index(test.channel), np.sort(regions), _weeks(panel, test)


class _Span(NamedTuple):
    """When a test ran."""

    weeks: slice  # of the panel, that begin in it
    days: int  # of the test; of weeks that are numbers their number
    compared: int  # the same of the weeks


def other_lengths(panel: Panel, tests: Sequence[LiftTest]) -> list[str]:
    """A sentence for each test that is compared with much less or more time than it took: its lift is of its own days.

    Args:
        panel: the panel.
        tests: that fit it.
    """
    told = []
    for test in tests:
        weeks, days, compared = _span(panel, test)
        if abs(compared - days) > _OTHER_LENGTH * days:
            told.append(
                f"{_named(test)} runs for {days} days, {test.start} to {test.end}, and is compared with {compared}: "
                f"the {panel.cadence.unit}s of the panel that begin in it ({panel.week_label(weeks.start)} to "
                f"{panel.week_label(weeks.stop - 1)}); give the lift, start and end of whole {panel.cadence.unit}s."
            )
    return told


def warn_of_lengths(panel: Panel, tests: Sequence[LiftTest], label: str = "", stacklevel: int = 3) -> None:
    """Issue what `other_lengths` says as warnings; the last two arguments as in `panel_notes.warn_of`."""
    for sentence in other_lengths(panel, tests):
        warnings.warn(label + sentence, DataWarning, stacklevel=stacklevel)


def _weeks(panel: Panel, test: LiftTest) -> slice:
    return _span(panel, test).weeks


def _span(panel: Panel, test: LiftTest) -> _Span:
    dated, unit = isinstance(panel.weeks, pd.DatetimeIndex), panel.cadence.unit
    if dated != test.start_is_date:
        wanted = "dates" if dated else f"numbers of {unit}s"
        raise DataError(
            f"{_named(test)} has start {test.start}, but the {unit}s of the panel are {wanted}; write the test's "
            "likewise."
        )
    begins = day_numbers(panel.weeks) + _EPOCH if dated else panel.weeks.to_numpy(dtype=np.int64)
    first, last = (day_or_number(day)[1] for day in (test.start, test.end))
    after = day_numbers(panel.cadence.later(panel.weeks, 1))[0] + _EPOCH if dated else begins[-1] + 1
    if first <= begins[0] - (after - begins[-1]) or last >= after:
        raise DataError(
            f"{_named(test)} runs from {test.start} to {test.end}, but the panel has the {unit}s "
            f"{panel.week_label(0)} to {panel.week_label(len(begins) - 1)}; leave the test out, or add its {unit}s."
        )
    inside = np.flatnonzero((begins >= first) & (begins <= last))
    if not len(inside):
        every = f" and the others every {_DAYS} days after it" if panel.cadence is Cadence.WEEKLY else ""
        raise DataError(
            f"{_named(test)} does not contain the first day of any {unit} of the panel, whose first {unit} begins on "
            f"{str(panel.weeks[0])[:10]}{every}; start the test on the first day of a {unit}."
        )
    found = slice(int(inside[0]), int(inside[-1]) + 1)
    ends = np.append(begins, after)
    over = ends[found.stop] - 1 if last == begins[inside[-1]] else last  # an end may be the label of the last week
    return _Span(found, int(over) - first + 1, int(ends[found.stop] - ends[found.start]))


def _usual_weeks(
    panel: Panel, test: LiftTest, tests: Sequence[LiftTest], regions: np.ndarray, weeks: slice
) -> np.ndarray:
    """As many weeks before a test as it has, in no other test of the channel, by region of it: `[region, week]`."""
    busy = np.zeros(panel.kpi.shape, bool)
    for one in tests:
        if one.channel == test.channel:
            _, where, when = _cells(panel, one)
            busy[where, when] = True
    free = (panel.present & ~busy)[regions, : weeks.start]  # a week without a row has no exposure that would be usual
    length, unit = weeks.stop - weeks.start, panel.cadence.unit
    short = free.sum(axis=1) < length
    if short.any():
        raise DataError(
            f"{_named(test)} switched the channel off for {panel.cadence.several(length)}, but before it region "
            f"{panel.regions[regions[int(short.argmax())]]} has fewer {unit}s with a row and without a test to "
            f"take its usual exposure from; leave the test out, or add earlier {unit}s."
        )
    return np.stack([np.flatnonzero(row)[-length:] for row in free])


def _means(values: np.ndarray, regions: np.ndarray, weeks: np.ndarray) -> np.ndarray:
    """Means of `[region, week]` over weeks of each region's own, `[region]`."""
    return np.asarray(np.nan_to_num(values)[regions[:, None], weeks].mean(axis=1))


def _refuse_running(panel: Panel, test: LiftTest, ran: np.ndarray, regions: np.ndarray, weeks: slice) -> None:
    if (ran > 0).any():
        row, week = np.argwhere(ran > 0)[0]
        raise DataError(
            f"{_named(test)} switched the channel off, but it ran in region {panel.regions[regions[row]]} in "
            f"{panel.cadence.unit} {panel.week_label(weeks.start + int(week))}; correct regions and weeks, or state "
            "spend_change, such as -0.8 where a fifth was left."
        )


def _refuse_silent(test: LiftTest, exposure: np.ndarray, why: str) -> None:
    if not exposure.sum() > 0:
        raise DataError(
            f"{_named(test)} cannot be used: the channel {test.channel!r} {why}; correct regions and weeks."
        )


def _refuse_percentage(
    panel: Panel, test: LiftTest, tests: Sequence[LiftTest], ran: np.ndarray, n_training_weeks: int
) -> None:
    """Refuse a rise such as 50, meant as 50%, that the exposure does not show beside weeks without a test."""
    if test.change <= _LARGE_RISE:
        return
    channel, regions, own = _cells(panel, test)
    usual = panel.present[regions] & (np.arange(len(panel.weeks)) < n_training_weeks)
    usual[:, own] = False
    for other in tests:
        if other.channel == test.channel:
            _, among, weeks = _cells(panel, other)
            usual[np.isin(regions, among), weeks] = False
    before = panel.exposure[regions, :, channel][usual]
    if not before.sum() > 0:
        return
    times = float(ran.mean() / before.mean())
    if times < _SHOWN_RISE * (1.0 + test.change):
        raise DataError(
            f"{_named(test)} has spend_change {test.change:g}, which is +{100 * test.change:,.0f}%, but its exposure "
            f"is {times:.2g} times that of other weeks; write {test.change / 100:g} for {test.change:g}%."
        )


def _spend(panel: Panel, channel: int, test: LiftTest) -> np.ndarray | None:
    """Spend of the channel, assigned to the exposure that it paid for, `[region, week]`; None where not needed."""
    if test.unit != "roi":
        return None
    own = None if panel.spend is None else panel.spend[:, :, channel]
    if own is None or not np.nansum(own) > 0:
        raise DataError(
            f"{_named(test)} is given as ROI, but the panel has no spend for the channel {test.channel!r}; give spend, "
            "or the lift in KPI or revenue."
        )
    return accrued(np.nan_to_num(own), panel.exposure[:, :, channel], panel.cadence).spend


def worth_of(panel: Panel, test: LiftTest, arms: Arms) -> np.ndarray:
    """What a unit of the KPI adds to the lift in its unit, `[region, week]`; without revenue an ROI counts KPI.

    Raises:
        DataError: revenue or spend that the unit needs is not in the panel.
    """
    if test.unit == "kpi":
        return np.ones(panel.kpi.shape)
    if panel.revenue_per_kpi is None and test.unit == "revenue":
        raise DataError(
            f"{_named(test)} is given in revenue, but the panel has no revenue per KPI; give revenue_per_kpi, or the "
            "lift in KPI."
        )
    revenue = np.ones(panel.kpi.shape) if panel.revenue_per_kpi is None else np.nan_to_num(panel.revenue_per_kpi)
    if test.unit == "revenue":
        return revenue
    if not arms.spend_difference > 0:
        raise DataError(
            f"{_named(test)} is given as ROI, but the channel {test.channel!r} has no spend in the regions and weeks "
            "that it compares; give the lift in KPI or revenue."
        )
    return revenue / arms.spend_difference
