"""Hill curve: diminishing returns of exposure."""

import chex
import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.ops.layout import append_axes

_LEAST = 1e-30  # smaller numbers have no finite logarithm on devices that round them to 0


def hill(exposure: Array, slope: Array, half_saturation: Array) -> Array:
    r"""Hill saturation $H(A) = A^a / (A^a + g^a)$, in [0, 1).

    Hill (1910); Jin et al. 2017, equation 4. Written as a logistic function of $a(\log A - \log g)$, which neither
    overflows nor loses its gradient; at A = 0 the value is exactly 0, and value and gradients are finite, as they are
    where A or g is next to 0.

    Args:
        exposure: A, `[week, channel]` or `[week, channel, region]`, 0 or more.
        slope: a, `[channel]`, above 0; above 1 the curve is S-shaped.
        half_saturation: g, `[channel]` or `[channel, region]`, above 0, in the unit of `exposure`: H(g) = 1/2.

    Returns:
        Saturation in the shape of `exposure`: the share of the channel's maximum effect that is reached.

    Raises:
        AssertionError: shapes that do not match.
    """
    chex.assert_rank(exposure, {2, 3})
    chex.assert_shape(
        slope, exposure.shape[1:2], custom_message=f"slope {slope.shape} [channel] for exposure {exposure.shape}"
    )
    chex.assert_shape(
        half_saturation,
        exposure.shape[1 : 1 + max(1, half_saturation.ndim)],
        custom_message=f"half_saturation {half_saturation.shape} [channel, ...] for exposure {exposure.shape}",
    )
    rank = exposure.ndim - 1
    slope, half_saturation = append_axes(slope, rank), append_axes(half_saturation, rank)
    on_air = exposure > 0
    safe = jnp.maximum(jnp.where(on_air, exposure, 1.0), _LEAST)
    ratio = jnp.log(safe) - jnp.log(jnp.maximum(half_saturation, _LEAST))
    return jnp.where(on_air, jax.nn.sigmoid(slope * ratio), 0.0)
