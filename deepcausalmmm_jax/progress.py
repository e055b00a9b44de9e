"""Progress of long runs: a bar where there is a terminal, lines through `logging` elsewhere."""

import logging
import sys
import time
from typing import Any, Self

_LOG = logging.getLogger("deepcausalmmm_jax")
_PAUSE = 10.0  # seconds between two lines


class Progress:
    """How far a run is, with the time left: one object, used as a context manager, for every long run.

    A bar is drawn on standard error where that is a terminal. A line is logged at most every ten seconds, on level INFO
    of the logger `deepcausalmmm_jax`, which says nothing unless it is asked to.

    Attributes:
        task: what runs, e.g. `training`.
        unit: what is counted, in the plural, e.g. `epochs`.
        total: how many there are at most; a run may end earlier.
        done: how many are there so far.
    """

    def __init__(self, task: str, unit: str, total: int, done: int = 0, show: bool | None = None) -> None:
        """Begin.

        Args:
            task: what runs.
            unit: what is counted, in the plural.
            total: how many there are at most.
            done: how many were there before this run.
            show: whether to draw a bar; None draws one where standard error is a terminal.
        """
        self.task, self.unit, self.total, self.done = task, unit, total, done
        self._first = done
        self._began = self._last = time.monotonic()
        self._bar = _bar(task, unit, total, done) if (sys.stderr.isatty() if show is None else show) else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, done: int, postfix: str = "") -> None:
        """So many are done; a line is skipped where one was written just before.

        Args:
            done: count so far, those of earlier runs included.
            postfix: shown behind the bar.
        """
        if self._bar is not None:
            self._bar.update(done - self.done)
            if postfix:
                self._bar.set_postfix_str(postfix)
        self.done = done
        now = time.monotonic()
        if now - self._last < _PAUSE or done <= self._first:
            return
        self._last = now
        left = (now - self._began) / (done - self._first) * (self.total - done)
        _LOG.info("%s: %d of at most %d %s, at most %.0f s left", self.task, done, self.total, self.unit, left)

    def close(self, sentence: str) -> None:
        """Log how the run ended, and how long it took."""
        _LOG.info("%s: %s %.1f s.", self.task, sentence, time.monotonic() - self._began)


def _bar(task: str, unit: str, total: int, done: int) -> Any:
    try:
        from tqdm import tqdm  # only where a bar is drawn: a bare machine can fit without it
    except ImportError:
        return None
    return tqdm(total=total, initial=done, desc=task, unit=f" {unit}", file=sys.stderr)


def log_to_stderr() -> None:
    """Write the package's log lines to standard error where that is no terminal; where it is one there are bars."""
    if sys.stderr.isatty() or _LOG.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _LOG.addHandler(handler)
    _LOG.setLevel(logging.INFO)
