"""Column names and globs of the command line -> the columns of a table."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from deepcausalmmm_jax.data.readers import globs
from deepcausalmmm_jax.errors import ConfigError, DataError

T = TypeVar("T")


def expanded(patterns: Sequence[str], columns: Sequence[str], option: str) -> list[str]:
    """Columns that match the patterns, each once; those of a glob in the order of the table.

    Args:
        patterns: names or globs; a string may hold several, separated by commas.
        columns: of the table.
        option: name of the option, for messages.

    Raises:
        DataError: a pattern that matches no column.
    """
    return globs.expanded(listed(patterns, columns), columns, option)


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
    patterns = listed(spend_patterns, columns)
    explicit = [pattern for pattern in patterns if "=" in pattern and pattern not in columns]
    pairs: dict[str, str] = {}
    for pattern in explicit:
        channel, _, column = stated_pair(pattern, columns)
        if channel not in media:
            raise DataError(f"--spend {pattern!r}: {channel!r} is not a media column.")
        found = expanded([column], columns, "--spend")
        _refuse_second([*([pairs[channel]] if channel in pairs else []), *found], channel)
        pairs[channel] = found[0]
    rest = [pattern for pattern in patterns if pattern not in explicit]
    if not rest:
        return pairs
    named = listed(media_patterns, columns)
    others = globs.paired_spend(media, named, rest, columns, "--spend", "--spend {channel}={column}")
    for channel in pairs.keys() & others.keys():
        _refuse_second([pairs[channel], others[channel]], channel)
    return pairs | others


def _refuse_second(columns: Sequence[str], channel: str) -> None:
    if len(set(columns)) > 1:
        raise DataError(f"--spend gives {channel!r} the columns {columns[0]!r} and {columns[1]!r}; keep one.")


def listed(texts: Sequence[str], known: Sequence[str]) -> list[str]:
    """Names, globs and pairs `name=value` one by one; several in one text are separated by commas.

    Args:
        texts: as given.
        known: names, in which a comma separates nothing.
    """
    found: list[str] = []
    for text in texts:
        parts, at = text.split(","), 0
        while at < len(parts):
            ends = range(len(parts), at, -1)
            end = next((end for end in ends if _is_one(",".join(parts[at:end]).strip(), known)), at + 1)
            found.append(",".join(parts[at:end]).strip())
            at = end
    return [name for name in found if name]


def stated_by_name(option: str, wanted: str, parts: Sequence[str], read: Callable[[str], T]) -> dict[str, T]:
    """Values of `name=value`, each name once; a name may have the sign in it, a value not.

    Args:
        option: that they were given to.
        wanted: what the option takes, for the refusal.
        parts: one by one, as `listed` has them.
        read: the value of its text; a ValueError where it has none.

    Raises:
        ConfigError: a text of another form, or a name that is given twice.
    """
    found: dict[str, T] = {}
    for part in parts:
        name, _, text = (piece.strip() for piece in part.rpartition("="))
        if name in found:
            raise ConfigError(f"{option} names {name!r} twice; keep one.")
        with suppress(ValueError):
            found[name] = read(text)
        if not name or name not in found:
            raise ConfigError(f"{option} must be {wanted}, got {part!r}.")
    return found


def stated_pair(text: str, known: Sequence[str]) -> tuple[str, str, str]:
    """Name, sign and value of `name=value`, at the first sign behind a known name, else at the first; as `partition`.

    Args:
        text: as given.
        known: names, which may have the sign in them.
    """
    parts = text.split("=")
    pairs = [("=".join(parts[:at]).strip(), "=".join(parts[at:]).strip()) for at in range(1, len(parts))]
    if not pairs:
        return text.strip(), "", ""
    name, value = next((pair for pair in pairs if pair[0] in known), pairs[0])
    return name, "=", value


def _is_one(text: str, known: Sequence[str]) -> bool:
    """Whether a text with commas is a known name, or a pair of which every side with a comma is one."""
    name, sign, value = stated_pair(text, known)
    pair = sign and (name in known or not {",", "="} & set(name)) and (value in known or "," not in value)
    return text in known or bool(pair)
