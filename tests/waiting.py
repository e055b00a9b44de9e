"""Waiting for what another thread, process or browser does, on a machine that may be busy with other things."""

import time
from collections.abc import Callable


def wait_until(is_met: Callable[[], bool], seconds: float = 60.0) -> bool:
    """True once the condition is met, false where it is not met in time: a limit for a fault, not a goal for speed."""
    until = time.monotonic() + seconds
    while not is_met():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
