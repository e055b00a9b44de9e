"""Cells -> numbers, and which cells are not numbers."""

import numpy as np
import pandas as pd

# Missing numbers as written by statistics packages, databases and spreadsheets.
_MISSING = frozenset(
    {"", "NA", "N/A", "n/a", "<NA>", "#N/A", "#NA", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None"}
)
_FLAGS = {"True": 1.0, "TRUE": 1.0, "true": 1.0, "False": 0.0, "FALSE": 0.0, "false": 0.0}


def as_numbers(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Read a column of numbers, of numbers written as text, or of true and false.

    Args:
        values: the column; the text `NA` (and `NaN`, `NULL` and the like) is a missing number.

    Returns:
        `[row]` floats, NaN where missing; and `[row]` whether the cell holds something other than a real number, such
        as a date or a span of time.
    """
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_complex_dtype(values):
        return values.to_numpy(dtype=np.float64, na_value=np.nan), np.zeros(len(values), dtype=bool)
    cells = values.astype(object).map(_without_blanks)
    missing = (cells.isna() | cells.isin(_MISSING)).to_numpy()
    known = cells[~missing]
    read = known.map(_FLAGS.get) if known.isin(_FLAGS.keys()).all() else pd.to_numeric(known, errors="coerce")
    numbers = np.full(len(cells), np.nan)
    numbers[~missing] = read.to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers, np.isnan(numbers) & ~missing


def _without_blanks(cell: object) -> object:
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, int | float):
        try:
            return float(cell)
        except OverflowError:  # a whole number that no float can hold
            return np.inf
    return cell if pd.api.types.is_scalar(cell) and pd.isna(cell) else str(cell)  # type: ignore[call-overload]
