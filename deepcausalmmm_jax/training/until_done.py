"""The loop over chunks of epochs, in a form that stays small when many fits run side by side."""

from collections.abc import Callable
from typing import TypeVar, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.training.family import AnyState

_State = TypeVar("_State")
_Packed = dict[str, Array]


def run_until_done(next_chunk: Callable[[AnyState], AnyState], state: AnyState, mark: Array) -> AnyState:
    """The state of a fit after its last chunk.

    Under `vmap` every array that the loop carries becomes a choice, fit by fit, between the new and the old. A state
    has a hundred of them, and that many choices take XLA long to compile: so the loop carries one array of each type
    of number.

    Args:
        next_chunk: a chunk of epochs and the decision whether to go on.
        state: before the next chunk.
        mark: scalar that differs between fits if anything does, see `differing_as`.
    """
    packed, unpack = _packed(differing_as(mark, state))

    def runs(packed: _Packed) -> Array:
        return jnp.asarray(unpack(packed).progress.status == FitStatus.RUNNING)

    def run(packed: _Packed) -> _Packed:
        return _packed(next_chunk(unpack(packed)))[0]

    return unpack(jax.lax.while_loop(runs, run, packed))


def differing_as(mark: Array, state: _State) -> _State:
    """The same arrays, but under `vmap` with a value for each fit where the mark has one.

    JAX traces the body of a loop again for each array that begins alike in all fits and turns out to differ, and the
    loops within it too: four times for a refit. XLA drops the choice between an array and itself.

    Args:
        mark: scalar that differs between fits if anything does.
        state: what a loop begins with.
    """
    chosen = jnp.isfinite(mark)
    return cast(_State, jax.tree.map(lambda array: jnp.where(chosen, array, array), state))


def _packed(state: _State) -> tuple[_Packed, Callable[[_Packed], _State]]:
    """The arrays of a state joined by type, `[number]` each, and the way back; random keys remain by themselves."""
    leaves, structure = jax.tree.flatten(state)
    groups: dict[str, list[int]] = {}
    for at, leaf in enumerate(leaves):
        is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        groups.setdefault(f"key {at}" if is_key else str(leaf.dtype), []).append(at)

    def unpack(packed: _Packed) -> _State:
        found: dict[int, Array] = {}
        for name, places in groups.items():
            ends = np.cumsum([leaves[at].size for at in places])[:-1]
            for at, part in zip(places, jnp.split(packed[name], ends), strict=True):
                found[at] = part.reshape(leaves[at].shape)
        return cast(_State, jax.tree.unflatten(structure, [found[at] for at in range(len(leaves))]))

    joined = {name: jnp.concatenate([leaves[at].reshape(-1) for at in places]) for name, places in groups.items()}
    return joined, unpack
