"""Regions-last layout: the region is the last, long axis, so that a processor works on many numbers at once."""

import chex
import jax.numpy as jnp
from jax import Array


def append_axes(value: Array, rank: int) -> Array:
    """A value with axes of length one appended, so that it broadcasts against arrays of a higher rank.

    Args:
        value: `[term]`, or `[term, region]` where each region has its own.
        rank: rank of the arrays that it is combined with.

    Returns:
        The value with `rank` axes.

    Raises:
        AssertionError: the value has more axes already.
    """
    chex.assert_rank(value, set(range(rank + 1)))
    return value.reshape(value.shape + (1,) * (rank - value.ndim))


def regions_last(array: Array) -> Array:
    """`[week, term, region]` from `[region, week, term]`."""
    chex.assert_rank(array, 3)
    return jnp.moveaxis(array, 0, -1)


def by_region(array: Array) -> Array:
    """`[region, week, term]` from `[week, term, region]`."""
    chex.assert_rank(array, 3)
    return jnp.moveaxis(array, -1, 0)


def over_weeks(matrix: Array, array: Array) -> Array:
    """Matrix product with the terms of each week.

    One product per week: a single product over all weeks would transpose the array before and after, which is slower.

    Args:
        matrix: `[out, term]`.
        array: `[week, term, region]`.

    Returns:
        `[week, out, region]`.
    """
    chex.assert_rank([matrix, array], [2, 3])
    chex.assert_shape(
        matrix, (None, array.shape[1]), custom_message=f"matrix {matrix.shape} [out, term] for terms of {array.shape}"
    )
    return jnp.broadcast_to(matrix, (array.shape[0], *matrix.shape)) @ array


def mean_of_regions(array: Array) -> Array:
    """Mean over regions, `[week, term]` from `[week, term, region]`.

    Written as a product rather than a reduction: in the gradient of differences between weeks XLA fuses the reduction
    with the shifts around it, and at some sizes (208 x 30 x 50 with jaxlib 0.10.2 on a CPU) that program ends in a
    segmentation fault.
    """
    chex.assert_rank(array, 3)
    n_regions = array.shape[-1]
    return array @ jnp.full(n_regions, 1.0 / n_regions, array.dtype)
