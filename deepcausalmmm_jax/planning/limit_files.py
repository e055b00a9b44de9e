"""Limits of a plan as JSON holds them, and limits of a plan as they hold for one by channel over other weeks."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from deepcausalmmm_jax.planning.limits import Key, Limits, Range

_BY_KEY = ("bounds", "region_bounds", "groups", "minimum", "each_cell")


def plain(limits: Limits) -> dict[str, Any]:
    """The limits as JSON holds them: a mapping becomes a list of pairs of its key and its value."""
    told: dict[str, Any] = {name: _pairs(getattr(limits, name)) for name in _BY_KEY}
    relative = limits.relative_bounds
    by_key = isinstance(relative, Mapping)
    told["relative_bounds"] = (
        _pairs(relative) if isinstance(relative, Mapping) else [_jsonable(end) for end in relative]
    )
    told["every_cell"] = not by_key
    fixed = (limits.fixed,) if isinstance(limits.fixed, str) else limits.fixed
    return told | {"bounds_per": limits.bounds_per, "fixed": list(fixed)}


def limits_from(told: Mapping[str, Any]) -> Limits:
    """The inverse of `plain`."""
    fields: dict[str, Any] = {
        name: {_hashable(key): _hashable(value) for key, value in told.get(name, [])} for name in _BY_KEY
    }
    relative = told["relative_bounds"]
    fields["relative_bounds"] = (
        tuple(relative) if told["every_cell"] else {_hashable(key): _hashable(value) for key, value in relative}
    )
    return Limits(**fields, bounds_per=told["bounds_per"], fixed=tuple(told["fixed"]))


def by_channel(limits: Limits, factor: float, split: str) -> tuple[Limits, tuple[str, ...]]:
    """Limits of a plan as they hold for a plan by channel, and the names of those that cannot be kept.

    Ranges of single regions or weeks, and minimum flights, say nothing of a channel as a whole.

    Args:
        limits: of the plan.
        factor: that amounts are multiplied by, for other weeks than the plan's.
        split: what the plan's budget is split over.
    """
    by_cell = limits.bounds_per == "cell" and split != "channel"
    kept: dict[Key, Range] = {
        key: _scaled(pair, factor) for key, pair in limits.bounds.items() if isinstance(key, str) and not by_cell
    }
    relative = limits.relative_bounds
    dropped = [
        name
        for name, lost in {
            "bounds": len(kept) < len(limits.bounds),
            "relative_bounds": isinstance(relative, Mapping) and not all(isinstance(key, str) for key in relative),
            "region_bounds": bool(limits.region_bounds),
            "minimum": bool(limits.minimum),
        }.items()
        if lost
    ]
    if isinstance(relative, Mapping):
        whole: dict[Key, Range] = {key: pair for key, pair in relative.items() if isinstance(key, str)}
        relative = {**whole, **{name: pair for name, pair in limits.each_cell.items() if name not in whole}}
    found = dataclasses.replace(
        limits,
        bounds=kept,
        relative_bounds=relative,
        bounds_per="key",
        region_bounds={},
        each_cell={},
        groups={names: _scaled(pair, factor) for names, pair in limits.groups.items()},
        minimum={},
    )
    return found, tuple(dropped)


def _scaled(pair: Any, factor: float) -> Range:
    low, high = (None if end is None else float(end) * factor for end in pair)
    return low, high


def _pairs(mapping: Mapping[Any, object]) -> list[list[object]]:
    return [[_jsonable(key), _jsonable(value)] for key, value in mapping.items()]


def _jsonable(value: object) -> object:
    if isinstance(value, tuple | list):
        return [_jsonable(part) for part in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None  # an end that is open
    return value.item() if isinstance(value, np.generic) else value


def _hashable(value: object) -> object:
    return tuple(_hashable(part) for part in value) if isinstance(value, list) else value
