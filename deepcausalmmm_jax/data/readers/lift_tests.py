"""A table of lift tests -> `LiftTest` objects."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from deepcausalmmm_jax.checks import closest
from deepcausalmmm_jax.config.lift_tests import LiftTest
from deepcausalmmm_jax.data.files.raw_table import read_raw
from deepcausalmmm_jax.data.readers.column_names import plain_name
from deepcausalmmm_jax.data.readers.read_table import file_at, separator
from deepcausalmmm_jax.errors import ConfigError, DataError

_NUMBERS = ("lift", "standard_error", "spend_change")
_CHANGE = "spend_change"
_APART = 0.3  # of a standard error, by which that of the interval may differ: rounding, or a t distribution of 5 tests
_INTERVAL = ("lower", "upper", "level")
_FIELDS = tuple(item.name for item in dataclasses.fields(LiftTest))
# Meridian GeoX, "Analysis outputs" (developers.google.com/meridian/geox/analysis-outputs): the fields of an `Estimate`.
_ALIASES = {"point_estimate": "lift", "lower_bound": "lower", "upper_bound": "upper"}
_IGNORED = ("p_value",)


def read_lift_tests(path: str | Path, delimiter: str | None = None) -> tuple[LiftTest, ...]:
    """Read lift tests from a CSV or Parquet file, one row per test, for `Config(experiments=...)`.

    Columns are the fields of `LiftTest`; empty cells take the defaults, and regions are separated by semicolons, or a
    list. A row without `standard_error` may give an interval instead: `lower`, `upper` and `level` (0.9 or 90%), from
    which the standard error is computed as for a normal distribution; a row with both is refused where they disagree by
    more than three tenths. `spend_change` may be a percentage: 50% is 0.5. `point_estimate`, `lower_bound` and
    `upper_bound`, as Meridian GeoX names them, are read as `lift`, `lower` and `upper`; `p_value` is not read.

    Args:
        path: of the file.
        delimiter: between columns of a CSV file; None to find out.

    Raises:
        DataError: the file cannot be read, or a column or cell is wrong; the message names the row.
    """
    mark = _mark_of_header(file_at(path)) if delimiter is None else separator(delimiter)
    table = read_raw(file_at(path), mark).cells
    names = [_ALIASES.get(plain_name(name), plain_name(name)) for name in table.columns]
    _check_columns(names, str(path))
    rows = table.set_axis(names, axis=1).astype(object)
    cells = ({str(name): cell for name, cell in row.items() if not _is_empty(cell)} for _, row in rows.iterrows())
    return tuple(_test(row, f"Row {i + 1} of {path}") for i, row in enumerate(cells))


def _mark_of_header(path: Path) -> str | None:
    """The sign between the names of known columns; cells have regions between signs of their own."""
    with path.open("rb") as file:
        header = file.readline().decode("utf-8-sig", errors="replace")
    known = {*_FIELDS, *_INTERVAL, *_ALIASES, *_IGNORED}
    found = {mark: sum(plain_name(name.strip(' \t\r\n"')) in known for name in header.split(mark)) for mark in ",;\t|"}
    best = max(found, key=found.__getitem__)
    return best if found[best] > 1 else None


def _check_columns(names: list[str], path: str) -> None:
    known = (*_FIELDS, *_INTERVAL)
    for name in names:
        if name not in known and name not in _IGNORED:
            near = closest(name, known)
            hint = f"; known are {', '.join(known)}." if near is None else f"; did you mean {near!r}?"
            raise DataError(f"The file {path} has a column {name!r}, which lift tests do not have{hint}")
        if names.count(name) > 1:
            raise DataError(f"The file {path} has two columns for {name!r}; keep one.")
    needed = [name for name in ("channel", "start", "end", "lift") if name not in names]
    if needed:
        raise DataError(
            f"The file {path} has no column {needed[0]!r}, which lift tests need; it has {', '.join(names)}."
        )


def _test(cells: dict[str, Any], where: str) -> LiftTest:
    cells = {name: cell.strip() if isinstance(cell, str) else cell for name, cell in cells.items()}
    cells = {
        name: cell
        for name, cell in cells.items()
        if not (isinstance(cell, str) and cell == "") and name not in _IGNORED
    }
    values: dict[str, Any] = {name: cell for name, cell in cells.items() if name in _FIELDS}
    for name in _NUMBERS:
        if name in values:
            values[name] = _share(values[name], name, where) if name == _CHANGE else _number(values[name], name, where)
    if "regions" in values:
        values["regions"] = _regions(values["regions"])
    for name in ("start", "end"):
        if isinstance(values.get(name), pd.Timestamp):
            values[name] = values[name].date()
    if "standard_error" not in values:
        values["standard_error"] = _error_from_interval(cells, values.get("lift"), where)
    elif all(name in cells for name in _INTERVAL):
        _refuse_other_error(values["standard_error"], _error_from_interval(cells, values.get("lift"), where), where)
    try:
        return LiftTest.from_dict(values)
    except ConfigError as error:
        raise DataError(f"{where}: {error}") from None


def _is_empty(cell: object) -> bool:
    return bool(pd.api.types.is_scalar(cell) and pd.isna(cell))  # type: ignore[call-overload]


def _regions(cell: object) -> tuple[str, ...]:
    """Regions of a cell, separated by semicolons; a Parquet file may have them as a list."""
    if isinstance(cell, list | tuple | np.ndarray):
        return tuple(name for part in cell for name in _regions(part))
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)  # a column of numbered regions with empty cells is one of floats
    return tuple(part.strip() for part in str(cell).split(";") if part.strip())


def _error_from_interval(cells: dict[str, object], lift: float | None, where: str) -> float:
    missing = [name for name in _INTERVAL if name not in cells]
    if missing:
        raise DataError(
            f"{where} has no standard_error; give one, or an interval by lower, upper and level (such as 0.9); "
            f"{missing[0]} is missing."
        )
    lower, upper = (_number(cells[name], name, where) for name in ("lower", "upper"))
    level = _level(cells["level"], where)
    if not lower < upper or lift is None or not lower <= lift <= upper:
        raise DataError(f"{where} has the lift {lift} and the interval {lower:g} to {upper:g}, which must contain it.")
    return float((upper - lower) / (2.0 * ndtri(0.5 + 0.5 * level)))


def _refuse_other_error(stated: float, implied: float, where: str) -> None:
    if abs(stated - implied) > _APART * implied:
        raise DataError(
            f"{where} has the standard_error {stated:g}, and its interval says {implied:.4g}; leave out the one "
            "that is wrong."
        )


def _level(cell: object, where: str) -> float:
    share = _share(cell, "level", where)
    if not 0 < share < 1:
        raise DataError(f"{where} has the level {str(cell).strip()}; write 0.9 or 90% for 90%.")
    return share


def _share(cell: object, name: str, where: str) -> float:
    """A share as written: 0.9, or 90%."""
    text = str(cell).strip()
    return _number(text.removesuffix("%"), name, where) / (100.0 if text.endswith("%") else 1.0)


def _number(cell: Any, name: str, where: str) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{where} has {str(cell)[:40]!r} in column {name!r}, which is not a number.") from None
