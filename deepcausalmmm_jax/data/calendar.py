"""Weeks of a table, as dates or whole numbers, laid on an even grid."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.errors import DataError

# A stretch with no row in any region that is longer than this is taken for a mistake in the weeks, not for a gap.
_LONGEST_NATIONAL_GAP = 8


def week_text(weeks: pd.Index, position: int) -> str:
    """The week at `position` as people write it."""
    week = weeks[position]
    return str(week.date()) if isinstance(week, pd.Timestamp) else str(week)


def week_grid(column: pd.Series, name: str) -> tuple[pd.Index, np.ndarray]:
    """All weeks from the first to the last, and the position of each row's week among them.

    Args:
        column: one week a row, as dates (or text that reads as dates) or as whole numbers.
        name: the column's name, for messages.

    Returns:
        The grid `[week]`, and `[row]` positions in it.

    Raises:
        DataError: a missing or unreadable week, or weeks that are not an even number of steps apart.
    """
    if column.isna().any():
        raise DataError(f"Column {name!r} has no week in row {int(column.isna().to_numpy().argmax()) + 1}.")
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return _integer_grid(column.to_numpy(dtype=np.float64), name)
    return _date_grid(column, name)


def _integer_grid(values: np.ndarray, name: str) -> tuple[pd.Index, np.ndarray]:
    if (values != np.round(values)).any():
        bad = values[values != np.round(values)][0]
        raise DataError(f"Column {name!r} has the week {bad:g}; weeks must be dates or whole numbers.")
    weeks = np.unique(values.astype(np.int64))
    _refuse_uneven(weeks, [str(week) for week in weeks], name)
    first = int(weeks[0])
    grid = pd.RangeIndex(first, int(weeks[-1]) + 1)
    return pd.Index(grid.to_numpy()), values.astype(np.int64) - first


def _date_grid(column: pd.Series, name: str) -> tuple[pd.Index, np.ndarray]:
    # Text must be in the one order that has a single reading: 03/04/2024 is a guess.
    is_text = not pd.api.types.is_datetime64_any_dtype(column)
    dates = pd.to_datetime(column, format="ISO8601", errors="coerce") if is_text else column
    if dates.isna().any():
        bad = column[dates.isna()].iloc[0]
        raise DataError(f"Column {name!r} has {bad!r}, which is no date; write weeks as 2024-01-29, or whole numbers.")
    if dates.dt.tz is not None:
        dates = dates.dt.tz_localize(None)
    days = (dates.dt.normalize() - pd.Timestamp(1970, 1, 1)).dt.days.to_numpy()
    unique = np.unique(days)
    labels = [str(pd.Timestamp(int(day), unit="D").date()) for day in unique]
    off = (unique - unique[0]) % 7 != 0
    if off.any():
        raise DataError(
            f"Week {labels[int(off.argmax())]} in column {name!r} is not a whole number of weeks after the first, "
            f"{labels[0]}; weeks must be 7 days apart, so add other steps up to weeks first."
        )
    weeks = (unique - unique[0]) // 7
    _refuse_uneven(weeks, labels, name)
    grid = pd.date_range(labels[0], labels[-1], freq="7D")
    return pd.DatetimeIndex(grid.to_numpy()), (days - unique[0]) // 7


def _refuse_uneven(weeks: np.ndarray, labels: list[str], name: str) -> None:
    steps = np.diff(weeks)
    long = steps > _LONGEST_NATIONAL_GAP + 1
    missing = int(steps.sum()) - len(steps)
    if long.any():
        jump = int(long.argmax())
        raise DataError(
            f"Column {name!r} jumps from week {labels[jump]} to {labels[jump + 1]} with no row between in any region; "
            "weeks must be one step apart (write year-and-week codes as dates)."
        )
    if len(weeks) > 1 and missing > 0.2 * len(weeks):
        jump = int((steps > 1).argmax())
        raise DataError(
            f"Column {name!r} has irregular steps: {missing} weeks have no row in any region, the first after week "
            f"{labels[jump]}; weeks must be one step apart."
        )
