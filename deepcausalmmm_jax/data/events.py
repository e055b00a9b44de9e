"""Events on the calendar -> weekly regressors: the share of each event's days that fall in a week."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self, get_args

import numpy as np
import pandas as pd

from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.dates import as_text, local_days
from deepcausalmmm_jax.data.readers.column_names import plain_name, require_column, with_plain_names
from deepcausalmmm_jax.data.readers.frames import as_pandas
from deepcausalmmm_jax.data.readers.numbers import as_numbers
from deepcausalmmm_jax.data.regions import nearly, region_positions
from deepcausalmmm_jax.errors import DataError

WeekLabels = Literal["first_day", "last_day"]

_DAY_OR_MONTH_FIRST = r"^\s*(\d{1,2})[-/. ](\d{1,2})[-/. ]\d{4}"
_MONTHS = 12
_LONGEST = 366  # days before or after an event: more is no window of an event


class Occurrence(NamedTuple):
    """One event on one day.

    Attributes:
        name: of the event; all its occurrences share one effect.
        day: days since 1970-01-01.
        region: label of the region where it takes place; None for all.
        before: days before it that belong to it.
        after: days after it that belong to it.
    """

    name: str
    day: int
    region: object | None = None
    before: int = 0
    after: int = 0


@dataclass(frozen=True)
class Events:
    """A calendar of events, from `holidays` or from your own table; `+` joins two.

    Attributes:
        occurrences: every event on every day.
        until: last day that the calendar covers, days since 1970-01-01: later weeks have no events because none were
            entered.
        week_labels: whether the date that names a week is its first or its last day.
    """

    occurrences: tuple[Occurrence, ...]
    until: int
    week_labels: WeekLabels = "first_day"

    @classmethod
    def from_table(
        cls,
        table: object,
        *,
        name: str = "name",
        date: str = "date",
        region: str | None = None,
        before: str | int = 0,
        after: str | int = 0,
        until: str | None = None,
        week_labels: WeekLabels = "first_day",
    ) -> Self:
        """A calendar from a table with one row per event and day.

        Args:
            table: of pandas, or another library that Narwhals reads.
            name: column of names; a recurring event has the same name each time.
            date: column of days.
            region: column of regions, empty for an event in all; None where every event is in all regions.
            before: days before the date that belong to the event: a number, or a column.
            after: days after it, likewise.
            until: last day that the table covers, such as `2026-12-31`; the day of its last event when None. Later
                weeks raise a warning, since events that are not entered yet count as none.
            week_labels: whether the date that names a week of the panel is its first or its last day.

        Raises:
            DataError: a missing column, a row without name or date, an invalid number of days, or an event on one day
                with two different windows.
        """
        df = with_plain_names(as_pandas(table))
        for column in (name, date, *(part for part in (region, before, after) if isinstance(part, str))):
            require_column(df, plain_name(column))
        if df.empty:
            raise DataError("The table of events has no rows.")
        names = [None if pd.isna(cell) or not str(cell).strip() else str(cell).strip() for cell in df[name]]
        text = as_text(df[date])
        for what, missing in (("name", [entry is None for entry in names]), ("date", list(text.isna()))):
            if any(missing):
                raise DataError(f"The table of events has no {what} in row {missing.index(True) + 1}.")
        _refuse_open_order(text, date)
        days = local_days(text, date)
        windows = [_days_of(df, given, side) for given, side in ((before, "before"), (after, "after"))]
        where = [None] * len(df) if region is None else [None if pd.isna(cell) else cell for cell in df[region]]
        rows = zip(names, days, where, *windows, strict=True)
        found = _each_once(
            [Occurrence(str(entry), int(day), place, int(b), int(a)) for entry, day, place, b, a in rows]
        )
        last = int(days.max()) if until is None else int(local_days(pd.Series([str(until)]), "until")[0])
        if last < days.max():
            raise DataError(f"The table of events has {_date(int(days.max()))}, after until={until}; give a later day.")
        return cls(found, last, _labels_of(week_labels))

    def __add__(self, other: "Events") -> "Events":
        """Both calendars together; what both have counts once, and neither reaches further than the other.

        Raises:
            DataError: weeks are named by different days, or an event has two windows on one day.
        """
        if not isinstance(other, Events):
            return NotImplemented
        if self.week_labels != other.week_labels:
            raise DataError("One calendar names weeks by their first day, the other by their last; use one for both.")
        return Events(
            _each_once([*self.occurrences, *other.occurrences]), min(self.until, other.until), self.week_labels
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the events, each once, in the order of the calendar."""
        return tuple(dict.fromkeys(entry.name for entry in self.occurrences))

    def only(self, names: Sequence[str]) -> "Events":
        """The calendar restricted to some events."""
        kept = tuple(entry for entry in self.occurrences if entry.name in set(names))
        return Events(kept, self.until, self.week_labels)

    def table(self) -> pd.DataFrame:
        """One row per event and day: name, date, region (empty for all), before, after."""
        rows = [entry._replace(day=_date(entry.day)) for entry in self.occurrences]  # type: ignore[arg-type]
        return pd.DataFrame(rows, columns=["name", "date", "region", "before", "after"])

    def columns(self, weeks: pd.Index, regions: pd.Index, cadence: Cadence) -> np.ndarray:
        """Share of each event's days that fall in each week, `[region, week, event]`; a whole event sums to 1.

        Args:
            weeks: labels of the panel's weeks.
            regions: labels of its regions.
            cadence: how far apart the weeks are.

        Raises:
            DataError: weeks that are numbers.
        """
        first, after = self._bounds(weeks, cadence)
        made = np.zeros((len(regions), len(weeks), len(self.names)))
        at = {name: position for position, name in enumerate(self.names)}
        for entry, rows in self._placed(regions):
            start, stop = entry.day - entry.before, entry.day + entry.after + 1
            inside = np.clip(np.minimum(after, stop) - np.maximum(first, start), 0, None)
            made[rows, :, at[entry.name]] += inside / (stop - start)
        return made

    def times_seen(self, weeks: pd.Index, regions: pd.Index, cadence: Cadence, seen: np.ndarray) -> dict[str, int]:
        """How often each event falls at least partly in a week that counts, in any region.

        Args:
            weeks: labels of the panel's weeks.
            regions: labels of its regions.
            cadence: how far apart the weeks are.
            seen: `[region, week]`, whether it counts.
        """
        first, after = self._bounds(weeks, cadence)
        days: dict[str, set[int]] = {name: set() for name in self.names}
        for entry, rows in self._placed(regions):
            inside = (after > entry.day - entry.before) & (first < entry.day + entry.after + 1)
            if (seen[rows] & inside).any():
                days[entry.name].add(entry.day)
        return {name: len(found) for name, found in days.items()}

    def refuse_other_regions(self, regions: pd.Index) -> None:
        """Refuse an event of a region that the panel does not have.

        Raises:
            DataError: naming the event and its region.
        """
        for entry in self.occurrences:
            if entry.region is not None and region_positions(regions, [entry.region])[0] < 0:
                hint = nearly(regions, entry.region) or "; use the labels of the panel's regions."
                raise DataError(
                    f"The event {entry.name!r} is in region {entry.region!r}, which the panel does not have{hint}"
                )

    def _placed(self, regions: pd.Index) -> Iterator[tuple[Occurrence, np.ndarray]]:
        """Every occurrence in some of the regions, with their positions."""
        everywhere = np.arange(len(regions))
        places = {entry.region for entry in self.occurrences if entry.region is not None}
        own = {place: region_positions(regions, [place]) for place in places}
        for entry in self.occurrences:
            rows = everywhere if entry.region is None else own[entry.region]
            if rows[0] >= 0:
                yield entry, rows

    def _bounds(self, weeks: pd.Index, cadence: Cadence) -> tuple[np.ndarray, np.ndarray]:
        """First day of each week, and the day after its last, days since 1970-01-01."""
        if not isinstance(weeks, pd.DatetimeIndex):
            raise DataError("Events need weeks that are dates; this panel's weeks are numbers.")
        days = np.asarray(weeks.append(cadence.later(weeks, 1)).to_numpy().astype("datetime64[D]").astype(np.int64))
        first, after = days[:-1], days[1:]
        if self.week_labels == "last_day" and cadence is Cadence.WEEKLY:
            return first - 6, first + 1
        return first, after


