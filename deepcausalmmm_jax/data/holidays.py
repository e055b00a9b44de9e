"""Public holidays by country as events, from the package `holidays`."""

import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from deepcausalmmm_jax.checks import did_you_mean, shown
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.events import Events, Occurrence, WeekLabels
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.regions import nearly, region_positions
from deepcausalmmm_jax.errors import ConfigError, DataError

_OBSERVED = re.compile(r"\s*\((?:observed|estimated|substituted[^)]*)[^)]*\)\s*$")
_AHEAD = 3  # years after the panel, for weeks that are planned later
_LONGEST = 366  # days
_ENGLISH = ("en_US", "en_GB", "en")


def holidays(
    weeks: Panel | pd.DatetimeIndex | Sequence[object],
    country: str | Mapping[object, str],
    region: str | None = None,
    *,
    before: int | Mapping[str, int] = 0,
    after: int | Mapping[str, int] = 0,
    names: Sequence[str] | None = None,
    language: str | None = None,
    week_labels: WeekLabels = "first_day",
) -> Events:
    """Public holidays in the years of a panel and the three years after it, for weeks that are planned later.

    Each is on its actual date, not on a substitute day when it falls on a weekend.

    Args:
        weeks: a panel, or its weeks.
        country: code of ISO 3166, such as `DE`; or a mapping from the panel's regions to codes, each with its
            subdivision where there is one, such as `{"Munich": "DE-BY", "Vienna": "AT"}`.
        region: code of a subdivision of the country, such as `BY`, for all regions of the panel.
        before: days before a holiday that belong to it, such as 7 for a week of shopping; or by name.
        after: days after it, likewise.
        names: the holidays wanted; all that fall in these weeks when None.
        language: of the names, such as `de`; English when None, or the country's own where there are no English names.
        week_labels: whether the date that names a week is its first or its last day.

    Returns:
        The calendar, for `Panel.from_dataframe(..., events=...)`.

    Raises:
        ConfigError: the package `holidays` is not installed (extra `holidays`).
        DataError: an unknown country, subdivision or holiday, a country without holidays in these years, or weeks that
            are not dates.
    """
    package = _package()
    dates = weeks.weeks if isinstance(weeks, Panel) else _dates(weeks)
    if not isinstance(dates, pd.DatetimeIndex):
        raise DataError("Holidays need weeks that are dates; this panel's weeks are numbers.")
    if not len(dates):
        raise DataError("Holidays need at least one week; this list is empty.")
    years = range(dates[0].year - 1, dates[-1].year + _AHEAD + 1)
    wanted = _places(country, region)
    if isinstance(weeks, Panel):
        _refuse_other_regions(weeks, [place for place in wanted if place is not None])
    found: list[tuple[str, int, object | None]] = []
    for place, code in wanted.items():
        found += [(name, day, place) for name, day in _of_country(package, code, years, language)]
    _refuse_unknown(tuple(dict.fromkeys(name for name, *_ in found)), names, before, after)
    occurrences = tuple(
        Occurrence(name, day, place, _window(before, name, "before"), _window(after, name, "after"))
        for name, day, place in found
        if names is None or name in names
    )
    last = int(np.datetime64(f"{years[-1]}-12-31", "D").astype(np.int64))
    events = Events(occurrences, last, week_labels)
    if names is not None:
        return events
    regions = weeks.regions if isinstance(weeks, Panel) else pd.Index([place for place in wanted if place] or ["all"])
    cadence = weeks.cadence if isinstance(weeks, Panel) else Cadence.WEEKLY
    seen = events.times_seen(dates, regions, cadence, np.ones((len(regions), len(dates)), bool))
    return events.only([name for name, times in seen.items() if times])  # a short panel has no other seasons'


def _package() -> Any:
    try:
        return import_module("holidays")
    except ImportError:
        raise ConfigError(
            "Holidays by country need the package holidays; install deepcausalmmm_jax[holidays], or give your own "
            "table of events."
        ) from None


