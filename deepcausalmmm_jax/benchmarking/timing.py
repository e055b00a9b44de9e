"""Seconds of a compiled call."""

import time
from collections.abc import Callable
from statistics import median

import jax


def seconds(call: Callable[[], object], times: int) -> float:
    """Median wall time of a call, after a first one that is not timed.

    Args:
        call: returns arrays; the time until they are ready counts.
        times: timed calls.
    """
    jax.block_until_ready(call())
    found = []
    for _ in range(times):
        began = time.perf_counter()
        jax.block_until_ready(call())
        found.append(time.perf_counter() - began)
    return median(found)
