"""Many independent computations over cores, devices and hosts; the only file that knows of `pmap`."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Protocol, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

Engine = Literal["threads", "shard_map", "pmap"]
_AXIS = "replicate"


class Batch(Protocol):
    """A pure function of a batch and of what all of it shares; hashable, so that its program is compiled once."""

    def __call__(self, mapped: Any, shared: Any, /) -> Any:
        """Outcome for a batch whose arrays have a leading axis, with the same leading axis."""
        ...

    def __hash__(self) -> int:
        """Equal functions share a program."""
        ...


def default_engine(devices: Sequence[Any]) -> Engine:
    """`threads` on a single CPU device, whose cores work on a part of the batch each; `shard_map` elsewhere."""
    return "threads" if len(devices) == 1 and devices[0].platform == "cpu" else "shard_map"


def spread(batch: Batch, mapped: Any, shared: Any, *, devices: Sequence[Any], engine: Engine, workers: int = 1) -> Any:
    """Run a batch in equal parts, one a device (or one a thread); the same numbers as in one piece, up to rounding.

    A batch that does not divide is filled up with its last entry, and the fill is dropped again.

    Args:
        batch: the function.
        mapped: arrays with a leading axis, to be split.
        shared: what every part gets whole.
        devices: of this process.
        engine: `threads` (one device, parts run at the same time), `shard_map`, or `pmap`.
        workers: threads.

    Returns:
        The outcome, numpy arrays with the leading axis of `mapped`.
    """
    parts = _arranged(mapped, shared, devices, engine, workers)
    program = _program(batch, parts, devices, engine)
    if engine == "threads":
        with ThreadPoolExecutor(len(parts.mapped)) as pool:
            found = list(pool.map(lambda part: _on_host(program(part, parts.shared)), parts.mapped))
        joined = jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)
    elif engine == "pmap":
        joined = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), _on_host(program(parts.mapped, parts.shared)))
    else:
        joined = _on_host(program(parts.mapped, parts.shared))
    return jax.tree.map(lambda a: a[: _length(mapped)], joined)


def compile_ahead(
    batch: Batch, mapped: Any, shared: Any, *, devices: Sequence[Any], engine: Engine, workers: int = 1
) -> float:
    """Compile what `spread` runs with the same arguments.

    Returns:
        Seconds that took; next to none where it had been done.
    """
    began = time.perf_counter()
    _program(batch, _arranged(mapped, shared, devices, engine, workers), devices, engine)
    return time.perf_counter() - began


class _Parts(NamedTuple):
    """Arguments of the program, laid out for its engine."""

    mapped: Any
    shared: Any


def _arranged(mapped: Any, shared: Any, devices: Sequence[Any], engine: Engine, workers: int) -> _Parts:
    length = _length(mapped)
    n_parts = min(workers, length) if engine == "threads" else len(devices)
    whole = -(-length // n_parts) * n_parts
    filled = jax.tree.map(lambda a: jnp.concatenate([a, jnp.repeat(a[-1:], whole - length, axis=0)]), mapped)
    if engine == "threads":
        return _Parts(_split(jax.device_put(filled, devices[0]), n_parts), jax.device_put(shared, devices[0]))
    if engine == "pmap":
        filled = jax.tree.map(lambda a: a.reshape(n_parts, -1, *a.shape[1:]), filled)
    return _Parts(filled, shared)


def _program(batch: Batch, parts: _Parts, devices: Sequence[Any], engine: Engine) -> Callable[[Any, Any], Any]:
    """The compiled program for these shapes; JAX keeps it, so that asking again costs nothing."""
    function: Any
    if engine == "threads":
        function, first = _compiled(batch), parts.mapped[0]
    else:
        make = _mapped if engine == "pmap" else _sharded
        function, first = make(batch, tuple(devices)), parts.mapped
    return cast(Callable[[Any, Any], Any], function.lower(first, parts.shared).compile())


@lru_cache(maxsize=32)
def _compiled(batch: Batch) -> Callable[[Any, Any], Any]:
    return jax.jit(batch.__call__)


@lru_cache(maxsize=32)
def _mapped(batch: Batch, devices: tuple[Any, ...]) -> Callable[[Any, Any], Any]:
    program: Any = jax.pmap(batch.__call__, in_axes=(0, None), devices=devices)
    return cast(Callable[[Any, Any], Any], program)


@lru_cache(maxsize=32)
def _sharded(batch: Batch, devices: tuple[Any, ...]) -> Callable[[Any, Any], Any]:
    mesh = Mesh(np.array(devices), (_AXIS,))
    own, whole = PartitionSpec(_AXIS), PartitionSpec()
    # Nothing is exchanged between the parts, so there is nothing to check, and the check refuses scans from zeros.
    parts = jax.shard_map(batch.__call__, mesh=mesh, in_specs=(own, whole), out_specs=own, check_vma=False)
    return jax.jit(parts)


def _split(tree: Any, n_parts: int) -> list[Any]:
    size = _length(tree) // n_parts
    return [jax.tree.map(lambda a, i=i: a[i * size : (i + 1) * size], tree) for i in range(n_parts)]


def _length(tree: Any) -> int:
    return int(jax.tree.leaves(tree)[0].shape[0])


def _on_host(tree: Any) -> Any:
    return jax.tree.map(np.asarray, tree)
