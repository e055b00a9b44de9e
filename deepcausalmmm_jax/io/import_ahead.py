"""Modules imported beside a wait that leaves the interpreter idle, such as training."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module


def import_ahead(modules: Sequence[str]) -> threading.Thread:
    """Import modules in a thread of their own, so that they are at hand when they are needed.

    Whoever needs one earlier waits for it as for any import. One that cannot be imported is left to whoever needs it,
    who says why.

    Args:
        modules: full names.

    Returns:
        The thread, which ends with the last import and holds up no exit.
    """

    def run() -> None:
        for name in modules:
            with suppress(Exception):
                import_module(name)

    thread = threading.Thread(target=run, name="import ahead", daemon=True)
    thread.start()
    return thread
