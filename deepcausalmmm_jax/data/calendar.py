"""Weeks of a table, as dates or whole numbers, on an even grid."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.dates import as_text, local_days
from deepcausalmmm_jax.errors import DataError

# Without a row in any region for longer than this, the weeks are assumed to be wrong rather than to have a gap.
_LONGEST_NATIONAL_GAP = 8
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|inf)"
_MOST = 2**53  # beyond it, floats cannot represent every whole number
_DAY_CODES = (1900_01_01, 2199_12_31)


def week_text(weeks: pd.Index, position: int) -> str:
    """Label of the week at `position`, as text."""
    week = weeks[position]
    return str(week.date()) if isinstance(week, pd.Timestamp) else str(week)


def day_numbers(weeks: pd.Index) -> np.ndarray:
    """Days since 1970-01-01 of weeks that are dates, `[week]`."""
    return weeks.to_numpy().astype("datetime64[D]").astype(np.int64)


def week_grid(column: pd.Series, name: str) -> tuple[pd.Index, np.ndarray]:
    """All weeks from the first to the last, and the position of each row's week among them.

    Args:
        column: the week of each row: dates of any type, whole numbers, or text of either.
        name: the column's name, for messages.

    Returns:
        The grid `[week]`, and `[row]` positions in it.

    Raises:
        DataError: a missing or unreadable week, or weeks that are not evenly spaced.
    """
    kinds = pd.api.types
    if kinds.is_numeric_dtype(column) and not kinds.is_bool_dtype(column) and not kinds.is_complex_dtype(column):
        _refuse_missing(column, name)
        return _grid_of_numbers(column, name)
    text = as_text(column)
    _refuse_missing(text, name)
    if text.str.fullmatch(_NUMBER).all():
        return _grid_of_numbers(pd.to_numeric(text), name)
    return _date_grid(local_days(text, name), name)


def _refuse_missing(column: pd.Series, name: str) -> None:
    if column.isna().any():
        raise DataError(
            f"Column {name!r} has no week in row {int(column.isna().to_numpy().argmax()) + 1}; every row needs one."
        )


def _grid_of_numbers(column: pd.Series, name: str) -> tuple[pd.Index, np.ndarray]:
    values = column.to_numpy(dtype=np.float64)
    fits = np.isfinite(values) & (values == np.round(values)) & (np.abs(values) < _MOST)
    if not fits.all():
        raise DataError(f"Column {name!r} has the week {values[~fits][0]:g}; weeks must be dates or whole numbers.")
    numbers = column.to_numpy(dtype=np.int64)
    if ((numbers >= _DAY_CODES[0]) & (numbers <= _DAY_CODES[1])).all():  # 20240129 is a date
        return _date_grid(local_days(pd.Series(numbers.astype(str)), name), name)
    weeks = np.unique(numbers)
    _refuse_uneven(weeks, [str(week) for week in weeks], name)
    return pd.Index(np.arange(weeks[0], weeks[-1] + 1)), numbers - weeks[0]


def _date_grid(days: np.ndarray, name: str) -> tuple[pd.Index, np.ndarray]:
    unique = np.unique(days)
    labels = [str(day) for day in unique.astype("datetime64[D]")]
    off = (unique - unique[0]) % 7 != 0
    if off.any():
        raise DataError(
            f"Week {labels[int(off.argmax())]} in column {name!r} is not a whole number of weeks after the first, "
            f"{labels[0]}; weeks must be 7 days apart, so aggregate other periods to weeks first."
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
            f"Column {name!r} jumps from week {labels[jump]} to {labels[jump + 1]} with no row in between in any "
            "region; weeks must be one step apart (write year-and-week codes as dates)."
        )
    if len(weeks) > 1 and missing > 0.2 * len(weeks):
        jump = int((steps > 1).argmax())
        raise DataError(
            f"Column {name!r} has irregular steps: {missing} weeks have no row in any region, the first of them "
            f"after week {labels[jump]}; weeks must be one step apart."
        )
