"""Names and globs of columns, such as `impressions_*` -> the columns of a table, and spend beside its channel."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd

from deepcausalmmm_jax.checks import did_you_mean
from deepcausalmmm_jax.data.files.column_words import stem_of
from deepcausalmmm_jax.data.readers.column_names import plain_name
from deepcausalmmm_jax.errors import DataError

SPEND_PAIR = "spend={{{channel!r}: {column!r}}}, with a pair"  # how a pair is stated in Python
_WILD = "*?["


def expanded(patterns: Sequence[str], columns: Sequence[str], option: str) -> list[str]:
    """Columns that match the patterns, each once; those of a glob in the order of the table.

    Args:
        patterns: names or globs; a column that is named exactly like a pattern is meant by it.
        columns: of the table.
        option: name of the option, for messages.

    Raises:
        DataError: a pattern that matches no column.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        matches = [pattern] if pattern in columns else [name for name in columns if fnmatchcase(name, pattern)]
        if not matches:
            hint = did_you_mean(pattern.strip("*"), columns, cutoff=0.4)
            raise DataError(f"{option} {pattern!r} matches no column of the table{hint}")
        found |= dict.fromkeys(matches)
    return list(found)


def paired_spend(
    media: Sequence[str],
    media_patterns: Sequence[str],
    spend_patterns: Sequence[str],
    columns: Sequence[str],
    option: str,
    way_out: str,
) -> dict[str, str]:
    """Spend column of each channel.

    Columns found by a glob are paired with channels by the text that the wildcard matches (`tv` in `impressions_tv` and
    `spend_tv`, or the channel `tv` itself). Two lists without globs are paired in order, unless a name says otherwise.

    Args:
        media: channels.
        media_patterns: patterns that the channels were named by.
        spend_patterns: patterns of the spend columns.
        columns: of the table.
        option: name of the option of the spend, for messages.
        way_out: how one pair is stated, with places for `channel` and `column`, for messages.

    Returns:
        Spend column by channel.

    Raises:
        DataError: a pattern that matches no column, or columns that cannot be paired without ambiguity, or whose names
            say another order.
    """
    spend = expanded(spend_patterns, columns, option)
    stems = {name: (_stem(name, media_patterns), (name,)) for name in media}
    by_stem = {stem: name for name in spend if (stem := _stem(name, spend_patterns)) is not None}
    owners = {column: [name for name in media if stem in stems[name]] for stem, column in by_stem.items()}
    if len(by_stem) == len(spend) and all(len(named) == 1 for named in owners.values()):
        pairs = {named[0]: column for column, named in owners.items()}
        if len(pairs) == len(spend):
            return pairs
    # Columns found by a glob come in the order of the table, which says nothing about pairs.
    in_order = not any(mark in pattern for pattern in spend_patterns for mark in _WILD) and (
        len(media) == 1 or all(pattern in columns for pattern in media_patterns)
    )
    if len(spend) != len(media) or not in_order:
        example = way_out.format(channel=media[0], column=spend[0])
        raise DataError(
            f"{option} names {len(spend)} columns that cannot be paired with the {len(media)} media columns; write "
            f"{example} for each channel."
        )
    return in_order_of(media, spend, option, way_out)


def in_order_of(media: Sequence[str], spend: Sequence[str], option: str, way_out: str) -> dict[str, str]:
    """Spend columns beside channels as they are listed.

    Args:
        media: channels.
        spend: as many columns.
        option: name of the option of the spend, for messages.
        way_out: how one pair is stated, with places for `channel` and `column`, for messages.

    Raises:
        DataError: the name of a column is that of another channel than the one it would be of.
    """
    named = {column: _named_after(column, media) for column in spend}
    said = [own for own in named.values() if own is not None]
    if len(set(said)) < len(said):  # two columns that say one channel decide nothing
        return dict(zip(media, spend, strict=True))
    for channel, column in zip(media, spend, strict=True):
        own = named[column]
        has_two_roles = column in media or list(spend).count(column) > 1  # which is refused by name elsewhere
        if own not in (None, channel) and not has_two_roles:
            raise DataError(
                f"{option} gives the column {column!r} to {channel!r}, as listed, and its name says {own!r}; list both "
                f"in one order, or write {way_out.format(channel=own, column=column)} for each channel."
            )
    return dict(zip(media, spend, strict=True))


def _named_after(column: str, media: Sequence[str]) -> str | None:
    """The channel whose words the name of a column of spend has, the one of most words; None where none is the one."""
    words = set(stem_of(column))
    stems = {channel: set(stem_of(channel)) for channel in media}
    found = [channel for channel, stem in stems.items() if stem and stem <= words]
    most = max((len(stems[channel]) for channel in found), default=0)
    best = [channel for channel in found if len(stems[channel]) == most]
    return best[0] if len(best) == 1 else None


def columns_named(option: str, names: Any, columns: Sequence[str]) -> Any:
    """The argument of a role with its globs replaced by columns; anything without a glob is left for later checks.

    Args:
        option: name of the argument, for messages.
        names: a glob, or a list of names and globs; or anything else.
        columns: of the table, under plain names.

    Raises:
        DataError: a glob that matches no column.
    """
    patterns = glob_patterns(names, columns)
    return names if patterns is None else expanded(patterns, columns, option)


def spend_named(media: Sequence[str], media_names: Any, spend: Any, columns: Sequence[str]) -> object:
    """The argument `spend` with globs replaced by a column for each channel; anything without a glob is left as it is.

    Args:
        media: channels.
        media_names: as the channels were given: names, globs or one glob.
        spend: as given.
        columns: of the table, under plain names.

    Raises:
        DataError: a glob that matches no column, or columns that cannot be paired with the channels.
    """
    return spend if glob_patterns(spend, columns) is None else spend_by_channel(media, media_names, spend, columns)


def spend_by_channel(
    media: Sequence[str], media_names: object, spend: str | Sequence[str], columns: Sequence[str]
) -> dict[str, str]:
    """Spend column of each channel, from names or globs; arguments and errors as for `spend_named`."""
    patterns = [spend] if isinstance(spend, str) else [plain_name(name) for name in spend]
    named = glob_patterns(media_names, columns) or list(media)
    return paired_spend(media, named, patterns, columns, "spend", SPEND_PAIR)


def glob_patterns(names: object, columns: Sequence[str]) -> list[str] | None:
    """The names as a list of patterns where one of them is a glob; None where none is."""
    if isinstance(names, str):
        listed = [names]
    elif isinstance(names, list | tuple | pd.Index | np.ndarray) and not isinstance(names, Mapping):
        listed = list(names)
    else:
        return None
    plain = [plain_name(name) if isinstance(name, str) else name for name in listed]
    if not any(isinstance(name, str) and name not in columns and set(_WILD) & set(name) for name in plain):
        return None
    return [str(name) for name in plain]


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
