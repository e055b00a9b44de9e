"""Bases of the calendar: Fourier terms for the yearly season, linear knots for the trend."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array


@partial(jax.jit, static_argnames="harmonics")
def fourier_basis(week: Array, period: float, harmonics: int) -> Array:
    r"""Yearly season as $\cos(2 \pi k t / P)$ and $\sin(2 \pi k t / P)$ for k = 1 ... `harmonics`.

    Args:
        week: `[week]`, number of the week on a calendar that goes on from panel to panel, so that later weeks are in
            phase with the training weeks.
        period: P, weeks in a year.
        harmonics: number of pairs.

    Returns:
        `[week, 2 * harmonics]`, all cosines first.
    """
    order = jnp.arange(1, harmonics + 1)
    angle = 2.0 * jnp.pi * week[:, None] * order / period
    return jnp.concatenate([jnp.cos(angle), jnp.sin(angle)], axis=1)


@jax.jit
def knot_basis(week: Array, knots: Array) -> Array:
    """Linear interpolation weights between knots; before the first and after the last knot the level is held.

    Args:
        week: `[week]`, in weeks.
        knots: `[knot]`, ascending, in weeks.

    Returns:
        `[week, knot]`, each row summing to 1.
    """
    held = jnp.clip(week, knots[0], knots[-1])
    right = jnp.clip(jnp.searchsorted(knots, held, side="right"), 1, knots.shape[0] - 1)
    share = (held - knots[right - 1]) / (knots[right] - knots[right - 1])
    column = jnp.arange(knots.shape[0])
    return (1.0 - share)[:, None] * (column == (right - 1)[:, None]) + share[:, None] * (column == right[:, None])
