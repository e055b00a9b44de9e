"""Which exposure a booking paid for: spend assigned to the region-weeks in which the exposure it bought ran."""

from enum import Enum
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.cadence import Cadence

_ASTRAY = 0.05  # largest share of spend without exposure in its region-week that is treated as a fee on the rest
_MOSTLY_PAID = 0.6  # share of region-weeks on air with spend above which the others count as free
_STEADY = 0.6  # largest spread of log prices at which a way of booking is accepted
_ERRATIC = 1.2  # spread of log prices above which no region-week keeps a price of its own
_LONGEST_DELAY = 8  # largest number of weeks between exposure and its booking that is searched
_FEWEST = 6  # bookings by which a delay can be told
_USUAL_GAPS = 1.5  # a booking covers at most this many times the usual gap between bookings
_TIE = 0.05
_ROUNDING = 1e-9


class Booking(Enum):
    """How a channel's spend relates to its exposure; the value is what plans and scenarios say about it."""

    OWN = ""
    FREE = "part of its exposure was free and stays unchanged, whatever the plan spends"
    SPAN = "its spend is booked in other weeks than its exposure; each booking is spread over the weeks it covers"
    CENTRAL = "its spend is booked in other regions than its exposure; it is assigned to the regions with the exposure"
    REGION = "its spend cannot be matched to weeks; each region's exposure is priced at the region's mean"
    CHANNEL = "its spend cannot be matched to regions and weeks; all its exposure is priced at one mean"


class Accrued(NamedTuple):
    """Spend assigned to exposure; its sum over all region-weeks is that of the bookings."""

    spend: np.ndarray  # [region, week], currency
    booking: Booking
    is_compared: bool = False  # whether prices of different weeks were compared


def accrued(spend: np.ndarray, exposure: np.ndarray, cadence: Cadence = Cadence.WEEKLY) -> Accrued:
    """Spend of one channel, assigned to the exposure that it paid for.

    Invoices may be monthly, weeks late or early, or all in one region, and some exposure may be a free bonus. Prices
    show which reading of the table is right: the one in which a unit costs about the same each time.

    Args:
        spend: as booked, `[region, week]`, 0 or more.
        exposure: `[region, week]`, 0 or more.
        cadence: of the weeks, which may be days, months or quarters.
    """
    if spend.sum() <= 0 or exposure.sum() <= 0:
        return Accrued(spend, Booking.OWN)
    own, own_spread = _own(spend, exposure)
    coverage = float((own > 0)[exposure > 0].mean())
    ways = [_by_span(spend, exposure, ahead) for ahead in (True, False)]
    if ((spend.sum(axis=1) == 0) & (exposure.sum(axis=1) > 0)).any():  # some region has no booking at all
        ways += [_centrally(spend, exposure, ahead) for ahead in (None, True, False)]
    ways = [way for way in ways if way.accrued.spend[spend == 0].any()]  # else each week pays for itself
    late = _delayed(spend, exposure, own_spread, cadence.steps(_LONGEST_DELAY))
    closest = min((spread / noise for _, spread, noise in ways), default=1.0 / _ROUNDING)
    best = closest * (own_spread if np.isfinite(own_spread) else 1.0)
    limit = 2.0 * best + _TIE if coverage >= _MOSTLY_PAID else 0.75 * best
    if coverage == 1.0 and np.isinf(own_spread) and own.any() and ((exposure > 0).sum(axis=1) <= 1).all():
        return Accrued(own, Booking.OWN)  # a single week cannot be compared with others
    if own_spread <= _ERRATIC and not late and (coverage == 1.0 or own_spread <= limit + _ROUNDING):
        return Accrued(own, Booking.OWN if coverage == 1.0 else Booking.FREE, is_compared=True)
    steady = [] if late else [(spread, found) for found, spread, _ in ways if spread <= _STEADY]
    return min(steady, key=lambda pair: pair[0])[1] if steady else _pooled(spend, exposure)


def _own(spend: np.ndarray, exposure: np.ndarray) -> tuple[np.ndarray, float]:
    """Each region-week pays for itself, and spend without exposure is a fee on top; with the spread of its prices."""
    here = np.where(exposure > 0, spend, 0.0)
    if here.sum() < (1.0 - _ASTRAY) * spend.sum():
        return np.zeros_like(here), np.inf
    return here * (spend.sum() / here.sum()), _spread(list(zip(here, exposure, strict=True)))


class _Way(NamedTuple):
    """A way of booking."""

    accrued: Accrued
    spread: float  # of its log prices
    noise: float  # spread of log prices in the same groups if each week with spend paid for itself


def _by_span(spend: np.ndarray, exposure: np.ndarray, ahead: bool) -> _Way:
    """A booking pays for its region's weeks until the next booking, or since the last one."""
    span, n_weeks = _spans(spend > 0, ahead), spend.shape[1]
    group = np.where(span < 0, -1, span + np.arange(len(spend))[:, None] * n_weeks)
    return _over_groups(spend, exposure, group, Booking.SPAN)


