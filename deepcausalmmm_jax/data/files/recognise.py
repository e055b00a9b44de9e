"""Columns of a table -> a schema, by their names and by what they hold."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.cadence import Cadence, cadence_named, cadence_of
from deepcausalmmm_jax.data.calendar import refuse_serial_days
from deepcausalmmm_jax.data.date_orders import written_periods
from deepcausalmmm_jax.data.dates import as_text
from deepcausalmmm_jax.data.files.channels import Channels, channels_of, spend_of_all
from deepcausalmmm_jax.data.files.column_words import (
    Kind,
    is_value_of,
    kind_of,
    robyn_kind,
    words_of,
)
from deepcausalmmm_jax.data.files.days import days_of
from deepcausalmmm_jax.data.files.number_style import is_currency, with_points
from deepcausalmmm_jax.data.files.row_keys import holds_dates, joined
from deepcausalmmm_jax.data.files.schema import Rows, Schema
from deepcausalmmm_jax.data.readers.globs import columns_named, spend_by_channel
from deepcausalmmm_jax.data.treatments import Treatment, TreatmentBaseline, treatments_from
from deepcausalmmm_jax.errors import DataError

_NO_CONTROLS = (Kind.CALENDAR, Kind.RATE, Kind.REVENUE)
_A_WEEK = 7  # days; with no more, a table of days is not told from a few weeks
_MOST_WORDS = 20  # in a column of words; with more it is free text


class Stated(NamedTuple):
    """Roles that the user states; None where they are to be found."""

    time: str | None = None
    region: str | None = None
    kpi: str | None = None
    media: Sequence[str] | None = None
    spend: Mapping[str, str] | Sequence[str] | None = None
    controls: Sequence[str] | None = None
    revenue_per_kpi: str | float | None = None
    population: str | None = None
    cadence: str | None = None
    treatments: Sequence[str | Treatment] | Mapping[str, TreatmentBaseline] | None = None
    organic: Sequence[str] | None = None
    national: Sequence[str] | None = None
    reach: tuple[tuple[str, str, str], ...] = ()  # channel, column of reach, column of frequency
    is_all: bool = False  # whether no role is looked for that is not stated

    def among(self, columns: Sequence[str]) -> Self:
        """The same with globs replaced by the columns that they match, and spend beside its channels.

        Args:
            columns: of the table.

        Raises:
            DataError: a glob that matches no column, or spend that cannot be paired with the channels.
        """
        media, controls = (
            columns_named(option, names, columns)
            for option, names in (("media", self.media), ("controls", self.controls))
        )
        found = self._replace(media=media, controls=controls, organic=columns_named("organic", self.organic, columns))
        if self.spend is None or isinstance(self.spend, Mapping):
            return found
        if media is None:
            raise DataError("spend is given without media, whose channels it prices; name both, or neither.")
        return found._replace(spend=spend_by_channel(media, self.media, self.spend, columns))

    @property
    def priced(self) -> Mapping[str, str] | None:
        """Column of spend by channel."""
        return self.spend if isinstance(self.spend, Mapping) else None

    def refuse_twice(self) -> None:
        """Refuse a time or region with another role, before its values are taken for categories of that role.

        Raises:
            DataError: such a column.
        """
        others = [(self.kpi, "the KPI"), *((name, "a media channel") for name in self.media or ())]
        others += [(name, "a control") for name in self.controls or ()]
        for column, role in ((self.region, "the region"), (self.time, "the week")):
            for name, other in [(self.time, "the week"), *others] if role == "the region" else others:
                if column is not None and name == column:
                    raise DataError(f"Column {name!r} is given both as {role} and as {other}; remove one.")

    def figures(self, cells: pd.DataFrame) -> list[str]:
        """The stated columns of a table that hold figures, each once."""
        return [
            name for name in dict.fromkeys(self.columns()) if name in cells and name not in (self.time, self.region)
        ]

    def columns(self) -> list[str]:
        """All columns that are stated."""
        single = (self.time, self.region, self.kpi, self.revenue_per_kpi, self.population)
        listed = (*(self.media or ()), *(self.priced or {}).values(), *(self.controls or ()), *(self.organic or ()))
        listed += (*(entry.name for entry in treatments_from(self.treatments)), *(self.national or ()))
        listed += tuple(column for _, *pair in self.reach for column in pair)
        return [name for name in (*single, *listed) if isinstance(name, str)]


def schema_of(
    cells: pd.DataFrame, numbers: Mapping[str, pd.Series], time: str, region: str | None, stated: Stated
) -> Schema:
    """The schema of a table with one row per region and week or day.

    Args:
        cells: as written.
        numbers: the columns that hold numbers, read.
        time: its column of days or weeks.
        region: its column of regions.
        stated: what the user said.

    Raises:
        DataError: a role that every panel needs fits no column, or several.
    """
    rest = [str(name) for name in cells if name not in (time, region)]
    numeric = [name for name in rest if name in numbers]
    guessed = [] if stated.is_all else numeric
    is_robyn = sum(robyn_kind(name) is Kind.SPEND for name in rest) > 0 and time.isupper()
    kinds = {name: (robyn_kind(name) if is_robyn else None) or kind_of(name) for name in guessed}
    for name in guessed:
        if kinds[name] in (Kind.TIME, Kind.CALENDAR) or _counts_rows(cells[time], numbers[name], region):
            kinds[name] = Kind.CALENDAR
    kpi = stated.kpi or _kpi(kinds, cells[[name for name in rest if name not in numbers]])
    stated_treatments = treatments_from(stated.treatments)
    for name in (kpi, *(stated.organic or ()), *(entry.name for entry in stated_treatments)):
        kinds.pop(name, None)
    for name in (column for _, *pair in stated.reach for column in pair):
        kinds.pop(name, None)
    media = channels_of(
        kinds, stated.media, stated.priced, list(cells.columns), stated.reach, spend_of_all(kinds, numbers)
    )
    is_meridian = not is_robyn and (bool(media.products) or _has_meridians_values(kinds))
    organic = tuple(stated.organic or ()) if stated.organic is not None or stated.media is not None else _organic(media)
    treatments = stated_treatments or (_promotions(kinds) if is_meridian and stated.controls is None else ())
    used = {kpi, *media.columns, *organic, *(entry.name for entry in treatments)}
    revenue = stated.revenue_per_kpi
    if revenue is None:
        revenue = _one({n: k for n, k in kinds.items() if is_value_of(n, kpi)}, Kind.REVENUE)
    population = stated.population or _one(kinds, Kind.POPULATION)
    taken = used | {revenue, population}
    if stated.controls is None:
        free = [name for name in rest if name not in taken and name not in media.left_out]
        controls, categories = _controls(cells, numbers, kinds, region, free)
    else:
        categories = [
            name for name in stated.controls if name not in numeric or _is_ticked(cells[name], numbers.get(name))
        ]
        controls = [name for name in stated.controls if name not in categories]
    cadence = None if stated.cadence is None else cadence_named(stated.cadence)
    rows = _rows(cells[time], cadence)
    taken |= {*controls, *categories}
    # The same people are reached again on another day: reach does not add up to weeks, and impressions do.
    are_added = rows == "daily" and cadence in (None, Cadence.WEEKLY) and not stated.reach
    return Schema(
        layout=_layout(kinds, is_robyn, media, rows),
        time=time,
        kpi=kpi,
        media=tuple(name for name in media.names if name not in organic),
        organic=organic,
        treatments=tuple((entry.name, entry.baseline) for entry in treatments),
        national=tuple(stated.national or ()),
        region=region,
        spend=media.spend,
        controls=tuple(controls),
        categories=tuple(categories),
        products=media.products if are_added else (),
        reach=() if are_added else media.products,
        revenue_per_kpi=revenue,
        population=population,
        ignored=tuple(name for name in rest if name not in taken),
        rows=rows,
        cadence=None if cadence is None else cadence.value,
    )


def _controls(
    cells: pd.DataFrame,
    numbers: Mapping[str, pd.Series],
    kinds: Mapping[str, Kind],
    region: str | None,
    left: Sequence[str],
) -> tuple[list[str], list[str]]:
    """Columns of numbers and of words, among those with no other role, that are controls."""
    varied = [name for name in left if name in numbers and numbers[name].nunique() > 1]
    controls = [name for name in varied if kinds.get(name) not in _NO_CONTROLS and not _is_code(cells, name, region)]
    words = [name for name in left if name in numbers or not holds_dates(cells[name])]
    return controls, [name for name in words if _is_of_words(name, cells[name], numbers.get(name))]


def _is_of_words(name: str, column: pd.Series, numbers: pd.Series | None) -> bool:
    """Whether a column has few words; or one in several rows, or a tick, and nothing in the others."""
    if numbers is not None:
        return _is_ticked(column, numbers)
    words = column.nunique()
    if 0 < words <= _MOST_WORDS and all(is_currency(str(cell)) for cell in column.dropna().unique()):
        return False
    if words != 1:
        return 2 <= words <= _MOST_WORDS
    again = column.notna().sum() > 1 and bool(column.isna().any())
    return bool(again) and kind_of(name) in (Kind.CONTROL, Kind.UNKNOWN) and not holds_dates(column)


def _is_code(cells: pd.DataFrame, name: str, region: str | None) -> bool:
    """Whether a column of numbers is named after regions and has one for each region, as a code beside a name."""
    if region is None or kind_of(name) is not Kind.REGION:
        return False
    return bool((cells.groupby(region)[name].nunique(dropna=False) == 1).all())


def _is_ticked(column: pd.Series, numbers: pd.Series | None) -> bool:
    """Whether a column holds 1 in some rows and nothing in the others."""
    if numbers is None or not bool(column.isna().any()):
        return False
    ticks = numbers.dropna()
    return len(ticks) > 1 and bool((ticks == 1).all())


def _counts_rows(time: pd.Series, column: pd.Series, region: str | None) -> bool:
    """Whether a column counts the rows, or the weeks, one by one."""
    numbers = column.to_numpy(dtype=float, na_value=np.nan)
    if len(numbers) > 2 and (np.diff(numbers) == 1).all():
        return True
    if region is None:
        return False
    by_week = pd.DataFrame({"week": time.to_numpy(), "number": numbers}).drop_duplicates()
    return len(by_week) == by_week["week"].nunique() > 2 and bool((np.diff(np.sort(by_week["number"])) == 1).all())


def _kpi(kinds: Mapping[str, Kind], texts: pd.DataFrame) -> str:
    found = [name for name, kind in kinds.items() if kind is Kind.KPI]
    if len(found) == 1:
        return found[0]
    written = [str(name) for name in texts if kind_of(str(name)) is Kind.KPI and texts[name].notna().any()]
    if not found and written:
        cell = str(texts[written[0]].dropna().iloc[0])
        raise DataError(
            f"Column {written[0]!r} is named like a KPI, but {cell!r} is no number; write it as 1234.5, or pass kpi=."
        )
    if not found:
        raise DataError(f"No column is named like a KPI; pass kpi=, from {joined(list(kinds))}.")
    raise DataError(f"Columns {joined(found)} may all be the KPI; choose one, as in kpi={found[0]!r}.")


def _one(kinds: Mapping[str, Kind], kind: Kind) -> str | None:
    found = [name for name, own in kinds.items() if own is kind]
    if len(found) > 1:
        raise DataError(f"Columns {joined(found)} may all be the {kind}; keep one, or give a schema.")
    return found[0] if found else None


def _rows(column: pd.Series, stated: Cadence | None) -> Rows:
    """How far apart the rows are: what the dates say, or else what is stated, or else weeks."""
    usual = stated or Cadence.WEEKLY
    if not holds_dates(column):
        if stated is None:
            numbers = with_points(column, ".")
            refuse_serial_days(
                numbers.to_numpy() if pd.api.types.is_numeric_dtype(numbers) else np.zeros(0), str(column.name)
            )
        return usual.value
    days = np.unique(days_of(column, str(column.name), stated))
    found = cadence_of(days) if len(days) > 1 else written_periods(as_text(column.dropna()).dropna())
    if found is Cadence.DAILY and len(days) <= _A_WEEK:
        return usual.value
    return (found or usual).value


def _layout(kinds: Mapping[str, Kind], is_robyn: bool, media: Channels, rows: Rows) -> str:
    if is_robyn:
        return "Robyn's layout"
    if media.products or _has_meridians_values(kinds):
        return "Meridian's layout"
    return f"one row per {Cadence(rows).unit}" if media.names else "unknown"


def _has_meridians_values(kinds: Mapping[str, Kind]) -> bool:
    return Kind.REVENUE in kinds.values() and Kind.POPULATION in kinds.values()


def _organic(media: Channels) -> tuple[str, ...]:
    """Channels whose name says that they are organic, and that have no spend."""
    paid = {channel for channel, _ in media.spend}
    return tuple(name for name in media.names if "organic" in words_of(name) and name not in paid)


def _promotions(kinds: Mapping[str, Kind]) -> tuple[Treatment, ...]:
    """Columns named after promotions, which Meridian's layout has for treatments, against the lowest value."""
    words = {"promo", "promos", "promotion", "promotions"}
    return tuple(Treatment(name) for name in kinds if words & set(words_of(name)) and "control" not in words_of(name))
