"""Kalman filter of one series: a level that is a random walk, an AR(1) component, and a season."""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax
from jax import Array

from deepcausalmmm_jax.ops.weekly_loop import scan_weeks


class ProcessScales(NamedTuple):
    """Scales of the state's components, in units of the series; scalars but for the last."""

    level_start: Array  # standard deviation of the level before the first week, around its mean
    level_step: Array  # standard deviation of the level's change in a week
    ar1: Array  # stationary standard deviation of the AR(1) component
    time_scale: Array  # weeks after which e^-1 of the AR(1) component is left
    season: Array  # [term] or [], standard deviation of a seasonal coefficient


class FilteredState(NamedTuple):
    """Mean of the state in the last week of the past, and its covariance a week later."""

    level: Array  # []
    ar1: Array  # []
    season: Array  # [term]
    covariance: Array  # [term + 2, term + 2], of level, AR(1) component and season a week after the past


def kalman_filter(
    series: Array,
    noise: Array,
    trained: Array,
    past: Array,
    season_basis: Array,
    scales: ProcessScales,
    mean: Array,
    limit: float,
) -> tuple[FilteredState, Array]:
    r"""Filter $z_t = l_t + a_t + B_t s + \epsilon_t$ with a random walk l, an AR(1) component a and constant s.

    Innovations beyond `limit` standard deviations have a linear loss and move the state as if they lay at the limit
    (Masreliez & Martin 1977), so that one outlier is not mistaken for a new level.

    Args:
        series: z, `[week]`.
        noise: variance of epsilon, `[week]`.
        trained: `[week]`, boolean, whether the week informs the state.
        past: `[week]`, boolean; the state returned is that of the last week of the past, however many weeks follow.
        season_basis: B, `[week, term]`.
        scales: standard deviations, and the time scale of the AR(1) component.
        mean: expected level before the first week.
        limit: in standard deviations.

    Returns:
        The state after the last week of the past, and the negative log-likelihood, nats without constants.

    Raises:
        AssertionError: shapes that do not match.
    """
    chex.assert_rank(series, 1)
    for name, by_week in (("noise", noise), ("trained", trained), ("past", past)):
        message = f"{name} {jnp.shape(by_week)} [week] for series {series.shape}"
        chex.assert_shape(by_week, series.shape, custom_message=message)
    chex.assert_rank(season_basis, 2)
    message = f"season_basis {season_basis.shape} [week, term] for series {series.shape}"
    chex.assert_shape(season_basis, (*series.shape, None), custom_message=message)
    chex.assert_rank([*scales[:-1], mean], 0)
    terms = season_basis.shape[1]
    message = f"scales.season {jnp.shape(scales.season)} [term] or [] for season_basis {season_basis.shape}"
    chex.assert_is_broadcastable(jnp.shape(scales.season), (terms,), custom_message=message)
    fade = jnp.exp(-1.0 / scales.time_scale)
    transition = jnp.concatenate([jnp.stack([jnp.ones_like(fade), fade]), jnp.ones(terms)])
    moving = jnp.stack([scales.level_step**2, scales.ar1**2 * (1.0 - fade**2)])
    process_noise = jnp.concatenate([moving, jnp.zeros(terms)])
    start = jnp.concatenate(
        [jnp.stack([scales.level_start**2, scales.ar1**2]), jnp.broadcast_to(scales.season**2, (terms,))]
    )

    def step(carry: tuple[Array, Array], week: tuple[Array, ...]) -> tuple[tuple[Array, Array], Array]:
        state, covariance = carry
        z, variance, informs, is_past, basis = week
        design = jnp.concatenate([jnp.ones(2), basis])
        along = covariance @ design
        spread = jnp.where(informs, design @ along + variance, 1.0)
        scaled = (z - design @ state) / jnp.sqrt(spread)
        gain = jnp.where(informs, along / spread, 0.0)
        state = state + gain * jnp.clip(scaled, -limit, limit) * jnp.sqrt(spread)
        covariance = covariance - jnp.outer(gain, along)
        loss = jnp.where(informs, 0.5 * jnp.log(spread) + optax.huber_loss(scaled, delta=limit), 0.0)
        ahead = transition * state, transition[:, None] * covariance * transition + jnp.diag(process_noise)
        return jax.tree.map(lambda new, old: jnp.where(is_past, new, old), ahead, carry), loss

    begin = jnp.zeros(terms + 2).at[0].set(mean)
    weeks = (series, noise, trained & past, past, season_basis)
    (state, covariance), losses = scan_weeks(step, (begin, jnp.diag(start)), weeks)
    # The scan ends one week ahead, where the AR(1) component has decayed by a week.
    return FilteredState(state[0], state[1] / fade, state[2:], covariance), losses.sum()
