"""Labels of regions: whole numbers or text, as they are written."""

import numbers
from collections.abc import Iterable

import numpy as np
import pandas as pd

from deepcausalmmm_jax.errors import DataError

NATIONAL = "national"


def region_grid(df: pd.DataFrame, column: str | None) -> tuple[pd.Index, np.ndarray]:
    """All regions, sorted, and the position of each row's region among them.

    Args:
        df: the table.
        column: of regions; None for a national table.

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
            f"Column {column!r} has no region in row {labels.index(None) + 1}; write one in every row (pandas takes a "
            "region called NA for a missing one, unless it reads with keep_default_na=False)."
        )
    if len({isinstance(label, str) for label in set(labels)}) > 1:  # numbers and words cannot be put in one order
        labels = [str(label) for label in labels]
    regions = pd.Index(_sorted({label for label in labels if label is not None}))
    return regions, regions.get_indexer(pd.Index(labels))


def region_positions(known: pd.Index, wanted: Iterable[object]) -> np.ndarray:
    """`[wanted]` positions among the known regions, -1 where there is none; 501 is `501`, but 1 is not `01`."""
    return pd.Index([_written(label) for label in known]).get_indexer(pd.Index([_written(label) for label in wanted]))


def nearly(known: pd.Index, region: object) -> str:
    """A question to put behind a message, where a region is known whose code is the same number: `01` for 1."""
    code = _written(region)
    if not code.isdecimal():
        return ""
    near = [other for other in map(_written, known) if other.isdecimal() and int(other) == int(code)]
    return f"; did you mean {near[0]!r}, read as text?" if near else ""


def _sorted(labels: set[int | str]) -> list[int | str]:
    """Codes of digits in the order of their numbers, everything else in its own."""
    if all(str(label).isdecimal() for label in labels):
        return sorted(labels, key=lambda label: (int(label), str(label)))
    return sorted(labels)  # all of one kind


def _written(label: object) -> str:
    return str(_label(label))


def _label(cell: object) -> int | str | None:
    """None where the cell is empty. A whole float is what pandas makes of whole numbers beside an empty cell."""
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, bool | np.bool_):
        return str(cell)
    if isinstance(cell, numbers.Integral):
        return int(cell)
    if pd.api.types.is_scalar(cell) and pd.isna(cell):  # type: ignore[call-overload]
        return None
    if isinstance(cell, float | np.floating) and float(cell).is_integer():
        return int(cell)
    return str(cell)
