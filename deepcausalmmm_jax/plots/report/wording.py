"""Small pieces of sentences: lists of names, and intervals beside a number."""

import re
from collections.abc import Sequence

import pandas as pd

from deepcausalmmm_jax.plots.theme import bare_names, compact, percent

_MOST_NAMES = 5


def in_labels(text: str, channels: Sequence[str]) -> str:
    """A text with channels as figures label them, without the unit at their end."""
    changed = {name: bare for name, bare in bare_names(channels).items() if bare != name}
    if not changed:
        return text
    longest_first = sorted(map(str, changed), key=len, reverse=True)
    whole = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")
    return whole.sub(lambda found: changed[found.group()], text)


def few(names: Sequence[str]) -> list[str]:
    """The names; of more than five the first four and how many more there are."""
    return (
        list(names)
        if len(names) <= _MOST_NAMES
        else [*names[: _MOST_NAMES - 1], f"{len(names) - _MOST_NAMES + 1} more"]
    )


def listed(parts: Sequence[str]) -> str:
    """Parts joined by commas and `and`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def interval(row: pd.Series, column: str) -> str:
    """The interval of a number in a table's row, to be put after the number; empty where there is none."""
    ends = _ends(row, column)
    return f"; 90% range: {compact(ends[0])} to {compact(ends[1])}" if ends else ""


def percent_interval(row: pd.Series, column: str) -> str:
    """`interval` of a percentage."""
    ends = _ends(row, column)
    return f"; 90% range: {percent(ends[0])} to {percent(ends[1])}" if ends else ""


def _ends(row: pd.Series, column: str) -> tuple[float, float] | None:
    if f"{column}_low" not in row or pd.isna(row[f"{column}_low"]):
        return None
    return float(row[f"{column}_low"]), float(row[f"{column}_high"])
