"""Settings that are lists of entries, each with a class of its own: an array of tables in TOML."""

from collections.abc import Iterable, Mapping
from typing import Protocol, Self, TypeVar

from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.errors import ConfigError


class Entry(Protocol):
    """What a table of its fields can be turned into."""

    @classmethod
    def from_dict(cls, table: Mapping[str, object]) -> Self:
        """The entry with these fields."""


_E = TypeVar("_E", bound=Entry)


def entries_from(setting: str, value: object, kind: type[_E], named: str = "") -> tuple[_E, ...]:
    """The entries of a setting.

    Args:
        setting: its name, for messages.
        value: a list of entries, or of tables with their fields.
        kind: class of the entries.
        named: the entries in words; the name of the class if there are none.

    Raises:
        ConfigError: something else, or an invalid entry.
    """
    name = kind.__name__
    if isinstance(value, str | bytes | Mapping | kind) or not isinstance(value, Iterable):
        raise ConfigError(f"Setting {setting} must be a list of {named or name}, got {shown(value)}.")
    entries: list[_E] = []
    for entry in value:
        if isinstance(entry, kind):
            entries.append(entry)
        elif isinstance(entry, Mapping):
            entries.append(kind.from_dict(entry))
        else:
            raise ConfigError(
                f"Setting {setting} must be a list of {name}(...) or tables with their fields, got {shown(entry)} "
                "in it."
            )
    return tuple(entries)
