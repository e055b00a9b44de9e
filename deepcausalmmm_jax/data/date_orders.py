"""Dates in the orders that people write them in -> year, month, day."""

import datetime
import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.cadence import Cadence, cadence_of
from deepcausalmmm_jax.errors import DataError

_EPOCH = 719_163  # ordinal of 1970-01-01
_MOSTLY = 0.9  # share of the steps that follow one another
_LONGEST_GAP = 9  # weeks
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MIDNIGHT = r"(?:[ T]0?0:00(?::00)?| 12:00(?::00)? ?[Aa][Mm])?"
_YEAR = r"(\d{4}|\d{2})"
_YEAR_FIRST = re.compile(r"\d{4}[-/.]?\d")
_ISO_DAY = re.compile(
    r"\d{4}([-/.])(0?[1-9]|1[0-2])\1\d{1,2}([T ].*)?|(19|20)\d\d[-/](0?[1-9]|1[0-2])"
    r"|(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])"
)
_QUARTER = re.compile(r"(?P<year>\d{4})[- ]?Q(?P<q>[1-4])|Q(?P<first>[1-4])[-/ ]?(?P<after>\d{4})", re.IGNORECASE)
_MONTHS_WRITTEN = (
    re.compile(r"(?P<year>\d{4})[-/.](?P<month>0?[1-9]|1[0-2])"),
    re.compile(r"(?P<month>0?[1-9]|1[0-2])[-/.](?P<year>\d{4})"),
    re.compile(r"(?P<year>\d{4})-?[Mm](?P<month>0?[1-9]|1[0-2])"),
    re.compile(r"(?P<name>[A-Za-z]{3,9})\.?[- ]?(?P<year>\d{4}|\d{2})"),
)
_WEEK_FIRST = re.compile(r"(?:KW|Week|Wk|W)[ .]{0,2}(?P<week>\d{1,2})[ ,/.-]{1,2}(?P<year>\d{4})", re.IGNORECASE)
_ISO_WEEK = re.compile(
    r"(?P<year>\d{4})[-/ ]?(?:KW|Week|Wk|W)[ .]?(?P<week>\d{1,2})(?:-?(?P<day>[1-7]))?", re.IGNORECASE
)
_WEEKS = (_ISO_WEEK, _WEEK_FIRST)
_NUMBERS = re.compile(rf"(\d{{1,2}})([./-])(\d{{1,2}})\2{_YEAR}{_MIDNIGHT}")
_MONTH_DAY = re.compile(rf"([A-Za-z]{{3,9}})\.? (\d{{1,2}})(?:st|nd|rd|th)?,? {_YEAR}{_MIDNIGHT}")
_DAY_MONTH = re.compile(rf"(\d{{1,2}})\.?[ -]([A-Za-z]{{3,9}})\.?,?[ -]{_YEAR}{_MIDNIGHT}")


def written_periods(text: pd.Series) -> Cadence | None:
    """What texts name that are no days: months, quarters or ISO weeks; None for days, and for anything else."""
    distinct = text.drop_duplicates()
    if _first_days_of_months(distinct) is not None:
        return Cadence.QUARTERLY if all(_QUARTER.fullmatch(one) for one in distinct) else Cadence.MONTHLY
    return Cadence.WEEKLY if any(all(form.fullmatch(one) for one in distinct) for form in _WEEKS) else None


