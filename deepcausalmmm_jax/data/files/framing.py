"""What surrounds a table in a file: titles above its header, totals and footnotes below its last row."""

import csv
import warnings
from collections.abc import Sequence

import pandas as pd

from deepcausalmmm_jax.data.date_orders import is_dated
from deepcausalmmm_jax.data.dates import as_text
from deepcausalmmm_jax.data.region_totals import is_total
from deepcausalmmm_jax.errors import DataWarning

FEWEST_COLUMNS = 3  # of a panel: week, KPI, exposure
_MOST_BELOW = 5  # rows of totals and footnotes
_FEWEST_DATES = 8  # above them


def lines_above(lines: Sequence[str], delimiter: str) -> int:
    """Number of lines above the header, which is the first line with several cells; 0 where it is not told apart.

    Args:
        lines: the file's first, as written.
        delimiter: between columns.
    """
    for number, line in enumerate(lines):
        if line.count('"') % 2:
            return 0  # a cell of several lines, as only names of columns have
        if _filled(line, delimiter) >= FEWEST_COLUMNS:
            return number
    return 0


def lines_of_table(lines: Sequence[str], delimiter: str) -> Sequence[str]:
    """The lines from the header on, without those of a few words at the end."""
    table = lines[lines_above(lines, delimiter) :]
    last = len(table)
    while last > max(len(table) - _MOST_BELOW, 1) and _filled(table[last - 1], delimiter) < FEWEST_COLUMNS:
        last -= 1
    return table[:last] if last > 1 else table


def _filled(line: str, delimiter: str) -> int:
    """Cells of a line that are not empty."""
    return sum(bool(cell.strip()) for cell in next(csv.reader([line], delimiter=delimiter), []))


def without_rows_below(cells: pd.DataFrame, time: str | None) -> pd.DataFrame:
    """The table without totals and footnotes below it: last rows that have text where all others have dates.

    They are left out with a `DataWarning` that quotes them. A row with figures stays unless it calls itself a total.

    Args:
        cells: the table.
        time: column whose dates tell; None for the first that has dates.
    """
    filled = cells.notna().any(axis=1).to_numpy()
    cells = cells.iloc[: len(filled) - int(filled[::-1].argmax())] if filled.any() else cells
    asked = [time] if time is not None else list(cells)
    column = next((str(name) for name in asked if name in cells and _is_dated_above(cells[name])), None)
    if column is None:
        return cells
    kept = len(cells)
    while kept > len(cells) - _MOST_BELOW and _is_below(cells.iloc[kept - 1], column):
        kept -= 1
    if kept < len(cells):
        said = [_told(cells.iloc[at]) for at in range(kept, len(cells)) if cells.iloc[at].notna().any()]
        rows = "row, which has" if len(said) == 1 else f"{len(said)} rows, which have"
        warnings.warn(
            DataWarning(f"Left out: the last {rows} no date in column {column!r} ({', '.join(said)})."), stacklevel=6
        )
    return cells.iloc[:kept]


def _is_dated_above(column: pd.Series) -> bool:
    """Whether a column holds dates in all rows but, it may be, some of the last."""
    above = column.iloc[: max(len(column) - _MOST_BELOW, 0)]
    if len(above) < _FEWEST_DATES or pd.api.types.is_numeric_dtype(above) or above.isna().any():
        return False
    first = as_text(above.iloc[:1])
    return is_dated(first) and is_dated(as_text(above).drop_duplicates())


def _is_below(row: pd.Series, column: str) -> bool:
    when = as_text(row[[column]]).iloc[0]
    if when is not None and is_dated(pd.Series([when])):
        return False
    cells = [str(cell) for cell in row if not pd.isna(cell)]
    figures = sum(not any(letter.isalpha() for letter in cell) for cell in cells)
    named = when is not None and is_total(when.split()[0])  # Total 2023
    return named or not figures or any(is_total(cell) for cell in cells)


def _told(row: pd.Series) -> str:
    """The first cell with text, as it stands in the row."""
    texts = [str(cell).strip() for cell in row if not pd.isna(cell)]
    words = [text for text in texts if any(letter.isalpha() for letter in text)]
    return repr((words or texts or [""])[0][:80])
