"""A file -> a table. Cells of a CSV file stay text as written: their type depends on the role of the column."""

import warnings
from importlib import import_module
from pathlib import Path

import pandas as pd

from deepcausalmmm_jax.errors import DataError

_SAMPLE_BYTES = 1_000_000


def read_table(
    path: str | Path, delimiter: str = ",", encoding: str = "utf-8", *, lines_above: int = 0
) -> pd.DataFrame:
    """Read a CSV or Parquet file; `lines_above` the header of a CSV file are passed over.

    A region may be called `NA`, `01` or `1E5`: hence no cell of a CSV file is converted to a number here, and only
    empty cells are missing. Columns keep their names, even if two are the same.

    Raises:
        DataError: the file does not exist, is empty or not a table, or has another delimiter.
    """
    delimiter = separator(delimiter)
    path = file_at(path)
    if path.suffix in (".parquet", ".pq"):
        return _read_parquet(path)
    try:
        df, cut_off = _read_csv(path, delimiter, encoding, lines_above)
    except pd.errors.EmptyDataError:
        raise DataError(f"The file {path} is empty.") from None
    except UnicodeError:
        raise DataError(f"The file {path} is not {encoding.upper()} text; save it as CSV in UTF-8.") from None
    except OSError as error:
        raise DataError(f"The file {path} cannot be read: {error.strerror}.") from None
    except (ValueError, ArithmeticError, MemoryError) as error:  # pandas' parser errors are ValueErrors
        reason = _first_line(error)
        raise DataError(
            f"The file {path} cannot be read as a table with {delimiter!r} between columns: {reason}"
        ) from None
    if df.shape[1] == 1:
        _suggest_delimiter(path, str(df.columns[0]), delimiter)
    if cut_off:
        raise DataError(
            f"Rows of {path} have more values than the header has columns; correct the file or the delimiter."
        )
    if df.empty:
        raise DataError(f"The file {path} has a header but no rows.")
    return df


def file_at(path: str | Path) -> Path:
    """The path of a file that is there.

    Raises:
        DataError: there is none, or it is a folder.
    """
    try:
        file = Path(path)
        there, folder = file.is_file(), file.is_dir()
    except (OSError, TypeError, ValueError):  # a path that no file can have
        there = folder = False
    if folder:
        raise DataError(f"{path!s} is a folder; name the file in it.")
    if not there:
        raise DataError(f"There is no file {path!s}.")
    return file


def separator(delimiter: str) -> str:
    r"""The delimiter as pandas takes it; `\t`, as shells pass it on, is a tab.

    Raises:
        DataError: it is not one character.
    """
    if not isinstance(delimiter, str):
        raise DataError(f"The delimiter must be one character such as ',', ';' or a tab, got {delimiter!r}.")
    delimiter = "\t" if delimiter == r"\t" else delimiter
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
        raise DataError(f"The delimiter must be one character such as ',', ';' or a tab, got {delimiter!r}.")
    return delimiter


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError:
        raise DataError(f"Reading {path} needs pyarrow; install it, or convert the file to CSV.") from None
    try:
        table: pd.DataFrame = parquet.ParquetFile(path).read().to_pandas()  # pandas' own reader fails on equal names
    except Exception:  # pyarrow's errors for damaged files are of many classes
        raise DataError(f"The file {path} cannot be read as Parquet; it is damaged, or another kind of file.") from None
    indexed = any(name is not None for name in table.index.names)
    return table.reset_index(allow_duplicates=True) if indexed else table


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _read_csv(path: Path, delimiter: str, encoding: str, lines_above: int) -> tuple[pd.DataFrame, bool]:
    """The table, and whether rows are longer than the header, for which pandas only issues a warning."""

    def read(header: int | None, rows: int | None) -> pd.DataFrame:
        return pd.read_csv(
            path,
            sep=delimiter,
            encoding=encoding,
            header=header,
            skiprows=lines_above,
            nrows=rows,
            index_col=False,
            dtype=str,
            keep_default_na=False,
            na_values=[""],
        )

    if not encoding.startswith("utf-16") and b"\0" in _start(path):
        raise DataError(f"The file {path} is not a text file; CSV, Parquet and Excel (.xlsx) files can be read.")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", pd.errors.ParserWarning)
        df = read(header=0, rows=None)
    cut_off = any(issubclass(entry.category, pd.errors.ParserWarning) for entry in said)
    # pandas renames the second of two columns with one name; the header is read again to keep the names.
    names = read(header=None, rows=1).iloc[0].fillna("").tolist()
    return (df.set_axis(names, axis=1) if len(names) == df.shape[1] else df), cut_off


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_SAMPLE_BYTES)


def _suggest_delimiter(path: Path, header: str, delimiter: str) -> None:
    for other, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars"), (",", "commas")):
        if other != delimiter and other in header:
            raise DataError(f"The file {path} seems to be delimited by {name}; pass --delimiter {other!r}.")
