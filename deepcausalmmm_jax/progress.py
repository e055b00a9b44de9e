"""Progress of long runs: a bar on a terminal, lines through `logging` elsewhere."""

import logging
import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tqdm import tqdm

_LOG = logging.getLogger("deepcausalmmm_jax")
_PAUSE = 10.0  # seconds between two lines


class Progress:
    """Progress of one long run and the time left, used as a context manager.

    A bar is drawn on standard error if that is a terminal. Lines are logged at most every ten seconds, at level INFO of
    the logger `deepcausalmmm_jax`, which is silent unless it is configured.

    Attributes:
        task: name of the run, e.g. `training`.
        unit: what is counted, in the plural, e.g. `epochs`.
        total: upper limit of the count; a run may end earlier.
        done: count so far.
    """

    def __init__(self, task: str, unit: str, total: int, done: int = 0, show: bool | None = None) -> None:
        """Start a run.

        Args:
            task: name of the run.
            unit: what is counted, in the plural.
            total: upper limit of the count.
            done: count of earlier runs that this one resumes.
            show: whether to draw a bar; None draws one if standard error is a terminal.
        """
        self.task, self.unit, self.total, self.done = task, unit, total, done
        self._began = self._last = time.monotonic()
        self._paced: tuple[float, int] | None = None  # time and count of the first update, which follows compilation
        self._bar = _bar(task, unit, total, done) if (on_terminal() if show is None else show) else None

    def __enter__(self) -> Self:
        _LOG.info("%s: compiling ...", self.task)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, done: int, postfix: str = "") -> None:
        """Set the count; a line is logged unless one was logged in the last ten seconds.

        Args:
            done: count so far, including earlier runs.
            postfix: shown after the bar.
        """
        if self._bar is not None:
            self._bar.update(done - self.done)
            if postfix:
                self._bar.set_postfix_str(postfix)
        self.done = done
        now = time.monotonic()
        first, before = self._paced = self._paced or (now, done)
        if now - self._last < _PAUSE:
            return
        self._last = now
        left = (now - first) / (done - before) * (self.total - done) if done > before else None
        estimate = "" if left is None else f", at most {left:,.0f} s left"
        _LOG.info("%s: %s of at most %s %s%s", self.task, f"{done:,}", f"{self.total:,}", self.unit, estimate)

    def close(self, sentence: str) -> None:
        """Log how the run ended and how long it took.

        Args:
            sentence: how it ended.
        """
        _LOG.info("%s: %s %.1f s.", self.task, sentence, time.monotonic() - self._began)


def _bar(task: str, unit: str, total: int, done: int) -> "tqdm | None":
    try:
        from tqdm import tqdm  # imported only to draw a bar: fits also run without tqdm
    except ImportError:
        return None
    return tqdm(total=total, initial=done, desc=task, unit=f" {unit}", file=sys.stderr)


def on_terminal() -> bool:
    """Whether standard error is a terminal; it may also be closed, or be replaced by something that cannot tell."""
    try:
        return bool(sys.stderr.isatty())
    except (AttributeError, ValueError):
        return False


def log_to_stderr() -> None:
    """Log the package's lines to standard error, unless that is a terminal, where bars are drawn."""
    if sys.stderr is None or on_terminal() or _LOG.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    _LOG.addHandler(handler)
    _LOG.setLevel(logging.INFO)
