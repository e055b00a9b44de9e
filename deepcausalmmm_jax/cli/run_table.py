"""The table of a file for a run: numbers in any style, and days added up to the weeks of the run."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.cadence import Cadence, cadence_of
from deepcausalmmm_jax.data.files.column_words import Kind, kind_of
from deepcausalmmm_jax.data.files.days import days_of, to_weeks
from deepcausalmmm_jax.data.files.number_style import decimal_named, decimal_sign, with_points
from deepcausalmmm_jax.data.files.raw_table import read_raw
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import DataError

_LEVELS = (Kind.REVENUE, Kind.POPULATION, Kind.RATE)  # what is averaged over the days of a week
_WEEK = 7
_HALF = 0.5  # of the weeks: fewer that agree are chance


def table_like(file: Path, delimiter: str | None, run: Panel, decimal: str | None) -> pd.DataFrame:
    """The table in a file, its numbers read in whatever style they are written.

    Days are added up to the weeks of the run. A column whose role is only found by what it holds is there twice, added
    up and averaged.

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
    kept = [name for name in (run.time_name, run.region_name) if name in table]
    rest = table.drop(columns=kept)
    known = [name for name in (run.kpi_name, *run.channels, *run.controls) if name in rest]
    decimal = decimal_named(decimal) or decimal_sign(rest, raw.delimiter, known)
    read = {str(name): with_points(rest[name], decimal) for name in rest}
    weeks = isinstance(run.weeks, pd.DatetimeIndex) and run.cadence is not Cadence.DAILY
    table = table.assign(**read)
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
    averaged = {name: name if kind_of(name) in _LEVELS else f"{name}, averaged" for name in others}
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        made = to_weeks(
            table.assign(**{new: table[name] for name, new in averaged.items()}),
            time=run.time_name,
            flows=[
                run.kpi_name,
                *(name for name in run.channels if name in table),
                *(name for name, new in averaged.items() if new != name),
            ],
            levels=[*levels, *averaged.values()],
            region=region,
        )
    return made.assign(**{run.time_name: made[run.time_name] + pd.Timedelta(days=back)}), told
