r"""Frequency: what a contact brings, depending on how many the same person has in a week.

People who are reached f times respond with $H(f) = f^a / (f^a + h^a)$, so that a contact brings H(f) / f. With a slope
a above 1 the first contacts alone bring little and the later ones little more, and the effect of a given number of
contacts is largest at one frequency in between.
"""

import chex
import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.ops.layout import append_axes

_LEAST = 1e-6  # smaller frequencies count as it


def effect_per_contact(frequency: Array, slope: Array, half_frequency: Array, usual: Array) -> Array:
    r"""$\frac{H(f) / f}{H(u) / u}$: effect of a contact at frequency f, in that of one at the usual frequency u.

    The Hill curve of frequency follows Jin et al. (2017), equation 4, read over contacts in place of exposure.

    Args:
        frequency: f, `[week, channel]` or `[week, channel, region]`, above 0.
        slope: a, `[channel]`, above 0.
        half_frequency: h, `[channel]`, above 0: half of those who are reached so often respond as far as they ever do.
        usual: u, `[channel]`, above 0.

    Returns:
        The shape of `frequency`; 1 at the usual frequency.

    Raises:
        AssertionError: shapes that do not match.
    """
    chex.assert_rank(frequency, {2, 3})
    chex.assert_shape((slope, half_frequency, usual), frequency.shape[1:2])
    a, h, u = (append_axes(part, frequency.ndim - 1) for part in (slope, jnp.log(half_frequency), usual))

    def log_effect(contacts: Array) -> Array:
        logs = jnp.log(jnp.maximum(contacts, _LEAST))
        return jax.nn.log_sigmoid(a * (logs - h)) - logs

    return jnp.exp(log_effect(frequency) - log_effect(u))


def best_frequency(slope: Array, half_frequency: Array) -> Array:
    r"""Frequency at which a contact brings most: $h (a - 1)^{1/a}$, and 1, the lowest there is, where that is below 1.

    Args:
        slope: a, above 0; up to 1 the first contact brings most.
        half_frequency: h, above 0, in the same shape.

    Returns:
        The same shape, contacts per person reached.
    """
    bent = jnp.maximum(slope - 1.0, 0.0)
    return jnp.maximum(half_frequency * bent ** (1.0 / slope), 1.0)
