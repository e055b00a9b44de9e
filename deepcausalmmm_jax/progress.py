"""Progress of long runs: a bar on a terminal, lines through `logging` elsewhere."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tqdm import tqdm

_LOG = logging.getLogger("deepcausalmmm_jax")
_PAUSE = 10.0  # seconds between two lines
SOON = 1.0  # seconds after which steps are shown, and between two looks at the clock
_COUNTED = "{desc}: {n_fmt} of at most {total_fmt}{unit} [{elapsed}%s{postfix}]"
_COMPILING = "{desc}: compiling [{elapsed}]"
LEAST = 1.0  # seconds left that are shown
wanted_bars: ContextVar[bool | None] = ContextVar("wanted", default=None)  # whether bars are drawn; None: on a terminal


class Pace:
    """Time left of a run whose steps take unequal time: at the pace of the later half of them.

    The first step includes compilation, which does not come again, and counts for nothing.
    """

    def __init__(self, total: float) -> None:
        """Begin, with the count at which the run ends."""
        self.total = total
        self._seen: list[tuple[float, float]] = []  # time and count of each step's end

    @property
    def is_empty(self) -> bool:
        """Whether no step has ended."""
        return not self._seen

    def note(self, now: float, done: float) -> None:
        """Note that a step has ended, in seconds of some clock, and the count so far."""
        self._seen.append((now, done))

    def skip(self, now: float, by: float) -> None:
        """Leave out a part of the count, and the time since the last step's end, neither of which is of the pace."""
        idle = now - self._seen[-1][0] if self._seen else 0.0
        self._seen = [(second + idle, done + by) for second, done in self._seen]

    def left(self, now: float) -> float | None:
        """Seconds left, a second or more; None before the second step.

        While a step lasts, the seconds fall until it should have ended, and wait there.
        """
        if len(self._seen) < 2:
            return None
        (then, before), (_, previous), (last, done) = (self._seen[i] for i in ((len(self._seen) - 1) // 2, -2, -1))
        if done <= max(before, previous):
            return None
        pace = (last - then) / (done - before)
        return max(pace * (self.total - done) - min(now - last, pace * (done - previous)), LEAST)


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
        self._pace = Pace(total)
        self._bar = new_bar(task, unit, total, done, _COMPILING) if is_shown(show) else None
        self._ticking = ticked(self._bar, self._draw)

    def __enter__(self) -> Self:
        _LOG.info("%s: compiling ...", self.task)
        self._outer = wanted_bars.set(False)  # waits within this run are silent
        return self

    def __exit__(self, *_: object) -> None:
        wanted_bars.reset(self._outer)
        self._ticking.set()
        if self._bar is not None:
            self._bar.close()

    def update(self, done: int, postfix: str = "") -> None:
        """Set the count; a line is logged unless one was logged in the last ten seconds.

        Args:
            done: count so far, including earlier runs.
            postfix: shown after the bar.
        """
        now = time.monotonic()
        is_first = self._pace.is_empty
        self._pace.note(now, done)
        if self._bar is not None:
            if is_first:
                _count_from_here(self._bar, done)
            if postfix:
                self._bar.set_postfix_str(postfix, refresh=False)
            self._draw()
            self._bar.update(0 if is_first else done - self.done)
            if is_first:
                self._bar.refresh()
        self.done = done
        if now - self._last < _PAUSE:
            return
        self._last = now
        left = self._pace.left(now)
        estimate = "" if left is None else f", at most {left:,.0f} s left"
        _LOG.info("%s: %s of at most %s %s%s", self.task, f"{done:,}", f"{self.total:,}", self.unit, estimate)

    def _draw(self) -> None:
        """Put the time left into the bar, once counting has begun."""
        if self._bar is not None and not self._pace.is_empty:
            left = self._pace.left(time.monotonic())
            self._bar.bar_format = _COUNTED % ("" if left is None else f", at most {clock(left)} left")

    def close(self, sentence: str) -> None:
        """Log how the run ended and how long it took.

        Args:
            sentence: how it ended.
        """
        _LOG.info("%s: %s %.1f s.", self.task, sentence, time.monotonic() - self._began)


@contextmanager
def drawn(progress: bool | None) -> Iterator[None]:
    """Whether bars are drawn within: as a function's argument `progress` says; None leaves it as it is."""
    outer = wanted_bars.set(wanted_bars.get() if progress is None else progress)
    try:
        yield
    finally:
        wanted_bars.reset(outer)


def ticked(bar: "tqdm | None", draw: Callable[[], None]) -> threading.Event:
    """Show the seconds of a bar between its updates, until the event that is returned is set."""
    over = threading.Event()

    def tick() -> None:
        while not over.wait(SOON):
            draw()
            if bar is not None:
                bar.refresh()

    if bar is not None:
        threading.Thread(target=tick, daemon=True).start()
    return over


def _count_from_here(bar: "tqdm", done: int) -> None:
    """Compilation is over: its time says nothing of what is left, so that the clock starts again."""
    bar.start_t = bar.last_print_t = bar._time()
    bar.n = bar.initial = bar.last_print_n = done


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any: 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def is_shown(show: bool | None) -> bool:
    """Whether a bar is drawn: as asked for; None goes by `drawn`, and else by the terminal."""
    wanted = wanted_bars.get() if show is None else show
    return on_terminal() if wanted is None else wanted


def new_bar(task: str, unit: str, total: int, done: int, form: str, delay: float = 0.0) -> "tqdm | None":
    """A bar on standard error, which appears after a delay in seconds; None without tqdm."""
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
