"""Bars that move with the epochs of a fit or with the refits of a bootstrap."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def epoch_bar(max_epochs: int, wanted: bool | None) -> Iterator[Callable[[int, float], None]]:
    """A progress bar on standard error.

    Args:
        max_epochs: length of the bar; a fit that converges ends before.
        wanted: None shows it where standard error is a terminal, and stays quiet otherwise.

    Yields:
        A function of the epochs run and the objective.
    """
    if not (sys.stderr.isatty() if wanted is None else wanted):
        yield lambda epoch, objective: None
        return
    try:
        from tqdm import tqdm  # only where a bar is drawn: a bare machine can fit without it
    except ImportError:
        yield lambda epoch, objective: None
        return
    with tqdm(total=max_epochs, desc="training", unit="epoch", file=sys.stderr) as bar:

        def move(epoch: int, objective: float) -> None:
            bar.update(epoch - bar.n)
            bar.set_postfix_str(f"objective {objective:.4f}")

        yield move


@contextmanager
def progress_bar(count: int, done: int, wanted: bool | None, unit: str) -> Iterator[Callable[[int], None]]:
    """A progress bar over refits or fits on standard error, with the time left.

    Args:
        count: length of the bar.
        done: what is there already.
        wanted: None shows it where standard error is a terminal, and stays quiet otherwise.
        unit: what is counted, in the singular.

    Yields:
        A function of how many have just been finished.
    """
    if not (sys.stderr.isatty() if wanted is None else wanted):
        yield lambda finished: None
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield lambda finished: None
        return
    with tqdm(total=count, initial=done, desc=f"{unit}s", unit=unit, file=sys.stderr) as bar:

        def move(finished: int) -> None:
            bar.update(finished)

        yield move
