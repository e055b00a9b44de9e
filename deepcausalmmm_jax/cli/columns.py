"""Column names and globs of the command line -> the columns of a table."""

from collections.abc import Sequence

from deepcausalmmm_jax.data.readers import globs
from deepcausalmmm_jax.errors import DataError


def expanded(patterns: Sequence[str], columns: Sequence[str], option: str) -> list[str]:
    """Columns that match the patterns, each once; those of a glob in the order of the table.

    Args:
        patterns: names or globs; a string may hold several, separated by commas.
        columns: of the table.
        option: name of the option, for messages.

    Raises:
        DataError: a pattern that matches no column.
    """
    return globs.expanded(_split(patterns), columns, option)


def paired_spend(
    media: Sequence[str], media_patterns: Sequence[str], spend_patterns: Sequence[str], columns: Sequence[str]
) -> dict[str, str]:
    """Spend column of each channel.

    A pattern is `channel=column`, or names columns, which are paired as in `globs.paired_spend`.

    Args:
        media: channels.
        media_patterns: patterns that the channels were named by.
        spend_patterns: patterns of the spend columns.
        columns: of the table.

    Returns:
        Spend column by channel.

    Raises:
        DataError: an unknown channel or column, two columns for one channel, or columns that cannot be paired without
            ambiguity.
    """
    explicit = [pattern for pattern in _split(spend_patterns) if "=" in pattern and pattern not in columns]
    pairs: dict[str, str] = {}
    for pattern in explicit:
        channel, column = (part.strip() for part in pattern.split("=", 1))
        if channel not in media:
            raise DataError(f"--spend {pattern!r}: {channel!r} is not a media column.")
        found = expanded([column], columns, "--spend")
        _refuse_second([*([pairs[channel]] if channel in pairs else []), *found], channel)
        pairs[channel] = found[0]
    rest = [pattern for pattern in _split(spend_patterns) if pattern not in explicit]
    if not rest:
        return pairs
    others = globs.paired_spend(media, _split(media_patterns), rest, columns, "--spend", "--spend {channel}={column}")
    for channel in pairs.keys() & others.keys():
        _refuse_second([pairs[channel], others[channel]], channel)
    return pairs | others


def _refuse_second(columns: Sequence[str], channel: str) -> None:
    if len(set(columns)) > 1:
        raise DataError(f"--spend gives {channel!r} the columns {columns[0]!r} and {columns[1]!r}; keep one.")


def _split(patterns: Sequence[str]) -> list[str]:
    return [part.strip() for pattern in patterns for part in pattern.split(",") if part.strip()]
