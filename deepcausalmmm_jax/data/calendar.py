"""Steps of a table, as dates or whole numbers, on an even grid: days, weeks, months or quarters."""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.cadence import LEAST_MONTH, Cadence, cadence_of, ends_its_months, keeps_its_place
from deepcausalmmm_jax.data.date_orders import written_periods
from deepcausalmmm_jax.data.dates import as_text, local_days
from deepcausalmmm_jax.data.readers.numbers import as_numbers
from deepcausalmmm_jax.errors import DataError

# Weeks: without a row in any region for longer than this, the dates are assumed to be wrong rather than to have a gap.
_LONGEST_NATIONAL_GAP = 8
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|inf)"
_MOST = 2**53  # beyond it, floats cannot represent every whole number
_DAY_CODES = (1900_01_01, 2199_12_31)
_OTHER_UNIT = re.compile(r"(month|quarter|day)s?[ _]?(?:id|no|nr|number|index)?", re.IGNORECASE)
_MONTH_CODES = (1900_01, 2199_12)
_SERIALS = (32_874, 58_440)  # days of 1990 to 2059 as spreadsheets count them
_DATED = re.compile(r"date|day|week|time|datum|woche|fecha|period", re.IGNORECASE)


class Grid(NamedTuple):
    """All steps from the first to the last, and where the rows of a table lie among them."""

    steps: pd.Index  # [step], dates or whole numbers; of a month or a quarter its first day
    position: np.ndarray  # [row]
    cadence: Cadence


def week_text(weeks: pd.Index, position: int, cadence: Cadence = Cadence.WEEKLY) -> str:
    """Label of the step at `position`, as text."""
    return cadence.label(weeks[position])


def day_numbers(weeks: pd.Index) -> np.ndarray:
    """Days since 1970-01-01 of weeks that are dates, `[week]`."""
    return weeks.to_numpy().astype("datetime64[D]").astype(np.int64)


def week_grid(column: pd.Series, name: str, cadence: Cadence | None = None) -> Grid:
    """All steps from the first to the last, and the position of each row's step among them.

    Args:
        column: the step of each row: dates of any type, whole numbers, or text of either.
        name: the column's name, for messages.
        cadence: None to find it out from the dates; whole numbers are then weeks.

    Raises:
        DataError: a missing or unreadable date, or dates that follow no calendar, or another one than `cadence`.
    """
    kinds = pd.api.types
    if kinds.is_numeric_dtype(column) and not kinds.is_bool_dtype(column) and not kinds.is_complex_dtype(column):
        _refuse_missing(column, name)
        return _grid_of_numbers(column, name, cadence)
    text = as_text(column)
    _refuse_missing(text, name)
    if text.str.fullmatch(_NUMBER).all():
        return _grid_of_numbers(pd.to_numeric(text), name, cadence)
    days, written = local_days(text, name, cadence), written_periods(text)
    if written is Cadence.MONTHLY:  # quarters may be written by their first months
        written = cadence_of(np.unique(days)) or written
    return _date_grid(days, name, cadence or written)


def _refuse_missing(column: pd.Series, name: str) -> None:
    if column.isna().any():
        raise DataError(
            f"Column {name!r} has no week in row {int(column.isna().to_numpy().argmax()) + 1}; every row needs one."
        )


def _grid_of_numbers(column: pd.Series, name: str, cadence: Cadence | None) -> Grid:
    values, _ = as_numbers(column)
    fits = np.isfinite(values) & (values == np.round(values)) & (np.abs(values) < _MOST)
    if not fits.all():
        raise DataError(f"Column {name!r} has the week {values[~fits][0]:g}; weeks must be dates or whole numbers.")
    numbers = column.to_numpy(dtype=np.int64)
    if ((numbers >= _DAY_CODES[0]) & (numbers <= _DAY_CODES[1])).all():  # 20240129 is a date
        return _date_grid(local_days(pd.Series(numbers.astype(str)), name, cadence), name, cadence)
    if cadence is None:
        _refuse_unclear_numbers(numbers, name)
    if cadence is Cadence.MONTHLY and _are_month_codes(numbers):  # 202401; without the cadence it may be a week
        codes = pd.Series([f"{number // 100}-{number % 100:02d}" for number in numbers])
        return _date_grid(local_days(codes, name, cadence), name, cadence)
    steps, cadence = np.unique(numbers), cadence or Cadence.WEEKLY
    _refuse_uneven(steps, [str(step) for step in steps], name, cadence)
    return Grid(pd.Index(np.arange(steps[0], steps[-1] + 1)), numbers - steps[0], cadence)


def refuse_serial_days(numbers: np.ndarray, name: str) -> None:
    """Refuse whole numbers that spreadsheets write for days, in a column that is named after dates.

    Raises:
        DataError: naming the column.
    """
    if len(numbers) and _SERIALS[0] <= numbers.min() and numbers.max() <= _SERIALS[1] and _DATED.search(name):
        day = np.datetime64("1899-12-30") + np.timedelta64(int(numbers[0]), "D")
        raise DataError(
            f"Column {name!r} has {int(numbers[0])}, as spreadsheets count days ({day}); format the column as dates "
            "there, or set cadence='weekly' if these are numbers of weeks."
        )


