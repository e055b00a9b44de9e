"""Progress of long runs: a bar on a terminal, lines through `logging` elsewhere."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from tqdm import tqdm

_LOG = logging.getLogger("deepcausalmmm_jax")
_PAUSE = 10.0  # seconds between two lines
_SOON = 1.0  # seconds after which steps are shown, and between two looks at the clock
_COUNTED = "{desc}: {n_fmt} of at most {total_fmt}{unit} [{elapsed}%s{postfix}]"
_COMPILING = "{desc}: compiling [{elapsed}]"
_STEP = "{desc} [{elapsed}%s]"
_LEAST = 1.0  # seconds left that are shown
_wanted: ContextVar[bool | None] = ContextVar("wanted", default=None)  # whether bars are drawn; None: on a terminal


class Pace:
    """Time left of a run whose steps take unequal time: at the pace of the later half of them.

    The first step includes compilation, which does not come again, and counts for nothing.
    """

    def __init__(self, total: int) -> None:
        """Begin, with the count at which the run ends."""
        self.total = total
        self._seen: list[tuple[float, int]] = []  # time and count of each step's end

    @property
    def is_empty(self) -> bool:
        """Whether no step has ended."""
        return not self._seen

    def note(self, now: float, done: int) -> None:
        """Note that a step has ended, in seconds of some clock, and the count so far."""
        self._seen.append((now, done))

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
        return max(pace * (self.total - done) - min(now - last, pace * (done - previous)), _LEAST)


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
        self._bar = _bar(task, unit, total, done, _COMPILING) if _is_shown(show) else None
        self._ticking = _ticked(self._bar, self._draw)

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
            self._bar.bar_format = _COUNTED % (", at most ? left" if left is None else f", at most {_clock(left)} left")

    def close(self, sentence: str) -> None:
        """Log how the run ended and how long it took.

        Args:
            sentence: how it ended.
        """
        _LOG.info("%s: %s %.1f s.", self.task, sentence, time.monotonic() - self._began)


class Steps:
    """A wait of a few steps that take unequal time, such as checks or a report, used as a context manager.

    On a terminal a line has the step, which of how many it is where that is known, the seconds so far, and the seconds
    left where they can be told, from the second second on. Nothing is logged. Steps within steps are silent.

    Attributes:
        task: name of the wait, e.g. `report`.
        shares: names of the steps in turn, and how long each takes relative to the others; empty where unknown.
    """

    def __init__(self, task: str, shares: Mapping[str, float] | None = None) -> None:
        """Name the wait, and say how its time is shared by its steps."""
        self.task, self.shares = task, dict(shares or {})
        self._ends: list[float] = []  # when each step ended
        self._names: list[str] = []  # of the steps begun
        self._bar: tqdm | None = None
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        if _is_shown(None):
            self._bar = _bar(self.task, "", 1, 0, _STEP % "", delay=_SOON)
        self._ticking = _ticked(self._bar, self._draw)
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
        if self._names:
            self._ends.append(time.monotonic())
        self._names.append(name)
        if self._bar is not None:
            which = f" ({len(self._names)} of {len(self.shares)})" if name in self.shares else ""
            self._bar.desc = f"{self.task}: {name}{which}"
            self._draw()

    def left(self, now: float) -> float | None:
        """Seconds left, a second or more; None before the end of the second step, since the first one compiles."""
        ended, names = len(self._ends), list(self.shares)
        if ended < 2 or self._names != names[: len(self._names)]:
            return None
        shares = list(self.shares.values())
        pace = (self._ends[-1] - self._ends[0]) / sum(shares[1:ended])
        within = max(pace * shares[ended] - (now - self._ends[-1]), 0.0)
        return max(within + pace * sum(shares[ended + 1 :]), _LEAST)

    def _draw(self) -> None:
        """Put the time left into the line."""
        if self._bar is not None:
            left = self.left(time.monotonic())
            self._bar.bar_format = _STEP % ("" if left is None else f", about {_clock(left)} left")


@contextmanager
def drawn(progress: bool | None) -> Iterator[None]:
    """Whether bars are drawn within: as a function's argument `progress` says; None leaves it as it is."""
    outer = _wanted.set(_wanted.get() if progress is None else progress)
    try:
        yield
    finally:
        _wanted.reset(outer)


def _ticked(bar: "tqdm | None", draw: Callable[[], None]) -> threading.Event:
    """Show the seconds of a bar between its updates, until the event that is returned is set."""
    over = threading.Event()

    def tick() -> None:
        while not over.wait(_SOON):
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


def _clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any: 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


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
