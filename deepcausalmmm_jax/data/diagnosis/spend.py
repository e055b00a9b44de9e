"""Spend beside exposure: prices that jump, spend without exposure, exposure without spend."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.bookings import Booking, accrued
from deepcausalmmm_jax.data.diagnosis.findings import Check, Finding, names, not_run, passed, several
from deepcausalmmm_jax.data.diagnosis.series import median_spread
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.io.grades import Grade

_SIDE = 8  # priced weeks before and after, whose medians are compared
_JUMP = np.log(1.5)  # smallest change of price that is reported
_SURE = 6.0  # standard errors of the difference of the two medians
_UNITS = 10.0  # factor of the price from which a change of units is likelier than one of prices
_PRICED = 0.6  # of the region-weeks on air or with spend: with fewer priced ones a price by week means little
_ASTRAY, _FREE = 0.02, 0.1  # shares of spend without exposure, and of exposure without spend, that deserve a look
_ELSEWHERE = (Booking.SPAN, Booking.CENTRAL)


def price_findings(past: Panel) -> Iterator[Finding]:
    """Channels whose cost per unit of exposure shifts from one level to another."""
    if past.spend is None:
        yield not_run(Check.PRICE_JUMP, "no spend given")
        return
    quiet = True
    for m, name in enumerate(past.channels):
        jumps = [jump for r in range(len(past.regions)) if (jump := _jump(past, r, m)) is not None]
        if not jumps:
            continue
        quiet = False
        worst = max(jumps, key=lambda jump: abs(np.log(jump.factor)))
        times = worst.factor if worst.factor >= 1 else 1.0 / worst.factor
        units = times >= _UNITS
        yield Finding(
            Grade.FAIL if units else Grade.LOOK,
            Check.PRICE_JUMP,
            f"cost per unit {'rises' if worst.factor > 1 else 'falls'} {times:,.3g}-fold from one level to another in "
            f"{several(len(jumps), 'region')}",
            name,
            names(dict.fromkeys([worst.region, *(jump.region for jump in jumps)])),
            names(dict.fromkeys([worst.week, *(jump.week for jump in jumps)])),
            why="if its unit changed, exposure before and after is not comparable, and neither is its effect"
            if units
            else "a unit that costs more or less from then on may be another product, with another effect",
            advice="convert exposure to one unit" if units else "check units, and split the channel if it changed",
        )
    if quiet:
        yield passed(Check.PRICE_JUMP, "no channel's cost per unit jumps")


class _Jump(NamedTuple):
    region: str
    week: str  # first week at the new price
    factor: float  # new price over the old one


def _jump(past: Panel, r: int, m: int) -> _Jump | None:
    """The largest shift of a channel's price in a region, where there is one."""
    assert past.spend is not None
    spend, exposure = np.nan_to_num(past.spend[r, :, m]), past.exposure[r, :, m]
    both = (spend > 0) & (exposure > 0)
    some = (spend > 0) | (exposure > 0)
    if both.sum() < 2 * _SIDE or both.sum() < _PRICED * some.sum():
        return None
    weeks = np.flatnonzero(both)
    price = np.log(spend[weeks] / exposure[weeks])
    windows = np.lib.stride_tricks.sliding_window_view(price, _SIDE)
    middle = np.median(windows, axis=1)
    shift = middle[_SIDE:] - middle[:-_SIDE]  # [at]: weeks at.. at+_SIDE-1 against the _SIDE weeks that follow
    # Medians stay the same for a few weeks around a step; of these the one with the least spread on its sides is meant.
    spread = np.median(np.abs(windows - middle[:, None]), axis=1)
    sides = np.maximum(spread[_SIDE:], spread[:-_SIDE]) + np.abs(windows - middle[:, None]).mean(axis=1)[_SIDE:]
    largest = np.abs(shift) >= 0.95 * np.abs(shift).max()
    at = int(np.where(largest, sides, np.inf).argmin())
    noise = max(median_spread(np.diff(price)) / np.sqrt(2.0), 1.4826 * max(spread[at], spread[at + _SIDE]))
    error = noise * np.sqrt(2.0 * np.pi / 2.0 / _SIDE)  # of the difference of two medians of `_SIDE` values
    if abs(shift[at]) < max(_JUMP, _SURE * error):
        return None
    cut = at + _SIDE  # the shift of medians is largest near the step; the largest single change lies at it
    near = np.arange(max(1, cut - _SIDE // 2), min(len(price), cut + _SIDE // 2 + 1))
    step = int(near[np.abs(price[near] - price[near - 1]).argmax()])
    return _Jump(str(past.regions[r]), past.week_label(int(weeks[step])), float(np.exp(shift[at])))


def spend_findings(panel: Panel) -> Iterator[Finding]:
    """Spend in region-weeks without exposure, and exposure in region-weeks without spend, as bookings explain them."""
    if panel.spend is None:
        yield not_run(Check.SPEND_MATCH, "no spend given")
        return
    quiet = True
    for m, name in enumerate(panel.channels):
        found = list(_of_channel(panel, m, name))
        quiet &= not found
        yield from found
    if quiet:
        yield passed(Check.SPEND_MATCH, "spend and exposure go together")


def _of_channel(panel: Panel, m: int, name: str) -> Iterator[Finding]:
    assert panel.spend is not None
    booked = np.where(panel.present, panel.spend[:, :, m], np.nan)
    exposure = np.where(panel.present, panel.exposure[:, :, m], 0.0)
    if np.isnan(booked).all():
        return  # a channel whose spend is unknown on purpose
    spend = np.nan_to_num(booked)
    if spend.sum() <= 0 or exposure.sum() <= 0:
        if exposure.sum() > 0:
            yield _look("its spend is zero in every week", name, "its returns cannot be computed", "load its spend")
        return
    idle, free = spend[exposure == 0].sum() / spend.sum(), exposure[spend == 0].sum() / exposure.sum()
    first = _first(panel, (spend > 0) & (exposure == 0)), _first(panel, (exposure > 0) & (spend == 0))
    booking = accrued(spend, exposure, panel.cadence).booking
    if booking in _ELSEWHERE:
        return  # invoices by month, or of one region for all: plans and returns read them as such
    if booking in (Booking.REGION, Booking.CHANNEL):
        yield _look(
            f"{idle:.0%} of its spend is in region-weeks without exposure, {free:.0%} of its exposure in region-weeks "
            "without spend, and no shift between weeks or regions explains it",
            name,
            "only a mean price can be used, so returns by week and region are approximate",
            "book spend in the weeks and regions in which it ran",
        )
    elif idle > _ASTRAY:
        yield _look(
            f"{idle:.0%} of its spend is in region-weeks without exposure",
            name,
            "this spend counts in its ROI although nothing ran",
            "check whether exposure is missing there",
            *first[0],
        )
    elif free > _FREE:
        yield _look(
            f"{free:.0%} of its exposure is in region-weeks without spend",
            name,
            "its ROI counts the outcome of exposure that cost nothing",
            "check whether spend is missing there, or the exposure was a bonus",
            *first[1],
        )


def _look(what: str, name: str, why: str, advice: str, region: str = "", week: str = "") -> Finding:
    return Finding(Grade.LOOK, Check.SPEND_MATCH, what, name, region, week, why, advice)


def _first(panel: Panel, marks: np.ndarray) -> tuple[str, str]:
    """Region and week of the first mark; empty without one."""
    if not marks.any():
        return "", ""
    week = int(marks.any(axis=0).argmax())
    return str(panel.regions[int(marks[:, week].argmax())]), panel.week_label(week)
