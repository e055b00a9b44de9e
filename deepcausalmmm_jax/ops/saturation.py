r"""Saturation: what another unit of exposure adds, as functions of $u = A / g$ whose value is 1/2 at u = 1.

Exposure A is `[week, channel]`, or `[week, channel, region]` for regions that share their curves. The reference g is
`[channel]`, or `[channel, region]` where each region has its own, above 0 and in the unit of exposure. The functions
with a maximum approach 1; the others have none, and their value counts halves of what the reference exposure brings.
At A = 0 every value is exactly 0. The Hill curve has a file of its own, `ops/hill.py`.
"""

import chex
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.ops.layout import append_axes

_LOG_2, _LOG_3 = 0.6931471805599453, 1.0986122886681098
_LEAST = 1e-12  # smaller references count as it; its reciprocal, and the square of that, must be finite
_MOST = 1e12  # larger exposures count as it, likewise
_LEAST_POWER = 1e-30  # smaller numbers have no finite logarithm on devices that round them to 0


def michaelis_menten(exposure: Array, half_saturation: Array) -> Array:
    r"""$f(u) = u / (1 + u)$, in [0, 1): a Hill curve of slope 1.

    Michaelis & Menten (1913).

    Args:
        exposure: A, `[week, channel]` or `[week, channel, region]`, 0 or more.
        half_saturation: g, `[channel]` or `[channel, region]`, above 0: f is one half of its maximum there.

    Returns:
        Saturation in the shape of `exposure`.

    Raises:
        AssertionError: shapes that do not match.
    """
    relative = _relative(exposure, half_saturation)
    return relative / (1.0 + relative)


def logistic_saturation(exposure: Array, half_saturation: Array) -> Array:
    r"""$f(u) = \frac{1 - e^{-\lambda u}}{1 + e^{-\lambda u}}$ with $\lambda = \ln 3$, in [0, 1).

    The upper half of a logistic function, stretched to begin at 0. It is nearly straight at first and reaches its
    maximum sooner than a Hill curve.

    Args:
        exposure: A, `[week, channel]` or `[week, channel, region]`, 0 or more.
        half_saturation: g, `[channel]` or `[channel, region]`, above 0: f is one half of its maximum there.

    Returns:
        Saturation in the shape of `exposure`.

    Raises:
        AssertionError: shapes that do not match.
    """
    return jnp.tanh(0.5 * _LOG_3 * _relative(exposure, half_saturation))


def logarithmic(exposure: Array, half_saturation: Array) -> Array:
    r"""$f(u) = \ln(1 + u) / (2 \ln 2)$, without a maximum.

    Args:
        exposure: A, `[week, channel]` or `[week, channel, region]`, 0 or more.
        half_saturation: g, `[channel]` or `[channel, region]`, above 0: f is 1/2 there, and another unit of exposure
            brings half of what the first one brings.

    Returns:
        Activity in the shape of `exposure`.

    Raises:
        AssertionError: shapes that do not match.
    """
    return jnp.log1p(_relative(exposure, half_saturation)) / (2.0 * _LOG_2)


def root(exposure: Array, exponent: Array, reference: Array) -> Array:
    r"""$f(u) = u^p / 2$ with p in (0, 1], without a maximum: one per cent more exposure brings p per cent more effect.

    Its slope at 0 is infinite; the gradient there is given as 0.

    Args:
        exposure: A, `[week, channel]` or `[week, channel, region]`, 0 or more.
        exponent: p, `[channel]`.
        reference: g, `[channel]` or `[channel, region]`, above 0: f is 1/2 there.

    Returns:
        Activity in the shape of `exposure`.

    Raises:
        AssertionError: shapes that do not match.
    """
    relative = _relative(exposure, reference)
    message = f"exponent {exponent.shape} [channel] for exposure {exposure.shape}"
    chex.assert_shape(exponent, exposure.shape[1:2], custom_message=message)
    on_air = relative > 0
    safe = jnp.maximum(jnp.where(on_air, relative, 1.0), _LEAST_POWER)
    power = jnp.exp(append_axes(exponent, exposure.ndim - 1) * jnp.log(safe))
    return jnp.where(on_air, 0.5 * power, 0.0)


def linear(exposure: Array, reference: Array) -> Array:
    r"""$f(u) = u / 2$: every unit of exposure brings the same.

    Args:
        exposure: A, `[week, channel]` or `[week, channel, region]`, 0 or more.
        reference: g, `[channel]` or `[channel, region]`, above 0: f is 1/2 there.

    Returns:
        Activity in the shape of `exposure`.

    Raises:
        AssertionError: shapes that do not match.
    """
    return 0.5 * _relative(exposure, reference)


def _relative(exposure: Array, reference: Array) -> Array:
    """Exposure over its reference; finite, with its gradients, at the ends of both ranges."""
    chex.assert_rank(exposure, {2, 3})
    chex.assert_shape(
        reference,
        exposure.shape[1 : 1 + max(1, reference.ndim)],
        custom_message=f"reference {reference.shape} [channel, ...] for exposure {exposure.shape}",
    )
    per_reference = jnp.exp(-jnp.log(jnp.maximum(reference, _LEAST)))
    return jnp.minimum(exposure, _MOST) * append_axes(per_reference, exposure.ndim - 1)
