"""The Huber loss of training."""

import jax.numpy as jnp
from jax import Array


def huber(error: Array, delta: Array | float) -> Array:
    r"""Huber loss $\rho(e)$: $e^2/2$ up to `delta`, $\delta |e| - \delta^2/2$ beyond (Huber 1964), elementwise.

    Args:
        error: any shape, in units of the noise.
        delta: where the loss turns from square to linear, above 0, same unit.

    Returns:
        Shape of `error`.
    """
    # The clipped product has the right gradient on both sides and no branch to differentiate through.
    inside = jnp.clip(error, -delta, delta)
    return inside * (error - 0.5 * inside)
