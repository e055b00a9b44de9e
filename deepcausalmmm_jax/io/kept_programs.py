"""Traced programs on disk: the next process neither traces nor lowers them.

JAX's own cache saves the compilation alone; to know which program it is looking for, JAX traces the model and lowers it
each time, which took a quarter of the wait for a fit. Here a lowered program is found by what it is made from: this
package's source, the versions of the packages below it, the static arguments, and the shapes of the arrays. JAX then
finds the compiled one in its cache.
"""

import dataclasses
import hashlib
import os
import pickle
import platform
import zlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple, cast

import jax
import numpy as np
from jax import export
from jax.sharding import SingleDeviceSharding

from deepcausalmmm_jax.errors import OutputError
from deepcausalmmm_jax.io.atomic_write import write_whole

_FOLDER = "jax_compilation_cache_dir"
_SETTINGS = (  # of JAX, which change a program
    "jax_enable_x64", "jax_default_matmul_precision", "jax_default_prng_impl", "jax_threefry_partitionable",
    "jax_numpy_dtype_promotion", "jax_numpy_rank_promotion",
)  # fmt: skip
_HINDERING = (  # they look into a trace, or send a program elsewhere
    "jax_disable_jit", "jax_debug_nans", "jax_debug_infs", "jax_check_tracer_leaks", "jax_log_compiles",
    "jax_default_device",
)  # fmt: skip
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "chex", "numpy", "blackjax")
_ABOVE = ("trust", "plots", "benchmarking", "cli")  # folders that no program is made from
_NUMBERS = (bool, int, float, complex)
_UNTOLD = (" at 0x", "<locals>")  # in the text of what has no text of its own, or is made anew by each call
_Function = Callable[..., object]
_at: list[Path] = []  # the folder; empty: programs are not kept


class Call(NamedTuple):
    """A call of a function that is compiled: what decides its program, and the arrays."""

    key: tuple[object, ...]  # hashable
    function: _Function
    static: dict[str, object]
    tree: jax.tree_util.PyTreeDef  # of the other arguments, by name
    leaves: list[object]


class Program(NamedTuple):
    """A program from the leaves of the arguments to those of the outcome, and the outcome's form."""

    run: _Function
    tree: jax.tree_util.PyTreeDef

    def __call__(self, call: Call) -> object:
        """The outcome of a call."""
        return jax.tree.unflatten(self.tree, cast(list[object], self.run(*call.leaves)))


_loaded: dict[Hashable, Program | None] = {}  # None: a program that cannot be kept


def keep_in(folder: Path | None) -> None:
    """Keep traced programs in a folder that only the user has access to, as long as JAX's own are kept there too.

    Args:
        folder: the folder; None: keep none.
    """
    _at[:] = [] if folder is None else [folder]


def forget_loaded() -> None:
    """Forget the programs that this process has loaded."""
    _loaded.clear()


def call_of(
    function: _Function, static: Sequence[str], arguments: Sequence[object], named: Mapping[str, object]
) -> Call | None:
    """What decides the program of this call; None where the program cannot be kept, or shall not be.

    Args:
        function: that is compiled.
        static: names of its arguments that decide the program.
        arguments: by position.
        named: by name.
    """
    if not _is_on():
        return None
    every = {**dict(zip(_positions(function), arguments, strict=False)), **named}
    if len(every) < len(arguments) + len(named):
        return None  # the call is wrong, and the function says how
    fixed = {name: value for name, value in every.items() if name in static}
    leaves, tree = jax.tree.flatten({name: value for name, value in every.items() if name not in static})
    shapes = tuple(_shape_of(leaf) for leaf in leaves)
    if None in shapes:
        return None
    settings = tuple(getattr(jax.config, name, None) for name in _SETTINGS)
    return Call((function, tuple(sorted(fixed.items())), tree, shapes, settings), function, fixed, tree, leaves)


def program_for(call: Call, options: Hashable, compiled: Callable[[_Function], _Function]) -> Program | None:
    """The program of a call: from this process, else from disk, else traced and kept; None where it cannot be kept.

    Args:
        call: as `call_of` found it.
        options: those it is compiled with.
        compiled: `jax.jit` with these options.
    """
    key = (call.key, options)
    if key not in _loaded:
        _loaded[key] = _found(call, compiled)
    return _loaded[key]