def _refuse_unclear_numbers(numbers: np.ndarray, name: str) -> None:
    """Refuse whole numbers that count as weeks but may well be months, quarters or days."""
    if _are_month_codes(numbers):
        raise DataError(
            f"Column {name!r} has {numbers[0]}, which may be a month or a week; set cadence='monthly', or write weeks "
            "as dates."
        )
    refuse_serial_days(numbers, name)
    found = _OTHER_UNIT.fullmatch(name.strip())
    if found:
        cadence = {"month": "monthly", "quarter": "quarterly", "day": "daily"}[found[1].lower()]
        raise DataError(
            f"Column {name!r} has whole numbers, which are read as weeks, though its name says otherwise; set "
            f"cadence={cadence!r}, or 'weekly'."
        )


def _are_month_codes(numbers: np.ndarray) -> bool:
    within = (numbers >= _MONTH_CODES[0]) & (numbers <= _MONTH_CODES[1])
    return bool((within & (numbers % 100 >= 1) & (numbers % 100 <= 12)).all())


def _date_grid(days: np.ndarray, name: str, stated: Cadence | None) -> Grid:
    unique = np.unique(days)
    found = stated or cadence_of(unique) or Cadence.WEEKLY
    if found in (Cadence.MONTHLY, Cadence.QUARTERLY):
        return _grid_of_months(days, unique, name, found)
    length = 1 if found is Cadence.DAILY else 7
    labels = [str(day) for day in unique.astype("datetime64[D]")]
    off = (unique - unique[0]) % length != 0
    if off.any():
        raise DataError(_no_calendar(unique, labels, int(off.argmax()), name))
    _refuse_uneven((unique - unique[0]) // length, labels, name, found)
    grid = pd.date_range(labels[0], labels[-1], freq=f"{length}D")
    return Grid(pd.DatetimeIndex(grid.to_numpy()), (days - unique[0]) // length, found)


def _no_calendar(days: np.ndarray, labels: list[str], off: int, name: str) -> str:
    if np.diff(days).min() >= LEAST_MONTH and not keeps_its_place(days):
        return (
            f"Column {name!r} has dates about a month apart that jump between days of the month, such as {labels[0]} "
            f"and {labels[off]}; write months as 2024-01, or all of them by their first or their last day."
        )
    return (
        f"Week {labels[off]} in column {name!r} is not a whole number of weeks after the first, {labels[0]}; rows must "
        "follow one calendar: every day, every 7 days, or one date a month or quarter."
    )


def _grid_of_months(days: np.ndarray, unique: np.ndarray, name: str, cadence: Cadence) -> Grid:
    """Months or quarters, each named by its first day; quarters may begin in any month, or be dated by their end."""
    length = 1 if cadence is Cadence.MONTHLY else 3
    before = length - 1 if ends_its_months(unique) else 0  # months of a quarter before the one that is written
    month = Cadence.MONTHLY.step_of(unique)
    step = (month - month[0]) // length
    labels = [str(day) for day in unique.astype("datetime64[D]")]
    twice = np.diff(step) == 0
    if twice.any():
        at = int(twice.argmax())
        raise DataError(
            f"Column {name!r} has {labels[at]} and {labels[at + 1]} in one {cadence.unit}; with "
            f"cadence={str(cadence)!r} each {cadence.unit} has one date."
        )
    if not keeps_its_place(unique):
        raise DataError(
            f"Column {name!r} has dates that jump between days of the month, such as "
            f"{_jump(unique, labels)}; write months as 2024-01, or all of them by their first or their last day."
        )
    _refuse_uneven(step, labels, name, cadence)
    first = str(np.datetime64(int(month[0]) - before, "M"))
    grid = pd.date_range(first, periods=int(step[-1]) + 1, freq=f"{length}MS")
    return Grid(pd.DatetimeIndex(grid.to_numpy()), (Cadence.MONTHLY.step_of(days) - month[0]) // length, cadence)


def _jump(unique: np.ndarray, labels: list[str]) -> str:
    """The first date, and the first that lies at another place of its month."""
    other = next(i for i in range(1, len(unique) + 1) if not keeps_its_place(unique[: i + 1]))
    return f"{labels[0]} and {labels[other]}"


def _refuse_uneven(steps: np.ndarray, labels: list[str], name: str, cadence: Cadence) -> None:
    apart = np.diff(steps)
    unit = cadence.unit
    long = apart > cadence.steps(_LONGEST_NATIONAL_GAP) + 1
    missing = int(apart.sum()) - len(apart)
    if long.any():
        jump = int(long.argmax())
        hint = " (write year-and-week codes as dates)" if cadence is Cadence.WEEKLY else ""
        raise DataError(
            f"Column {name!r} jumps from {unit} {labels[jump]} to {labels[jump + 1]} with no row in between in any "
            f"region; {unit}s must be one step apart{hint}."
        )
    if len(steps) > 1 and missing > 0.2 * len(steps):
        jump = int((apart > 1).argmax())
        hint = ", or aggregate the days to weeks with to_weeks" if cadence is Cadence.DAILY else ""
        raise DataError(
            f"Column {name!r} has irregular steps: {cadence.several(missing)} have no row in any region, the first of "
            f"them after {unit} {labels[jump]}; {unit}s must be one step apart{hint}."
        )
