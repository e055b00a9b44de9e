"""Limits of a plan, read from a CSV file of bounds."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from deepcausalmmm_jax.checks import did_you_mean
from deepcausalmmm_jax.data.readers.read_table import file_at, read_table
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.io.write_csv import unescaped

if TYPE_CHECKING:
    from deepcausalmmm_jax.planning.limits import Key, Range

_KINDS = ("absolute", "relative")
_NEEDED = ("channel", "low", "high")
_COLUMNS = (*_NEEDED, "region", "kind")
_DELIMITERS = (",", ";", "\t", "|")


def read_limits(path: Path | None) -> "tuple[dict[Key, Range], dict[Key, Range]]":
    """Absolute and relative bounds by channel, or by channel and region.

    Args:
        path: of a file with the columns channel, low, high, and optionally region and kind (absolute or relative),
            separated by commas, semicolons, tabs or bars. None for no bounds.

    Raises:
        DataError: the file cannot be read.
        ConfigError: a missing or unknown column, a bad kind or number, or two rows for the same cells.
    """
    found: tuple[dict[Key, Range], dict[Key, Range]] = ({}, {})
    if path is None:
        return found
    table = _table(path)
    for position, row in enumerate(table.to_dict("records"), start=2):
        kind = row.get("kind", "").lower() or "absolute"
        if kind not in _KINDS:
            raise ConfigError(f"{path}: kind must be absolute or relative, got {kind!r} in line {position}.")
        if not row["channel"]:
            raise ConfigError(f"{path}: line {position} has no channel.")
        region = row.get("region", "")
        key: Key = (row["channel"], region) if region else row["channel"]
        bounds = found[_KINDS.index(kind)]
        if key in bounds:
            name = f"{key[0]} in {key[1]}" if isinstance(key, tuple) else key
            raise ConfigError(f"{path} has two rows of {kind} bounds for {name}, the second in line {position}.")
        bounds[key] = _end(path, row["low"], position), _end(path, row["high"], position)
    return found


def _table(path: Path) -> pd.DataFrame:
    """The file as text, without blanks around cells."""
    header = file_at(path).read_text(encoding="utf-8-sig", errors="replace").partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    table = read_table(path, delimiter)
    table.columns = [str(name).strip().lower() for name in table.columns]
    for name in _NEEDED:
        if name not in table:
            raise ConfigError(f"{path} has no column {name!r}; bounds need channel, low and high.")
    for name in table.columns:
        if name not in _COLUMNS:
            known = "; bounds have channel, region, low, high and kind."
            raise ConfigError(f"{path} has a column {name!r}{did_you_mean(name, _COLUMNS, known)}")
    for name in dict.fromkeys(table.columns):
        if list(table.columns).count(name) > 1:
            raise ConfigError(f"{path} has two columns named {name!r}; leave one out.")
    return table.fillna("").map(lambda cell: str(unescaped(str(cell).strip())))  # as our own files escape names


def _end(path: Path, text: str, position: int) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise ConfigError(
            f"{path}: low and high must be numbers such as 0.5, or empty, got {text!r} in line {position}."
        ) from None
