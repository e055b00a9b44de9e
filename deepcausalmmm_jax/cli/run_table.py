"""The table of a file for a run: numbers in any style, and days added up to the weeks of the run."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.cadence import Cadence, cadence_of
from deepcausalmmm_jax.data.files.channels import products_of
from deepcausalmmm_jax.data.files.column_words import Kind, kind_of
from deepcausalmmm_jax.data.files.days import days_of, weeks_with_prices
from deepcausalmmm_jax.data.files.number_style import Decimal, decimal_named, decimal_sign, with_points
from deepcausalmmm_jax.data.files.one_number_a_row import names_column, spread
from deepcausalmmm_jax.data.files.panel_of_schema import switches
from deepcausalmmm_jax.data.files.raw_table import read_raw
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import DataError

_LEVELS = (Kind.POPULATION, Kind.RATE)  # what is averaged over the days of a week
PRICE = ", averaged by what was sold"  # ends the name of a column that is made of one of days
_WEEK = 7
_HALF = 0.5  # of the weeks: fewer that agree are chance


def table_like(file: Path, delimiter: str | None, run: Panel, decimal: str | None) -> pd.DataFrame:
    """The table in a file, its numbers read in whatever style they are written.

    Days are added up to the weeks of the run. A column whose role is only found by what it holds is there three times:
    added up, averaged, and averaged by what was sold.

    Args:
        file: CSV, Excel or Parquet file.
        delimiter: between columns; None to find out.
        run: panel of the run.
        decimal: sign before decimals; None to find out.

    Raises:
        DataError: the file cannot be read, or has days where the run has months.
    """
    raw = read_raw(file, delimiter, time=run.time_name)
    needed = {run.time_name, run.region_name, run.kpi_name, *run.channels, *run.controls}
    again = raw.cells.columns.duplicated(keep=False) & ~raw.cells.columns.isin(list(needed))
    table = raw.cells.loc[:, ~again]  # columns of one name that the run did not have
    if table.columns.has_duplicates:
        name = table.columns[table.columns.duplicated()][0]
        raise DataError(f"{file} has two columns named {name!r}; rename or remove one.")
    if run.time_name not in table:
        return table  # refused by name
    decimal = decimal_named(decimal)
    table = _one_row_a_week(table, raw.delimiter, run, decimal)
    kept = [name for name in (run.time_name, run.region_name) if name in table]
    rest = table.drop(columns=kept)
    known = [name for name in (run.kpi_name, *run.channels, *run.controls) if name in rest]
    decimal = decimal or decimal_sign(rest, raw.delimiter, known)
    read = {str(name): with_points(rest[name], decimal) for name in rest}
    weeks = isinstance(run.weeks, pd.DatetimeIndex) and run.cadence is not Cadence.DAILY
    table = _with_made(table.assign(**read), rest, run, file)
    if not weeks:
        return table
    days = days_of(table[run.time_name], run.time_name, run.cadence)
    if cadence_of(np.unique(days)) is not Cadence.DAILY:
        return table
    if run.cadence is not Cadence.WEEKLY or any(run.has_reach):
        raise DataError(
            f"{file} has a row per day, and the run one per {run.cadence.unit}"
            f"{' with reach, which does not add up' if any(run.has_reach) else ''}; give a row per {run.cadence.unit}."
        )
    both = (_in_weeks(table, days, run, back) for back in (0, _WEEK - 1))
    found, told = max(both, key=lambda one: _alike(one[0], run))
    if _alike(found, run) < _HALF:
        raise DataError(
            f"{file} has a row per day, and neither the weeks that begin on the run's dates nor those that end there "
            f"add up to its {run.kpi_name}; give a row per week."
        )
    for one in told:  # of the weeks that are taken alone
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    return found


def _one_row_a_week(table: pd.DataFrame, delimiter: str | None, run: Panel, decimal: Decimal | None) -> pd.DataFrame:
    """A table with a row per number, or per channel, as one with a row per region and week; any other as it is.

    Args:
        table: cells as written.
        delimiter: between columns of the file.
        run: panel of the run.
        decimal: sign before decimals; None to find out.

    Raises:
        DataError: a channel or number twice in one region and week.
    """
    region = run.region_name if run.region_name in table else None
    if not table.duplicated([name for name in (run.time_name, region) if name is not None]).any():
        return table
    rest = table.drop(columns=run.time_name)
    sign = decimal or decimal_sign(rest, delimiter)
    numeric = [str(name) for name in rest if pd.api.types.is_numeric_dtype(with_points(rest[name], sign))]
    long = names_column(table, run.time_name, numeric)
    return table if long is None else spread(table, run.time_name, region, *long)


def _with_made(table: pd.DataFrame, cells: pd.DataFrame, run: Panel, file: Path) -> pd.DataFrame:
    """The table with the columns that its first file did not have either: switches of words, and exposure from reach.

    Args:
        table: numbers read.
        cells: as written.
        run: panel of the run.
        file: for the message.

    Raises:
        DataError: a word that the run did not have.
    """
    lacking = {name for name in run.controls if name not in table and name not in run.event_names}
    for column in cells:
        if not any(name.startswith(f"{column}_") for name in lacking):
            continue
        made = switches(cells[column])
        if not lacking & set(made):
            continue
        if new := [name for name in made if name not in run.controls]:
            raise DataError(
                f"{file} has {new[0].removeprefix(f'{column}_')!r} in column {column!r}, which the run does not know; "
                "fit the file anew, or leave those cells empty."
            )
        table = table.assign(**made)
    numeric = [str(name) for name in cells if pd.api.types.is_numeric_dtype(table[name])]
    for channel, reach, often in products_of({name: kind_of(name) for name in numeric}, set(), numeric).values():
        if channel in run.channels and channel not in table and not run.has_reach[run.channels.index(channel)]:
            table = table.assign(**{channel: table[reach] * table[often]})
    return table


def _alike(weekly: pd.DataFrame, run: Panel) -> float:
    """Share of the weeks of a run whose KPI a table of weeks has, in whatever unit."""
    known = pd.Series(np.where(run.weights > 0, run.kpi, 0.0).sum(axis=0), index=run.weeks)
    own = weekly.groupby(run.time_name)[run.kpi_name].sum().reindex(run.weeks)
    ratio = (own / known)[(known != 0) & own.notna()]
    return float(np.isclose(ratio, ratio.median(), rtol=1e-3).mean()) if len(ratio) else 0.0


def _in_weeks(
    table: pd.DataFrame, days: np.ndarray, run: Panel, back: int
) -> tuple[pd.DataFrame, list[warnings.WarningMessage]]:
    """A table of days in the weeks of a run, labelled `back` days after the first day of a week; and its warnings."""
    first = int(run.weeks[0].to_datetime64().astype("datetime64[D]").astype(int)) - back
    begin = int(days.min()) + (first - int(days.min())) % _WEEK  # the first day of a week of the run
    table = table[days >= begin]
    region = run.region_name if run.region_name in table else None
    numeric = [str(name) for name in table if pd.api.types.is_numeric_dtype(table[name])]
    others = [
        name for name in numeric if name not in {run.time_name, region, run.kpi_name, *run.channels, *run.controls}
    ]
    levels = [name for name in run.controls if name in table]
    revenue = [name for name in others if kind_of(name) is Kind.REVENUE]
    averaged = {name: name if kind_of(name) in _LEVELS else f"{name}, averaged" for name in others}
    sold = run.kpi_name
    prices = {averaged.get(name, name): name if name in revenue else f"{name}{PRICE}" for name in (*others, *levels)}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        made = weeks_with_prices(
            table.assign(**{new: table[name] for name, new in averaged.items()}),
            time=run.time_name,
            kpi=sold,
            flows=[
                sold,
                *(name for name in run.channels if name in table),
                *(name for name, new in averaged.items() if new != name and name not in revenue),
            ],
            levels=[*levels, *averaged.values()],
            region=region,
            prices=prices if run.revenue_per_kpi is not None else {},
        )
    made = made[sorted(made, key=lambda name: name not in table)]  # what the file has, before what is made of it
    return made.assign(**{run.time_name: made[run.time_name] + pd.Timedelta(days=back)}), told
