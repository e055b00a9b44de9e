"""Many independent computations in chunks that fit into memory, timed."""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from deepcausalmmm_jax.parallel.engines import (
    Engine,
    Mapped,
    Outcome,
    Shared,
    compile_ahead,
    default_engine,
    filled_to,
    spread,
)
from deepcausalmmm_jax.parallel.memory import is_out_of_memory, room_on

_Tree = TypeVar("_Tree")


class SizedBatch(Protocol[Mapped, Shared, Outcome]):
    """An `engines.Batch` that is a NamedTuple with a field `batch_size`: computations that run together."""

    @property
    def batch_size(self) -> int:
        """Computations that run together."""
        ...

    def _replace(self, *, batch_size: int = ...) -> Self: ...

    def __call__(self, mapped: Mapped, shared: Shared, /) -> Outcome:
        """As in `engines.Batch`."""
        ...

    def __hash__(self) -> int:
        """As in `engines.Batch`."""
        ...


class Batches(NamedTuple, Generic[Mapped, Shared, Outcome]):
    """A program, where it runs, and how many computations it is given at once.

    Attributes:
        batch: the program.
        devices: it runs on.
        engine: how the work is divided.
        workers: threads.
        rounds: batches run one after the other in one call.
    """

    batch: SizedBatch[Mapped, Shared, Outcome]
    devices: tuple[jax.Device, ...]
    engine: Engine
    workers: int
    rounds: int = 1

    @property
    def parts(self) -> int:
        """Number of cores or devices that work at the same time."""
        return self.workers if self.engine == "threads" else len(self.devices)

    @property
    def chunk(self) -> int:
        """Number of computations per call."""
        return self.parts * self.batch.batch_size * self.rounds


class Clock:
    """Seconds spent on compiling and on running.

    Attributes:
        compiled: seconds of compilation.
        run: seconds of everything else.
    """

    def __init__(self) -> None:
        self.compiled = 0.0
        self.run = 0.0


def batches_for(
    batch: SizedBatch[Mapped, Shared, Outcome], devices: tuple[jax.Device, ...], engine: Engine | None, most: int
) -> Batches[Mapped, Shared, Outcome]:
    """Batches on all cores of a CPU, or on all devices.

    Args:
        batch: the program; its batch size is reduced where fewer computations than that fall to a worker.
        devices: of this process.
        engine: how the work is divided; None chooses `default_engine`.
        most: number of computations in all, and so the limit of threads on a CPU.
    """
    engine = engine or default_engine(devices)
    devices = devices[:1] if engine == "threads" else devices
    workers = max(1, min(cores(), most)) if engine == "threads" else 1
    each = -(-most // (workers if engine == "threads" else len(devices)))
    return Batches(batch._replace(batch_size=max(1, min(batch.batch_size, each))), devices, engine, workers)


def within_memory(
    batches: Batches[Mapped, Shared, Outcome], one: Mapped, shared: Shared, clock: Clock
) -> Batches[Mapped, Shared, Outcome]:
    """Batches as large as the memory of an accelerator allows.

    Their own program is compiled and says what it needs. Mostly that is little enough, and the program is the one that
    then runs; a smaller program compiled first to estimate it would take as long again.

    Args:
        batches: as large as they may be; they stay so on a device that does not say how much memory it has.
        one: arrays for one computation, with a leading axis of 1.
        shared: arrays that all computations share.
        clock: seconds of compilation are added to it.
    """
    devices, engine, workers = batches.devices, batches.engine, batches.workers
    while batches.batch.batch_size > 1:
        size, chunk = batches.batch.batch_size, batches.chunk
        filled = jax.tree.map(lambda a, n=chunk: jnp.repeat(a, n, axis=0), one)
        made = compile_ahead(batches.batch, filled, shared, devices=devices, engine=engine, workers=workers)
        clock.compiled += made.seconds
        room = room_on(devices[0])
        if made.bytes <= room or not room:
            break
        batches = batches._replace(batch=batches.batch._replace(batch_size=max(1, int(size * room / made.bytes) - 1)))
    return batches


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def part_of(mapped: _Tree, begin: int, end: int) -> _Tree:
    """Some rows of arrays with a leading axis, up to the last; the arrays themselves where that is all of them."""
    length = len(jax.tree.leaves(mapped)[0])
    if begin == 0 and end >= length:
        return mapped
    rows: _Tree = _rows(mapped, begin, size=min(end, length) - begin)
    return rows


@partial(jax.jit, static_argnames="size")  # as one program instead of one for every array
def _rows(mapped: _Tree, begin: int, size: int) -> _Tree:
    rows: _Tree = jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, begin, size), mapped)
    return rows


def run_chunk(
    mapped: Mapped, shared: Shared, batches: Batches[Mapped, Shared, Outcome], clock: Clock
) -> tuple[Outcome, Batches[Mapped, Shared, Outcome]]:
    """Run one chunk; if memory runs out it is run again with half the batch size.

    Args:
        mapped: arrays with a leading axis of at most `batches.chunk`; padded to that length, so that one program
            serves all chunks.
        shared: arrays that all computations share.
        batches: program and devices.
        clock: seconds are added to it.

    Returns:
        The outcome, NumPy arrays with the leading axis of `mapped`, and the batches that fitted into memory.
    """
    length = len(jax.tree.leaves(mapped)[0])
    filled = filled_to(mapped, batches.chunk)
    batch, devices, engine, workers = batches.batch, batches.devices, batches.engine, batches.workers
    try:
        made = compile_ahead(batch, filled, shared, devices=devices, engine=engine, workers=workers)
        clock.compiled += made.seconds
        began = time.perf_counter()
        outcome = spread(batch, filled, shared, devices=devices, engine=engine, workers=workers)
    except jax.errors.JaxRuntimeError as error:
        if not is_out_of_memory(error) or batch.batch_size == 1:
            raise
        smaller = batch._replace(batch_size=batch.batch_size // 2)
        return run_all(mapped, shared, batches._replace(batch=smaller), clock)
    clock.run += time.perf_counter() - began
    cut: Outcome = jax.tree.map(lambda leaf: leaf[:length], outcome)
    return cut, batches


def run_all(
    mapped: Mapped,
    shared: Shared,
    batches: Batches[Mapped, Shared, Outcome],
    clock: Clock,
    tell: Callable[[int], None] = lambda _: None,
) -> tuple[Outcome, Batches[Mapped, Shared, Outcome]]:
    """Run any number of computations, chunk by chunk; arguments and outcome as for `run_chunk`.

    After each chunk `tell` is called with the number of computations that are done.
    """
    found, begin, length = [], 0, len(jax.tree.leaves(mapped)[0])
    while begin < length:
        end = begin + batches.chunk
        part, batches = run_chunk(jax.tree.map(lambda a, b=begin, e=end: a[b:e], mapped), shared, batches, clock)
        found.append(part)
        begin += len(jax.tree.leaves(part)[0])
        tell(begin)
    joined: Outcome = jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)
    return joined, batches
