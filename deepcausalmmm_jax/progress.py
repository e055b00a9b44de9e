"""Progress of long runs: a bar on a terminal, lines through `logging` elsewhere."""

import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tqdm import tqdm

_LOG = logging.getLogger("deepcausalmmm_jax")
_PAUSE = 10.0  # seconds between two lines
_SOON = 1.0  # seconds after which steps are shown, and between two looks at the clock
_COUNTED = "{desc}: {n_fmt} of at most {total_fmt}{unit} [{elapsed}, at most {remaining} left{postfix}]"
_COMPILING = "{desc}: compiling [{elapsed}]"
_STEP = "{desc} [{elapsed}]"
_wanted: ContextVar[bool | None] = ContextVar("wanted", default=None)  # whether bars are drawn; None: on a terminal


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
        self._bar = _bar(task, unit, total, done, _COMPILING) if _is_shown(show) else None
        self._ticking = _ticked(self._bar)

    def __enter__(self) -> Self:
        _LOG.info("%s: compiling ...", self.task)
        return self

    def __exit__(self, *_: object) -> None:
        self._ticking.set()
        if self._bar is not None:
            self._bar.close()

    def update(self, done: int, postfix: str = "") -> None:
        """Set the count; a line is logged unless one was logged in the last ten seconds.

        Args:
            done: count so far, including earlier runs.
            postfix: shown after the bar.
        """
        if self._bar is not None:
            if self._paced is None:
                self._ticking.set()
                _count_from_here(self._bar, done)
            if postfix:
                self._bar.set_postfix_str(postfix, refresh=False)
            self._bar.update(done - self.done if self._paced else 0)
            if self._paced is None:
                self._bar.refresh()
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


class Steps:
    """A wait of a few steps that take unequal time, such as checks or a report, used as a context manager.

    On a terminal a line has the step, which of how many it is where that is known, and the seconds so far, from the
    second second on: what is left of unequal steps nobody knows. Nothing is logged. Steps within steps are silent.

    Attributes:
        task: name of the wait, e.g. `report`.
        total: number of steps; None where that is not known.
    """

    def __init__(self, task: str, total: int | None = None) -> None:
        """Name the wait, and say how many steps it has."""
        self.task, self.total = task, total
        self._begun = 0
        self._bar: tqdm | None = None
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        if _is_shown(None):
            self._bar = _bar(self.task, "", 1, 0, _STEP, delay=_SOON)
        self._ticking = _ticked(self._bar)
        self._outer = _wanted.set(False)
        return self

    def __exit__(self, *_: object) -> None:
        _wanted.reset(self._outer)
        self._ticking.set()
        if self._bar is not None:
            self._bar.leave = False
            self._bar.delay = 0.0 if time.monotonic() - self._began >= _SOON else _SOON  # what was shown is wiped out
            self._bar.close()

    def step(self, name: str) -> None:
        """Say which step begins."""
        self._begun += 1
        if self._bar is not None:
            which = "" if self.total is None else f" ({self._begun} of {self.total})"
            self._bar.desc = f"{self.task}: {name}{which}"


@contextmanager
def drawn(progress: bool | None) -> Iterator[None]:
    """Whether bars are drawn within: as a function's argument `progress` says; None leaves it as it is."""
    outer = _wanted.set(_wanted.get() if progress is None else progress)
    try:
        yield
    finally:
        _wanted.reset(outer)


def _ticked(bar: "tqdm | None") -> threading.Event:
    """Show the seconds of a bar that is not counting; until the event that is returned is set."""
    over = threading.Event()

    def tick() -> None:
        while not over.wait(_SOON):
            if bar is not None:
                bar.refresh()

    if bar is not None:
        threading.Thread(target=tick, daemon=True).start()
    return over


def _count_from_here(bar: "tqdm", done: int) -> None:
    """Compilation is over: its time says nothing of what is left, so that the clock starts again."""
    bar.bar_format = _COUNTED
    bar.start_t = bar.last_print_t = bar._time()
    bar.n = bar.initial = bar.last_print_n = done


def _is_shown(show: bool | None) -> bool:
    wanted = _wanted.get() if show is None else show
    return on_terminal() if wanted is None else wanted


def _bar(task: str, unit: str, total: int, done: int, form: str, delay: float = 0.0) -> "tqdm | None":
    try:
        from tqdm import tqdm  # imported only to draw a bar: fits also run without tqdm
    except ImportError:
        return None
    return tqdm(total=total, initial=done, desc=task, unit=f" {unit}", file=sys.stderr, bar_format=form, delay=delay)


def on_terminal() -> bool:
    """Whether standard error is a terminal or a notebook; it may be closed, or be something that cannot tell."""
    try:
        return bool(sys.stderr.isatty()) or "ipykernel" in sys.modules
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
