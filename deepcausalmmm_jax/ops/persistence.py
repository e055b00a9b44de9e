"""Residuals that persist from week to week."""

import jax.numpy as jnp
from jax import Array


def whitened(series: Array, observed: Array, persistence: Array) -> Array:
    r"""What is new in each week of a first-order autoregression, all weeks with the same variance.

    $\nu_t = e_t - \phi e_{t-1}$, or $\sqrt{1 - \phi^2} e_t$ where the week before is not observed (Prais & Winsten
    1954).

    Args:
        series: e, `[week]`.
        observed: `[week]`, boolean.
        persistence: phi, scalar from 0 to below 1.

    Returns:
        `[week]`, 0 in weeks that are not observed.
    """
    before = jnp.concatenate([jnp.zeros(1, bool), observed[:-1]])
    earlier = jnp.concatenate([jnp.zeros(1, series.dtype), series[:-1]])
    alone = jnp.sqrt(1.0 - persistence**2) * series
    return jnp.where(observed, jnp.where(before, series - persistence * earlier, alone), 0.0)
