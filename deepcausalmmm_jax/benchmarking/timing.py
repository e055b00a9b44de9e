"""Seconds of a compiled call."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import jax


def seconds(call: Callable[[], Any], times: int) -> float:
    """Median wall time of a call, after one that is not counted.

    Args:
        call: gives back arrays, which are waited for.
        times: calls that are counted.
    """
    jax.block_until_ready(call())
    found = []
    for _ in range(times):
        began = time.perf_counter()
        jax.block_until_ready(call())
        found.append(time.perf_counter() - began)
    return median(found)
