"""Roles of the columns of a table."""

import numbers
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

import numpy as np
import pandas as pd

from deepcausalmmm_jax.axes import STRUCTURAL_COMPONENTS
from deepcausalmmm_jax.checks import did_you_mean, shown
from deepcausalmmm_jax.data.readers.column_names import plain_name, require_column
from deepcausalmmm_jax.errors import DataError

# Names that the tables of a result use next to the columns of the user.
_RESERVED = (*STRUCTURAL_COMPONENTS, "kpi", "prediction")
_CONTROL, _REVENUE, _POPULATION = "a control", "the revenue per KPI", "the population"
# A price may be both the revenue per KPI unit and a driver of the KPI; population likewise.
_MAY_SHARE = ({_CONTROL, _REVENUE}, {_CONTROL, _POPULATION})


@dataclass(frozen=True)
class ColumnRoles:
    """Roles of the columns; every column named here occurs once in the table and has one role.

    Names are plain, without surrounding blanks. Three columns may have two roles: exposure that is spend and prices its
    own channel, and a control that is also the revenue per KPI, or the population.
    """

    region: str | None
    time: str
    kpi: str | None
    media: tuple[str, ...]
    spend: tuple[tuple[str, str], ...]
    controls: tuple[str, ...]
    revenue_per_kpi: str | float | None
    population: str | None
    mask_missing_kpi: bool

    @classmethod
    def checked(
        cls,
        df: pd.DataFrame,
        region: object,
        time: object,
        kpi: object,
        media: object,
        spend: object,
        controls: object,
        revenue_per_kpi: object,
        population: object,
        missing_kpi: object,
    ) -> Self:
        """Roles checked against the table.

        Raises:
            DataError: an empty table, a missing column, two columns of one name, a column with two roles, or an
                invalid request.
        """
        if df.empty:
            raise DataError("The table has no rows; it needs one per region and week.")
        if missing_kpi not in ("error", "mask"):
            raise DataError(f"missing_kpi must be 'error' or 'mask', got {missing_kpi!r}.")
        channels = _listed("media", media)
        if not channels:
            raise DataError("No media column is given; name at least one exposure column.")
        roles = cls(
            _optional("region", region),
            _column("time", time),
            _optional("kpi", kpi),
            channels,
            _paired_spend(channels, spend),
            _listed("controls", controls),
            _column_or_number(df, revenue_per_kpi),
            _optional("population", population),
            missing_kpi == "mask",
        )
        for column, _ in roles._given():
            require_column(df, column)
        roles._refuse_double_roles()
        return roles

    def _given(self) -> Iterator[tuple[str, str]]:
        """Every column that is used, with its role."""
        revenue = self.revenue_per_kpi if isinstance(self.revenue_per_kpi, str) else None
        single = [(self.region, "the region"), (self.time, "the week"), (self.kpi, "the KPI")]
        for column, role in [*single, (self.population, _POPULATION), (revenue, _REVENUE)]:
            if column is not None:
                yield column, role
        yield from ((name, "a media channel") for name in self.media)
        yield from ((column, f"the spend of {channel!r}") for channel, column in self.spend)
        yield from ((name, _CONTROL) for name in self.controls)

    def _refuse_double_roles(self) -> None:
        own_price = {(channel, f"the spend of {channel!r}") for channel in self.media}
        seen: dict[str, str] = {}
        for column, role in self._given():
            if column in _RESERVED and role in ("a media channel", _CONTROL):
                raise DataError(f"Column {column!r} has a name that is reserved for results; rename it.")
            if column in seen and (column, role) not in own_price and {seen[column], role} not in _MAY_SHARE:
                twice = f"twice as {role}" if seen[column] == role else f"both as {seen[column]} and as {role}"
                joint = all(each.startswith("the spend of") for each in (seen[column], role))
                way_out = "split it between the channels first" if joint else "remove one"
                raise DataError(f"Column {column!r} is given {twice}; {way_out}.")
            seen[column] = role


def _column(option: str, name: object) -> str:
    """The plain name of one column."""
    if name is None or not isinstance(name, str | numbers.Number | tuple | pd.Timestamp):
        way_out = f"; write {name[0]!r}" if isinstance(name, list) and len(name) == 1 else ""
        raise DataError(f"{option} must be the name of a column, got {shown(name)}{way_out}.")
    return plain_name(name)


def _optional(option: str, name: object) -> str | None:
    return None if name is None else _column(option, name)


def _listed(option: str, names: object) -> tuple[str, ...]:
    """Names in the order given, from anything that has one."""
    if names is None:
        return ()
    if isinstance(names, str):
        raise DataError(f"{option} must be a list of columns, got the text {names!r}; write [{names!r}].")
    if isinstance(names, set | frozenset):
        raise DataError(f"{option} is a set, whose order differs from run to run; write a list of columns.")
    if isinstance(names, Mapping) or not isinstance(names, Iterable):
        raise DataError(f"{option} must be a list of columns, got {shown(names)}.")
    return tuple(_column(f"Every entry of {option}", name) for name in names)


def _column_or_number(df: pd.DataFrame, value: object) -> str | float | None:
    """The revenue per KPI unit: a column, or a number above 0; a number that is also a column's name is neither."""
    if value is None or isinstance(value, str):
        return None if value is None else plain_name(value)
    number = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if isinstance(number, bool | np.bool_) or not isinstance(number, numbers.Real | Decimal):
        raise DataError(f"revenue_per_kpi must be a number above 0 or the name of a column, got {shown(value)}.")
    if any(not isinstance(name, str) and name == number for name in df.columns):
        raise DataError(
            f"revenue_per_kpi={value!r} is a number, but also the name of a column; write {str(value)!r} for the "
            "column, or rename it."
        )
    try:
        revenue = float(number)
    except OverflowError:
        revenue = np.inf
    if not np.isfinite(revenue) or revenue <= 0:
        raise DataError(f"revenue_per_kpi must be a number above 0 or a column, got {value!r}.")
    return revenue


def _paired_spend(media: tuple[str, ...], spend: object) -> tuple[tuple[str, str], ...]:
    if spend is None:
        return ()
    if isinstance(spend, pd.Series) and not isinstance(spend.index, pd.RangeIndex):
        spend = spend.to_dict()
    if isinstance(spend, Mapping):
        pairs: dict[str, str] = {}
        for name, column in spend.items():
            channel = plain_name(name)
            if channel not in media:
                raise DataError(
                    f"Spend is given for {channel!r}, which is not a media column{did_you_mean(channel, media)}"
                )
            if channel in pairs:
                raise DataError(f"Spend names two columns for {channel!r}, ignoring blanks around it; keep one.")
            pairs[channel] = _column(f"The spend of {channel!r}", column)
        return tuple(pairs.items())
    columns = (spend,) if isinstance(spend, str) else _listed("spend", spend)
    if len(columns) != len(media):
        raise DataError(
            f"Spend names {len(columns)} columns for {len(media)} media columns; give one each, in the same order, or "
            "a mapping from channel to column."
        )
    return tuple(zip(media, (plain_name(column) for column in columns), strict=True))
