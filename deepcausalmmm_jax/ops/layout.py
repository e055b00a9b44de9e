"""Regions side by side as the last axis: long, so that a processor works on many numbers at once."""

import jax.numpy as jnp
from jax import Array


def over_lanes(value: Array, like: Array) -> Array:
    """A value `[term]`, or one that has its lanes already, laid out to meet an array `[term, ...]`.

    Args:
        value: any number of axes up to those of `like`.
        like: the array it is to meet.

    Returns:
        The value with axes of length one behind its own.
    """
    return value.reshape(value.shape + (1,) * (like.ndim - value.ndim))


def regions_last(array: Array) -> Array:
    """`[week, term, region]` from `[region, week, term]`."""
    return jnp.moveaxis(array, 0, -1)


def by_region(array: Array) -> Array:
    """`[region, week, term]` from `[week, term, region]`."""
    return jnp.moveaxis(array, -1, 0)


def over_weeks(matrix: Array, array: Array) -> Array:
    """The product with each week's terms, `[week, out, region]` from a matrix `[out, term]` and `[week, term, region]`.

    Week by week: in one product the array would be turned round before and after, which takes longer.
    """
    return jnp.broadcast_to(matrix, (array.shape[0], *matrix.shape)) @ array


def mean_of_regions(array: Array) -> Array:
    """`[week, term]` from `[week, term, region]`.

    As a product, not a reduction: in the gradient of differences between weeks XLA fuses the reduction with the shifts
    around it, and at some sizes (208 x 30 x 50 with jaxlib 0.10.2 on a CPU) that program ends in a segmentation fault.
    """
    n_regions = array.shape[-1]
    return array @ jnp.full(n_regions, 1.0 / n_regions, array.dtype)
