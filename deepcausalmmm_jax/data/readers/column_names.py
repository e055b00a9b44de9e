"""Column names as text without surrounding blanks, each of which identifies one column."""

import pandas as pd

from deepcausalmmm_jax.checks import did_you_mean
from deepcausalmmm_jax.errors import DataError

_BYTE_ORDER_MARK = "\ufeff"


def plain_name(name: object) -> str:
    """The name as text, without surrounding blanks and byte order marks, which are invisible."""
    return str(name).strip(_BYTE_ORDER_MARK).strip().strip(_BYTE_ORDER_MARK)


def with_plain_names(df: pd.DataFrame) -> pd.DataFrame:
    """The table under plain names; columns that differ only in blanks then have the same name."""
    return df.set_axis([plain_name(name) for name in df.columns], axis=1)


def require_column(df: pd.DataFrame, column: str) -> None:
    """Refuse a column that is missing or occurs more than once.

    Raises:
        DataError: the message names the column.
    """
    columns = [plain_name(name) for name in df.columns]
    if column not in columns:
        if column in (plain_name(name) for name in df.index.names if name is not None):
            raise DataError(f"{column!r} is the table's index, not a column; call df.reset_index() first.")
        known = f"; it has {', '.join(columns[:12])}{' ...' if len(columns) > 12 else ''}."
        raise DataError(f"The table has no column {column!r}{did_you_mean(column, columns, known)}")
    if columns.count(column) > 1:
        alike = {str(name) for name, plain in zip(df.columns, columns, strict=True) if plain == column}
        apart = ", ignoring blanks around it" if len(alike) > 1 else ""
        raise DataError(
            f"The table has {columns.count(column)} columns named {column!r}{apart}; rename or remove all but one."
        )
