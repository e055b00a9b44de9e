"""A text file -> its characters, whatever its encoding, and the sign between its columns."""

import csv
import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from deepcausalmmm_jax.data.files.framing import lines_above, lines_of_table
from deepcausalmmm_jax.errors import DataError

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_LINES = 200
_FIGURE = re.compile(r"[-+(]?\d+([-./,:;\s]\d+)")  # a number with decimals, or a date
_SAMPLE_BYTES = 1_000_000
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def encoding_of(path: Path) -> str:
    """Encoding of a text file: by its byte order mark, UTF-8 where that is valid, else as charset-normalizer finds it.

    Raises:
        DataError: the file cannot be read, or is not text.
    """
    try:
        start = path.read_bytes()
    except OSError as error:
        raise DataError(f"The file {path} cannot be read: {error.strerror}.") from None
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    if b"\0" in start[:_SAMPLE_BYTES]:
        raise DataError(f"The file {path} is not a text file; CSV, Parquet and Excel (.xlsx) files can be read.")
    try:
        start.decode("utf-8")
    except UnicodeDecodeError:
        return _detected(start, path)
    return "utf-8"


def delimiter_of(path: Path, encoding: str) -> str:
    """The sign between columns: of those that split the table's first lines evenly, the one that gives most columns.

    Raises:
        DataError: the file is empty, or cannot be decoded.
    """
    lines = _first_lines(path, encoding)
    tables = {mark: lines_of_table(lines, mark) for mark in _DELIMITERS}
    found = {mark: _columns(table, mark) for mark, table in tables.items()}
    # Decimal commas split rows as evenly as semicolons do, but not the header, whose names have none.
    best = max(_DELIMITERS, key=lambda mark: (found[mark] > 1 and _names(tables[mark], mark), found[mark]))
    return best if found[best] > 1 else ","


def lines_before_header(path: Path, encoding: str, delimiter: str) -> int:
    """Number of lines of a title above the header.

    Raises:
        DataError: as `delimiter_of`.
    """
    return lines_above(_first_lines(path, encoding), delimiter)


def _first_lines(path: Path, encoding: str) -> list[str]:
    try:
        with path.open(encoding=encoding, newline="") as file:
            lines = [line for _, line in zip(range(_SAMPLE_LINES), file, strict=False)]
    except (OSError, UnicodeError, LookupError):
        raise DataError(f"The file {path} cannot be read as text in {encoding}.") from None
    if not any(line.strip() for line in lines):
        raise DataError(f"The file {path} is empty.")
    return lines


def _names(lines: Sequence[str], delimiter: str) -> bool:
    """Whether the first line holds no number or date, as a header does."""
    cells = [cell.strip() for cell in next(csv.reader(lines[:1], delimiter=delimiter), [])]
    return len(cells) > 1 and not any(_FIGURE.match(cell) for cell in cells)


def _columns(lines: Sequence[str], delimiter: str) -> int:
    """Columns of every line, 0 where lines differ."""
    try:
        counts = {len(row) for row in csv.reader(lines, delimiter=delimiter) if row}
    except csv.Error:
        return 0
    return counts.pop() if len(counts) == 1 else 0


def _detected(content: bytes, path: Path) -> str:
    normalizer: Any = import_module("charset_normalizer")
    # Tables of Western Europe are most often Windows-1252, of which Latin-1 is a part.
    found = normalizer.from_bytes(content[:_SAMPLE_BYTES], cp_isolation=["cp1252", "cp1250", "cp1251"]).best()
    if found is None:
        raise DataError(f"The encoding of {path} is unknown; save it as UTF-8.")
    return str(found.encoding)
