"""Effective number of independent series in a group of correlated ones."""

import chex
import jax.numpy as jnp
from jax import Array


def effective_share(innovations: Array, observed: Array) -> Array:
    r"""Effective number of independent series as a share of all R, $R / \sum_{rs} \rho_{rs}^2$.

    A sum over series with correlated terms has the variance of a sum over that many independent ones (Bretherton et
    al. 1999, "The effective number of spatial degrees of freedom of a time-varying field", equation 5). The square of
    an estimated correlation is biased upwards by one over the number of weeks; that bias is subtracted.

    Args:
        innovations: `[region, week]`, uncorrelated from week to week.
        observed: `[region, week]`, boolean; other weeks do not count.

    Returns:
        Scalar in (0, 1]; 1 for a single series.

    Raises:
        AssertionError: shapes that do not match.
    """
    chex.assert_rank(innovations, 2)
    chex.assert_equal_shape((innovations, observed))
    n_regions = innovations.shape[0]
    if n_regions == 1:
        return jnp.ones(())
    mask = observed.astype(innovations.dtype)
    count = jnp.maximum(mask.sum(axis=1, keepdims=True), 1.0)
    centred = jnp.where(observed, innovations, 0.0)
    centred = mask * (centred - centred.sum(axis=1, keepdims=True) / count)
    scaled = centred / jnp.sqrt(jnp.maximum((centred**2).sum(axis=1, keepdims=True), 1e-12))
    # The regions x regions and the weeks x weeks products have the same sum of squares: take the smaller one. Rows of
    # `scaled` have length one.
    narrow = scaled if n_regions <= innovations.shape[1] else scaled.T
    own = (jnp.sum(scaled**2, axis=1) ** 2).sum()
    pairs = jnp.maximum(n_regions * (n_regions - 1.0), 1.0)
    squared = (jnp.sum((narrow @ narrow.T) ** 2) - own) / pairs - 1.0 / count.mean()
    return 1.0 / (1.0 + (n_regions - 1.0) * jnp.clip(squared, 0.0, 1.0))
