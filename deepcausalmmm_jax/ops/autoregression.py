"""Innovations of a first-order autoregression: residuals with the persistence from week to week taken out."""

from typing import NamedTuple

import chex
import jax.numpy as jnp
from jax import Array


def whitened(series: Array, observed: Array, persistence: Array) -> Array:
    r"""Innovations of a first-order autoregression, scaled so that all weeks have the same variance.

    $\nu_t = e_t - \phi e_{t-1}$, or $\sqrt{1 - \phi^2} e_t$ where the week before is not observed (Prais & Winsten
    1954).

    Args:
        series: e, `[week]` or `[week, ...]`.
        observed: boolean, `[week]`, or broadcastable to `series`.
        persistence: phi, scalar from 0 to below 1.

    Returns:
        Innovations in the shape of `series`, 0 in weeks that are not observed.

    Raises:
        AssertionError: shapes that do not match.
    """
    chex.assert_is_broadcastable(observed.shape, series.shape)
    chex.assert_equal_shape_prefix((series, observed), 1)
    chex.assert_rank(persistence, 0)
    first = jnp.sqrt(1.0 - persistence**2) * series
    innovations = jnp.where(_lagged(observed), series - persistence * _lagged(series), first)
    return jnp.where(observed, innovations, 0.0)


class SquaredInnovations(NamedTuple):
    r"""Weighted sum of squared innovations as a polynomial in the persistence, $a - 2 \phi b + \phi^2 c$."""

    current: Array  # a
    across: Array  # b
    previous: Array  # c

    def at(self, persistence: Array) -> Array:
        r"""$\sum_t w_t \nu_t^2$ with the innovations $\nu$ of `whitened`."""
        return self.current - 2.0 * persistence * self.across + persistence**2 * self.previous


def squared_innovations(series: Array, observed: Array, weights: Array) -> SquaredInnovations:
    """Sums over weeks from which the squared innovations follow for any persistence, without the series.

    Args:
        series: e, `[week, ...]`.
        observed: boolean, with as many axes as `series`.
        weights: w, with as many axes as `series`; 0 in weeks that are not observed.

    Returns:
        Sums over the weeks, `[...]` each, in the shape that the three broadcast to.

    Raises:
        AssertionError: arrays with different numbers of axes or weeks.
    """
    shapes = f"series {series.shape}, observed {observed.shape}, weights {weights.shape}"
    chex.assert_equal_rank((series, observed, weights), custom_message=shapes)
    chex.assert_equal_shape_prefix((series, observed, weights), 1)
    follows = observed & _lagged(observed)
    earlier = jnp.where(follows, _lagged(series), 0.0)
    squared = jnp.where(observed, series**2, 0.0)
    return SquaredInnovations(
        current=(weights * squared).sum(axis=0),
        across=(weights * series * earlier).sum(axis=0),
        previous=(weights * (earlier**2 - jnp.where(follows, 0.0, squared))).sum(axis=0),
    )


def _lagged(values: Array) -> Array:
    """Values of the week before; 0 in the first week."""
    return jnp.concatenate([jnp.zeros_like(values[:1]), values[:-1]])
