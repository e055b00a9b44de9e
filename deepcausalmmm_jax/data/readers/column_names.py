"""Names of columns: as text without the blanks around them, each one's column found for certain."""

import difflib
from collections.abc import Sequence

import pandas as pd

from deepcausalmmm_jax.errors import DataError

_BYTE_ORDER_MARK = "\ufeff"


def plain_name(name: object) -> str:
    """The name as text, without surrounding blanks and byte order marks, which nobody sees."""
    return str(name).strip(_BYTE_ORDER_MARK).strip().strip(_BYTE_ORDER_MARK)


def with_plain_names(df: pd.DataFrame) -> pd.DataFrame:
    """The table under plain names; columns that differ in blanks alone have one name then."""
    return df.set_axis([plain_name(name) for name in df.columns], axis=1)


def nearest(name: str, known: Sequence[str]) -> str:
    """A question to put behind a message, where a known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def require_column(df: pd.DataFrame, column: str) -> None:
    """Refuse a column that is absent, or there more than once.

    Raises:
        DataError: naming the column.
    """
    columns = [plain_name(name) for name in df.columns]
    if column not in columns:
        if column in (plain_name(name) for name in df.index.names if name is not None):
            raise DataError(f"{column!r} is the table's index, not a column; call df.reset_index() first.")
        hint = nearest(column, columns) or f"; it has {', '.join(columns[:12])}{' ...' if len(columns) > 12 else ''}"
        raise DataError(f"The table has no column {column!r}{hint if hint.endswith('?') else hint + '.'}")
    if columns.count(column) > 1:
        alike = {str(name) for name, plain in zip(df.columns, columns, strict=True) if plain == column}
        apart = ", blanks around it aside" if len(alike) > 1 else ""
        raise DataError(
            f"The table has {columns.count(column)} columns named {column!r}{apart}; rename or leave out all but one."
        )
