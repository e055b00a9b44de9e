"""Waits of a few unlike steps, such as checks, a plan or a report: on a terminal a line says what is left of them."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Self, TypeVar

from deepcausalmmm_jax.progress import LEAST, SOON, Pace, clock, is_shown, new_bar, ticked, wanted_bars

if TYPE_CHECKING:
    from tqdm import tqdm

_STEP = "{desc} [{elapsed}%s]"
_ROUNDING = 1e-9  # of a position within a step
_LATE = 1.25  # multiple of the time that a step should take, after which nothing is said of what is left
_Item = TypeVar("_Item")
_shown: ContextVar["Steps | None"] = ContextVar("shown", default=None)  # the wait whose loops `parts` counts


class Steps:
    """A wait of a few steps that take unequal time, such as checks or a report, used as a context manager.

    On a terminal a line has the step, which of how many it is where that is known, the seconds so far, and the seconds
    left where they can be told, from the second second on. Nothing is logged. Steps within steps are silent.

    What is left of a step is known from the pace of its loops, which say so by `parts`; else from its share of the
    wait and the pace of the steps before it, without the first one, which compiles. A step that takes a quarter longer
    than it should has shown that its share is wrong, so that nothing more is said.

    Attributes:
        task: name of the wait, e.g. `report`.
        shares: names of the steps in turn, and how long each takes relative to the others; empty where unknown.
    """

    def __init__(self, task: str, shares: Mapping[str, float] | None = None) -> None:
        """Name the wait, and say how its time is shared by its steps."""
        self.task, self.shares = task, dict(shares or {})
        self._ends: list[float] = []  # when each step ended
        self._names: list[str] = []  # of the steps begun
        self._begin_step()
        self._bar: tqdm | None = None
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        shown = is_shown(None)
        if shown:
            self._bar = new_bar(self.task, "", 1, 0, _STEP % "", delay=SOON)
        self._ticking = ticked(self._bar, self._draw)
        self._outer = wanted_bars.set(False), _shown.set(self if shown else None)
        return self

    def __exit__(self, *_: object) -> None:
        wanted_bars.reset(self._outer[0])
        _shown.reset(self._outer[1])
        self._ticking.set()
        if self._bar is not None:
            self._bar.leave = False
            self._bar.delay = 0.0 if time.monotonic() - self._began >= SOON else SOON  # what was shown is wiped out
            self._bar.close()

    def step(self, name: str) -> None:
        """Say which step begins."""
        if self._names:
            self._ends.append(time.monotonic())
        self._names.append(name)
        self._begin_step()
        if self._bar is not None:
            which = f" ({len(self._names)} of {len(self.shares)})" if name in self.shares else ""
            self._bar.desc = f"{self.task}: {name}{which}"
            self._draw()

    def _begin_step(self) -> None:
        self._loops: list[tuple[float, float]] = []  # begin and width of the present pass of each loop, in that around
        self._within: Pace | None = Pace(1.0)  # of the step; None once its loops were seen to repeat
        self._reached = 0.0  # of the step, from 0 to 1
        self._at_most = False  # whether a loop may end early

    @contextmanager
    def loop(self, *, skips: bool = False, at_most: bool = False) -> Iterator[Callable[[float, float], None]]:
        """A loop within the step; what it yields sets begin and end of the present pass.

        Args:
            skips: whether what lies between two passes was left out, so that it says nothing of the pace.
            at_most: whether the loop may end early.
        """
        depth = len(self._loops)
        self._at_most = self._at_most or at_most

        def set_to(begin: float, end: float) -> None:
            self._loops[depth:] = [(begin, end - begin)]
            self._note_position(skips)

        try:
            yield set_to
        finally:
            del self._loops[depth:]

    def _note_position(self, skips: bool) -> None:
        """Note how far the step has come."""
        at, width = 0.0, 1.0
        for begin, share in self._loops:
            at, width = at + begin * width, width * share
        if at < self._reached - _ROUNDING:
            self._within = None
        elif at > self._reached + _ROUNDING and self._within is not None:
            if skips:
                self._within.skip(time.monotonic(), at - self._reached)
            else:
                self._within.note(time.monotonic(), at)
            self._reached = at

    def left(self, now: float) -> float | None:
        """Seconds left, a second or more; None where they cannot be told."""
        ended, names, shares = len(self._ends), list(self.shares), list(self.shares.values())
        if not self._names or self._names != names[: len(self._names)]:
            return None
        known = ended > 1
        pace = (self._ends[-1] - self._ends[0]) / sum(shares[1:ended]) if known else 0.0
        within, due = None if self._within is None else self._within.left(now), pace * shares[ended]
        if within is None and known and now - self._ends[-1] <= _LATE * due:
            within = max(due - (now - self._ends[-1]), 0.0)
        if within is None or not (known or ended == len(shares) - 1):
            return None
        return max(within + pace * sum(shares[ended + 1 :]), LEAST)

    def _draw(self) -> None:
        """Put the time left into the line."""
        if self._bar is not None:
            left, word = self.left(time.monotonic()), "at most" if self._at_most else "about"
            self._bar.bar_format = _STEP % ("" if left is None else f", {word} {clock(left)} left")


def parts(items: Sequence[_Item], *, at_most: bool = False) -> Iterator[_Item]:
    """Items of a loop whose passes take about the same time, so that the wait that is shown knows what is left of it.

    A step has one such loop, in which others may be nested, or several, each in its `portion`.

    Args:
        items: of the loop.
        at_most: whether the loop may end early.
    """
    wait = _shown.get()
    if wait is None:
        yield from items
        return
    with wait.loop(at_most=at_most) as set_to:
        for done, item in enumerate(items):
            set_to(done / len(items), (done + 1) / len(items))
            yield item
        set_to(1.0, 1.0)


@contextmanager
def portion(begin: float, end: float) -> Iterator[None]:
    """What is done within takes this part of the step that is shown, from 0 to 1."""
    wait = _shown.get()
    if wait is None:
        yield
        return
    with wait.loop(skips=True) as set_to:
        set_to(begin, end)
        yield


@contextmanager
def uncounted() -> Iterator[None]:
    """What is done within repeats its loops nobody knows how often, so that these say nothing of what is left."""
    outer = _shown.set(None)
    try:
        yield
    finally:
        _shown.reset(outer)
