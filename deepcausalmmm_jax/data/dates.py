"""Dates as tables write them -> the days of the place that the table is from.

A week is named by a day on the wall calendar. Where a time and an offset from UTC stand behind it, the day that is
written is the local one. Where the same moments were turned into UTC, a local midnight has become 23:00 of the day
before (Berlin, 22:00 in summer) or 05:00 of the same day (New York): the midnight nearest to it names the day.
"""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.errors import DataError

_HOUR = 3600
_QUARTER = 900  # offsets of all zones are whole quarters of an hour
# No zone is further west than ten hours but for a few islands; east, thirteen and fourteen hours are New Zealand's
# summer and islands. In between, one moment is the midnight of either day.
_LATEST_WEST, _EARLIEST_EAST = 10 * _HOUR, 13 * _HOUR
_UTC = ("UTC", "Etc/UTC", "tzutc()", "UTC+00:00", "GMT", "Etc/GMT", "Zulu")
_DAY_AND_TIME = (
    r"^(?P<day>\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{8})"
    r"(?:[Tt ]\s*(?P<hour>[01]?\d|2[0-3]):?(?:(?P<minute>[0-5]\d)(?::?(?P<second>[0-5]\d)(?:[.,]\d+)?)?)?"
    r"\s*(?P<zone>[Zz]|UTC|GMT|(?P<sign>[+-])(?P<ahead>\d{2}):?(?P<more>\d{2})?)?(?:\[[^\]]*\])?)?$"
)


def as_text(column: pd.Series) -> pd.Series:
    """The column as people would write it, None where it is empty; dates of all types as ISO 8601 writes them."""
    zone = getattr(column.dtype, "tz", None)
    if zone is not None and str(zone) not in _UTC:
        column = column.dt.tz_localize(None)  # the zone is known, so its own days are, too
    return column.astype(object).map(_cell_text)


def local_days(text: pd.Series, name: str) -> np.ndarray:
    """Whole days since 1970-01-01, `[row]`, each on the calendar of the place that the table is from.

    Args:
        text: dates in the one order that has a single reading, with or without a time and an offset from UTC.
        name: the column's name, for messages.

    Raises:
        DataError: text that is no such date, or a time in UTC that leaves its local day open.
    """
    distinct, row = np.unique(text.to_numpy(dtype=str), return_inverse=True)
    written = pd.Series(distinct)
    parts = written.str.extract(_DAY_AND_TIME)
    day = pd.to_datetime(parts["day"], format="ISO8601", errors="coerce")
    if day.isna().any():
        bad = written[day.isna()].iloc[0]
        raise DataError(f"Column {name!r} has {bad!r}, which is no date; write weeks as 2024-01-29, or whole numbers.")
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
    """Days between the one written in UTC and the local one whose midnight, or last second, the moment is.

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
        f"Column {name!r} has {bad!r}, a time in UTC that leaves the local day open; write local days, as 2024-01-29."
    )


def _spread(time: np.ndarray) -> int:
    """Least stretch of the day, in seconds, that holds all times; it may run over midnight."""
    times = np.unique(time % (24 * _HOUR))
    gaps = np.diff(times, append=times[0] + 24 * _HOUR)
    return int(24 * _HOUR - gaps.max())


def _of_one_zone(days: np.ndarray, time: np.ndarray) -> np.ndarray:
    """The days written; where these are no weeks, as summer's midnights are 23:00 of winter's clock, the nearest."""
    if not ((days - days[0]) % 7).any() or (time % _QUARTER).any() or _spread(time) > _HOUR:
        return days
    near = days + (time >= 23 * _HOUR)
    return days if ((near - near[0]) % 7).any() else near