def _each_once(entries: Sequence[Occurrence]) -> tuple[Occurrence, ...]:
    """The occurrences, without those that are there before: an event entered twice would count twice.

    Raises:
        DataError: an event on one day and in one region with two different windows.
    """
    everywhere = {(entry.name, entry.day): entry for entry in entries if entry.region is None}
    kept: dict[tuple[str, int, object | None], Occurrence] = {}
    for entry in entries:
        key = (entry.name, entry.day, entry.region)
        known = kept.get(key, None if entry.region is None else everywhere.get(key[:2]))
        if known is None:
            kept[key] = entry
        elif (known.before, known.after) != (entry.before, entry.after):
            raise DataError(
                f"The event {entry.name!r} on {_date(entry.day)} has two windows, of {_window(known)} and of "
                f"{_window(entry)}; leave one of them out, or give one another name."
            )
    return tuple(kept.values())


def _window(entry: Occurrence) -> str:
    return f"{entry.before} days before and {entry.after} after"


def events_from(given: object) -> Events | None:
    """A calendar from what a user gives: one, a table with the columns name and date, or None.

    Raises:
        DataError: anything else.
    """
    if given is None or isinstance(given, Events):
        return given
    if isinstance(given, str | Mapping | Sequence):
        raise DataError(f"events must be dcm.holidays(...), Events or a table of name and date, got {shown(given)}.")
    df = with_plain_names(as_pandas(given))
    region = "region" if "region" in df else None
    before, after = (side if side in df else 0 for side in ("before", "after"))
    return Events.from_table(df, region=region, before=before, after=after)


