"""Tables of other libraries -> pandas."""

from importlib import import_module
from typing import Any

import pandas as pd

from deepcausalmmm_jax.errors import DataError


def as_pandas(table: object) -> pd.DataFrame:
    """A table as a pandas DataFrame; those of Polars, PyArrow and others are read through Narwhals, if it is installed.

    Args:
        table: a DataFrame of pandas, or of any library that Narwhals knows.

    Raises:
        DataError: it is no table, or a query that has not been run yet.
    """
    if isinstance(table, pd.DataFrame):
        return table
    wanted = "The data must be a pandas DataFrame, or one of Polars or PyArrow"
    try:
        narwhals: Any = import_module("narwhals")
        frame = narwhals.from_native(table, eager_only=True)
    except ImportError:
        raise DataError(f"{wanted}, got {type(table).__name__}.") from None
    except TypeError:
        lazy = "; call collect() first" if hasattr(table, "collect") else ""
        raise DataError(f"{wanted}, got {type(table).__name__}{lazy}.") from None
    return pd.DataFrame({name: frame[name].to_list() for name in frame.columns})
