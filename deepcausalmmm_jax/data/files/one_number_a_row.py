"""Tables with one row per number, or a row per channel -> one row per region and week."""

import pandas as pd

from deepcausalmmm_jax.data.files.column_words import words_of
from deepcausalmmm_jax.errors import DataError

_NAMES = frozenset({"variable", "metric", "measure", "kennzahl"})
_CHANNELS = frozenset({"channel", "media", "medium", "platform", "publisher", "source"})
_FEWEST_NAMES = 3  # a panel has at least a KPI and a channel, and a region column has fewer names in small panels


def names_column(cells: pd.DataFrame, time: str, numeric: list[str]) -> tuple[str, str | None] | None:
    """The column that names variables or channels, and the column of values.

    Args:
        cells: the table.
        time: its column of days or weeks.
        numeric: its columns of numbers.

    Returns:
        `(names, values)` of a table with one row per number; `(names, None)` of one with a row per channel; None of a
        table with one row per region and week.
    """
    texts = [str(name) for name in cells if name != time and name not in numeric]
    for name in texts:
        words = set(words_of(name))
        values = [column for column in numeric if column != time]
        if words & _NAMES and len(values) == 1 and cells[name].nunique() >= _FEWEST_NAMES:
            return name, values[0]
        if words & _CHANNELS and len(values) > 1 and cells[name].nunique() >= 1 and cells.duplicated([time]).any():
            return name, None
    return None


def spread(cells: pd.DataFrame, time: str, region: str | None, names: str, values: str | None) -> pd.DataFrame:
    """One row per region and week; columns are named after the variables, or after channel and measure.

    In a table with one row per channel, columns that are equal in all rows of a region and week, such as the KPI, stay
    as they are, and a channel without a row has 0.

    Raises:
        DataError: a variable or channel twice in one region and week.
    """
    keys = [time] if region is None else [time, region]
    twice = cells.duplicated([*keys, names])
    if twice.any():
        row = cells[twice].iloc[0]
        raise DataError(
            f"{row[names]!r} occurs twice at {', '.join(str(row[key]) for key in keys)}; keep one row, or add them up."
        )
    if values is not None:
        wide = cells.pivot(index=keys, columns=names, values=values)
        return wide.set_axis([str(name) for name in wide.columns], axis=1).reset_index()
    rest = [str(name) for name in cells if name not in (*keys, names)]
    shared = [name for name in rest if (cells.groupby(keys)[name].nunique(dropna=False) == 1).all()]
    own = [name for name in rest if name not in shared]
    wide = cells.pivot(index=keys, columns=names, values=own)
    measures, channels = (wide.columns.get_level_values(level) for level in (0, 1))
    wide = wide.set_axis([f"{channel}_{own}" for own, channel in zip(measures, channels, strict=True)], axis=1)
    is_there = cells.groupby([*keys, names]).size().unstack(names).notna()
    for name, channel in zip(list(wide.columns), channels, strict=True):
        # No row means that nothing ran; an empty cell of a row is a missing number, which the panel refuses.
        wide[name] = wide[name].where(is_there[channel], 0.0 if pd.api.types.is_numeric_dtype(wide[name]) else "0")
    return cells.groupby(keys)[shared].first().join(wide).reset_index()