def _refuse_open_order(text: pd.Series, column: str) -> None:
    """Refuse dates of which nothing says whether day or month comes first: those of events follow no calendar."""
    parts = text.str.extract(_DAY_OR_MONTH_FIRST).dropna().astype(int)
    if len(parts) and (parts <= _MONTHS).all(axis=None):
        raise DataError(
            f"Column {column!r} of the events has {text[parts.index[0]]!r}, where day or month may come first; write "
            "2024-01-29."
        )


def _labels_of(given: object) -> WeekLabels:
    if given == "first_day" or given == "last_day":
        return given
    raise DataError(f"week_labels must be one of {', '.join(get_args(WeekLabels))}, got {shown(given)}.")


def _days_of(df: pd.DataFrame, given: str | int, side: str) -> np.ndarray:
    """Days of a window, `[row]`; an empty cell is 0."""
    if isinstance(given, str):
        numbers, unreadable = as_numbers(df[given])
        numbers = np.where(unreadable, -1.0, np.nan_to_num(numbers))
    else:
        days = isinstance(given, int | np.integer) and not isinstance(given, bool) and 0 <= given <= _LONGEST
        numbers = np.full(len(df), float(given) if days else -1.0)
    bad = (numbers < 0) | (numbers > _LONGEST) | (numbers != np.round(numbers))
    if bad.any():
        cell = df[given].iloc[int(bad.argmax())] if isinstance(given, str) else given
        raise DataError(f"The days {side} an event must be a whole number from 0 to {_LONGEST}, got {shown(cell)}.")
    return numbers


def _date(day: int) -> str:
    return str(np.datetime64(day, "D"))
