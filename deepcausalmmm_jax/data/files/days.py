"""Days -> weeks: flows are added up, levels averaged."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.dates import as_text, local_days
from deepcausalmmm_jax.data.readers.column_names import require_column
from deepcausalmmm_jax.data.readers.frames import as_pandas
from deepcausalmmm_jax.data.readers.numbers import as_numbers
from deepcausalmmm_jax.errors import DataError, DataWarning

_WEEK = 7
_REVENUE = "revenue of the day, by which a price counts"  # no column of a table begins like this


def days_of(column: pd.Series, name: str, cadence: Cadence | None = None) -> np.ndarray:
    """Days since 1970-01-01, `[row]`, of a column of dates; `cadence` is what they are known to follow.

    Raises:
        DataError: an empty or unreadable date.
    """
    text = as_text(column)
    if text.isna().any():
        raise DataError(f"Column {name!r} has no date in row {int(text.isna().to_numpy().argmax()) + 1}.")
    return local_days(text, name, cadence)


def to_weeks(
    df: object, *, time: str, flows: Sequence[str], levels: Sequence[str] = (), region: str | None = None
) -> pd.DataFrame:
    """Aggregate a daily table to weeks that begin on the weekday of its first day.

    Args:
        df: one row per region and day, of pandas or a library that Narwhals reads.
        time: column of days.
        flows: columns that are added up, such as KPI, exposure and spend.
        levels: columns that are averaged, such as prices, population, and holidays (whose mean is the share of days).
        region: column of regions; None for a national table.

    Returns:
        One row per region and week with the columns of `df` that are named, in its order; the week is its first day.
        A region's first or last week that lacks days is left out, with a warning.

    Raises:
        DataError: a missing column, a column that is not numeric, a day that occurs twice or is missing between others.
    """
    for name, asked in (("flows", flows), ("levels", levels)):
        if isinstance(asked, str) or not isinstance(asked, Iterable):
            raise DataError(f"{name} must be a list of columns, got {shown(asked)}.")
    df = as_pandas(df)
    keys = [time] if region is None else [region, time]
    for column in (*keys, *flows, *levels):
        require_column(df, column)
    twice = [name for name in flows if name in set(levels)]
    if twice:
        raise DataError(f"Column {twice[0]!r} is named in flows and in levels; it is either added up or averaged.")
    if region is not None and df[region].isna().any():
        row = int(df[region].isna().to_numpy().argmax()) + 1
        raise DataError(f"Column {region!r} has no region in row {row}; every row needs one.")
    days = days_of(df[time], time)
    if len(days) == 0:
        raise DataError("The table has no rows; it needs one per region and day.")
    begin = int(days.min())
    week = (days - begin) // _WEEK
    grouping = [week] if region is None else [df[region].to_numpy(), week]
    values = pd.DataFrame({name: _numbers(df, name, time) for name in (*flows, *levels)})
    values["day"] = days
    groups = values.groupby(grouping, sort=True)
    count, distinct = groups["day"].count(), groups["day"].nunique()
    _refuse_twice(count, distinct, begin, region)
    whole = _whole_weeks(count, begin, region)
    summed = groups[list(flows)].sum(min_count=_WEEK)
    averaged = groups[list(levels)].mean().where(groups[list(levels)].count() == _WEEK) if levels else None
    joined = (summed if averaged is None else summed.join(averaged))[whole.to_numpy()]
    place = joined.index if region is None else joined.index.get_level_values(1)
    table = joined.reset_index(drop=True)
    table[time] = (place.to_numpy() * _WEEK + begin).astype("datetime64[D]").astype("datetime64[ns]")
    if region is not None:
        table[region] = joined.index.get_level_values(0).to_numpy()
    return table[[name for name in df.columns if name in table.columns]]


def weeks_with_prices(
    df: pd.DataFrame,
    *,
    time: str,
    kpi: str,
    flows: Sequence[str],
    levels: Sequence[str],
    region: str | None,
    prices: Mapping[str, str],
) -> pd.DataFrame:
    """`to_weeks`, with prices that count each day with what was sold on it, so that revenue adds up.

    The plain mean of the days holds where nothing was sold, and where returns leave no price.

    Args:
        df: see `to_weeks`.
        time: see `to_weeks`.
        kpi: column of what is sold, among `flows`.
        flows: see `to_weeks`.
        levels: see `to_weeks`.
        region: see `to_weeks`.
        prices: columns of the table, with the name that each has by the week.
    """
    revenue = {name: f"{_REVENUE}: {name}" for name in prices}
    df = df.assign(**{own: df[kpi] * df[name] for name, own in revenue.items()})
    every = list(dict.fromkeys([*levels, *prices]))
    weeks = to_weeks(df, time=time, flows=[*flows, *revenue.values()], levels=every, region=region)
    for name, own in revenue.items():
        weighted = weeks[own] / weeks[kpi].where(weeks[kpi] > 0)
        weeks[prices[name]] = weighted.where(weighted > 0, weeks[name])
    return weeks.drop(columns=list(revenue.values()))


def _numbers(df: pd.DataFrame, name: str, time: str) -> np.ndarray:
    numbers, bad = as_numbers(df[name])
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"Column {name!r} has the text {str(df[name].iloc[row])!r} on {df[time].iloc[row]}; it must hold numbers."
        )
    return numbers


def _refuse_twice(count: pd.Series, distinct: pd.Series, begin: int, region: str | None) -> None:
    twice = (count > distinct).to_numpy()
    if twice.any():
        raise DataError(
            f"A day occurs twice in {_place(count.index[int(twice.argmax())], begin, region)}; keep one row per day"
            f"{', or name the column of regions' if region is None else ''}."
        )


def _whole_weeks(count: pd.Series, begin: int, region: str | None) -> pd.Series:
    """Which weeks have all their days; only the first and the last week of a region may lack some."""
    short = count < _WEEK
    week = pd.Series(count.index.get_level_values(-1).to_numpy(), index=count.index)
    by_region = week.groupby(level=0) if region is not None else week.groupby(np.zeros(len(week)))
    is_edge = (week == by_region.transform("max")) | ((week == by_region.transform("min")) & (region is not None))
    inner = (short & ~is_edge).to_numpy()
    if inner.any():
        at = int(inner.argmax())
        raise DataError(
            f"Only {count.iloc[at]} of 7 days have rows in {_place(count.index[at], begin, region)}; add the others, "
            "with 0 where nothing ran, or keep days with cadence='daily' (--cadence daily)."
        )
    if short.any():
        first = _place(count.index[int(short.to_numpy().argmax())], begin, region)
        more = f", and {int(short.sum()) - 1} more" if short.sum() > 1 else ""
        warnings.warn(
            DataWarning(f"Incomplete weeks at the start or end of the table are left out: {first}{more}."), stacklevel=4
        )
    return ~short


def _place(key: Any, begin: int, region: str | None) -> str:
    name, week = (None, key) if region is None else key
    day = np.datetime64(int(week) * _WEEK + begin, "D")
    return f"the week from {day}" + ("" if region is None else f" of region {name}")
