"""Kalman filter of one series: a level that wanders, a swing that fades, and a season."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.ops.huber import huber


class Motion(NamedTuple):
    """How a series moves; all scalars, in units of the series."""

    level_start: Array  # standard deviation of the level before the first week, around its mean
    level_step: Array  # standard deviation of the level's change in a week
    swing: Array  # standard deviation of the swing
    memory: Array  # weeks after which e^-1 of a swing is left
    season: Array  # standard deviation of a seasonal coefficient


class Tracked(NamedTuple):
    """What is known after the last week of the past."""

    level: Array  # []
    swing: Array  # []
    season: Array  # [term]
    covariance: Array  # [term + 2, term + 2], of level, swing and season a week after that


def track(
    series: Array,
    noise: Array,
    observed: Array,
    past: Array,
    season_basis: Array,
    motion: Motion,
    mean: Array,
    limit: float,
) -> tuple[Tracked, Array]:
    r"""Filter $z_t = l_t + a_t + B_t s + \epsilon_t$ with a random walk l, an autoregression a and constant s.

    Innovations beyond `limit` standard deviations count linearly and move the state as if they lay at the limit
    (Masreliez & Martin 1977), so that one freak week is not taken for the new level.

    Args:
        series: z, `[week]`.
        noise: variance of epsilon, `[week]`.
        observed: `[week]`, boolean.
        past: `[week]`, boolean; the state is that after the last week of the past, however many weeks follow.
        season_basis: B, `[week, term]`.
        motion: standard deviations and memory.
        mean: expected level before the first week.
        limit: in standard deviations.

    Returns:
        The state after the last week, and the negative log-likelihood, nats without constants.
    """
    terms = season_basis.shape[1]
    fade = jnp.exp(-1.0 / motion.memory)
    transition = jnp.concatenate([jnp.stack([jnp.ones_like(fade), fade]), jnp.ones(terms)])
    moves = jnp.stack([motion.level_step**2, motion.swing**2 * (1.0 - fade**2)])
    moved = jnp.concatenate([moves, jnp.zeros(terms)])
    start = jnp.concatenate(
        [jnp.stack([motion.level_start**2, motion.swing**2]), jnp.broadcast_to(motion.season**2, (terms,))]
    )

    def step(carry: tuple[Array, Array], week: tuple[Array, ...]) -> tuple[tuple[Array, Array], Array]:
        state, covariance = carry
        z, variance, seen, is_past, basis = week
        design = jnp.concatenate([jnp.ones(2), basis])
        along = covariance @ design
        spread = jnp.where(seen, design @ along + variance, 1.0)
        scaled = (z - design @ state) / jnp.sqrt(spread)
        gain = jnp.where(seen, along / spread, 0.0)
        state = state + gain * jnp.clip(scaled, -limit, limit) * jnp.sqrt(spread)
        covariance = covariance - jnp.outer(gain, along)
        loss = jnp.where(seen, 0.5 * jnp.log(spread) + huber(scaled, limit), 0.0)
        ahead = transition * state, transition[:, None] * covariance * transition + jnp.diag(moved)
        return jax.tree.map(lambda new, old: jnp.where(is_past, new, old), ahead, carry), loss

    begin = jnp.zeros(terms + 2).at[0].set(mean)
    weeks = (series, noise, observed & past, past, season_basis)
    (state, covariance), losses = jax.lax.scan(step, (begin, jnp.diag(start)), weeks)
    # The scan ends one week ahead, with the swing already faded by a week.
    return Tracked(state[0], state[1] / fade, state[2:], covariance), losses.sum()
