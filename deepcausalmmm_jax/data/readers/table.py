"""A long table -> arrays on a grid of regions and weeks; invalid values are refused."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.calendar import week_grid
from deepcausalmmm_jax.data.readers.column_names import with_plain_names
from deepcausalmmm_jax.data.readers.column_roles import ColumnRoles
from deepcausalmmm_jax.data.readers.national import national_weights, paid_shares, refuse_regional
from deepcausalmmm_jax.data.readers.numbers import as_numbers
from deepcausalmmm_jax.data.readers.reach import frequency_of_rows, refuse_more_than_everyone
from deepcausalmmm_jax.data.regions import region_grid
from deepcausalmmm_jax.data.treatments import Treatment
from deepcausalmmm_jax.errors import DataError

_POPULATION_RANGE = 1.2  # highest over lowest of one region; a census a year changes it by less
_LEAST_POPULATION = 1e-9  # of the largest; beside less, exposure per head is no number that means anything
_NOBODY = 1e-30  # in whatever unit population is given
_LARGEST = 1e30  # sums and squares of larger values are not finite
_FEWEST_VALUES = 5  # with fewer different values, two columns may be equal by chance

_Where = Callable[[int], str]
_OnGrid = Callable[[np.ndarray, float], np.ndarray]


class _Stacked(Protocol):
    def __call__(self, columns: Sequence[str], what: str, *, signed: bool) -> np.ndarray:
        """Columns as `[region, week, column]`."""
        ...


class PanelArrays(NamedTuple):
    """The fields of a Panel that come from its table, shapes as in `Panel`; and `people`, the population by week."""

    regions: pd.Index
    weeks: pd.Index
    channels: tuple[str, ...]
    controls: tuple[str, ...]
    kpi: np.ndarray
    weights: np.ndarray
    present: np.ndarray
    exposure: np.ndarray
    control: np.ndarray
    spend: np.ndarray | None
    revenue_per_kpi: np.ndarray | None
    population: np.ndarray | None
    population_moves: bool
    kpi_name: str
    region_name: str
    time_name: str
    cadence: Cadence
    treatments: tuple[Treatment, ...]
    organic: tuple[str, ...]
    national: tuple[str, ...]
    national_weights: np.ndarray | None
    frequency: np.ndarray | None
    people: np.ndarray | None  # [region, week], NaN in weeks without a row


def arrays_from_table(df: pd.DataFrame, roles: ColumnRoles, cadence: Cadence | None = None) -> PanelArrays:
    """The fields of a Panel, and the population by week.

    Args:
        df: the table.
        roles: of its columns.
        cadence: of its rows; None to find it out.

    Raises:
        DataError: the message names the column, region and week of the first invalid value.
    """
    df = with_plain_names(df)
    weeks, week_of_row, found = week_grid(df[roles.time], roles.time, cadence)
    regions, region_of_row = region_grid(df, roles.region)

    def step_text(position: int) -> str:
        return f"{found.unit} {found.label(weeks[position])}"

    _refuse_duplicates(regions, len(weeks), region_of_row, week_of_row, step_text, national=roles.region is None)

    def where(row: int) -> str:
        step = step_text(week_of_row[row])
        return step if roles.region is None else f"region {regions[region_of_row[row]]}, {step}"

    def on_grid(values: np.ndarray, absent: float) -> np.ndarray:
        grid = np.full((len(regions), len(weeks)), absent)
        grid[region_of_row, week_of_row] = values
        return grid

    def stacked(columns: Sequence[str], what: str, *, signed: bool) -> np.ndarray:
        grids = [on_grid(_finite(df, column, what, signed, where), 0.0) for column in columns]
        return np.stack(grids, axis=-1) if grids else np.zeros((len(regions), len(weeks), 0))

    _refuse_kpi_again(df, roles)
    present = on_grid(np.ones(len(df)), 0.0) > 0
    kpi = on_grid(_number_column(df, roles.kpi, where), np.nan) if roles.kpi else np.full(present.shape, np.nan)
    if roles.kpi:
        _refuse_missing_kpi(kpi, present, regions, step_text, roles)
    observed = ~np.isnan(kpi)
    exposure, frequency = _exposure(df, roles, stacked, on_grid, where)
    people = _population(df, roles, regions, on_grid, where)
    arrays = PanelArrays(
        regions=regions,
        weeks=weeks,
        channels=roles.media,
        controls=roles.controls,
        kpi=np.where(observed, kpi, 0.0),
        weights=observed.astype(np.float64),
        present=present,
        exposure=exposure,
        control=stacked(roles.controls, "control", signed=True),
        spend=_spend(roles, stacked),
        revenue_per_kpi=_revenue_per_kpi(roles, present, stacked),
        population=None if people is None else np.asarray(np.nanmean(people, axis=1)),
        population_moves=people is not None and bool((np.nanmax(people, axis=1) > np.nanmin(people, axis=1)).any()),
        kpi_name=roles.kpi or "kpi",
        region_name=roles.region or "region",
        time_name=roles.time,
        cadence=found,
        treatments=roles.treatments,
        organic=roles.organic,
        national=roles.national,
        national_weights=None,
        frequency=frequency,
        people=people,
    )
    _refuse_more_than_everyone(arrays, roles, step_text)
    return _with_national(arrays, roles) if roles.national else arrays


def _exposure(
    df: pd.DataFrame, roles: ColumnRoles, stacked: _Stacked, on_grid: _OnGrid, where: _Where
) -> tuple[np.ndarray, np.ndarray | None]:
    """Exposure of all channels, and contacts per person of those with reach, `[region, week, channel]`."""
    if not roles.reach:
        return stacked(roles.media, "exposure", signed=False), None
    made = {entry.channel: entry for entry in roles.reach}
    plain = stacked([name for name in roles.media if name not in made], "exposure", signed=False)
    exposure = np.zeros((*plain.shape[:2], len(roles.media)))
    frequency = np.full(exposure.shape, np.nan)
    exposure[:, :, [m for m, name in enumerate(roles.media) if name not in made]] = plain
    for m, name in enumerate(roles.media):
        if name in made:
            reach = _finite(df, made[name].reach, "reach", False, where)
            often = frequency_of_rows(made[name], reach, _number_column(df, made[name].frequency, where), where)
            exposure[:, :, m], frequency[:, :, m] = on_grid(reach * often, 0.0), on_grid(often, 0.0)
    return exposure, frequency


def _refuse_more_than_everyone(arrays: PanelArrays, roles: ColumnRoles, step_text: _Where) -> None:
    """Refuse a reach above the population of its region, or of the country for a national channel."""
    if arrays.population is None or arrays.frequency is None:
        return
    for entry in roles.reach:
        m, people = roles.media.index(entry.channel), arrays.population
        national = entry.channel in roles.national
        people = np.full(people.shape, people.sum()) if national else people
        often = arrays.frequency[:, :, m]
        reach = arrays.exposure[:, :, m] / np.where(often > 0, often, 1.0)

        def place(region: int, week: int) -> str:
            step = step_text(week)
            return step if roles.region is None else f"region {arrays.regions[region]}, {step}"

        refuse_more_than_everyone(entry, reach, people, place)


def _with_national(arrays: PanelArrays, roles: ColumnRoles) -> PanelArrays:
    """National exposure and spend divided among the regions; national controls are the same in all of them."""
    weights = national_weights(roles, arrays.regions, arrays.population)
    exposure, spend = arrays.exposure.copy(), None if arrays.spend is None else arrays.spend.copy()
    at = (arrays.present, arrays.regions, arrays.weeks)
    for name in roles.national:
        if name in roles.controls:
            refuse_regional(arrays.control[:, :, roles.controls.index(name)], at[0], name, "value", *at[1:])
            continue
        m = roles.media.index(name)
        assert weights is not None
        shares = {"exposure": weights[:, None], "spend": paid_shares(weights, arrays.present)}
        for values, what in ((exposure, "exposure"), (spend, "spend")):
            if values is not None and not np.isnan(values[:, :, m]).all():
                refuse_regional(values[:, :, m], at[0], name, what, *at[1:])
                values[:, :, m] *= shares[what]
    return arrays._replace(exposure=exposure, spend=spend, national_weights=weights)


def _refuse_duplicates(
    regions: pd.Index,
    n_weeks: int,
    region_of_row: np.ndarray,
    week_of_row: np.ndarray,
    step_text: _Where,
    *,
    national: bool,
) -> None:
    cell = region_of_row * n_weeks + week_of_row
    seen, count = np.unique(cell, return_counts=True)
    if (count > 1).any():
        first = seen[count > 1][0]
        step = step_text(first % n_weeks)
        place = step if national else f"region {regions[first // n_weeks]}, {step}"
        way_out = ", or name the region column" if national else ""
        raise DataError(f"There are {count[count > 1][0]} rows for {place}; keep one or add them up{way_out}.")


def _number_column(df: pd.DataFrame, column: str, where: _Where) -> np.ndarray:
    """The column as floats, NaN for empty cells; other text and infinite values are refused."""
    array, unreadable = as_numbers(df[column])
    if unreadable.any():
        row = int(unreadable.argmax())
        cell = df[column].iloc[row]
        raise DataError(f"Column {column!r} has the text {str(cell)!r} at {where(row)}; it must contain numbers.")
    if np.isinf(array).any():
        raise DataError(f"Column {column!r} is infinite at {where(int(np.isinf(array).argmax()))}.")
    if (np.abs(array) > _LARGEST).any():
        row = int((np.abs(array) > _LARGEST).argmax())
        raise DataError(f"Column {column!r} has {array[row]:g} at {where(row)}; use a larger unit, such as millions.")
    return array


def _finite(df: pd.DataFrame, column: str, what: str, signed: bool, where: _Where) -> np.ndarray:
    array = _number_column(df, column, where)
    if np.isnan(array).any():
        row = int(np.isnan(array).argmax())
        raise DataError(
            f"Column {column!r} has no value at {where(row)}; write 0 or the value, "
            f"since a missing {what} cannot be masked."
        )
    if not signed and (array < 0).any():
        row = int((array < 0).argmax())
        raise DataError(
            f"Column {column!r} has a negative {what}, {array[row]:g}, at {where(row)}; it must be 0 or more."
        )
    return array


def _refuse_missing_kpi(
    kpi: np.ndarray, present: np.ndarray, regions: pd.Index, step_text: _Where, roles: ColumnRoles
) -> None:
    """Rows without a KPI are refused unless they are masked, but for history and planned weeks.

    History is before a region's first KPI, planned weeks are after the last of any region.
    """
    observed = ~np.isnan(kpi)
    silent = ~observed.any(axis=1)
    if roles.mask_missing_kpi:
        return
    if silent.any():
        raise DataError(
            f"Region {regions[silent.argmax()]} has no observed KPI in column {roles.kpi!r}; remove the region, or "
            "pass missing_kpi='mask' for weeks that are only predicted."
        )
    started = np.cumsum(observed, axis=1) > 0
    planned = np.cumsum(observed.any(axis=0)[::-1])[::-1] == 0
    missing = present & started & ~observed & ~planned
    if missing.any():
        region, week = np.argwhere(missing)[0]
        raise DataError(
            f"Column {roles.kpi!r} has no value at region {regions[region]}, {step_text(week)}; fill it in, or "
            "pass missing_kpi='mask' (--mask-missing-kpi) to give such weeks no weight."
        )


def _spend(roles: ColumnRoles, stacked: _Stacked) -> np.ndarray | None:
    if not roles.spend:
        return None
    column_of = dict(roles.spend)
    priced = stacked([column_of[name] for name in roles.media if name in column_of], "spend", signed=False)
    spend = np.full((*priced.shape[:2], len(roles.media)), np.nan)
    spend[:, :, [i for i, name in enumerate(roles.media) if name in column_of]] = priced
    return spend


def _revenue_per_kpi(roles: ColumnRoles, present: np.ndarray, stacked: _Stacked) -> np.ndarray | None:
    if roles.revenue_per_kpi is None:
        return None
    if isinstance(roles.revenue_per_kpi, str):
        values = stacked([roles.revenue_per_kpi], "revenue per KPI", signed=False)[:, :, 0]
        # A week without a row has no price of its own; what is sold then is worth what it was in the weeks around it.
        known = pd.DataFrame(np.where(present, values, np.nan).T)
        return known.ffill().bfill().fillna(0.0).to_numpy().T.copy()
    return np.full(present.shape, float(roles.revenue_per_kpi))


def _population(
    df: pd.DataFrame, roles: ColumnRoles, regions: pd.Index, on_grid: _OnGrid, where: _Where
) -> np.ndarray | None:
    """Population `[region, week]`, NaN in weeks without a row."""
    column = roles.population
    if column is None:
        return None
    values = _finite(df, column, "population", False, where)
    if (values <= 0).any():
        raise DataError(f"Column {column!r} has a population of 0 or less at {where(int((values <= 0).argmax()))}.")
    if (values < max(_LEAST_POPULATION * values.max(), _NOBODY)).any():
        raise DataError(
            f"Column {column!r} has a population of {values.min():.3g} at {where(int(values.argmin()))}, next to "
            f"nothing beside the largest, {values.max():,.6g}; give all in one unit, or leave the region out."
        )
    grid = on_grid(values, np.nan)
    low, high = np.nanmin(grid, axis=1), np.nanmax(grid, axis=1)
    if (high > _POPULATION_RANGE * low).any():
        worst = int((high / low).argmax())
        place = "" if roles.region is None else f" in region {regions[worst]}"
        raise DataError(
            f"Column {column!r} is given as the population, but ranges from {low[worst]:,.6g} to {high[worst]:,.6g}"
            f"{place}; give one figure per region, or name the right column."
        )
    return grid


def _refuse_kpi_again(df: pd.DataFrame, roles: ColumnRoles) -> None:
    """A column with the KPI's own numbers, under another name, as spend, revenue per KPI or population."""
    if roles.kpi is None:
        return
    kpi, _ = as_numbers(df[roles.kpi])
    if len(np.unique(kpi[~np.isnan(kpi)])) < _FEWEST_VALUES:
        return
    used = {column: f"the spend of {channel!r}" for channel, column in roles.spend}
    if isinstance(roles.revenue_per_kpi, str):
        used[roles.revenue_per_kpi] = "the revenue per KPI"
    if roles.population is not None:
        used[roles.population] = "the population"
    for column, role in used.items():
        if np.array_equal(as_numbers(df[column])[0], kpi, equal_nan=True):
            raise DataError(
                f"Column {column!r}, given as {role}, has the same values as the KPI {roles.kpi!r} in every row; name "
                "the right column."
            )
