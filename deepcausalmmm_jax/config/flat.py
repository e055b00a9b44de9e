"""Settings as one flat table, for comparisons and logs."""

import dataclasses
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def flat_settings(settings: Any, prefix: str = "") -> dict[str, object]:
    """Settings by dotted name, such as `training.max_epochs`; what is no number or text is written as JSON.

    Args:
        settings: a dataclass of settings, such as `Config`.
        prefix: put before every name.
    """
    found: dict[str, object] = {}
    for item in dataclasses.fields(settings):
        value, name = getattr(settings, item.name), f"{prefix}{item.name}"
        if dataclasses.is_dataclass(value):
            found |= flat_settings(value, f"{name}.")
        elif isinstance(value, bool | int | float | str):
            found[name] = value
        else:
            found[name] = json.dumps(value, default=_written)
    return found


def settings_table(settings: object, defaults: object, everything: bool) -> "pd.DataFrame":
    """Settings beside their defaults, a row each.

    Args:
        settings: a dataclass of settings.
        defaults: another of the same class.
        everything: whether those that are as in `defaults` are listed too.

    Returns:
        By dotted name of the `setting`: `value` and `default`.
    """
    import pandas as pd  # settings alone need no tables

    usual = flat_settings(defaults)
    rows = [(name, value, usual[name]) for name, value in flat_settings(settings).items()]
    shown = [row for row in rows if everything or row[1] != row[2]]
    return pd.DataFrame(shown, columns=["setting", "value", "default"]).set_index("setting")


def _written(value: object) -> object:
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else str(value)
