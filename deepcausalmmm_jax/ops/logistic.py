"""Skewed logistic distribution, for quantities that come in bursts, such as media budgets."""

import chex
import jax
import jax.numpy as jnp
from jax import Array


def skewed_logistic_loss(
    value: Array, location: Array | float, log_scale: Array | float, log_skew: Array | float
) -> Array:
    r"""Negative log-density of the generalised logistic distribution of type I (Balakrishnan 1992, chapter 9).

    $-\log p(v) = \log s - \log c + u + (c + 1) \log(1 + e^{-u})$ with $u = (v - m) / s$. Tails are exponential, so
    that the cost of a burst is linear; $c = 1$ is the symmetric logistic, a larger c has its long tail upwards.

    Args:
        value: v, any shape.
        location: m, broadcastable to the shape of `value`, like the two that follow.
        log_scale: $\log s$.
        log_skew: $\log c$.

    Returns:
        Nats, in the shape of `value`.

    Raises:
        AssertionError: a parameter does not broadcast to the shape of `value`.
    """
    _assert_broadcastable(value, location, log_scale, log_skew)
    u = (value - location) * jnp.exp(-log_scale)
    return log_scale - log_skew + u + (jnp.exp(log_skew) + 1.0) * _log_one_plus_exp(u)


def _assert_broadcastable(value: Array, *parameters: Array | float) -> None:
    for parameter in parameters:
        chex.assert_is_broadcastable(jnp.shape(parameter), value.shape)


@jax.custom_vjp
def _log_one_plus_exp(u: Array) -> Array:
    r"""$\log(1 + e^{-u})$, with a slope from the same exponential: that halves the longest sum of an epoch."""
    return _with_slope(u)[0]


def _with_slope(u: Array) -> tuple[Array, Array]:
    small = jnp.exp(-jnp.abs(u))
    return jnp.maximum(-u, 0.0) + jnp.log1p(small), -jnp.where(u > 0, small, 1.0) / (1.0 + small)


_log_one_plus_exp.defvjp(_with_slope, lambda slope, cotangent: (cotangent * slope,))


def skewed_logistic_curvature(
    value: Array, location: Array | float, log_scale: Array | float, log_skew: Array | float
) -> tuple[Array, Array]:
    r"""First and second derivative of `skewed_logistic_loss` with respect to its value.

    $(1 - (c + 1) \sigma(-u)) / s$ and $(c + 1) \sigma(u) \sigma(-u) / s^2$.

    Args:
        value: as for `skewed_logistic_loss`, like all that follow.
        location: m.
        log_scale: $\log s$.
        log_skew: $\log c$.

    Returns:
        Both in the shape of `value`, nats per unit of `value` and per its square.

    Raises:
        AssertionError: a parameter does not broadcast to the shape of `value`.
    """
    _assert_broadcastable(value, location, log_scale, log_skew)
    rate = jnp.exp(-log_scale)
    above = jax.nn.sigmoid((value - location) * rate)
    steepness = jnp.exp(log_skew) + 1.0
    return (1.0 - steepness * (1.0 - above)) * rate, steepness * above * (1.0 - above) * rate**2
