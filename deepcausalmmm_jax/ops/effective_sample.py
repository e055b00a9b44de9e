"""How many independent series a group of correlated ones amounts to."""

import jax.numpy as jnp
from jax import Array


def effective_share(news: Array, observed: Array) -> Array:
    r"""Share of the series that count as independent, $R / \sum_{rs} \rho_{rs}^2$ of R.

    Sums over series whose terms are correlated as the series themselves are vary as if there were so many independent
    ones (Bretherton et al. 1999, "The effective number of spatial degrees of freedom of a time-varying field",
    equation 5). The squares of estimated correlations are too large by one over the weeks they rest on, which is
    taken off.

    Args:
        news: `[region, week]`, uncorrelated from week to week.
        observed: `[region, week]`, boolean; other weeks do not count.

    Returns:
        Scalar in (0, 1]; 1 for a single series.
    """
    n_regions = news.shape[0]
    if n_regions == 1:
        return jnp.ones(())
    mask = observed.astype(news.dtype)
    count = jnp.maximum(mask.sum(axis=1, keepdims=True), 1.0)
    kept = jnp.where(observed, news, 0.0)
    kept = mask * (kept - kept.sum(axis=1, keepdims=True) / count)
    scaled = kept / jnp.sqrt(jnp.maximum((kept**2).sum(axis=1, keepdims=True), 1e-12))
    # Regions x regions or weeks x weeks, whichever is smaller, have the same sum of squares; rows are of length one.
    few = scaled if n_regions <= news.shape[1] else scaled.T
    own = (jnp.sum(scaled**2, axis=1) ** 2).sum()
    pairs = jnp.maximum(n_regions * (n_regions - 1.0), 1.0)
    squared = (jnp.sum((few @ few.T) ** 2) - own) / pairs - 1.0 / count.mean()
    return 1.0 / (1.0 + (n_regions - 1.0) * jnp.clip(squared, 0.0, 1.0))