def _refuse_unknown(known: Sequence[str], names: object, before: object, after: object) -> None:
    """Refuse names of holidays, given in any option, that the country does not have."""
    for option, given in (("names", names), ("before", before), ("after", after)):
        asked = list(given) if isinstance(given, Mapping | Sequence) and not isinstance(given, str) else []
        if isinstance(given, str):
            raise DataError(f"{option} must be a list, got the text {given!r}; write [{given!r}].")
        for name in asked:
            if name not in known:
                hint = did_you_mean(str(name), known, f"; there are {', '.join(known)}.")
                raise DataError(f"{option} has {name!r}, which is not a holiday there{hint}")


def _dates(weeks: object) -> pd.Index:
    try:
        return pd.DatetimeIndex(weeks)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DataError(f"Holidays need a panel, or its weeks as dates, got {shown(weeks)}.") from None


def _places(country: object, region: object) -> dict[object | None, str]:
    """Codes by region of the panel; None for all regions."""
    if isinstance(country, Mapping):
        if region is not None:
            raise DataError("Give subdivisions with the countries, as 'DE-BY', where country is a mapping.")
        if not country:
            raise DataError("country names no region; give a code such as 'DE', or one for each region.")
        return dict(country)
    if not isinstance(country, str) or (region is not None and not isinstance(region, str)):
        raise DataError(f"country must be a code such as 'DE', got {shown(country if region is None else region)}.")
    return {None: country if region is None else f"{country}-{region}"}


def _refuse_other_regions(panel: Panel, places: Sequence[object]) -> None:
    for place, at in zip(places, region_positions(panel.regions, places), strict=True):
        if at < 0:
            hint = nearly(panel.regions, place) or "."
            raise DataError(f"country names the region {place!r}, which the panel does not have{hint}")


def _of_country(package: Any, code: object, years: range, language: str | None) -> list[tuple[str, int]]:
    """Name and day, since 1970-01-01, of every holiday."""
    country, _, part = str(code).strip().partition("-")
    known: Mapping[str, Sequence[str]] = package.list_supported_countries()
    if country.upper() not in known:
        raise DataError(f"There are no holidays for the country {country!r}; give a code of ISO 3166, such as 'DE'.")
    parts = known[country.upper()]
    if part and part not in parts:
        hint = did_you_mean(part, parts, f"; known are {', '.join(parts) or 'none'}.")
        raise DataError(f"{country.upper()} has no subdivision {part!r}{hint}")
    made = package.country_holidays(
        country.upper(),
        subdiv=part or None,
        years=list(years),
        observed=False,
        language=_language(package, country.upper(), language),
    )
    days = [
        (_OBSERVED.sub("", name), int(np.datetime64(day, "D").astype(np.int64)))
        for day in sorted(made)
        for name in made.get_list(day)
    ]
    if not days:
        raise DataError(
            f"The package holidays knows no holidays of {code} from {years[0]} to {years[-1]}; give your own table of "
            "events."
        )
    return list(dict.fromkeys(days))


def _language(package: Any, country: str, wanted: str | None) -> str | None:
    """The language of the names; without one the package would take that of the machine."""
    known = package.list_localized_countries().get(country, [])
    if wanted is None:
        own: str | None = package.country_holidays(country).default_language
        return next((name for name in _ENGLISH if name in known), own)
    if wanted not in known:
        languages = ", ".join(known) or "no language can be chosen for them"
        raise DataError(f"Holidays of {country} have no names in {wanted!r}; {languages}.")
    return wanted


def _window(given: int | Mapping[str, int], name: str, side: str) -> int:
    days = given.get(name, 0) if isinstance(given, Mapping) else given
    whole = isinstance(days, int | np.integer) and not isinstance(days, bool)
    if not whole or not 0 <= days <= _LONGEST:
        raise DataError(f"The days {side} {name!r} must be a whole number from 0 to {_LONGEST}, got {shown(days)}.")
    return int(days)
