"""Prices of exposure: spend assigned to exposure, and a price for every region-week."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.checks import is_number, shown
from deepcausalmmm_jax.data.bookings import Accrued, Booking, accrued
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import DataError

_LAST_YEAR = 52.0  # weeks
_NEARER = 0.3  # in the log of a price, by which a reading must be nearer to the past's to be preferred


class Booked(NamedTuple):
    """Spend as booked beside exposure, `[region, week, channel]`; NaN for a channel without spend."""

    spend: np.ndarray
    exposure: np.ndarray


class Prices(NamedTuple):
    """Spend and prices of a panel; NaN for a channel without cost."""

    spend: np.ndarray  # [region, week, channel], assigned to the exposure that it paid for
    price: np.ndarray  # [region, week, channel], currency per exposure unit
    bookings: tuple[Booking, ...]  # by channel

    def notes(self, channels: tuple[str, ...], exposure: np.ndarray, weeks: slice) -> tuple[str, ...]:
        """How the spend of these weeks was interpreted, one sentence per channel concerned."""
        free = (self.spend[:, weeks] == 0) & (exposure[:, weeks] > 0)
        notes = []
        for i, booking in enumerate(self.bookings):
            if booking is not Booking.OWN and (booking is not Booking.FREE or free[:, :, i].any()):
                notes.append(f"{channels[i]}: {booking.value}.")
        return tuple(notes)

    def of(self, regions: np.ndarray) -> "Prices":
        """Prices of some regions, by position."""
        return self._replace(spend=self.spend[regions], price=self.price[regions])


def priced(
    panel: Panel,
    cost: Mapping[str, float] | None,
    past: Prices | None = None,
    before: Booked | None = None,
    bookings: tuple[Booking, ...] | None = None,
) -> Prices:
    """Spend and prices of a panel; without any spend, exposure is priced at 1 per unit, unless it is organic.

    A region-week without spend takes its region's mean price, a region without one the channel's, and a channel without
    one the given `cost` or the mean price of the past.

    Args:
        panel: with its spend, as booked.
        cost: currency per exposure unit of channels whose spend the panel does not have, or has as 0 throughout.
        past: prices before the panel, of the same regions and channels in the same order.
        before: what was booked in the weeks before the panel, of the same regions and channels. A few weeks alone do
            not show how a channel is booked: an invoice for a month may be all that they have.
        bookings: of each channel, where the panel's spend is assigned to exposure already.

    Raises:
        DataError: a cost of an unknown channel, at or below zero, or of a channel that has a price of its own.
    """
    if panel.spend is None and not cost:
        every = (Booking.OWN,) * len(panel.channels)
        free = np.isin(np.array(panel.channels, dtype=str), panel.organic)  # nobody can buy more of these
        price = np.where(free, np.nan, np.ones(panel.exposure.shape))
        return Prices(panel.exposure * price, price, every)
    given = _costs(panel, cost or {})
    booked = np.full(panel.exposure.shape, np.nan) if panel.spend is None else panel.spend.astype(np.float64)
    unknown = np.isnan(booked).all(axis=(0, 1))
    never = (np.nan_to_num(booked) == 0).all(axis=(0, 1)) & _without_price(past, len(given))
    booked = np.where((unknown | never) & ~np.isnan(given), panel.exposure * given, booked)
    spend, found = booked, bookings
    if found is None:
        spend, found = _assigned(Booked(booked, panel.exposure), before, panel.cadence)
    year = panel.cadence.steps(_LAST_YEAR)
    return Prices(spend, _by_week(spend, panel.exposure, given, past, year), found)


def _without_price(past: Prices | None, n_channels: int) -> np.ndarray:
    """`[channel]`, whether the past has no price of a channel either, so that a spend of 0 need not mean free."""
    return np.ones(n_channels, bool) if past is None else np.isnan(past.price).all(axis=(0, 1))


def _assigned(own: Booked, before: Booked | None, cadence: Cadence) -> tuple[np.ndarray, tuple[Booking, ...]]:
    """Spend assigned to exposure, `[region, week, channel]`, and how each channel is booked."""
    spend, bookings = own.spend.copy(), []
    for i in range(spend.shape[2]):
        these = Booked(own.spend[:, :, i], own.exposure[:, :, i])
        earlier = None if before is None else Booked(before.spend[:, :, i], before.exposure[:, :, i])
        found = _accrued_after(earlier, these, cadence)
        unknown = np.isnan(these.spend)
        bookings.append(Booking.OWN if unknown.all() else found.booking)
        spend[:, :, i] = np.where(unknown, np.nan, found.spend)
    return spend, tuple(bookings)


def _accrued_after(before: Booked | None, own: Booked, cadence: Cadence) -> Accrued:
    """Spend of a channel's weeks by what they and the weeks before them show, `[region, week]`.

    Weeks that pay for themselves at a steady price are taken at their word, and so are those whose price, read alone,
    is nearer to that of the weeks before: a plan may be booked in another way than the past.
    """
    alone = accrued(np.nan_to_num(own.spend), own.exposure, cadence)
    unknown = before is None or np.isnan(before.spend).any() or np.isnan(own.spend).all()
    if before is None or unknown or (alone.booking is Booking.OWN and alone.is_compared):
        return alone
    spend, exposure = (np.concatenate(parts, axis=1) for parts in zip(before, own, strict=True))
    whole, n_before = accrued(np.nan_to_num(spend), exposure, cadence), before.spend.shape[1]
    found = whole._replace(spend=whole.spend[:, n_before:])
    usual = _price(accrued(np.nan_to_num(before.spend), before.exposure, cadence).spend, before.exposure)
    apart = [abs(np.log(_price(way.spend, own.exposure) / usual)) for way in (found, alone)]
    return alone if apart[1] < apart[0] - _NEARER else found


def _price(spend: np.ndarray, exposure: np.ndarray) -> float:
    """Mean price of the exposure that was paid for; missing where none was."""
    paid = (spend > 0) & (exposure > 0)
    return float(spend[paid].sum() / exposure[paid].sum()) if paid.any() else np.nan


def unpriced(panel: Panel, cost: Mapping[str, float]) -> dict[str, float]:
    """Those of the costs, by channel, whose channel has no spend in the panel that would give its price."""
    paid = np.zeros(len(panel.channels)) if panel.spend is None else np.nansum(panel.spend, axis=(0, 1))
    with_price = {name for name, spend in zip(panel.channels, paid, strict=True) if spend > 0}
    return {name: each for name, each in cost.items() if name not in with_price}


def spent(panel: Panel) -> np.ndarray | None:
    """Spend assigned to the exposure that it paid for, `[region, week, channel]`; None where the panel has none."""
    return None if panel.spend is None else priced(panel, None).spend


def _costs(panel: Panel, cost: Mapping[str, float]) -> np.ndarray:
    """`[channel]`, NaN where none is given."""
    if not isinstance(cost, Mapping):
        raise DataError(
            f"cost must be a price per exposure unit by channel, such as {{'tv': 0.01}}, got {shown(cost)}."
        )
    for name, value in cost.items():
        if name not in panel.channels:
            raise DataError(f"cost names the channel {name!r}; the model has {', '.join(panel.channels)}.")
        if name in panel.organic:
            raise DataError(
                f"cost names {name!r}, which is organic and has no price; leave it out, or name it in media."
            )
        if not is_number(value) or not value > 0:
            raise DataError(f"The cost of {name!r} per exposure unit must be a number above 0, got {shown(value)}.")
        if panel.spend is not None and np.nansum(panel.spend[:, :, panel.channels.index(name)]) > 0:
            raise DataError(f"cost names {name!r}, whose spend in the panel gives its price; leave it out of cost.")
    return np.array([cost.get(name, np.nan) for name in panel.channels], np.float64)


def _by_week(spend: np.ndarray, exposure: np.ndarray, given: np.ndarray, past: Prices | None, year: int) -> np.ndarray:
    """Price of each region-week; a channel without spend has the mean price of so many of the past's last steps."""
    both = (spend > 0) & (exposure > 0)
    paid, bought = np.where(both, spend, 0.0), np.where(both, exposure, 0.0)

    def mean(axis: tuple[int, ...]) -> np.ndarray:
        units = bought.sum(axis=axis, keepdims=True)
        return np.where(units > 0, paid.sum(axis=axis, keepdims=True) / np.where(units > 0, units, 1.0), np.nan)

    typical = np.where(np.isnan(mean((1,))), mean((0, 1)), mean((1,)))
    typical = np.where(np.isnan(typical), given, typical)
    if past is not None:
        before = past.price[:, -year:].mean(axis=1, keepdims=True)
        typical = np.where(np.isnan(typical) & ~np.isnan(spend).all(axis=(0, 1)), before, typical)
    return np.where(both, paid / np.where(both, bought, 1.0), typical)
