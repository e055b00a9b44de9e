"""The present: where the KPI stands at the end of training beside what media and controls explain, and how it fades."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from deepcausalmmm_jax.config.settings import Penalties
from deepcausalmmm_jax.model.inputs import WEEKS_IN_QUARTER, Inputs
from deepcausalmmm_jax.model.outputs import Components, Internals
from deepcausalmmm_jax.ops.kalman import Motion, Tracked, track

_EPOCHS = 80
_STEP = 0.15
_LIMIT = 3.0  # standard deviations beyond which a week is a freak
# Likely sizes before the data are seen: mean of the log and its spread. Weeks and shares of the mean KPI.
_SWING, _MEMORY = 0.05, 4.0
_SPREAD = 1.0
_SHOCK = 0.3  # of a region's noise, likely size of the shocks that all regions share


class _Sizes(NamedTuple):
    """Logs of sizes over their likely values; scalars."""

    level_step: Array
    swing: Array
    memory: Array
    season: Array
    noise: Array


def present_again(
    components: Components,
    internals: Internals,
    inputs: Inputs,
    weights: Array,
    penalties: Penalties,
    scales: dict[str, Array],
) -> dict[str, Array]:
    """The state beside other media and controls with the sizes of another state; for draws, as quick as a filter."""
    return _state(components, internals, inputs, weights, penalties, scales)


def present_state(
    components: Components, internals: Internals, inputs: Inputs, weights: Array, penalties: Penalties
) -> dict[str, Array]:
    """Level, swing and season after the last training week, by marginal likelihood.

    What media and controls leave of the KPI is taken apart into the nation's mean over regions and each region's
    deviation. Each is a random walk, a swing that fades and a season, whose sizes are those under which the series
    are most likely (type-II maximum likelihood, with log-normal priors around the penalties' sizes): a KPI that
    stays where it is gives the forecast `last`, one that returns gives `mean`, one with a steady season carries it on.
    Regions that move together count as fewer: their mean is less well known, and what they say of the sizes weighs
    less beside the priors; each region's own state rests on its own noise all the same.

    Args:
        components: of the fitted model, scaled units.
        internals: of the same; its noise, and the share of the regions that counts as independent.
        inputs: the panel.
        weights: `[region, week]`, 0 in weeks not learned from.
        penalties: for the likely sizes.

    Returns:
        The variables of `model.baseline.Present`.
    """
    return _state(components, internals, inputs, weights, penalties, None)


def _state(
    components: Components,
    internals: Internals,
    inputs: Inputs,
    weights: Array,
    penalties: Penalties,
    scales: dict[str, Array] | None,
) -> dict[str, Array]:
    of_nation, of_regions = trackers(components, internals, inputs, weights, penalties)
    if scales is None:
        nation_sizes = _most_likely(of_nation, jnp.ones(()))
        region_sizes = _most_likely(of_regions, internals.effective)
    else:
        nation_sizes, region_sizes = (_Sizes(*scales[name]) for name in ("national_scales", "regional_scales"))
    nation, regions = of_nation(nation_sizes).state, of_regions(region_sizes).state
    return {
        "level": nation.level + regions.level + _apart(inputs),
        "national_swing": nation.swing,
        "regional_swing": regions.swing,
        "season": nation.season + regions.season,
        "national_memory": _MEMORY * jnp.exp(nation_sizes.memory),
        "regional_memory": _MEMORY * jnp.exp(region_sizes.memory),
        "national_scales": jnp.stack(nation_sizes),
        "regional_scales": jnp.stack(region_sizes),
        "national_sizes": jnp.stack(_shown(nation_sizes, penalties.trend, penalties.seasonality)),
        "regional_sizes": jnp.stack(_shown(region_sizes, penalties.trend_region, penalties.seasonality_region)),
    }


class Filtered(NamedTuple):
    """One series, or all regions' deviations, filtered with given sizes."""

    state: Tracked
    loss: Array  # nats
    motion: Motion


Filter = Callable[[Any], Filtered]


def trackers(
    components: Components, internals: Internals, inputs: Inputs, weights: Array, penalties: Penalties
) -> tuple[Filter, Filter]:
    """Filters of the nation and of the regions' deviations from it, each from its sizes `[5]`, logs over likely ones.

    Args:
        components: of the fitted model, scaled units.
        internals: of the same.
        inputs: the panel.
        weights: `[region, week]`, 0 in weeks not learned from.
        penalties: for the likely sizes.
    """
    media, control = components.media.sum(axis=-1), components.control.sum(axis=-1)
    rest = inputs.kpi - _apart(inputs)[:, None] - control - media
    past, noise = inputs.ahead <= 0, internals.noise
    trained = (weights > 0) & past
    precision = jnp.where(trained, weights / noise[:, None] ** 2, 0.0)
    national = (rest * precision).sum(axis=0) / jnp.maximum(precision.sum(axis=0), 1e-9)
    total = internals.effective * precision.sum(axis=0)
    deviation = jnp.where(trained, rest - national, 0.0)
    own_noise = noise[:, None] ** 2 / jnp.maximum(weights, 1e-6)

    def of_nation(scales: Any) -> Filtered:
        sizes = _Sizes(*scales)
        motion = _motion(sizes, penalties.trend, penalties.seasonality, penalties.baseline)
        variance = shock(noise, scales) ** 2 + 1.0 / jnp.maximum(total, 1e-9)
        mean = jnp.asarray(1.0 - penalties.media_total)
        return Filtered(*track(national, variance, total > 0, past, inputs.season_basis, motion, mean, _LIMIT), motion)

    def of_regions(scales: Any) -> Filtered:
        sizes = _Sizes(*scales)
        motion = _motion(sizes, penalties.trend_region, penalties.seasonality_region, penalties.baseline)

        def one(series: Array, variance: Array, seen: Array) -> tuple[Tracked, Array]:
            return track(series, variance, seen, past, inputs.season_basis, motion, jnp.zeros(()), _LIMIT)

        seen = trained & (rest.shape[0] > 1)
        return Filtered(*jax.vmap(one)(deviation, own_noise * jnp.exp(2.0 * sizes.noise), seen), motion)

    return of_nation, of_regions


def shock(noise: Array, scales: Any) -> Array:
    """Standard deviation of a week's shock that all regions share, from their noise `[region]` and the sizes."""
    return _SHOCK * noise.mean() * jnp.exp(_Sizes(*scales).noise)


def _apart(inputs: Inputs) -> Array:
    """`[region]`, of regions whose mean is not what their KPI is divided by."""
    return inputs.kpi_level - 1.0


def _motion(sizes: _Sizes, trend: Any, season: Any, start: Any) -> Motion:
    return Motion(
        level_start=jnp.asarray(start),
        level_step=trend / jnp.sqrt(WEEKS_IN_QUARTER) * jnp.exp(sizes.level_step),
        swing=_SWING * jnp.exp(sizes.swing),
        memory=_MEMORY * jnp.exp(sizes.memory),
        season=season * jnp.exp(sizes.season),
    )


def _shown(sizes: _Sizes, trend: Any, season: Any) -> tuple[Array, Array, Array]:
    """Sizes in the units of `Penalties`: trend a quarter, swing, season."""
    return trend * jnp.exp(sizes.level_step), _SWING * jnp.exp(sizes.swing), season * jnp.exp(sizes.season)


def _most_likely(tracked: Filter, share: Array) -> _Sizes:
    """Sizes of least loss, found by Adam from the likely ones; the data count by `share`."""

    def loss(sizes: _Sizes) -> Array:
        value = tracked(sizes).loss
        prior = sum((size / _SPREAD) ** 2 for size in sizes)
        return share * jnp.sum(value) + 0.5 * jnp.asarray(prior)

    optimizer = optax.adam(optax.cosine_decay_schedule(_STEP, _EPOCHS))

    def epoch(carry: tuple[_Sizes, Any], _: None) -> tuple[tuple[_Sizes, Any], None]:
        sizes, moments = carry
        updates, moments = optimizer.update(jax.grad(loss)(sizes), moments)
        return (optax.apply_updates(sizes, updates), moments), None

    start = _Sizes(*(jnp.zeros(()) for _ in _Sizes._fields))
    (sizes, _), _ = jax.lax.scan(epoch, (start, optimizer.init(start)), length=_EPOCHS)
    return sizes
