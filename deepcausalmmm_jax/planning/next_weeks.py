"""The next weeks as a panel: flighting, spend and prices of the same weeks a year before."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from deepcausalmmm_jax.attribution.prices import priced
from deepcausalmmm_jax.attribution.worth import mean_worth
from deepcausalmmm_jax.checks import whole_number
from deepcausalmmm_jax.data.bookings import Booking
from deepcausalmmm_jax.data.event_columns import with_events_by_date
from deepcausalmmm_jax.data.gaps import without_gaps
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError, DataError

_NAMED = 3
_YEAR = 52.0  # weeks, so that a week is compared with the same week of the calendar


class NextWeeks(NamedTuple):
    """Weeks that continue a panel, and what was assumed about them."""

    panel: Panel  # with its spend assigned to the exposure that it paid for
    notes: tuple[str, ...]
    bookings: tuple[Booking, ...] | None  # how each channel was booked; None without spend


def next_weeks(panel: Panel, count: int) -> NextWeeks:
    """The weeks after the last one with a KPI.

    Weeks that the panel has as planned ones are kept; the others have exposure, spend and controls of the same weeks a
    year before. A region-week that was missing then has the region's mean week of that year, and what is national the
    country's figure.

    Args:
        panel: of a fit.
        count: number of weeks, at most a year.

    Raises:
        ConfigError: no such number.
        DataError: the panel is shorter than a year.
    """
    cadence = panel.cadence
    year, start, unit = cadence.steps(_YEAR), panel.n_past_weeks, cadence.unit
    whole_number("next_weeks", count)
    if count > year:
        raise ConfigError(
            f"next_weeks must be at most {year}, a year of {unit}s, got {count}; give weeks= a Panel for more."
        )
    if start < year:
        raise DataError(
            f"next_weeks takes the flighting of a year before, {year} {unit}s, and the panel has {start}; give weeks= "
            "a Panel of the coming weeks."
        )
    prices = None if panel.spend is None else priced(panel, None)
    panel = panel if prices is None else dataclasses.replace(panel, spend=prices.spend)
    last_year = panel.select(weeks=slice(start - year, start))
    copied = without_gaps(last_year).select(weeks=slice(0, count))
    n_planned = min(count, len(panel.weeks) - start)
    n_filled = int((copied.present & ~last_year.present[:, :count])[:, n_planned:].sum())
    labels = panel.weeks[start : start + n_planned].append(cadence.later(panel.weeks, count - n_planned))
    planned = panel.select(weeks=slice(start, start + n_planned))
    joined = _joined(planned, copied, n_planned)
    lacking = copied.present[:, :n_planned] & ~planned.present
    found = dataclasses.replace(
        joined,
        weeks=labels,
        kpi=np.zeros(joined.kpi.shape),
        weights=np.zeros(joined.kpi.shape),
        revenue_per_kpi=None if panel.revenue_per_kpi is None else _worth(panel, planned, joined.present),
    )
    notes = _notes(last_year, count, n_planned, n_filled, unit)
    if lacking.any():
        names = ", ".join(str(region) for region in panel.regions[lacking.any(axis=1)][:_NAMED])
        notes += (
            f"Region-{unit}s without a row among the planned {unit}s are left out with their spend ({lacking.sum()}, "
            f"of {names}{' and others' if lacking.any(axis=1).sum() > _NAMED else ''}); add their rows to plan them.",
        )
    return NextWeeks(with_events_by_date(found), notes, None if prices is None else prices.bookings)


def _worth(panel: Panel, planned: Panel, present: np.ndarray) -> np.ndarray:
    """Revenue per KPI of the coming weeks, `[region, week]`: as planned, and the mean of the last year elsewhere."""
    worth = np.broadcast_to(mean_worth(panel.until_last_kpi())[:, None], present.shape).copy()
    if planned.revenue_per_kpi is not None:
        n_planned = planned.present.shape[1]
        worth[:, :n_planned] = np.where(planned.present, planned.revenue_per_kpi, worth[:, :n_planned])
    return worth


def _joined(planned: Panel, copied: Panel, n_planned: int) -> Panel:
    """The copied weeks with the first ones replaced by planned ones, in every array by region and week."""
    if not n_planned:
        return copied
    arrays: dict[str, Any] = {}
    for field in dataclasses.fields(copied):
        own, new = getattr(planned, field.name), getattr(copied, field.name)
        if isinstance(own, np.ndarray) and own.ndim > 1 and isinstance(new, np.ndarray):
            arrays[field.name] = np.concatenate([own, new[:, n_planned:]], axis=1)
    return dataclasses.replace(copied, **arrays)


def _notes(last_year: Panel, count: int, n_planned: int, n_filled: int, unit: str) -> tuple[str, ...]:
    notes = []
    if count > n_planned:
        first, last = last_year.week_label(n_planned), last_year.week_label(count - 1)
        worth = (
            "" if last_year.revenue_per_kpi is None else "; revenue per KPI is each region's mean over the last year"
        )
        notes.append(
            f"Exposure, spend, prices and controls of the next {unit}s are those of a year before ({first} to {last}); "
            f"that spend counts as today's{worth}."
        )
    if n_planned:
        notes.append(f"The first {n_planned} of them are planned in the panel, and taken from there.")
    if n_filled:
        notes.append(f"Region-{unit}s missing a year before take the region's mean of that year ({n_filled} of them).")
    return tuple(notes)
