"""Dates in the orders that people write them in -> year, month, day."""

import datetime
import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from deepcausalmmm_jax.errors import DataError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MIDNIGHT = r"(?:[ T]0?0:00(?::00)?)?"
_YEAR_FIRST = re.compile(r"\d{4}[-/.]?\d")
_ISO_DAY = re.compile(r"\d{4}([-/.])\d{1,2}(\1\d{1,2})?([T ].*)?|(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])")
_MONTH = re.compile(r"\d{4}[-/.](0?[1-9]|1[0-2])")
_ISO_WEEK = re.compile(r"(\d{4})-?[Ww](\d{1,2})(?:-?([1-7]))?")
_NUMBERS = re.compile(rf"(\d{{1,2}})([./-])(\d{{1,2}})\2(\d{{4}}){_MIDNIGHT}")
_MONTH_DAY = re.compile(rf"([A-Za-z]{{3,9}})\.? (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}}){_MIDNIGHT}")
_DAY_MONTH = re.compile(rf"(\d{{1,2}})\.?[ -]([A-Za-z]{{3,9}})\.?,?[ -](\d{{4}}){_MIDNIGHT}")


def year_first(written: pd.Series, name: str) -> pd.Series:
    """Dates with the year first, as ISO 8601 writes them.

    Read are ISO weeks (`2024-W05`, its Monday), names of months in English (`Jan 29, 2024`, `29 January 2024`), and
    numbers with the day first (`29/01/2024`) or the month first (`1/29/2024`), whichever gives dates an even number of
    days apart. Dates that begin with a year are returned as they are.

    Args:
        written: `[date]`, distinct texts.
        name: the column's name, for messages.

    Raises:
        DataError: months, dates in two forms, or numbers of which either may be the month.
    """
    if written.str.fullmatch(_MONTH).all():
        raise DataError(
            f"Column {name!r} has months, such as {written.iloc[0]!r}; a panel needs weeks or days, since carry-over "
            "is measured in weeks."
        )
    if written.str.match(_YEAR_FIRST).all() and not written.str.fullmatch(_ISO_WEEK).any():
        return written
    readers: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], datetime.date | None]], ...] = (
        (_ISO_WEEK, _of_week),
        (_MONTH_DAY, lambda found: _date(found[3], _month(found[1]), found[2])),
        (_DAY_MONTH, lambda found: _date(found[3], _month(found[2]), found[1])),
    )
    for pattern, read in readers:
        matches = [pattern.fullmatch(text) for text in written]
        if all(matches):
            dates = [read(found) for found in matches if found is not None]
            _refuse_missing(dates, written, name)
            return pd.Series([str(date) for date in dates])
    matches = [_NUMBERS.fullmatch(text) for text in written]
    if all(matches):
        return _of_numbers([found for found in matches if found is not None], written, name)
    _refuse_two_forms(written, name)
    return written


def _of_week(found: re.Match[str]) -> datetime.date | None:
    try:
        return datetime.date.fromisocalendar(int(found[1]), int(found[2]), int(found[3] or 1))
    except ValueError:
        return None


def _month(name: str) -> int:
    short = name.lower()[:3]
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0


def _date(year: str, month: int, day: str) -> datetime.date | None:
    try:
        return datetime.date(int(year), month, int(day))
    except ValueError:
        return None


def _of_numbers(found: list[re.Match[str]], written: pd.Series, name: str) -> pd.Series:
    day_first = [_date(match[4], int(match[3]), match[1]) for match in found]
    month_first = [_date(match[4], int(match[1]), match[3]) for match in found]
    orders = [dates for dates in (day_first, month_first) if None not in dates]
    if not orders:
        _refuse_missing(day_first if day_first.count(None) <= month_first.count(None) else month_first, written, name)
    even = [dates for dates in orders if _evenly_spaced(dates)]
    chosen = even or orders
    if len(chosen) == 2 and chosen[0] != chosen[1]:
        at = next(i for i, pair in enumerate(zip(*chosen, strict=True)) if pair[0] != pair[1])
        raise DataError(
            f"Column {name!r} has {written.iloc[at]!r}, which may be {chosen[0][at]} or {chosen[1][at]}, and no other "
            f"row settles it; write dates with the year first, as {chosen[0][at]}."
        )
    return pd.Series([str(date) for date in chosen[0]])


def _evenly_spaced(dates: list[datetime.date | None]) -> bool:
    """Whether the days lie whole weeks apart, or follow one another."""
    days = np.unique([date.toordinal() for date in dates if date is not None])
    steps = np.diff(days)
    return len(days) > 1 and (not (steps % 7).any() or bool((steps == 1).mean() > 0.9))


def _refuse_missing(dates: list[datetime.date | None], written: pd.Series, name: str) -> None:
    for date, text in zip(dates, written, strict=True):
        if date is None:
            raise DataError(f"Column {name!r} has {text!r}, which is no day of the calendar.")


def _refuse_two_forms(written: pd.Series, name: str) -> None:
    forms = (_YEAR_FIRST.match, _ISO_WEEK.fullmatch, _NUMBERS.fullmatch, _MONTH_DAY.fullmatch, _DAY_MONTH.fullmatch)
    known = [next((number for number, form in enumerate(forms) if form(text)), None) for text in written]
    kinds = {kind: text for kind, text in zip(known, written, strict=True) if kind is not None}
    if len(kinds) > 1:
        first, second = list(kinds.values())[:2]
        raise DataError(
            f"Column {name!r} has dates in two forms, {first!r} and {second!r}; write all with the year first, as "
            "2024-01-29."
        )


def is_dated(written: pd.Series) -> bool:
    """Whether all texts are dates in one of the forms that are read; whole numbers only where they are YYYYMMDD."""
    forms = (_ISO_WEEK, _NUMBERS, _MONTH_DAY, _DAY_MONTH, _ISO_DAY)
    return len(written) > 0 and any(all(form.fullmatch(text) for text in written) for form in forms)