def _found(call: Call, compiled: Callable[[_Function], _Function]) -> Program | None:
    place = _place_of(call)
    if place is None:
        return None
    found = _read(place, call.static)
    if found is None:
        found = _traced(call)
        if found is None or not _write(place, call.static, *found):
            return None
    lowered, outcome = found

    def run(*leaves: object) -> object:
        return lowered.call(*leaves)

    run.__name__ = call.function.__name__
    return Program(compiled(run), jax.tree.structure(outcome))


def _traced(call: Call) -> tuple[export.Exported, object] | None:
    """The lowered program, and a tree of the form of its outcome; None where JAX cannot lower it by itself."""
    trees: list[jax.tree_util.PyTreeDef] = []

    def flat(*leaves: object) -> list[object]:
        outcome, tree = jax.tree.flatten(call.function(**jax.tree.unflatten(call.tree, leaves), **call.static))
        trees.append(tree)
        return outcome

    flat.__name__ = call.function.__name__
    with suppress(NotImplementedError, ValueError):
        lowered = export.export(jax.jit(flat))(*call.leaves)
        return dataclasses.replace(lowered, _get_vjp=None), jax.tree.unflatten(trees[0], range(trees[0].num_leaves))
    return None


def _is_on() -> bool:
    """Whether traced programs are kept: those of a single CPU device.

    What a kept program gives is tied to its device, and could not be spread over several.
    """
    if not _at or getattr(jax.config, _FOLDER) != str(_at[0]):
        return False
    if any(getattr(jax.config, name, None) for name in _HINDERING):
        return False
    return jax.default_backend() == "cpu" and _is_alone()


def _is_alone() -> bool:
    return jax.device_count() == 1


@cache
def _positions(function: _Function) -> tuple[str, ...]:
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


def _shape_of(leaf: object) -> tuple[object, ...] | None:
    """What of an array decides the program; None for what is not on the first device alone."""
    if isinstance(leaf, jax.Array):
        layout = leaf.sharding
        if not isinstance(layout, SingleDeviceSharding) or layout.device_set != {_first_device()}:
            return None
        return leaf.shape, leaf.dtype, getattr(leaf, "weak_type", False)  # keys of random numbers have none
    if isinstance(leaf, np.ndarray | np.generic):
        return leaf.shape, leaf.dtype, False
    return (type(leaf),) if type(leaf) in _NUMBERS else None


@cache
def _first_device() -> jax.Device:
    return jax.devices()[0]


def _place_of(call: Call) -> Path | None:
    """The file of a program; None where its text does not say all that decides it."""
    text = "\n".join([_ground(), call.function.__module__, call.function.__qualname__, *map(repr, call.key[1:])])
    if any(part in text for part in _UNTOLD):
        return None
    return _at[0] / f"traced-{hashlib.sha256(text.encode()).hexdigest()}"


@cache
def _ground() -> str:
    """This package's source and the versions of what it is built on, which decide every program."""
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parents[1]
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] in _ABOVE:
            continue
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{digest.hexdigest()} {platform.python_version()} {' '.join(map(_version, _PACKAGES))}"


def _version(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name} none"


def _read(place: Path, static: Mapping[str, object]) -> tuple[export.Exported, object] | None:
    """The program in a file; None if there is none, the file is not whole, or it was made from other arguments.

    The name of the file comes from the text of the static arguments, and two that differ may read alike.
    """
    # Of many types: a damaged file, a class that is gone. It is traced again then.
    with suppress(Exception):
        made_from, lowered, outcome = pickle.loads(zlib.decompress(place.read_bytes()))
        if made_from != static:
            return None
        os.utime(place)  # the least recently used are removed first
        return lowered, outcome
    return None


def _write(place: Path, static: Mapping[str, object], lowered: export.Exported, outcome: object) -> bool:
    """Keep a program; whether it could be pickled. One without room on the disk is traced again next time."""
    try:
        content = zlib.compress(pickle.dumps((dict(static), lowered, outcome)), 1)
    except (TypeError, AttributeError, pickle.PicklingError):
        return False
    with suppress(OutputError):
        write_whole(place, lambda file: file.write(content))
    return True
