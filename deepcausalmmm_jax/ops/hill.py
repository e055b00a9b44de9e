"""Hill curve: diminishing returns of exposure."""

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.ops.layout import over_lanes


def hill(exposure: Array, slope: Array, half_saturation: Array) -> Array:
    r"""Hill saturation $H(A) = A^a / (A^a + g^a)$, in [0, 1).

    Hill (1910); Jin et al. 2017, equation 4. Written as a logistic of $a(\log A - \log g)$, which neither overflows
    nor loses its gradient; at A = 0 the value is exactly 0, and value and gradients are finite.

    Args:
        exposure: A, `[week, channel]` or `[week, channel, region]`, 0 or more.
        slope: a, `[channel]`, above 0; above 1 the curve is S-shaped.
        half_saturation: g, `[channel]` or `[channel, region]`, above 0, in the unit of `exposure`: H(g) = 1/2.

    Returns:
        The shape of `exposure`: share of the channel's ceiling that is reached.
    """
    slope, half_saturation = over_lanes(slope, exposure[0]), over_lanes(half_saturation, exposure[0])
    used = exposure > 0
    safe = jnp.where(used, exposure, 1.0)
    return jnp.where(used, jax.nn.sigmoid(slope * (jnp.log(safe) - jnp.log(half_saturation))), 0.0)
