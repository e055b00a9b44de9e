"""What the commands say once their files are written: any terminal can show it, and nothing fails if none listens."""

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from deepcausalmmm_jax.errors import OutputError


class _Terminated(KeyboardInterrupt):
    """A request to end the process, such as `kill` or a cluster's time limit sends."""


def prepare_streams() -> None:
    """Show characters that the terminal lacks as question marks, and treat SIGTERM and SIGHUP like an interrupt."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_DFL:
            signal.signal(getattr(signal, name), _terminate)


def say(text: str = "") -> None:
    """Print a text to standard output; from the moment that its reader is gone, nothing.

    Raises:
        OutputError: standard output cannot be written for another reason, such as a full disk.
    """
    try:
        print(text)
    except BrokenPipeError:
        _hush()
    except OSError as error:
        _hush()
        raise OutputError(f"Standard output cannot be written: {error.strerror}.") from None


def say_aside(text: str) -> None:
    """Print a text to standard error, if that is open."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            print(text, file=sys.stderr, flush=True)


def finish() -> None:
    """Print what is still buffered; errors as for `say`."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _hush()
    except OSError as error:
        _hush()
        raise OutputError(f"Standard output cannot be written: {error.strerror}.") from None


@contextmanager
def stoppable(kept: str) -> Iterator[None]:
    """Answer an interrupt, or a request to terminate, with one sentence in place of a traceback.

    Args:
        kept: what is kept, and how to go on.

    Raises:
        SystemExit: with 130 after an interrupt and 143 after SIGTERM or SIGHUP, as shells count.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        say_aside(f"\ndeepcausalmmm-jax: Stopped. {kept}")
        raise SystemExit(143 if isinstance(stop, _Terminated) else 130) from None


def _terminate(_: int, __: FrameType | None) -> None:
    raise _Terminated


def _hush() -> None:
    """Send standard output nowhere, so that nothing fails when the interpreter flushes it at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
