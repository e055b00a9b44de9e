"""Residuals that persist from week to week."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array


def whitened(series: Array, observed: Array, persistence: Array) -> Array:
    r"""What is new in each week of a first-order autoregression, all weeks with the same variance.

    $\nu_t = e_t - \phi e_{t-1}$, or $\sqrt{1 - \phi^2} e_t$ where the week before is not observed (Prais & Winsten
    1954).

    Args:
        series: e, `[week]` or `[week, ...]`.
        observed: boolean, `[week]` or what broadcasts to `series`.
        persistence: phi, scalar from 0 to below 1.

    Returns:
        The shape of `series`, 0 in weeks that are not observed.
    """
    alone = jnp.sqrt(1.0 - persistence**2) * series
    news = jnp.where(_later(observed), series - persistence * _later(series), alone)
    return jnp.where(observed, news, 0.0)


class NewsEnergy(NamedTuple):
    r"""Weighted sum of the squared news of series, $a - 2 \phi b + \phi^2 c$, for any persistence phi."""

    now: Array  # a
    across: Array  # b
    before: Array  # c

    def at(self, persistence: Array) -> Array:
        r"""$\sum_t w_t \nu_t^2$ with the news $\nu$ of `whitened`."""
        return self.now - 2.0 * persistence * self.across + persistence**2 * self.before


def news_energy(series: Array, observed: Array, weights: Array) -> NewsEnergy:
    """Sums over weeks that give the squared news of series without looking at them again.

    Args:
        series: e, `[week, ...]`.
        observed: boolean, broadcastable to `series`.
        weights: w, broadcastable to `series`; 0 in weeks that are not observed.

    Returns:
        Sums over the weeks, `[...]` each.
    """
    follows = observed & _later(observed)
    earlier = jnp.where(follows, _later(series), 0.0)
    squared = jnp.where(observed, series**2, 0.0)
    return NewsEnergy(
        now=(weights * squared).sum(axis=0),
        across=(weights * series * earlier).sum(axis=0),
        before=(weights * (earlier**2 - jnp.where(follows, 0.0, squared))).sum(axis=0),
    )


def _later(values: Array) -> Array:
    """Each week's value a week later, nothing in the first week."""
    return jnp.concatenate([jnp.zeros_like(values[:1]), values[:-1]])
