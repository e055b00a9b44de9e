"""Keywords that settings do not have, answered with the right name."""

from functools import wraps
from typing import TypeVar

from deepcausalmmm_jax.checks import refuse_unknown

_Settings = TypeVar("_Settings")


def names_slips(cls: type[_Settings]) -> type[_Settings]:
    """A dataclass of settings whose unknown keywords raise a `ConfigError` that says which name was meant.

    Python's own TypeError names the keyword only. The signature stays that of the dataclass.
    """
    plain = cls.__init__

    @wraps(plain)
    def checked(self: _Settings, *values: object, **keywords: object) -> None:
        refuse_unknown(cls, keywords, "")
        plain(self, *values, **keywords)

    cls.__init__ = checked  # type: ignore[assignment, method-assign]
    return cls
