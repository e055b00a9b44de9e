"""Tables as CSV files whose cells no spreadsheet takes for a formula."""

import csv
import re
from pathlib import Path

import pandas as pd

from deepcausalmmm_jax.io.atomic_write import write_text

# A spreadsheet runs text with such a beginning (OWASP, "CSV injection"); with an apostrophe before it, it shows the
# text. Text that has apostrophes there already gets one more, so that the way back is unambiguous.
_FORMULA = re.compile(r"'*\s*[=+\-@]|'*[\t\r\n]")
_ESCAPED = re.compile(r"''*\s*[=+\-@]|''*[\t\r\n]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


def escaped(cell: object) -> object:
    """A cell or label; an apostrophe is put before text that a spreadsheet would run as a formula."""
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def unescaped(cell: object) -> object:
    """The inverse of `escaped`."""
    return cell[1:] if isinstance(cell, str) and _ESCAPED.match(cell) else cell


def csv_text(table: pd.DataFrame, *, index: bool) -> str:
    """A table as CSV, formulas escaped in cells and labels.

    Args:
        table: the table.
        index: whether the index becomes the first column.
    """
    shown = table.set_axis(_escaped_labels(table.columns), axis=1)
    for at, kind in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_datetime64_any_dtype(kind):
            shown.isetitem(at, table.iloc[:, at].map(escaped))  # type: ignore[arg-type]  # the stubs want a scalar
    shown = shown.set_axis(_escaped_labels(table.index), axis=0)
    text = str(shown.to_csv(index=index))
    # pandas leaves cells with a carriage return unquoted, which then ends the row.
    return str(shown.to_csv(index=index, quoting=csv.QUOTE_NONNUMERIC)) if "\r" in text else text


def write_csv(table: pd.DataFrame, path: Path, *, index: bool) -> None:
    """Write a table as a CSV file; it appears whole or not at all.

    Args:
        table: the table.
        path: of the file; missing folders are made.
        index: whether the index becomes the first column.

    Raises:
        OutputError: the file cannot be written.
    """
    write_text(path, csv_text(table, index=index))


def _escaped_labels(labels: pd.Index) -> pd.Index:
    named = labels.set_names([escaped(name) for name in labels.names])
    if isinstance(labels, pd.MultiIndex):
        return named.map(lambda label: tuple(escaped(part) for part in label))
    plain = pd.api.types.is_numeric_dtype(labels) or isinstance(labels, pd.DatetimeIndex)
    return named if plain else named.map(escaped)