def _centrally(spend: np.ndarray, exposure: np.ndarray, ahead: bool | None) -> _Way:
    """A booking in any region pays for all regions, in its own week or in the weeks that it covers."""
    n_weeks = spend.shape[1]
    span = np.arange(n_weeks) if ahead is None else _spans(spend.sum(axis=0, keepdims=True) > 0, ahead)[0]
    return _over_groups(spend, exposure, np.broadcast_to(span, spend.shape), Booking.CENTRAL)


def _spans(booked: np.ndarray, ahead: bool) -> np.ndarray:
    """Number of the booking that each week belongs to, `[region, week]`; -1 where none is near enough on its side."""
    if not ahead:
        return np.asarray(np.where(booked.any(axis=1, keepdims=True), _spans(booked[:, ::-1], True)[:, ::-1], -1))
    span = np.full(booked.shape, -1)
    for row, own in enumerate(booked):
        weeks = np.flatnonzero(own)
        if not len(weeks):
            continue
        number = np.maximum(np.searchsorted(weeks, np.arange(len(own)), side="right") - 1, 0)
        usual = np.quantile(np.diff(weeks), 0.5, method="lower") if len(weeks) > 1 else np.inf
        away = np.arange(len(own)) - weeks[number]
        span[row] = np.where((away >= 0) & (away + 1 <= _USUAL_GAPS * usual), number, -1)
    return span


def _over_groups(spend: np.ndarray, exposure: np.ndarray, group: np.ndarray, booking: Booking) -> _Way:
    """Spend of each group of region-weeks spread over its exposure, and how much the groups' prices differ."""
    labels, index = np.unique(group, return_inverse=True)
    index = index.reshape(spend.shape)
    paid = np.bincount(index.ravel(), spend.ravel(), len(labels))
    bought = np.bincount(index.ravel(), exposure.ravel(), len(labels))
    own = np.bincount(index.ravel(), np.where(spend > 0, exposure, 0.0).ravel(), len(labels))
    price = np.where(labels < 0, 0.0, paid / np.where(bought > 0, bought, 1.0))
    n_weeks = spend.shape[1]
    row = np.where(labels < 0, -1, labels // n_weeks)  # of the region; one row where regions pay for one another
    spread, noise = (
        _spread([(paid[row == r], part[row == r]) for r in np.unique(row[row >= 0])]) for part in (bought, own)
    )
    return _Way(Accrued(exposure * price[index], booking), spread, max(min(noise, 1e6), _ROUNDING))


def _pooled(spend: np.ndarray, exposure: np.ndarray) -> Accrued:
    """Exposure at its region's mean price where every region on air has spend, and at the channel's otherwise."""
    paid, bought = spend.sum(axis=1, keepdims=True), exposure.sum(axis=1, keepdims=True)
    if ((paid > 0) == (bought > 0)).all():
        return Accrued(exposure * paid / np.where(bought > 0, bought, 1.0), Booking.REGION)
    return Accrued(exposure * (paid.sum() / bought.sum()), Booking.CHANNEL)


def _delayed(spend: np.ndarray, exposure: np.ndarray, spread: float, longest: int) -> bool:
    """Whether spend matches exposure up to `longest` steps off at least twice as closely as in its own step.

    Half of the bookings at least must have a step that far off, and six: fewer match some step or other by chance.
    """
    if spread <= _TIE:
        return False
    enough = max(_FEWEST, 0.5 * (spend > 0).sum())
    for weeks in range(1, min(longest, spend.shape[1] // 2) + 1):
        for paid, bought in ((spend[:, weeks:], exposure[:, :-weeks]), (spend[:, :-weeks], exposure[:, weeks:])):
            near = _spread(list(zip(paid, bought, strict=True))) <= min(0.5 * spread, 0.5 * _STEADY)
            if near and (paid > 0).sum() >= enough:
                return True
    return False


def _spread(rows: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Standard deviation of log prices around their neighbours in time, weighted by spend.

    Differences remove drift: a price that doubles over the years counts as no less stable than a constant one.

    Args:
        rows: spend and exposure of bookings in their order.

    Returns:
        Infinite where spend bought nothing, or where no row has two bookings to compare.
    """
    squares, weights = [], []
    for paid, bought in rows:
        booked = paid > 0
        if (bought[booked] <= 0).any():
            return np.inf
        price = np.log(paid[booked] / bought[booked])
        squares.append(np.diff(price) ** 2 / 2.0)
        weights.append(0.5 * (paid[booked][1:] + paid[booked][:-1]))
    weight = np.concatenate([*weights, [0.0]])
    return float(np.sqrt((weight * np.concatenate([*squares, [0.0]])).sum() / weight.sum())) if weight.any() else np.inf
