"""Runs of a compiled program in threads: on a CPU one run of small arrays keeps a single core busy."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import jax

from deepcausalmmm_jax.parallel.batches import cores
from deepcausalmmm_jax.steps import parts

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")


def threads_for(most: int) -> int:
    """Threads that shorten the wait: one a core of a CPU, `most` at the most; one on an accelerator.

    Args:
        most: tasks that could run at the same time.
    """
    return max(1, min(cores(), most)) if jax.default_backend() == "cpu" else 1


def side_by_side(
    run: Callable[[Task], Outcome], tasks: Sequence[Task], *, is_compiled: bool = False, is_shown: bool = False
) -> list[Outcome]:
    """The outcome of each task, in their order.

    Args:
        run: a compiled program that ends with arrays on the host, so that its thread waits for them.
        tasks: of about the same length.
        is_compiled: whether the program has run before. The first task runs alone otherwise, or each thread would
            compile the program.
        is_shown: whether the wait that is shown counts them, see `steps.parts`.
    """
    threads = threads_for(len(tasks))
    if threads == 1:  # the own one
        return [run(task) for task in (parts(tasks) if is_shown else tasks)]
    with ThreadPoolExecutor(threads) as pool:
        found = _outcomes(pool, run, tasks, is_compiled)
        try:
            return [next(found) for _ in (parts(tasks) if is_shown else tasks)]
        except BaseException:  # Ctrl-C too: what has not begun is not waited for
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _outcomes(
    pool: ThreadPoolExecutor, run: Callable[[Task], Outcome], tasks: Sequence[Task], is_compiled: bool
) -> Iterator[Outcome]:
    alone = 0 if is_compiled else 1
    yield from map(run, tasks[:alone])
    yield from pool.map(run, tasks[alone:])
