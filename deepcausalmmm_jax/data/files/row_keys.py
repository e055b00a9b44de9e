"""The columns that name a row: of days or weeks, and of regions."""

from collections.abc import Sequence

import pandas as pd

from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.date_orders import is_dated, written_periods
from deepcausalmmm_jax.data.dates import as_text
from deepcausalmmm_jax.data.files.column_words import Kind, kind_of
from deepcausalmmm_jax.data.files.number_style import with_points
from deepcausalmmm_jax.errors import DataError

_SAMPLE = 2_000  # distinct cells that are looked at to tell what a column holds
_SAME_CODES = 2.0  # cells of a full grid of codes and weeks, over those that are there


def time_column(cells: pd.DataFrame, stated: str | None) -> str:
    """The column of days or weeks: the one of dates, or else of whole numbers whose name says so.

    Raises:
        DataError: none, or several.
    """
    if stated is not None:
        return stated
    dated = [name for name in cells if holds_dates(cells[name])]
    named = [name for name in cells if kind_of(str(name)) is Kind.TIME]
    candidates = [name for name in dated if name in named] or dated or named
    if len(candidates) > 1:  # a day is more than the number of its week or its month
        days = [name for name in candidates if name in dated and _written_as(cells[name]) is None]
        candidates = days if len(days) == 1 else candidates
    if len(candidates) == 1:
        return str(candidates[0])
    if not candidates:
        columns = joined(list(cells.columns))
        raise DataError(f"No column holds dates or is named week or date; pass time=, from {columns}.")
    raise DataError(f"Columns {joined(candidates)} may all be the weeks; choose one, as in time={candidates[0]!r}.")


def region_column(cells: pd.DataFrame, time: str, stated: str | None) -> str | None:
    """The column that, with the time, names a row; None where the time alone does.

    Raises:
        DataError: several columns may be it.
    """
    if stated is not None or not cells.duplicated([time]).any():
        return stated or _single_region(cells, time)
    rest = [name for name in cells if name != time]
    keys = [str(name) for name in rest if _is_key(cells, time, str(name))]
    words = [name for name in keys if not reads_as_numbers(cells[name])]
    numbered = [name for name in keys if name not in words]
    codes = [name for name in numbered if is_code_of_regions(cells, time, name)]
    late = [name for name in numbered if is_code_of_regions(cells, time, name, sparse=True)]
    keys = [name for name in words if kind_of(name) is Kind.REGION] or codes or words or late
    if len(keys) > 1:
        raise DataError(f"Columns {joined(keys)} may all be the regions; choose one, as in region={keys[0]!r}.")
    if not keys:
        raise DataError(
            f"Several rows have the same {time!r}, and no column tells them apart; pass region=, or add the rows up."
        )
    return str(keys[0])


def is_code_of_regions(cells: pd.DataFrame, time: str, name: str, *, sparse: bool = False) -> bool:
    """Whether a column of whole numbers is named after regions and has nearly the same ones in all weeks.

    Args:
        cells: the table.
        time: its column of days or weeks.
        name: of the column.
        sparse: whether regions may lack most of the weeks.
    """
    numbers = with_points(cells[name], ".")
    if kind_of(name) is not Kind.REGION or not pd.api.types.is_numeric_dtype(numbers):
        return False
    known = numbers.dropna()
    if not bool((known == known.round()).all()):
        return False
    full = known.nunique() * cells[time].nunique()
    return sparse or full <= _SAME_CODES * len(cells[[time, name]].drop_duplicates())


def refuse_kpi_of_all_rows(table: pd.DataFrame, time: str, region: str, kpi: str) -> None:
    """Refuse a column that was only guessed to be the regions where every row of a week repeats one KPI.

    Campaigns, ad sets and products tell the rows of a week apart as well, and each would count the whole KPI again.

    Args:
        table: one row per region and week or day, cells as written.
        time: its column of days or weeks.
        region: the column that was taken as the regions.
        kpi: the column of the KPI.

    Raises:
        DataError: no two rows of a week differ in the KPI.
    """
    by_week = table.groupby(time)[kpi]
    if by_week.size().max() > 1 and (by_week.nunique() <= 1).all():
        raise DataError(
            f"{region!r} tells the rows of a {time} apart, but {kpi!r} is the same in all of them and would be counted "
            f"{table[region].nunique()} times; add up the exposure and spend of these rows, name the column channel if "
            f"each is a channel of its own, or pass region={region!r} if they are regions."
        )


def _is_key(cells: pd.DataFrame, time: str, name: str) -> bool:
    return not cells.duplicated([time, name]).any()


def _single_region(cells: pd.DataFrame, time: str) -> str | None:
    """A column of regions that holds one region throughout."""
    named = [str(name) for name in cells if name != time and kind_of(str(name)) is Kind.REGION]
    return named[0] if len(named) == 1 and cells[named[0]].nunique() == 1 else None


def holds_dates(column: pd.Series) -> bool:
    """Whether all cells are dates, or months, quarters or weeks."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return True
    texts = as_text(column.dropna()).dropna().drop_duplicates()[:_SAMPLE]
    return is_dated(texts)


def _written_as(column: pd.Series) -> Cadence | None:
    return None if pd.api.types.is_datetime64_any_dtype(column) else written_periods(as_text(column.dropna()).dropna())


def reads_as_numbers(column: pd.Series) -> bool:
    """Whether all cells are numbers with a point before decimals."""
    return bool(pd.api.types.is_numeric_dtype(with_points(column, ".")))


def joined(names: Sequence[object]) -> str:
    """Names of columns for a message, the first twelve."""
    shown = [repr(str(name)) for name in names[:12]]
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return (", ".join(shown[:-1]) + " and " + shown[-1] if len(shown) > 1 and not more else ", ".join(shown)) + more
