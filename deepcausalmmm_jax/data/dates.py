"""Dates as written in tables -> local days of the place that the table comes from.

A week is named by a calendar day. If a time with an offset from UTC follows, the written day is the local one. If times
were converted to UTC, local midnight has become 23:00 of the day before (Berlin, 22:00 in summer) or 05:00 of the same
day (New York): the midnight nearest to it gives the day.
"""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.date_orders import year_first
from deepcausalmmm_jax.errors import DataError

_HOUR = 3600
_QUARTER = 900  # offsets of all time zones are multiples of it
# Except for a few islands, no zone is more than ten hours west; thirteen and fourteen hours east are New Zealand in
# summer and islands. A time in between may be the midnight of either day.
_LATEST_WEST, _EARLIEST_EAST = 10 * _HOUR, 13 * _HOUR
_UTC = ("UTC", "Etc/UTC", "tzutc()", "UTC+00:00", "GMT", "Etc/GMT", "Zulu")
_DAY_AND_TIME = (
    r"^(?P<day>\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{8})"
    r"(?:[Tt ]\s*(?P<hour>[01]?\d|2[0-3]):?(?:(?P<minute>[0-5]\d)(?::?(?P<second>[0-5]\d)(?:[.,]\d+)?)?)?"
    r"\s*(?P<zone>[Zz]|UTC|GMT|(?P<sign>[+-])(?P<ahead>\d{2}):?(?P<more>\d{2})?)?(?:\[[^\]]*\])?)?$"
)


def as_text(column: pd.Series) -> pd.Series:
    """The column as text, None for empty cells; dates of all types in ISO 8601."""
    zone = getattr(column.dtype, "tz", None)
    if zone is not None and str(zone) not in _UTC:
        column = column.dt.tz_localize(None)  # the zone is known, and so are its days
    return column.astype(object).map(_cell_text)


def local_days(text: pd.Series, name: str, cadence: Cadence | None = None) -> np.ndarray:
    """Days since 1970-01-01, `[row]`, on the calendar of the place that the table comes from.

    Args:
        text: dates as year, month, day, with or without a time and an offset from UTC.
        name: the column's name, for messages.
        cadence: what the dates are known to follow, which settles the order of day and month; None if unknown.

    Raises:
        DataError: text that is not such a date, or a time in UTC whose local day is ambiguous.
    """
    distinct, row = np.unique(text.to_numpy(dtype=str), return_inverse=True)
    written = year_first(pd.Series(distinct), name, cadence)
    parts = written.str.extract(_DAY_AND_TIME)
    day = pd.to_datetime(parts["day"], format="ISO8601", errors="coerce")
    if day.isna().any():
        bad = written[day.isna()].iloc[0]
        raise DataError(
            f"Column {name!r} has {bad!r}, which is not a date; write weeks as 2024-01-29, or whole numbers."
        )
    days = day.to_numpy().astype("datetime64[D]").astype(np.int64)
    hour, minute, second, ahead, more = (
        parts[part].fillna("0").astype(np.int64).to_numpy() for part in ("hour", "minute", "second", "ahead", "more")
    )
    time = hour * _HOUR + minute * 60 + second
    marked = parts["zone"].notna().to_numpy()
    if marked.any() and not (ahead[marked] + more[marked]).any():
        days[marked] += _days_of_midnights(time[marked], written[marked].to_numpy(), name)
    else:
        days = _of_one_zone(days, time)
    return days[row]


def _cell_text(cell: object) -> str | None:
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, pd.Period):
        cell = cell.start_time
    if isinstance(cell, np.datetime64):
        cell = pd.Timestamp(cell)
    if not pd.api.types.is_scalar(cell):
        return str(cell)
    if pd.isna(cell):  # type: ignore[call-overload]
        return None
    return str(cell.isoformat()) if hasattr(cell, "isoformat") else str(cell)


def _days_of_midnights(time: np.ndarray, written: np.ndarray, name: str) -> np.ndarray:
    """Days from the one written in UTC to the local one, of which the time is midnight or the last second.

    Args:
        time: `[date]`, seconds since midnight, UTC.
        written: `[date]`, for messages.
        name: the column's name, for messages.
    """
    last_second = ((time + 1) % _QUARTER == 0).all()
    time = time + 1 if last_second else time
    if (time <= _LATEST_WEST).all():
        return np.full(len(time), -int(last_second))
    late = time >= _EARLIEST_EAST
    open_ = ~late & (time > _LATEST_WEST)
    if not open_.any() and not (time % _QUARTER).any() and _spread(time) <= _HOUR:
        return late.astype(np.int64) - int(last_second)
    bad = written[int(open_.argmax() if open_.any() else late.argmax())]
    raise DataError(
        f"Column {name!r} has {bad!r}, a time in UTC whose local day is ambiguous; write local days, as 2024-01-29."
    )


def _spread(time: np.ndarray) -> int:
    """Shortest interval of the day that contains all times, in seconds; it may span midnight."""
    times = np.unique(time % (24 * _HOUR))
    gaps = np.diff(times, append=times[0] + 24 * _HOUR)
    return int(24 * _HOUR - gaps.max())


def _of_one_zone(days: np.ndarray, time: np.ndarray) -> np.ndarray:
    """The written days, or, where these are not weeks apart because summer midnight is 23:00 in winter, the nearest."""
    if not ((days - days[0]) % 7).any() or (time % _QUARTER).any() or _spread(time) > _HOUR:
        return days
    near = days + (time >= 23 * _HOUR)
    return days if ((near - near[0]) % 7).any() else near
