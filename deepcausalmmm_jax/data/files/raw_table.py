"""A file or a query -> a table of cells as written."""

import warnings
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pandas as pd

from deepcausalmmm_jax.data.files.framing import FEWEST_COLUMNS, without_rows_below
from deepcausalmmm_jax.data.files.text_file import delimiter_of, encoding_of, lines_before_header
from deepcausalmmm_jax.data.readers.column_names import with_plain_names
from deepcausalmmm_jax.data.readers.read_table import file_at, read_table, separator
from deepcausalmmm_jax.errors import DataError

_WORKBOOKS = (".xlsx", ".xlsm")


@dataclass(frozen=True)
class RawTable:
    """A table, and how it was read.

    Attributes:
        cells: under plain column names.
        delimiter: between columns; None where the file is no text.
        encoding: of the characters; None where the file is no text.
        sheet: of a workbook; None elsewhere.
    """

    cells: pd.DataFrame
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None


def is_workbook(path: Path) -> bool:
    """Whether a file is named as an Excel workbook."""
    return path.suffix.lower() in _WORKBOOKS


def read_raw(
    path: Path,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    time: str | None = None,
) -> RawTable:
    """Read a CSV, Parquet or Excel file; what is not given is detected.

    Args:
        path: of the file.
        delimiter: between columns of a text file.
        encoding: of a text file.
        sheet: of a workbook.
        time: column of days or weeks, whose last rows may be totals; None for the first column of dates.

    Raises:
        DataError: the file does not exist or is no table, or the workbook has no such sheet, or several tables.
    """
    file_at(path)
    if is_workbook(path):
        return _from_workbook(path, sheet, time)
    if sheet is not None:
        raise DataError(f"The sheet {sheet!r} is named, but {path} is not an Excel file.")
    if path.suffix.lower() in (".parquet", ".pq"):
        return RawTable(_tidy(read_table(path)))
    encoding = encoding or encoding_of(path)
    delimiter = delimiter_of(path, encoding) if delimiter is None else separator(delimiter)
    above = lines_before_header(path, encoding, delimiter)
    table = read_table(path, delimiter, encoding, lines_above=above)
    return RawTable(without_rows_below(_tidy(table), time), delimiter, encoding)


def read_query(query: str, connection: object) -> RawTable:
    """The rows of a SQL query through SQLAlchemy, DuckDB or a DB-API connection.

    Raises:
        DataError: the query fails.
    """
    try:
        if hasattr(connection, "sql") and hasattr(connection, "fetchdf"):  # DuckDB
            return RawTable(with_plain_names(connection.sql(query).df()))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "pandas only supports SQLAlchemy", UserWarning)
            return RawTable(with_plain_names(pd.read_sql_query(query, connection)))
    except Exception as error:  # every driver has errors of its own
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"The query failed: {reason}") from None


def _tidy(table: pd.DataFrame) -> pd.DataFrame:
    """The table under plain names, without the nameless empty columns that a spreadsheet leaves behind it."""
    named = with_plain_names(table)
    return named.loc[:, [bool(name) or not empty for name, empty in zip(named, named.isna().all(), strict=True)]]


def _from_workbook(path: Path, sheet: str | None, time: str | None) -> RawTable:
    try:
        import_module("openpyxl")
    except ImportError:
        raise DataError(
            f"Reading {path} needs openpyxl; install deepcausalmmm_jax[excel], or save the sheet as CSV."
        ) from None
    try:
        sheets: dict[str, pd.DataFrame] = pd.read_excel(
            path, sheet_name=None, header=None, keep_default_na=False, na_values=[""], engine="openpyxl"
        )
    except Exception:  # damaged archives and workbooks raise errors of many classes
        raise DataError(
            f"{path} cannot be read as an Excel workbook; it is damaged, or another kind of file."
        ) from None
    if sheet is not None and sheet not in sheets:
        raise DataError(f"{path} has no sheet {sheet!r}; it has {', '.join(map(repr, sheets))}.")
    wanted = sheets if sheet is None else {sheet: sheets[sheet]}
    tables = {name: table for name, cells in wanted.items() if (table := _with_header(cells)) is not None}
    if not tables:
        where = f"Sheet {sheet!r} of {path}" if sheet is not None else f"No sheet of {path}"
        raise DataError(
            f"{where} {'has no' if sheet is not None else 'has a'} row of at least {FEWEST_COLUMNS} distinct column "
            "names above rows of values; write the names into the first row."
        )
    if len(tables) > 1:
        raise DataError(f"{path} has {len(tables)} sheets with a table, {', '.join(map(repr, tables))}; name one.")
    name, table = next(iter(tables.items()))
    return RawTable(without_rows_below(with_plain_names(table), time), sheet=name)


def _with_header(cells: pd.DataFrame) -> pd.DataFrame | None:
    """The rows below the header, which is the first row with several cells; None where that is no header."""
    cells = cells.dropna(axis=1, how="all")
    filled = cells.notna().sum(axis=1)
    if cells.shape[1] < FEWEST_COLUMNS or not (filled >= FEWEST_COLUMNS).any():
        return None
    top = int((filled >= FEWEST_COLUMNS).to_numpy().argmax())
    names = cells.iloc[top].tolist()
    if not all(isinstance(name, str) and name.strip() for name in names) or len(set(names)) < len(names):
        return None
    body = cells.iloc[top + 1 :].dropna(how="all").reset_index(drop=True)
    if body.empty:
        return None
    return body.set_axis(names, axis=1).infer_objects()
