"""Column names and globs of the command line -> the columns of a table."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from deepcausalmmm_jax.checks import did_you_mean
from deepcausalmmm_jax.errors import DataError

_WILD = "*?["


def expanded(patterns: Sequence[str], columns: Sequence[str], option: str) -> list[str]:
    """Columns that match the patterns, each once; those of a glob in the order of the table.

    Args:
        patterns: names or globs; a string may hold several, separated by commas.
        columns: of the table.
        option: name of the option, for messages.

    Raises:
        DataError: a pattern that matches no column.
    """
    found: dict[str, None] = {}
    for pattern in _split(patterns):
        matches = [pattern] if pattern in columns else [name for name in columns if fnmatchcase(name, pattern)]
        if not matches:
            hint = did_you_mean(pattern.strip("*"), columns, cutoff=0.4)
            raise DataError(f"{option} {pattern!r} matches no column of the table{hint}")
        found |= dict.fromkeys(matches)
    return list(found)


def paired_spend(
    media: Sequence[str], media_patterns: Sequence[str], spend_patterns: Sequence[str], columns: Sequence[str]
) -> dict[str, str]:
    """Spend column of each channel.

    A pattern is `channel=column`, or names columns. Columns found by a glob are paired with channels by the text that
    the wildcard matches (`tv` in `impressions_tv` and `spend_tv`, or the channel `tv` itself). Two lists without globs
    are paired in order.

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
    others = _paired_by_name_or_order(media, _split(media_patterns), rest, columns)
    for channel in pairs.keys() & others.keys():
        _refuse_second([pairs[channel], others[channel]], channel)
    return pairs | others


def _refuse_second(columns: Sequence[str], channel: str) -> None:
    if len(set(columns)) > 1:
        raise DataError(f"--spend gives {channel!r} the columns {columns[0]!r} and {columns[1]!r}; keep one.")


def _paired_by_name_or_order(
    media: Sequence[str], media_patterns: Sequence[str], spend_patterns: Sequence[str], columns: Sequence[str]
) -> dict[str, str]:
    spend = expanded(spend_patterns, columns, "--spend")
    stems = [_stem(name, media_patterns) or (name,) for name in media]
    by_stem = {stem: name for name in spend if (stem := _stem(name, spend_patterns)) is not None}
    unique = all(stems.count(stem) == 1 for stem in by_stem)
    if len(by_stem) == len(spend) and unique:
        return {media[stems.index(stem)]: column for stem, column in by_stem.items()}
    # Columns found by a glob come in the order of the table, which says nothing about pairs.
    in_order = not any(mark in pattern for pattern in spend_patterns for mark in _WILD) and (
        len(media) == 1 or all(pattern in columns for pattern in media_patterns)
    )
    if len(spend) != len(media) or not in_order:
        raise DataError(
            f"--spend names {len(spend)} columns that cannot be paired with the {len(media)} media columns; write "
            f"--spend {media[0]}={spend[0]} for each channel."
        )
    return dict(zip(media, spend, strict=True))


def _stem(name: str, patterns: Sequence[str]) -> tuple[str, ...] | None:
    """Text that the wildcards of the first matching glob match; None if no glob matches."""
    for pattern in patterns:
        match = re.fullmatch(_with_groups(pattern), name)
        if match and match.groups():
            return match.groups()
    return None


def _with_groups(pattern: str) -> str:
    """The glob as a regular expression with a group for each wildcard."""
    parts = re.split(r"(\*|\?|\[[^\]]+\])", pattern)
    wild = {"*": "(.*)", "?": "(.)"}
    return "".join(
        wild.get(part, f"({part})" if part.startswith("[") and part.endswith("]") else re.escape(part))
        for part in parts
    )


def _split(patterns: Sequence[str]) -> list[str]:
    return [part.strip() for pattern in patterns for part in pattern.split(",") if part.strip()]