def year_first(written: pd.Series, name: str, cadence: Cadence | None = None) -> pd.Series:
    """Dates with the year first, as ISO 8601 writes them.

    Read are ISO weeks (`2024-W05`, `KW 5/2024`, their Monday), months and quarters (`2024-01`, `2024M01`, `Jan 2024`,
    `2024Q1`, their first day), names of months in English (`Jan 29, 2024`, `29 January 2024`), and numbers with the day
    first (`29/01/2024`) or the month first (`1/29/2024`), whichever gives dates that follow a calendar. Years of two
    digits are of this century, and may come first where that is what follows a calendar. Dates that begin with a whole
    year are returned as they are.

    Args:
        written: `[date]`, distinct texts.
        name: the column's name, for messages.
        cadence: what the dates are known to follow; None if unknown.

    Raises:
        DataError: dates in two forms, or numbers of which either may be the month.
    """
    months = _first_days_of_months(written)
    if months is not None:
        return months
    if written.str.match(_YEAR_FIRST).all() and not written.str.fullmatch(_ISO_WEEK).any():
        return written
    readers: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], datetime.date | None]], ...] = (
        *((form, _of_week) for form in _WEEKS),
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
        return _of_numbers([found for found in matches if found is not None], written, name, cadence)
    _refuse_two_forms(written, name)
    return written


def _first_days_of_months(written: pd.Series) -> pd.Series | None:
    """The first days of months or quarters; None where the texts are not all months, or not all quarters."""
    for pattern in (_QUARTER, *_MONTHS_WRITTEN):
        matches = [pattern.fullmatch(text) for text in written]
        if matches and all(matches):
            firsts = [_first_day(found.groupdict()) for found in matches if found is not None]
            return None if None in firsts else pd.Series(firsts)
    return None


def _first_day(parts: dict[str, str | None]) -> str | None:
    quarter = parts.get("q") or parts.get("first")
    year = parts.get("year") or parts.get("after") or ""
    if quarter:
        month = 3 * int(quarter) - 2
    else:
        written = parts.get("name")
        month = _month(written) if written else int(parts["month"] or 0)
    return f"{year if len(year) == 4 else f'20{year}'}-{month:02d}-01" if month else None


def _of_week(found: re.Match[str]) -> datetime.date | None:
    parts = found.groupdict()
    try:
        return datetime.date.fromisocalendar(int(parts["year"]), int(parts["week"]), int(parts.get("day") or 1))
    except ValueError:
        return None


def _month(name: str) -> int:
    short = name.lower()[:3]
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0


def _date(year: str, month: int, day: str) -> datetime.date | None:
    try:
        return datetime.date(int(year) if len(year) == 4 else 2000 + int(year), month, int(day))
    except ValueError:
        return None


def _of_numbers(found: list[re.Match[str]], written: pd.Series, name: str, cadence: Cadence | None) -> pd.Series:
    day_first = [_date(match[4], int(match[3]), match[1]) for match in found]
    month_first = [_date(match[4], int(match[1]), match[3]) for match in found]
    orders = [dates for dates in (day_first, month_first) if None not in dates]
    if any(len(match[4]) == 2 for match in found):
        orders = _short_years(found, orders, written, name, cadence)
    if not orders:
        _refuse_missing(day_first if day_first.count(None) <= month_first.count(None) else month_first, written, name)
    even = [dates for dates in orders if _follows(dates, cadence)]
    chosen = even or orders
    if len(chosen) == 2 and chosen[0] != chosen[1]:
        at = next(i for i, pair in enumerate(zip(*chosen, strict=True)) if pair[0] != pair[1])
        raise DataError(
            f"Column {name!r} has {written.iloc[at]!r}, which may be {chosen[0][at]} or {chosen[1][at]}, and no other "
            f"row settles it; write dates with the year first, as {chosen[0][at]}."
        )
    return pd.Series([str(date) for date in chosen[0]])


def _short_years(
    found: list[re.Match[str]],
    orders: list[list[datetime.date | None]],
    written: pd.Series,
    name: str,
    cadence: Cadence | None,
) -> list[list[datetime.date | None]]:
    """The orders that follow a calendar, among them that with the year first: nothing else tells years from days."""
    year_first = [_date(match[1].zfill(2), int(match[3]), match[4]) for match in found]
    even = [dates for dates in (*orders, year_first) if None not in dates and _follows(dates, cadence)]
    if not even:
        raise DataError(
            f"Column {name!r} has {written.iloc[0]!r}, and in no order of day, month and year do its dates follow a "
            "calendar; write years in full, as 2024-01-29."
        )
    return even


def _follows(dates: list[datetime.date | None], cadence: Cadence | None) -> bool:
    """Whether the dates follow a calendar, the given one if any, with few gaps."""
    days = np.unique([date.toordinal() - _EPOCH for date in dates if date is not None])
    found = cadence_of(days)
    if found is None or (cadence is not None and found is not cadence):
        return False
    steps = np.diff(found.step_of(days))
    return found is Cadence.WEEKLY or bool((steps == 1).mean() > _MOSTLY and steps.max() <= found.steps(_LONGEST_GAP))


def _refuse_missing(dates: list[datetime.date | None], written: pd.Series, name: str) -> None:
    for date, text in zip(dates, written, strict=True):
        if date is None:
            raise DataError(f"Column {name!r} has {text!r}, which is not a calendar date.")


def _refuse_two_forms(written: pd.Series, name: str) -> None:
    weeks = (form.fullmatch for form in _WEEKS)
    forms = (*weeks, _YEAR_FIRST.match, _NUMBERS.fullmatch, _MONTH_DAY.fullmatch, _DAY_MONTH.fullmatch)
    known = [next((number for number, form in enumerate(forms) if form(text)), None) for text in written]
    kinds = {kind: text for kind, text in zip(known, written, strict=True) if kind is not None}
    if len(kinds) > 1:
        first, second = list(kinds.values())[:2]
        raise DataError(
            f"Column {name!r} has dates in two formats, {first!r} and {second!r}; write all with the year first, as "
            "2024-01-29."
        )


def is_dated(written: pd.Series) -> bool:
    """Whether all texts are dates in one of the forms that are read; whole numbers only where they are YYYYMMDD."""
    if _first_days_of_months(written) is not None:
        return True
    forms = (*_WEEKS, _NUMBERS, _MONTH_DAY, _DAY_MONTH, _ISO_DAY)
    return len(written) > 0 and any(all(form.fullmatch(text) for text in written) for form in forms)
