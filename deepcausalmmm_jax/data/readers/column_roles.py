"""Roles of the columns of a table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import pandas as pd

from deepcausalmmm_jax.axes import STRUCTURAL_COMPONENTS
from deepcausalmmm_jax.checks import did_you_mean
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
        region: str | None,
        time: str,
        kpi: str | None,
        media: Sequence[str],
        spend: Mapping[str, str] | Sequence[str] | None,
        controls: Sequence[str],
        revenue_per_kpi: str | float | None,
        population: str | None,
        missing_kpi: str,
    ) -> Self:
        """Roles checked against the table.

        Raises:
            DataError: an empty table, a missing column, two columns of one name, a column with two roles, or an
                invalid request.
        """
        if not isinstance(df, pd.DataFrame):
            raise DataError(f"The data must be a pandas DataFrame, got {type(df).__name__}.")
        if df.empty:
            raise DataError("The table has no rows; it needs one per region and week.")
        if missing_kpi not in ("error", "mask"):
            raise DataError(f"missing_kpi must be 'error' or 'mask', got {missing_kpi!r}.")
        channels = _listed("media", media)
        if not channels:
            raise DataError("No media column is given; name at least one exposure column.")
        roles = cls(
            _plain(region),
            plain_name(time),
            _plain(kpi),
            channels,
            _paired_spend(channels, spend),
            _listed("controls", controls),
            plain_name(revenue_per_kpi) if isinstance(revenue_per_kpi, str) else revenue_per_kpi,
            _plain(population),
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


def _plain(name: str | None) -> str | None:
    return None if name is None else plain_name(name)


def _listed(option: str, names: Sequence[str] | None) -> tuple[str, ...]:
    if isinstance(names, str):
        raise DataError(f"{option} must be a list of columns, got the text {names!r}; write [{names!r}].")
    return () if names is None else tuple(plain_name(name) for name in names)


def _paired_spend(
    media: tuple[str, ...], spend: Mapping[str, str] | Sequence[str] | None
) -> tuple[tuple[str, str], ...]:
    if spend is None:
        return ()
    if isinstance(spend, Mapping):
        pairs = {plain_name(channel): plain_name(column) for channel, column in spend.items()}
        for channel in pairs:
            if channel not in media:
                raise DataError(
                    f"Spend is given for {channel!r}, which is not a media column{did_you_mean(channel, media)}"
                )
        return tuple(pairs.items())
    if isinstance(spend, str) or len(spend) != len(media):
        raise DataError(
            f"Spend names {1 if isinstance(spend, str) else len(spend)} columns for {len(media)} media columns; give "
            "one each, in the same order, or a mapping from channel to column."
        )
    return tuple(zip(media, (plain_name(column) for column in spend), strict=True))
