"""Python's garbage collector for a process that runs one command."""

import atexit
import gc

_ALLOCATIONS = 100_000  # between two looks at the youngest objects; Python's own count is 700


def collect_seldom() -> None:
    """Look for cycles less often, and not at all when the process ends, which frees everything anyway.

    Libraries and traced programs are a few million objects that live on. To look through them again and again took a
    quarter of a second of a command, and half a second more at its end.
    """
    gc.set_threshold(_ALLOCATIONS, 10, 10)
    atexit.register(gc.freeze)  # what is registered first runs last
