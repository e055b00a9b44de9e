"""Many independent computations over cores, devices and hosts; the only file that knows of `pmap`."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Literal, Protocol, cast

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
    n_parts = min(workers, _length(mapped)) if engine == "threads" else len(devices)
    length = _length(mapped)
    whole = -(-length // n_parts) * n_parts
    filled = jax.tree.map(lambda a: jnp.concatenate([a, jnp.repeat(a[-1:], whole - length, axis=0)]), mapped)
    if engine == "threads":
        with ThreadPoolExecutor(n_parts) as pool:
            parts = list(pool.map(lambda part: _on_host(_compiled(batch)(part, shared)), _split(filled, n_parts)))
        joined = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
    elif engine == "pmap":
        stacked = jax.tree.map(lambda a: a.reshape(n_parts, -1, *a.shape[1:]), filled)
        found = _on_host(_mapped(batch, tuple(devices))(stacked, shared))
        joined = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), found)
    else:
        joined = _on_host(_sharded(batch, tuple(devices))(filled, shared))
    return jax.tree.map(lambda a: a[:length], joined)


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
