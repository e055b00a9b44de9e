"""Accessors without arguments that are methods: computed once for a result, and a copy for each caller."""

from collections.abc import Callable
from functools import wraps
from typing import Protocol, Self, TypeVar


class _Copied(Protocol):
    def copy(self) -> Self: ...


_Owner = TypeVar("_Owner")
_Table = TypeVar("_Table", bound=_Copied)


def computed_once(compute: Callable[[_Owner], _Table]) -> Callable[[_Owner], _Table]:
    """The method with its first answer kept in the object; callers may change the copy that they get."""
    kept = f"_{compute.__name__}_computed"

    @wraps(compute)
    def read(self: _Owner) -> _Table:
        if kept not in self.__dict__:
            self.__dict__[kept] = compute(self)
        table: _Table = self.__dict__[kept].copy()
        return table

    return read
