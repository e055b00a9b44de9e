"""Noise of a group of series as shocks that all of them share, week by week, beside noise of each series' own."""

import chex
import jax.numpy as jnp
from jax import Array

_MOST = 1e4  # series that are copies have no noise of their own, beside which their shocks would be of any size


def shared_shocks(standardised: Array, weights: Array, ratio: Array) -> Array:
    r"""Likeliest shock of each week given the noise of all series, $\tau^2 \sum_r w_r z_r / (1 + \tau^2 \sum_r w_r)$.

    The best linear unbiased predictor of a random effect (Searle, Casella & McCulloch 1992, "Variance Components",
    chapter 7): noise that most series have in a week is taken for the shock, the more so the larger shocks usually are.

    Args:
        standardised: z, `[week, region]`, in standard deviations of each series' own noise.
        weights: w, `[week, region]`; 0 where there is nothing to learn from.
        ratio: $\tau^2$, scalar, variance of the shocks over that of the series' own noise.

    Returns:
        `[week]`, in the unit of z.

    Raises:
        AssertionError: shapes that do not match.
    """
    chex.assert_equal_shape((standardised, weights))
    chex.assert_rank([standardised, ratio], [2, 0])
    return ratio * (weights * standardised).sum(axis=1) / (1.0 + ratio * weights.sum(axis=1))


def shock_misfit(shocks: Array, weights: Array, ratio: Array) -> Array:
    r"""Minus the log density of the shocks given their variance, and what not knowing them adds, nats.

    $\frac12 \sum_t u_t^2 / \tau^2 + \log(1 + \tau^2 \sum_r w_{rt})$ with u as `shared_shocks` finds them. Added to
    the misfit of what the shocks leave, it is minus the log likelihood of correlated normal series.

    Args:
        shocks: u, `[week]`.
        weights: as `shared_shocks` had them.
        ratio: $\tau^2$.
    """
    chex.assert_shape(shocks, weights.shape[:1])
    chex.assert_rank(ratio, 0)
    squared = jnp.where(ratio > 0, shocks**2 / jnp.where(ratio > 0, ratio, 1.0), 0.0)
    return 0.5 * (squared + jnp.log1p(ratio * weights.sum(axis=1))).sum()


def shared_ratio(standardised: Array, observed: Array) -> Array:
    r"""Variance of the shocks that all series share over that of their own noise, by analysis of variance.

    The mean over series varies from week to week by the shocks and by what noise leaves of itself in a mean; the
    latter is known from how far series lie apart within weeks (Searle, Casella & McCulloch 1992, chapter 3). What
    chance may bring about once in six times is not counted.

    Args:
        standardised: z, `[week, region]`, in standard deviations of each series' own noise.
        observed: `[week, region]`, boolean.

    Returns:
        $\tau^2$, scalar, from 0 to 10,000, that of copies; 0 where no week has two series.

    Raises:
        AssertionError: shapes that do not match.
    """
    chex.assert_rank(standardised, 2)
    chex.assert_equal_shape((standardised, observed))
    mask = observed.astype(standardised.dtype)
    count = mask.sum(axis=1)
    several = (count > 1).astype(standardised.dtype)
    mean = (standardised * mask).sum(axis=1) / jnp.maximum(count, 1.0)
    apart = ((standardised - mean[:, None]) ** 2 * mask).sum(axis=1)
    own = (several * apart).sum() / jnp.maximum((several * (count - 1.0)).sum(), 1.0)
    weeks = jnp.maximum(several.sum(), 1.0)
    by_chance = (several * own / jnp.maximum(count, 1.0)).sum() / weeks
    found = (several * mean**2).sum() / weeks - by_chance * (1.0 + jnp.sqrt(2.0 / weeks))
    found = jnp.maximum(found, 0.0)
    own = jnp.maximum(own, found / _MOST)
    return jnp.where(own > 0, found / jnp.where(own > 0, own, 1.0), 0.0)


def without_correlation(standardised: Array, observed: Array, ratio: Array) -> Array:
    r"""Series of which the shared shocks have left as much as makes them uncorrelated, in the shape of `standardised`.

    $z - (1 - (1 + \tau^2 n)^{-1/2}) \bar z$ over the n series of a week: the inverse square root of their covariance,
    which is the identity plus $\tau^2$ everywhere.

    Args:
        standardised: `[week, region]` or `[week, region, ...]`.
        observed: `[week, region]`, boolean; other weeks become 0.
        ratio: $\tau^2$, scalar.

    Raises:
        AssertionError: shapes that do not match.
    """
    chex.assert_equal_shape_prefix((standardised, observed), 2)
    chex.assert_rank([observed, ratio], [2, 0])
    wide = observed.reshape(*observed.shape, *(1,) * (standardised.ndim - 2))
    count = wide.sum(axis=1, keepdims=True)
    mean = jnp.where(wide, standardised, 0.0).sum(axis=1, keepdims=True) / jnp.maximum(count, 1)
    return jnp.where(wide, standardised - (1.0 - 1.0 / jnp.sqrt(1.0 + ratio * count)) * mean, 0.0)
