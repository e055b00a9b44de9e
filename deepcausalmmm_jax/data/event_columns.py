"""Events as controls of a panel, in the weeks that it has and in those that are asked about later."""

import dataclasses
import warnings
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from deepcausalmmm_jax.axes import RESERVED
from deepcausalmmm_jax.data.calendar import day_numbers
from deepcausalmmm_jax.data.events import Events
from deepcausalmmm_jax.errors import DataError, DataWarning

if TYPE_CHECKING:
    from deepcausalmmm_jax.data.panel import Panel

_P = TypeVar("_P", bound="Panel")
_NAMED = 5


def with_events(panel: _P, events: Events) -> _P:
    """The panel with one more control an event, after its other controls.

    Events that fall in no week with a KPI are left out, with a warning, since nothing can be learned of them; a panel
    of planned weeks alone keeps all that fall in it.

    Args:
        panel: without events.
        events: the calendar.

    Raises:
        DataError: weeks that are no dates, an event with the name of another column or of a region that the panel does
            not have, or no event in these weeks.
    """
    for name in events.names:
        if name in (*panel.channels, *panel.controls, panel.kpi_name) or name in RESERVED:
            raise DataError(f"The event {name!r} has the name of another column; rename one of them.")
    events.refuse_other_regions(panel.regions)
    planned = not (panel.weights > 0).any()
    counted = panel.present if planned else panel.weights > 0
    seen = events.times_seen(panel.weeks, panel.regions, panel.cadence, counted)
    kept = events.only([name for name, times in seen.items() if times])
    if not kept.names:
        span = f"{panel.week_label(0)} to {panel.week_label(-1)}"
        if planned:
            return dataclasses.replace(panel, events=events)
        raise DataError(f"No event falls in the panel's weeks, {span}; give dates in these weeks, or leave events out.")
    missing = [name for name, times in seen.items() if not times]
    if missing and not planned:
        fall, they = ("falls", "it is") if len(missing) == 1 else ("fall", "they are")
        sentence = f"The event{'s' * (len(missing) > 1)} {_few(missing)} {fall} in no week with a KPI; {they} left out."
        warnings.warn(DataWarning(sentence), stacklevel=4)
    return _with_columns(panel, events if planned else kept, kept.names)


def with_events_of(history: "Panel", asked: _P) -> _P:
    """A panel with the events that another one was fitted with, made from that one's calendar where it lacks them.

    Args:
        history: the panel of a fit.
        asked: weeks that continue it, or that replace it.

    Raises:
        DataError: events, but weeks that are no dates.
    """
    if history.events is None:
        return asked
    wanted, own = history.event_names, asked.event_names
    unknown = [name for name in own if name not in wanted]
    if unknown:
        sentence = (
            f"The event{'s' * (len(unknown) > 1)} {_few(unknown)} had no week with a KPI when the model "
            "was fitted, so no effect is known; none is predicted."
        )
        warnings.warn(DataWarning(sentence), stacklevel=3)
        asked = _without(asked, unknown)
    lacking = [name for name in wanted if name not in asked.controls]
    if not lacking:
        return asked
    calendar = history.events if asked.events is None else asked.events
    if calendar is history.events:
        _warn_of_the_end(calendar, asked)
    else:
        _warn_of_left_out([name for name in lacking if name not in calendar.names])
    known = dataclasses.replace(asked, events=None)
    return _with_columns(known, calendar, tuple(lacking))


def with_events_by_date(panel: _P) -> _P:
    """A panel whose weeks were given other dates, with the events of these dates in its calendar.

    Args:
        panel: with the columns of events of other weeks.
    """
    if panel.events is None:
        return panel
    _warn_of_the_end(panel.events, panel)
    names = panel.event_names
    order = [*(name for name in panel.controls if name not in names), *names]
    made = _with_columns(_without(panel, list(names)), panel.events, names)
    at = [order.index(name) for name in panel.controls]
    return dataclasses.replace(made, controls=panel.controls, control=made.control[:, :, at])


def _warn_of_the_end(calendar: Events, panel: "Panel") -> None:
    """Say where weeks lie beyond the calendar's last day."""
    dated = isinstance(panel.weeks, pd.DatetimeIndex) and len(panel.weeks)
    if dated and int(day_numbers(panel.weeks)[-1]) > calendar.until:
        end = np.datetime64(calendar.until, "D")
        sentence = (
            f"The calendar of events ends on {end}: later weeks count as having no events; give a longer calendar."
        )
        warnings.warn(DataWarning(sentence), stacklevel=4)


def _warn_of_left_out(names: list[str]) -> None:
    """Say which events of the fit a calendar of other weeks does not know: it may have left them out."""
    if names:
        one = len(names) == 1
        them, they = ("the event", "it counts") if one else ("the events", "they count")
        sentence = (
            f"The calendar of these weeks lacks {them} {_few(names)} of the fit: {they} as not taking place; add "
            f"{'its dates where it does' if one else 'their dates where they do'}."
        )
        warnings.warn(DataWarning(sentence), stacklevel=4)


def _few(names: list[str]) -> str:
    """The names, or the first of them and how many more there are."""
    return ", ".join(names if len(names) <= _NAMED else [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} more"])


def _with_columns(panel: _P, events: Events, names: tuple[str, ...]) -> _P:
    """The panel with a control for each of `names`, 0 where the calendar has no such event."""
    made = events.columns(panel.weeks, panel.regions, panel.cadence)
    known = {name: made[:, :, at] for at, name in enumerate(events.names)}
    none = np.zeros(panel.present.shape)
    columns = np.stack([np.where(panel.present, known.get(name, none), 0.0) for name in names], axis=2)
    return dataclasses.replace(
        panel,
        controls=(*panel.controls, *names),
        control=np.concatenate([panel.control, columns], axis=2),
        events=events,
    )


def _without(panel: _P, names: list[str]) -> _P:
    kept = [at for at, name in enumerate(panel.controls) if name not in names]
    return dataclasses.replace(
        panel, controls=tuple(panel.controls[at] for at in kept), control=panel.control[:, :, kept]
    )
