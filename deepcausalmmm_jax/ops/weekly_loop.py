"""A loop over weeks that suits the device it runs on."""

from collections.abc import Callable
from typing import TypeVar

import jax

_Carried = TypeVar("_Carried")
_Week = TypeVar("_Week")
_Kept = TypeVar("_Kept")

_ON_ACCELERATORS = 8  # weeks; twice as many save little more time and cost as much again to compile


def weeks_per_iteration() -> int:
    """Weeks that one iteration of a loop computes.

    An iteration costs an accelerator about ten microseconds however little is computed in it, and weeks within one are
    fused into a few kernels: on an H100 an epoch of the default model takes a third of the time. A CPU gains nothing,
    and compiles longer.
    """
    return 1 if jax.default_backend() == "cpu" else _ON_ACCELERATORS


def scan_weeks(
    step: Callable[[_Carried, _Week], tuple[_Carried, _Kept]], start: _Carried, weeks: _Week, *, reverse: bool = False
) -> tuple[_Carried, _Kept]:
    """`jax.lax.scan` over weeks, or over other short steps in time, with several of them in an iteration where it pays.

    Args:
        step: from what the week before hands on and the arrays of a week, to what is handed on and what is kept.
        start: what the first week is given.
        weeks: arrays with a leading axis of weeks.
        reverse: from the last week to the first.

    Returns:
        What the last week hands on, and what is kept, with a leading axis of weeks.
    """
    length = jax.tree.leaves(weeks)[0].shape[0]
    unroll = max(1, min(weeks_per_iteration(), length))
    end, kept = jax.lax.scan(step, start, weeks, reverse=reverse, unroll=unroll)
    return end, kept
