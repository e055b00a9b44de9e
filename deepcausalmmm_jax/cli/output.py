"""What the commands say once their files are written: any terminal can show it, and nothing fails if none listens."""

import io
import os
import signal
import sys
import threading
from _thread import interrupt_main
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from deepcausalmmm_jax.errors import OutputError

_REPEAT = 2.0  # seconds after which a request to stop that nobody answered is made again


class _Terminated(KeyboardInterrupt):
    """A request to end the process, such as `kill` or a cluster's time limit sends."""


class Stopped(SystemExit):
    """The end of a command that was interrupted, once the user has been told."""


class _Requests:
    """Requests to stop, made again until they are answered.

    Python raises an interrupt in whatever code runs at that moment. If that is a callback, such as JAX's in the garbage
    collector, the exception is printed and forgotten, and the command would run on to its end.
    """

    def __init__(self) -> None:
        self._repeat: threading.Timer | None = None

    def arrived(self, number: int, _: FrameType | None) -> None:
        """Handle a signal: raise the interrupt, and make sure that it is raised again if it gets lost."""
        self.answered()
        self._repeat = threading.Timer(_REPEAT, _signal_again, [number])
        self._repeat.daemon = True
        self._repeat.start()
        raise KeyboardInterrupt if number == signal.SIGINT else _Terminated

    def answered(self) -> None:
        """Do not repeat the last request."""
        if self._repeat is not None:
            self._repeat.cancel()
            self._repeat = None


_REQUESTS = _Requests()


def prepare_streams() -> None:
    """Show characters that the terminal lacks as question marks, and treat SIGTERM and SIGHUP like an interrupt."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _REQUESTS.arrived)
    sys.unraisablehook = _unraisable


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
    """Print what is still buffered, the last thing a command does; errors as for `say`."""
    _REQUESTS.answered()
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
        Stopped: with 130 after an interrupt and 143 after SIGTERM or SIGHUP, as shells count.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        _REQUESTS.answered()
        say_aside(f"\ndeepcausalmmm-jax: Stopped. {kept}")
        raise Stopped(143 if isinstance(stop, _Terminated) else 130) from None


def _unraisable(found: "sys.UnraisableHookArgs") -> None:
    """Report what a callback raised, but for an interrupt, which is made again."""
    if not issubclass(found.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(found)


def _signal_again(number: int) -> None:
    """Signal the main thread, which also wakes it from a wait where the system allows that."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)
    else:
        interrupt_main(signal.Signals(number))


def end_at_once(stop: Stopped) -> NoReturn:
    """End the process without taking it apart: JAX crashes there if the interrupt broke off a compilation."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
    os._exit(stop.code if isinstance(stop.code, int) else 1)


def _hush() -> None:
    """Send standard output nowhere, so that nothing fails when the interpreter flushes it at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
