"""Roles of the columns of a table."""

import numbers
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

import numpy as np
import pandas as pd

from deepcausalmmm_jax.axes import RESERVED
from deepcausalmmm_jax.checks import did_you_mean, is_number, shown
from deepcausalmmm_jax.data.readers.column_names import plain_name, require_column
from deepcausalmmm_jax.data.readers.globs import SPEND_PAIR, columns_named, in_order_of, spend_named
from deepcausalmmm_jax.data.readers.reach import ReachColumns, reach_stated
from deepcausalmmm_jax.data.treatments import Treatment, treatments_from
from deepcausalmmm_jax.errors import DataError

_CONTROL, _REVENUE, _POPULATION = "a control", "the revenue per KPI", "the population"
_REGION, _WEEK = "the region", "the week"
_PAID, _ORGANIC, _TREATMENT = "a media channel", "organic media", "a treatment"
_ROUNDING = 1e-6  # of weights that are to sum to one
# A price may be both the revenue per KPI unit and a driver of the KPI; population likewise.
_MAY_SHARE = ({_CONTROL, _REVENUE}, {_CONTROL, _POPULATION}, {_TREATMENT, _REVENUE})


@dataclass(frozen=True)
class ColumnRoles:
    """Roles of the columns; every column named here occurs once in the table and has one role.

    Names are plain, without surrounding blanks. A few columns may have two roles: exposure that is spend and prices its
    own channel, a control or treatment that is also the revenue per KPI, and a control that is also the population.

    Attributes:
        media: all channels, those that are paid for first, then organic ones.
        controls: all of them, those that are only controlled for first, then treatments.
        treatments: controls that are credited.
        organic: channels that are not paid for.
        national: channels and controls that have one value a week for all regions.
        national_weights: pairs of a region and its share of national media; empty where none are stated.
        reach: those of the channels, after the other paid ones, whose exposure is reach times frequency.
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
    treatments: tuple[Treatment, ...] = ()
    organic: tuple[str, ...] = ()
    national: tuple[str, ...] = ()
    national_weights: tuple[tuple[object, float], ...] = ()
    reach: tuple[ReachColumns, ...] = ()

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
        treatments: object = (),
        organic: object = (),
        national: object = (),
        national_weights: object = None,
        reach: object = None,
        frequency: object = None,
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
        columns = [plain_name(name) for name in df.columns]
        paid, unpaid = (
            _listed(option, columns_named(option, names, columns))
            for option, names in (("media", media), ("organic", organic))
        )
        reached = reach_stated(reach, frequency, paid)
        unpaid_reach = {entry.channel for entry in reached} & set(unpaid)
        paid = (*paid, *(entry.channel for entry in reached if entry.channel not in unpaid_reach))
        if not paid and not unpaid:
            raise DataError("No media column is given; name at least one exposure column.")
        credited = treatments_from(treatments)
        roles = cls(
            _optional("region", region),
            _column("time", time),
            _optional("kpi", kpi),
            (*paid, *unpaid),
            _paired_spend(paid, spend_named(paid, media, spend, columns), unpaid),
            (
                *_listed("controls", columns_named("controls", controls, columns)),
                *(entry.name for entry in credited),
            ),
            _column_or_number(df, revenue_per_kpi),
            _optional("population", population),
            missing_kpi == "mask",
            credited,
            unpaid,
            _listed("national", columns_named("national", national, columns)),
            weights_stated(national_weights),
            reached,
        )
        for column, _ in roles._given():
            require_column(df, column)
        roles._refuse_double_roles()
        roles._refuse_other_national()
        return roles

    def _given(self) -> Iterator[tuple[str, str]]:
        """Every column that is used, with its role."""
        revenue = self.revenue_per_kpi if isinstance(self.revenue_per_kpi, str) else None
        single = [(self.region, _REGION), (self.time, _WEEK), (self.kpi, "the KPI")]
        for column, role in [*single, (self.population, _POPULATION), (revenue, _REVENUE)]:
            if column is not None:
                yield column, role
        made = {entry.channel for entry in self.reach}
        paid = self.media[: len(self.media) - len(self.organic)]
        yield from ((name, _PAID) for name in paid if name not in made)
        yield from ((name, _ORGANIC) for name in self.organic if name not in made)
        yield from ((entry.reach, f"the reach of {entry.channel!r}") for entry in self.reach)
        yield from ((entry.frequency, f"the frequency of {entry.channel!r}") for entry in self.reach)
        yield from ((column, f"the spend of {channel!r}") for channel, column in self.spend)
        n_controls = len(self.controls) - len(self.treatments)
        yield from ((name, _CONTROL) for name in self.controls[:n_controls])
        yield from ((name, _TREATMENT) for name in self.controls[n_controls:])

    def _refuse_double_roles(self) -> None:
        own_price = {(channel, f"the spend of {channel!r}") for channel in self.media}
        seen: dict[str, str] = {}
        for name, *_ in self.reach:
            if name in (*RESERVED, *self.controls):
                taken = "the name of a control" if name in self.controls else "a name that is reserved for results"
                raise DataError(f"reach names a channel {name!r}, which is {taken}; rename it.")
        for column, role in self._given():
            if column in RESERVED and role in (_PAID, _ORGANIC, _CONTROL, _TREATMENT, _REGION, _WEEK):
                raise DataError(f"Column {column!r} has a name that is reserved for results; rename it.")
            if column in seen and (column, role) not in own_price and {seen[column], role} not in _MAY_SHARE:
                twice = f"twice as {role}" if seen[column] == role else f"both as {seen[column]} and as {role}"
                joint = all(each.startswith("the spend of") for each in (seen[column], role))
                way_out = "split it between the channels first" if joint else "remove one"
                raise DataError(f"Column {column!r} is given {twice}; {way_out}.")
            seen[column] = role

    def _refuse_other_national(self) -> None:
        known = (*self.media, *self.controls)
        for name in self.national:
            if name not in known:
                hint = did_you_mean(name, known)
                raise DataError(
                    f"national names {name!r}, which is not a channel, control or treatment of the panel{hint}"
                )
        if self.national and self.region is None:
            raise DataError(
                f"national names {self.national[0]!r}, but the table is national as a whole; leave national out, or "
                "name the region column."
            )
        if self.national_weights and not set(self.national) & set(self.media):
            raise DataError(
                "national_weights are given without a national channel; name it in national, or leave them out."
            )


def weights_stated(given: object) -> tuple[tuple[object, float], ...]:
    """Pairs of a region and its share of national media.

    Raises:
        DataError: no mapping, a weight that is no number of 0 or more, or weights that do not sum to one.
    """
    if given is None:
        return ()
    if isinstance(given, pd.Series):
        given = given.to_dict()
    if not isinstance(given, Mapping) or not given:
        raise DataError(f"national_weights must be a mapping from region to its share, got {shown(given)}.")
    for region, weight in given.items():
        if not is_number(weight) or weight < 0:
            raise DataError(f"The national weight of region {region} must be 0 or more, got {shown(weight)}.")
    total = float(sum(given.values()))
    if not 0.0 < total < float("inf"):
        raise DataError(f"The national weights sum to {total:.6g}, and must sum to 1; give each region its share.")
    if abs(total - 1.0) > _ROUNDING:
        raise DataError(
            f"The national weights sum to {total:.6g}, and must sum to 1; divide each by {total:.6g}, if they are in "
            "proportion."
        )
    return tuple((region, float(weight)) for region, weight in given.items())


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


def _paired_spend(media: tuple[str, ...], spend: object, organic: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    if spend is None:
        return ()
    if isinstance(spend, pd.Series) and not isinstance(spend.index, pd.RangeIndex):
        spend = spend.to_dict()
    if isinstance(spend, Mapping):
        pairs: dict[str, str] = {}
        for name, column in spend.items():
            channel = plain_name(name)
            if channel in organic:
                raise DataError(
                    f"Spend is given for {channel!r}, which is organic; name it in media if it is paid for, or leave "
                    "its spend out."
                )
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
    return tuple(in_order_of(media, [plain_name(column) for column in columns], "spend", SPEND_PAIR).items())
