"""Who works on many independent pieces, and how many at once: chunks that fit the memory, timed."""

import os
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from deepcausalmmm_jax.parallel.engines import Engine, compile_ahead, default_engine, spread
from deepcausalmmm_jax.parallel.memory import is_out_of_memory


class Batches(NamedTuple):
    """The program, where it runs, and how many pieces it is given at once.

    `batch` is a `engines.Batch` that is a NamedTuple with a field `batch_size`: pieces side by side.
    """

    batch: Any
    devices: tuple[Any, ...]
    engine: Engine
    workers: int
    rounds: int = 1  # batches one after the other in one call

    @property
    def parts(self) -> int:
        """Cores or devices that work at the same time."""
        return self.workers if self.engine == "threads" else len(self.devices)

    @property
    def chunk(self) -> int:
        """Pieces a call."""
        return self.parts * self.batch.batch_size * self.rounds


class Clock:
    """Seconds that compiling and running took.

    Attributes:
        compiled: seconds of compilation.
        run: seconds of everything else.
    """

    def __init__(self) -> None:
        self.compiled = 0.0
        self.run = 0.0


def batches_for(batch: Any, devices: tuple[Any, ...], engine: Engine | None, most: int) -> Batches:
    """All cores of a CPU, or all devices; no more than `most` parts on a CPU."""
    engine = engine or default_engine(devices)
    devices = devices[:1] if engine == "threads" else devices
    workers = max(1, min(cores(), most)) if engine == "threads" else 1
    each = -(-most // (workers if engine == "threads" else len(devices)))
    return Batches(batch._replace(batch_size=max(1, min(batch.batch_size, each))), devices, engine, workers)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_chunk(mapped: Any, shared: Any, batches: Batches, clock: Clock) -> tuple[Any, Batches]:
    """A chunk's outcome; what does not fit into memory is tried again in half the batch.

    Args:
        mapped: arrays with a leading axis, at most `batches.chunk` long; filled up to it, so that one program serves
            all.
        shared: what all pieces share.
        batches: who works.
        clock: goes on.

    Returns:
        The outcome, numpy arrays with the leading axis of `mapped`, and the batches that managed it.
    """
    length = len(jax.tree.leaves(mapped)[0])
    filled = jax.tree.map(lambda a: jnp.concatenate([a, jnp.repeat(a[-1:], batches.chunk - length, axis=0)]), mapped)
    how: dict[str, Any] = {"devices": batches.devices, "engine": batches.engine, "workers": batches.workers}
    try:
        clock.compiled += compile_ahead(batches.batch, filled, shared, **how)
        began = time.perf_counter()
        outcome = spread(batches.batch, filled, shared, **how)
    except jax.errors.JaxRuntimeError as error:
        if not is_out_of_memory(error) or batches.batch.batch_size == 1:
            raise
        smaller = batches.batch._replace(batch_size=batches.batch.batch_size // 2)
        return run_all(mapped, shared, batches._replace(batch=smaller), clock)
    clock.run += time.perf_counter() - began
    return jax.tree.map(lambda leaf: leaf[:length], outcome), batches


def run_all(mapped: Any, shared: Any, batches: Batches, clock: Clock) -> tuple[Any, Batches]:
    """The outcome of any number of pieces, chunk by chunk; arguments as for `run_chunk`."""
    found, begin, length = [], 0, len(jax.tree.leaves(mapped)[0])
    while begin < length:
        end = begin + batches.chunk
        part, batches = run_chunk(jax.tree.map(lambda a, b=begin, e=end: a[b:e], mapped), shared, batches, clock)
        found.append(part)
        begin += len(jax.tree.leaves(part)[0])
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *found), batches
