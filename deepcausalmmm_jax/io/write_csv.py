"""Tables as CSV files."""

from pathlib import Path

import pandas as pd

from deepcausalmmm_jax.io.atomic_write import write_text


def write_csv(table: pd.DataFrame, path: Path, *, index: bool) -> None:
    """Write a table as a CSV file; it appears whole or not at all.

    Args:
        table: the table.
        path: of the file; missing folders are made.
        index: whether the index becomes the first column.

    Raises:
        OutputError: the file cannot be written.
    """
    write_text(path, table.to_csv(index=index))
