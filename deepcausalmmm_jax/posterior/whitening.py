"""Regressors as innovations, in units of the noise, and products with the weeks of a path that regions share."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array


class Whitening(NamedTuple):
    """The weights of a week in its own innovation and, with the sign turned, in that of the week after it."""

    now: Array  # [region, week, 1]
    before: Array  # [region, week, 1]


def whitening(trained: Array, precision: Array, persistence: Array) -> Whitening:
    """Weights that make innovations of a series, see `ops.autoregression.whitened`, in units of their noise.

    Args:
        trained: boolean, `[region, week]`.
        precision: by what an innovation is multiplied, `[region, week]`.
        persistence: from one week to the next, scalar.
    """
    follows = trained & jnp.pad(trained[:, :-1], ((0, 0), (1, 0)))
    now = precision * jnp.where(follows, 1.0, jnp.sqrt(1.0 - persistence**2)) * trained
    before = jnp.pad((precision * persistence * follows)[:, 1:], ((0, 0), (0, 1)))
    return Whitening(now[:, :, None], before[:, :, None])


def white(series: Array, weeks: Whitening) -> Array:
    """Innovations of columns, `[region, week, column]`; weeks that are not trained may hold any finite number."""
    return weeks.now * series - jnp.pad((weeks.before * series)[:, :-1], ((0, 0), (1, 0), (0, 0)))


def path_squared(weeks: Whitening) -> Array:
    """Products of the path's weeks with one another, over all regions, `[week, week]`.

    A week of the path is one in that week of every region. After whitening it is in its own row and the next alone.
    """
    beside = -(weeks.before[:, :-1] * weeks.now[:, 1:]).sum(axis=(0, 2))
    return jnp.diag((weeks.now**2 + weeks.before**2).sum(axis=(0, 2))) + jnp.diag(beside, 1) + jnp.diag(beside, -1)


def path_times(weeks: Whitening, innovations: Array) -> Array:
    """Products of the path's weeks with innovations of columns, `[region, week, column]`."""
    return weeks.now * innovations - weeks.before * jnp.pad(innovations[:, 1:], ((0, 0), (0, 1), (0, 0)))
