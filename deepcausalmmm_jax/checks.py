"""Checks that settings share: one sentence each, with the setting's name."""

import dataclasses
import difflib
import math
from typing import Any, Literal, get_args, get_origin

from deepcausalmmm_jax.errors import ConfigError


def require(holds: bool, name: str, value: object, wanted: str) -> None:
    """Raise ConfigError unless `holds`."""
    if not holds:
        raise ConfigError(f"Setting {name} must be {wanted}, got {value!r}.")


def refuse_unknown(cls: type, table: dict[str, Any], prefix: str) -> None:
    """Raise ConfigError for a name that is no field of `cls`."""
    known = [item.name for item in dataclasses.fields(cls)]
    for name in table:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {prefix}{near[0]}?" if near else f"; known are {', '.join(known)}."
            raise ConfigError(f"Unknown setting {prefix}{name}{hint}")


def check_kinds(config: Any) -> None:
    """Each value has its field's kind; a whole number is welcome where a number is wanted."""
    for item in dataclasses.fields(config):
        value, kind = getattr(config, item.name), item.type
        if get_origin(kind) is Literal:
            options = get_args(kind)
            require(value in options, item.name, value, "one of " + ", ".join(options))
        elif kind is float:
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            require(is_number and math.isfinite(value), item.name, value, "a finite number")
        elif kind is int:
            require(isinstance(value, int) and not isinstance(value, bool), item.name, value, "a whole number")
        elif isinstance(kind, type):
            require(isinstance(value, kind), item.name, value, f"a {kind.__name__}")
