"""Checks shared by settings; each message is one sentence that names the setting."""

import dataclasses
import difflib
import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

from deepcausalmmm_jax.errors import ConfigError

_LARGEST, _SMALLEST = 1e30, 1e-30  # beyond them numbers, or their squares, become infinite or 0 in single precision
_LARGEST_WHOLE = 2**31 - 1
_LARGEST_SEED = 2**32 - 1
_LONGEST = 120  # characters of a value in a message


def require(holds: bool, name: str, value: object, wanted: str) -> None:
    """Raise ConfigError unless `holds`."""
    if not holds:
        raise ConfigError(f"Setting {name} must be {wanted}, got {shown(value)}.")


def is_number(value: object) -> bool:
    """Whether a value is a finite real number; True and False are none."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False


def whole_number(name: str, value: object, least: int = 1) -> int:
    """A setting that is a whole number, as an int.

    Args:
        name: of the setting, for the message.
        value: an int or a NumPy integer; True and False are refused.
        least: smallest number that is allowed.

    Raises:
        ConfigError: it is not a whole number, or is below `least`.
    """
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or int(value) < least:
        raise ConfigError(f"{name} must be a whole number, {least} or more, got {shown(value)}.")
    if int(value) > _LARGEST_WHOLE:
        raise ConfigError(f"{name} must be at most {_LARGEST_WHOLE:,}, got {shown(value)}.")
    return int(value)


def seed_number(value: object, name: str = "seed") -> int:
    """A seed of random numbers, as an int.

    Raises:
        ConfigError: it is not a whole number from 0 to 2^32 - 1.
    """
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not 0 <= int(value) <= _LARGEST_SEED:  # type: ignore[call-overload]
        raise ConfigError(f"{name} must be a whole number, 0 or more and below 2^32, got {shown(value)}.")
    return int(value)  # type: ignore[call-overload]


def shown(value: object) -> str:
    """A value as messages have it: short ones as they are, others by their type."""
    try:
        text = repr(value)
    except ValueError:  # a whole number with more digits than Python writes
        text = ""
    return text if 0 < len(text) <= _LONGEST and "\n" not in text else f"a long {type(value).__name__}"


def amount(value: float) -> str:
    """A number as messages have it: six significant digits, with thousands separators, `108,746,000`."""
    return f"{float(f'{value:.6g}'):,.15g}"


def closest(name: object, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that is spelled most like `name`; None where none is alike by `cutoff` (0 to 1)."""
    near = difflib.get_close_matches(str(name), list(known), n=1, cutoff=cutoff)
    return near[0] if near else None


def did_you_mean(name: object, known: Iterable[str], otherwise: str = ".", cutoff: float = 0.6) -> str:
    """End of a message about an unknown name.

    Args:
        name: that was given.
        known: names that would have been right.
        otherwise: end of the message where no known name is close.
        cutoff: similarity, 0 to 1, from which a name counts as close.

    Returns:
        Such as `; did you mean 'tv'?`, or `otherwise`.
    """
    near = closest(name, known, cutoff)
    return otherwise if near is None else f"; did you mean {near!r}?"


_Group = TypeVar("_Group")


def grouped(cls: type[_Group], group: _Group | None, option: str, **keywords: object) -> _Group:
    """Settings that may be given one by one or together in a group, but not in both ways.

    Args:
        cls: class of the group; its fields have the names of the keywords.
        group: as given; None where the keywords are used.
        option: name of the argument that takes the group.
        **keywords: settings as given one by one; None where they were not.

    Raises:
        ConfigError: both ways are used, or the group is of another class.
    """
    given = {name: value for name, value in keywords.items() if value is not None}
    if group is None:
        return cls(**given)
    require(isinstance(group, cls), option, group, f"of class {cls.__name__}")
    if given:
        raise ConfigError(
            f"Give {' and '.join(given)} within {option}={cls.__name__}(...), or leave {option} out; not both."
        )
    return group


def refuse_unknown(cls: type, table: Mapping[str, object], prefix: str) -> None:
    """Raise ConfigError for a name that is no field of `cls`; fields of its groups of settings are suggested too."""
    known = [item.name for item in dataclasses.fields(cls)]
    for name in table:
        if name not in known:
            raise ConfigError(f"Unknown setting {prefix}{str(name)[:_LONGEST]}{_meant(cls, name, known, prefix)}")


def _meant(cls: type, name: object, known: list[str], prefix: str) -> str:
    """End of the message about an unknown setting: the one that was meant, here or in a group of settings."""
    near = closest(name, known)
    for cutoff in (1.0, 0.8):
        for group in dataclasses.fields(cls):
            if near is None and dataclasses.is_dataclass(group.type):
                inside = closest(name, [item.name for item in dataclasses.fields(group.type)], cutoff)
                if inside is not None:
                    given = f"{group.name}={group.type.__name__}({inside}=...)"  # type: ignore[union-attr]
                    return f"; did you mean {prefix}{group.name}.{inside}, that is {given}?"
    return f"; known are {', '.join(known)}." if near is None else f"; did you mean {prefix}{near}?"


def check_kinds(config: Any) -> None:
    """Raise ConfigError for a value that is not of its field's type; an int counts as a float."""
    for item in dataclasses.fields(config):
        value, kind = getattr(config, item.name), item.type
        if get_origin(kind) is Literal:
            options = get_args(kind)
            require(value in options, item.name, value, "one of " + ", ".join(options))
        elif kind is float:
            require(isinstance(value, int | float) and is_number(value), item.name, value, "a finite number")
            within = value == 0 or _SMALLEST <= abs(value) <= _LARGEST
            require(within, item.name, value, f"0, or between {_SMALLEST:g} and {_LARGEST:g} in size")
        elif kind is int:
            require(isinstance(value, int) and not isinstance(value, bool), item.name, value, "a whole number")
            require(abs(value) <= _LARGEST_WHOLE, item.name, value, f"at most {_LARGEST_WHOLE:,}")
        elif isinstance(kind, type):
            require(isinstance(value, kind), item.name, value, f"a {kind.__name__}")
