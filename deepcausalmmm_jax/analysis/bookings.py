"""Which exposure a booking paid for: spend moved to the region-weeks in which what it bought was on air."""

from enum import Enum
from typing import NamedTuple

import numpy as np

_ASTRAY = 0.05  # share of spend in region-weeks without exposure that counts as a fee on the rest
_MOSTLY_PAID = 0.6  # share of region-weeks on air with spend, from which on the others count as free
_STEADY = 0.3  # spread of log prices up to which a way of booking is believed
_ERRATIC = 0.7  # spread of log prices from which on no region-week has a price of its own
_LONGEST_DELAY = 8  # weeks between exposure and its booking that are looked for
_TIE = 0.05


class Booking(Enum):
    """How a channel's spend lies to its exposure; the value is what plans and scenarios say about it."""

    OWN = ""
    FREE = "part of its exposure was not paid for; that stays as it was, whatever the plan spends"
    SPAN = "its spend is booked in other weeks than its exposure; each booking is counted over the weeks it covers"
    CENTRAL = "its spend is booked in other regions than its exposure; it is counted where the exposure was"
    REGION = "its spend cannot be matched to weeks; each region's exposure is counted at the region's mean price"
    CHANNEL = "its spend cannot be matched to regions and weeks; all its exposure is counted at one mean price"


class Accrued(NamedTuple):
    """Spend where its exposure was; the sum over all region-weeks is that of the bookings."""

    spend: np.ndarray  # [region, week], currency
    booking: Booking


def accrued(spend: np.ndarray, exposure: np.ndarray) -> Accrued:
    """Spend of one channel, moved to where the exposure that it paid for was.

    Invoices come monthly, weeks late or ahead, or all in one region; exposure may be a bonus that nobody paid for. What
    a table means is told by its prices: the right reading is the one in which a unit costs about the same each time.

    Args:
        spend: as booked, `[region, week]`, 0 or more.
        exposure: `[region, week]`, 0 or more.
    """
    if spend.sum() <= 0 or exposure.sum() <= 0:
        return Accrued(spend, Booking.OWN)
    own, own_spread = _own(spend, exposure)
    on_air = exposure > 0
    ways = [_by_span(spend, exposure, ahead) for ahead in (True, False)]
    coverage, best = float((own > 0)[on_air].mean()), min(found[1] for found in ways)
    centrally = [_centrally(spend, exposure, ahead) for ahead in (None, True, False)] if len(spend) > 1 else []
    best = min([best, *(found[1] for found in centrally)])
    limit = 2.0 * best + _TIE if coverage >= _MOSTLY_PAID else 0.5 * best
    late = _delayed(spend, exposure, own_spread)
    if own_spread <= _ERRATIC and (coverage == 1.0 or own_spread <= limit) and not late:
        return Accrued(own, Booking.OWN if coverage == 1.0 else Booking.FREE)
    for found in (ways, centrally) if not late else ():
        steadiest = min(found, key=lambda way: way[1], default=None)
        if steadiest is not None and steadiest[1] <= _STEADY:
            return steadiest[0]
    return _pooled(spend, exposure)


def _own(spend: np.ndarray, exposure: np.ndarray) -> tuple[np.ndarray, float]:
    """Each region-week pays for itself, with what is booked off air as a fee on top; and the spread of its prices."""
    here = np.where(exposure > 0, spend, 0.0)
    if here.sum() < (1.0 - _ASTRAY) * spend.sum():
        return here, np.inf
    return here * (spend.sum() / here.sum()), _spread(here, exposure)


def _by_span(spend: np.ndarray, exposure: np.ndarray, ahead: bool) -> tuple[Accrued, float]:
    """A booking pays for its region's weeks up to the next one, or since the last one."""
    n_weeks = spend.shape[1]
    span = _spans(spend > 0, ahead) + np.arange(len(spend))[:, None] * n_weeks
    return _over_groups(spend, exposure, span, Booking.SPAN)


def _centrally(spend: np.ndarray, exposure: np.ndarray, ahead: bool | None) -> tuple[Accrued, float]:
    """A booking in whichever region pays for all regions: of its own week, or of the weeks that it covers."""
    n_weeks = spend.shape[1]
    span = np.arange(n_weeks) if ahead is None else _spans(spend.sum(axis=0, keepdims=True) > 0, ahead)[0]
    return _over_groups(spend, exposure, np.broadcast_to(span, spend.shape), Booking.CENTRAL, one_price=True)


def _spans(booked: np.ndarray, ahead: bool) -> np.ndarray:
    """Number of the booking that each week belongs to, `[region, week]`; weeks outside go to the nearest."""
    if ahead:
        return np.maximum(np.cumsum(booked, axis=1), 1) - 1
    before = np.cumsum(booked, axis=1) - booked
    return np.minimum(before, np.maximum(booked.sum(axis=1, keepdims=True) - 1, 0))


def _over_groups(
    spend: np.ndarray, exposure: np.ndarray, group: np.ndarray, booking: Booking, one_price: bool = False
) -> tuple[Accrued, float]:
    """Spend of each group of region-weeks laid over its exposure, and the spread of the groups' prices."""
    labels, index = np.unique(group, return_inverse=True)
    index = index.reshape(spend.shape)
    paid = np.bincount(index.ravel(), spend.ravel(), len(labels))
    bought = np.bincount(index.ravel(), exposure.ravel(), len(labels))
    price = paid / np.where(bought > 0, bought, 1.0)
    moved = Accrued(exposure * price[index], booking)
    if one_price:
        return moved, _spread(paid[None], bought[None])
    region = np.broadcast_to(np.arange(len(spend))[:, None], spend.shape)
    of_region = np.zeros(len(labels), int)
    of_region[index.ravel()] = region.ravel()
    own = of_region == np.arange(len(spend))[:, None]
    return moved, _spread(np.where(own, paid, 0.0), np.where(own, bought, 1.0))


def _pooled(spend: np.ndarray, exposure: np.ndarray) -> Accrued:
    """At each region's mean price where every region on air has spend, at the channel's otherwise."""
    paid, bought = spend.sum(axis=1, keepdims=True), exposure.sum(axis=1, keepdims=True)
    if ((paid > 0) == (bought > 0)).all():
        return Accrued(exposure * paid / np.where(bought > 0, bought, 1.0), Booking.REGION)
    return Accrued(exposure * (paid.sum() / bought.sum()), Booking.CHANNEL)


def _delayed(spend: np.ndarray, exposure: np.ndarray, spread: float) -> bool:
    """Whether spend follows the exposure of some weeks before, or after, twice as closely as that of its own week."""
    if spread <= _TIE:
        return False
    for weeks in range(1, min(_LONGEST_DELAY, spend.shape[1] // 2) + 1):
        for paid, bought in ((spend[:, weeks:], exposure[:, :-weeks]), (spend[:, :-weeks], exposure[:, weeks:])):
            if _spread(paid, bought) <= min(0.5 * spread, _STEADY):
                return True
    return False


def _spread(paid: np.ndarray, bought: np.ndarray) -> float:
    """Standard deviation of log prices within rows `[row, booking]`, weighed by spend.

    Infinite where spend bought nothing.
    """
    weight = np.where(paid > 0, paid, 0.0)
    if (weight[bought <= 0] > 0).any() or weight.sum() <= 0:
        return np.inf
    price = np.log(np.where(paid > 0, paid, 1.0) / np.where(bought > 0, bought, 1.0))
    rows = np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
    mean = (weight * price).sum(axis=1, keepdims=True) / rows
    return float(np.sqrt((weight * (price - mean) ** 2).sum() / weight.sum()))
