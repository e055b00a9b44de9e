r"""Maps between unconstrained numbers, which the optimiser moves, and parameters with a range, elementwise.

The range of a parameter is enforced by its map, never by clipping: the gradient is nowhere cut to zero, and the
reported value comes from the same function that the model uses.
"""

import chex
import jax
import jax.numpy as jnp
from jax import Array

_EDGE = 1e-6


def to_unit(raw: Array) -> Array:
    """Unconstrained number -> (0, 1), kept `1e-6` away from both ends so that powers and logarithms stay finite."""
    return _EDGE + (1.0 - 2.0 * _EDGE) * jax.nn.sigmoid(raw)


def from_unit(value: Array) -> Array:
    """Inverse of `to_unit` for a value in (1e-6, 1 - 1e-6)."""
    inner = (value - _EDGE) / (1.0 - 2.0 * _EDGE)
    return jnp.log(inner) - jnp.log1p(-inner)


def to_positive(raw: Array) -> Array:
    """Unconstrained number -> (0, inf) by the exponential: equal steps are equal ratios."""
    return jnp.exp(raw)


def from_positive(value: Array) -> Array:
    """Inverse of `to_positive` for a value above 0."""
    return jnp.log(value)


def to_above(raw: Array, lower: Array | float) -> Array:
    """Unconstrained number -> (lower, inf) by the softplus.

    Raises:
        AssertionError: `lower` does not broadcast to the shape of `raw`.
    """
    chex.assert_is_broadcastable(jnp.shape(lower), jnp.shape(raw))
    return lower + jax.nn.softplus(raw)


def from_above(value: Array, lower: Array | float) -> Array:
    """Inverse of `to_above` for a value above `lower`.

    Raises:
        AssertionError: `lower` does not broadcast to the shape of `value`.
    """
    chex.assert_is_broadcastable(jnp.shape(lower), jnp.shape(value))
    excess = value - lower
    return excess + jnp.log(-jnp.expm1(-excess))
