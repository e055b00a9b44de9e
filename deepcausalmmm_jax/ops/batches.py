"""A function over many members, some at once: memory for a few, and one program for all of them."""

from collections.abc import Callable
from typing import Any, TypeVar

import chex
import jax
import jax.numpy as jnp

Members = TypeVar("Members")
Found = TypeVar("Found")


def map_in_batches(function: Callable[[Members], Found], members: Members, most: int) -> Found:
    """What a function says of each member, in batches of one size.

    `jax.lax.map(..., batch_size=...)` compiles the function twice wherever the batches do not come out even, once more
    for what is left; here the last member fills up the last batch. Arrays without elements may be among the members.

    Args:
        function: of one member, a tree of arrays without the leading axis.
        members: tree of `[member, ...]`.
        most: members at once; batches are as even as that allows. With 1 the function is not batched at all.

    Returns:
        Tree of `[member, ...]`.

    Raises:
        AssertionError: leading axes that differ in length, or no member.
    """
    leaves = jax.tree.leaves(members)
    chex.assert_equal_shape_prefix(leaves, 1)
    count = len(leaves[0])
    chex.assert_scalar_positive(count)
    if most == 1:
        in_turn: Found = jax.lax.map(function, members)
        return in_turn
    runs = -(-count // most)
    if runs == 1:
        return jax.vmap(function)(members)
    size = -(-count // runs)
    rows = jnp.minimum(jnp.arange(runs * size), count - 1).reshape(runs, size)
    filled = jax.tree.map(lambda a: a[rows], members)
    found: Any = jax.lax.map(jax.vmap(function), filled)
    whole: Found = jax.tree.map(lambda a: a.reshape(runs * size, *a.shape[2:])[:count], found)
    return whole
