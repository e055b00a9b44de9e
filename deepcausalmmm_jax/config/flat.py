"""Settings as one flat table, for comparisons and logs."""

import dataclasses
import json
from typing import Any


def flat_settings(settings: Any, prefix: str = "") -> dict[str, Any]:
    """Settings by dotted name, such as `training.max_epochs`; what is no number or text is written as JSON.

    Args:
        settings: a dataclass of settings, such as `Config`.
        prefix: put before every name.
    """
    found: dict[str, Any] = {}
    for item in dataclasses.fields(settings):
        value, name = getattr(settings, item.name), f"{prefix}{item.name}"
        if dataclasses.is_dataclass(value):
            found |= flat_settings(value, f"{name}.")
        elif isinstance(value, bool | int | float | str):
            found[name] = value
        else:
            found[name] = json.dumps(value, default=_written)
    return found


def _written(value: Any) -> Any:
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else str(value)
