"""Labels of regions: whole numbers or text, as written."""

import numbers
from collections.abc import Iterable

import numpy as np
import pandas as pd

from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.errors import DataError

NATIONAL = "national"
_MOST = 2**63  # from here on, numbers are kept as text: arrays of whole numbers cannot hold them


def region_grid(df: pd.DataFrame, column: str | None) -> tuple[pd.Index, np.ndarray]:
    """All regions, sorted, and the position of each row's region among them.

    Args:
        df: the table.
        column: column of regions; None for a national table.

    Returns:
        Labels `[region]`, whole numbers or text, and `[row]` positions among them.

    Raises:
        DataError: a row without a region.
    """
    if column is None:
        return pd.Index([NATIONAL]), np.zeros(len(df), dtype=int)
    labels = [_label(cell) for cell in df[column].astype(object)]
    if None in labels:
        raise DataError(
            f"Column {column!r} has no region in row {labels.index(None) + 1}; every row needs one (pandas reads a "
            "region called NA as missing, unless keep_default_na=False)."
        )
    if len({isinstance(label, str) for label in set(labels)}) > 1:  # numbers and text have no common order
        labels = [str(label) for label in labels]
    regions = pd.Index(_sorted({label for label in labels if label is not None}))
    return regions, regions.get_indexer(pd.Index(labels))


def region_positions(known: pd.Index, wanted: Iterable[object]) -> np.ndarray:
    """`[wanted]` positions among the known regions, -1 for unknown ones; 501 equals `501`, but 1 is not `01`."""
    return pd.Index([_written(label) for label in known]).get_indexer(pd.Index([_written(label) for label in wanted]))


def chosen_regions(known: pd.Index, wanted: object) -> np.ndarray:
    """`[wanted]` positions of regions that a user lists.

    Raises:
        DataError: no list, a region that is not known, or one that is listed twice.
    """
    if isinstance(wanted, str | bytes) or not isinstance(wanted, Iterable):
        raise DataError(f"regions must be a list of regions, got {shown(wanted)}.")
    labels = list(wanted)
    positions = region_positions(known, labels)
    for label, position in zip(labels, positions, strict=True):
        if position < 0:
            some = ", ".join(str(region) for region in known[:5])
            more = "" if len(known) <= 5 else f" and {len(known) - 5} more"
            raise DataError(f"The panel has no region {label!r}; it has {some}{more}.")
    if len(set(positions)) < len(positions):
        twice = next(label for at, label in enumerate(labels) if positions[at] in positions[:at])
        raise DataError(f"The region {twice!r} is listed twice; name each region once.")
    return positions


def nearly(known: pd.Index, region: object) -> str:
    """End of a message about an unknown region, if a known one has the same number as its code: `01` for 1."""
    code = _written(region)
    if not code.isdecimal():
        return ""
    near = [other for other in map(_written, known) if other.isdecimal() and int(other) == int(code)]
    return f"; did you mean {near[0]!r}, read as text?" if near else ""


def _sorted(labels: set[int | str]) -> list[int | str]:
    """Labels sorted: numerically if all of them are digits, else as they are."""
    if all(str(label).isdecimal() for label in labels):
        return sorted(labels, key=lambda label: (int(label), str(label)))
    return sorted(labels)  # all of one kind


def _written(label: object) -> str:
    return str(_label(label))


def _label(cell: object) -> int | str | None:
    """None for an empty cell. pandas turns whole numbers into floats if their column has an empty cell."""
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, bool | np.bool_):
        return str(cell)
    if isinstance(cell, numbers.Integral):
        return int(cell) if abs(int(cell)) < _MOST else str(cell)
    if pd.api.types.is_scalar(cell) and pd.isna(cell):  # type: ignore[call-overload]
        return None
    if isinstance(cell, float | np.floating) and float(cell).is_integer() and abs(float(cell)) < _MOST:
        return int(cell)
    return str(cell)
