"""Many independent computations over the cores or devices of a host; the only file that uses `pmap`."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Generic, Literal, NamedTuple, Protocol, TypeVar, cast, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.io.quick_compile import options_for_refits

Engine = Literal["threads", "shard_map", "pmap"]
Mapped = TypeVar("Mapped", contravariant=True)  # trees of arrays: with a leading axis,
Shared = TypeVar("Shared", contravariant=True)  # without it,
Outcome = TypeVar("Outcome", covariant=True)  # and what the function returns
_AXIS = "replicate"


class Batch(Protocol[Mapped, Shared, Outcome]):
    """A pure function of a batch and of arrays that the batch shares; hashable, so that it is compiled only once."""

    def __call__(self, mapped: Mapped, shared: Shared, /) -> Outcome:
        """Outcome for a batch whose arrays have a leading axis, with the same leading axis."""
        ...

    def __hash__(self) -> int:
        """Equal functions share a compiled program."""
        ...


def engine_named(engine: object) -> Engine | None:
    """The engine that a user asks for; None for the one that suits the devices.

    Raises:
        ConfigError: there is no such engine.
    """
    if engine is None or (isinstance(engine, str) and engine in get_args(Engine)):
        return cast(Engine | None, engine)
    raise ConfigError(f"engine must be one of {', '.join(get_args(Engine))}, got {shown(engine)}.")


def default_engine(devices: Sequence[jax.Device]) -> Engine:
    """`threads` on a single CPU device, where each core runs a part of the batch; `shard_map` elsewhere."""
    return "threads" if len(devices) == 1 and devices[0].platform == "cpu" else "shard_map"


def spread(
    batch: Batch[Mapped, Shared, Outcome],
    mapped: Mapped,
    shared: Shared,
    *,
    devices: Sequence[jax.Device],
    engine: Engine,
    workers: int = 1,
) -> Outcome:
    """Run a batch in equal parts, one per device or thread; the numbers are those of a single run, up to rounding.

    A batch that does not divide evenly is padded with its last entry, and the padding is dropped again.

    Args:
        batch: the function.
        mapped: arrays with a leading axis, to be split.
        shared: arrays that every part gets as a whole.
        devices: of this process.
        engine: `threads` (one device, parts run at the same time), `shard_map`, or `pmap`.
        workers: number of threads.

    Returns:
        The outcome, NumPy arrays with the leading axis of `mapped`.
    """
    parts = _arranged(mapped, shared, devices, engine, workers)
    program = _program(batch, parts, devices, engine)
    joined: Outcome
    if engine == "threads":
        with ThreadPoolExecutor(len(parts.pieces)) as pool:
            found = list(pool.map(lambda part: _on_host(program(part, parts.shared)), parts.pieces))
        joined = jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)
    elif engine == "pmap":
        by_part: Outcome = _on_host(program(parts.pieces[0], parts.shared))
        joined = jax.tree.map(lambda a: a.reshape(a.shape[0] * a.shape[1], *a.shape[2:]), by_part)
    else:
        joined = _on_host(program(parts.pieces[0], parts.shared))
    cut: Outcome = jax.tree.map(lambda a: a[: _length(mapped)], joined)
    return cut


class CompiledAhead(NamedTuple):
    """What compiling a program has told.

    Attributes:
        seconds: it took; almost none if the program was compiled before.
        bytes: of memory that the program needs on a device beside its arguments; 0 where the compiler does not say.
    """

    seconds: float
    bytes: int


def compile_ahead(
    batch: Batch[Mapped, Shared, Outcome],
    mapped: Mapped,
    shared: Shared,
    *,
    devices: Sequence[jax.Device],
    engine: Engine,
    workers: int = 1,
) -> CompiledAhead:
    """Compile the program that `spread` runs with the same arguments."""
    began = time.perf_counter()
    program = _program(batch, _arranged(mapped, shared, devices, engine, workers), devices, engine)
    took, needs = time.perf_counter() - began, program.memory_analysis()
    at_once = workers if engine == "threads" else 1
    needed = 0 if needs is None else at_once * int(needs.temp_size_in_bytes + needs.output_size_in_bytes)
    return CompiledAhead(took, needed)


_Tree = TypeVar("_Tree")
_Common = TypeVar("_Common")
_Found = TypeVar("_Found")


class _Parts(NamedTuple, Generic[_Tree, _Common]):
    """Arguments of the program, laid out for its engine."""

    pieces: list[_Tree]  # one for each thread; a single one for devices, which split it
    shared: _Common


def _arranged(
    mapped: _Tree, shared: _Common, devices: Sequence[jax.Device], engine: Engine, workers: int
) -> _Parts[_Tree, _Common]:
    length = _length(mapped)
    n_parts = min(workers, length) if engine == "threads" else len(devices)
    whole = -(-length // n_parts) * n_parts
    filled = filled_to(mapped, whole)
    if engine == "threads":
        return _Parts(_split(jax.device_put(filled, devices[0]), n_parts), jax.device_put(shared, devices[0]))
    if engine == "pmap":
        filled = jax.tree.map(lambda a: a.reshape(n_parts, whole // n_parts, *a.shape[1:]), filled)
    return _Parts([filled], shared)


def _program(
    batch: Batch[_Tree, _Common, _Found], parts: _Parts[_Tree, _Common], devices: Sequence[jax.Device], engine: Engine
) -> jax.stages.Compiled:
    """The compiled program for these shapes; JAX caches it, so that asking again costs nothing."""
    if engine == "threads":
        own = sum(a.size // a.shape[0] for a in jax.tree.leaves(parts.pieces[0]))
        function = _compiled(batch, own + sum(a.size for a in jax.tree.leaves(parts.shared)))
    else:
        function = (_mapped if engine == "pmap" else _sharded)(batch, tuple(devices))
    return function.lower(parts.pieces[0], parts.shared).compile()


@lru_cache(maxsize=32)
def _compiled(batch: Batch[object, object, object], size: int) -> jax.stages.Wrapped:
    return jax.jit(batch.__call__, compiler_options=options_for_refits(size))


@lru_cache(maxsize=32)
def _mapped(batch: Batch[object, object, object], devices: tuple[jax.Device, ...]) -> jax.stages.Wrapped:
    program: jax.stages.Wrapped = jax.pmap(batch.__call__, in_axes=(0, None), devices=devices)
    return program


@lru_cache(maxsize=32)
def _sharded(batch: Batch[object, object, object], devices: tuple[jax.Device, ...]) -> jax.stages.Wrapped:
    mesh = Mesh(np.array(devices), (_AXIS,))
    own, whole = PartitionSpec(_AXIS), PartitionSpec()
    # The parts exchange nothing, so there is nothing to check, and the check rejects scans that start from zeros.
    parts = jax.shard_map(batch.__call__, mesh=mesh, in_specs=(own, whole), out_specs=own, check_vma=False)
    return jax.jit(parts)


def filled_to(tree: _Tree, length: int) -> _Tree:
    """The tree with the last entry of every array repeated until there are `length`."""
    if _length(tree) == length:
        return tree
    filled: _Tree = _filled(tree, length)
    return filled


@partial(jax.jit, static_argnames="length")  # as one program instead of four for every shape
def _filled(tree: _Tree, length: int) -> _Tree:
    filled: _Tree = jax.tree.map(lambda a: jnp.concatenate([a, jnp.repeat(a[-1:], length - len(a), axis=0)]), tree)
    return filled


def _split(tree: _Tree, n_parts: int) -> list[_Tree]:
    if n_parts == 1:
        return [tree]
    size = _length(tree) // n_parts
    return [jax.tree.map(lambda a, i=i: a[i * size : (i + 1) * size], tree) for i in range(n_parts)]


def _length(tree: object) -> int:
    return int(jax.tree.leaves(tree)[0].shape[0])


def _on_host(tree: _Tree) -> _Tree:
    found: _Tree = jax.tree.map(np.asarray, tree)
    return found
