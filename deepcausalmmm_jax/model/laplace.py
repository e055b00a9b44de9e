"""Evidence: how the data themselves say how much each part of the model may vary."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config.settings import Penalties
from deepcausalmmm_jax.model.inputs import DRIFT_WEEKS, WEEKS_IN_QUARTER
from deepcausalmmm_jax.model.outputs import Internals
from deepcausalmmm_jax.model.training_data import TrainingData
from deepcausalmmm_jax.ops.autoregression import whitened

# Sizes that are learned. The others either shape the curves, where one panel says too little of a spread over channels,
# or belong to a part of the model whose terms are not Gaussian.
LEARNED = (
    "media_region",
    "time_variation",
    "trend",
    "trend_region",
    "seasonality",
    "seasonality_region",
    "control",
    "control_region",
)


# Log of the factor before training where it is not 0: what is not explained yet would pass for variation over time.
_START = {"time_variation": -1.2}


class Sizes(nn.Module):
    """Typical sizes of what the model may learn, themselves learned: each the user's times a factor."""

    @nn.compact
    def __call__(self) -> dict[str, Array]:
        """Logs of the factors, by name."""
        return {name: self.param(name, nn.initializers.constant(_START.get(name, 0.0)), ()) for name in LEARNED}


def tuned(sizes: Penalties, factors: dict[str, Array], tune: Array) -> Penalties:
    """The sizes with the learned factors on them, or without where `tune` is 0."""
    changed = {name: getattr(sizes, name) * jnp.exp(tune * factors[name]) for name in LEARNED}
    values = {item.name: getattr(sizes, item.name) for item in dataclasses.fields(sizes)} | changed
    result: Penalties = object.__new__(Penalties)  # the constructor's checks are for numbers, these are tracers
    for name, value in values.items():
        object.__setattr__(result, name, value)
    return result


def volume_terms(media: Array, internals: Internals, data: TrainingData, sizes: Penalties) -> dict[str, Array]:
    r"""Laplace's correction for what is estimated rather than known, $\frac12 \log |1 + s^2 I|$ by family of terms.

    The penalties seek the best single value of each quantity; what counts is how well the model does over all its
    likely values (MacKay 1992, "Bayesian interpolation"). Together, penalty and volume are the negative log evidence
    of the size s: too large a size pays by volume, too small a one by penalty. Information I is taken quantity by
    quantity, for paths over time by the filter's recursion.

    Args:
        media: `[week, channel, region]`, contributions, scaled.
        internals: noise, share of the regions that counts as independent, and persistence of the residuals; what
            changes slowly is known less well where residuals do too.
        data: the panel.
        sizes: s by family.

    Returns:
        Scalars by family, nats.
    """
    persistence, per_noise = internals.persistence, internals.effective / internals.noise**2
    observed, used, total = data.weights[:, None] > 0, data.weights[:, None], data.weights.sum(axis=0)
    season, control = (energy.at(persistence) * per_noise for energy in (data.season, data.control))
    # Of a channel's news, a region's level takes what their mean over weeks explains.
    mean = (media * used).sum(axis=0) / jnp.maximum(total, 1e-6)
    news, level_news = whitened(media, observed, persistence), whitened(jnp.ones_like(used), observed, persistence)
    channel = (used * (news - mean * level_news) ** 2).sum(axis=0) * per_noise
    drift = (used * news**2 * per_noise).sum(axis=-1)
    steps, region_steps = data.inputs.trend_step, data.inputs.region_trend_step
    n_knots, n_region_knots = (1.0 + jnp.isfinite(step).sum() for step in (steps, region_steps))
    by_region = total * per_noise
    return {
        "media_region": _volume(channel, sizes.media_region),
        "time_variation": _drift_volume(drift, sizes.time_variation),
        "trend": _walk_volume(by_region.sum() / n_knots, sizes.trend, steps, persistence),
        "trend_region": _walk_volume(by_region / n_region_knots, sizes.trend_region, region_steps, persistence),
        "seasonality": _volume(season.sum(axis=-1), sizes.seasonality),
        "seasonality_region": _volume(season, sizes.seasonality_region),
        "control": _volume(control.sum(axis=-1), sizes.control),
        "control_region": _volume(control, sizes.control_region),
    }


def _volume(information: Array, size: Array | float) -> Array:
    return 0.5 * jnp.sum(jnp.log1p(size**2 * information))


def _walk_volume(information: Array, size: Array | float, quarters: Array, persistence: Array) -> Array:
    r"""Volume of random walks over knots, each interval seen with `information` (any shape: as many walks).

    Residuals with persistence phi show $(1 - \phi) p_{k-1} + c d_k$ of a walk p with steps d, c from 1 for steps of one
    week to $1 - \phi$ for long ones.
    """
    is_knot = jnp.isfinite(quarters)
    apart = jnp.where(is_knot, quarters, 1.0 / WEEKS_IN_QUARTER)  # finite, or the gradient would not be
    steps, weeks = size**2 * apart, WEEKS_IN_QUARTER * apart
    level = 1.0 - persistence
    noise = 1.0 / jnp.maximum(information, 1e-6)

    def step(variance: Array, knot: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        added, shown, exists = knot
        seen = level**2 * variance + shown**2 * added
        along = level * variance + shown * added
        left = variance + added - along**2 / (seen + noise)
        return jnp.where(exists, left, variance), jnp.where(exists, 0.5 * jnp.log1p(seen / noise), 0.0)

    # The level before the first step is free; all that one interval says of it is known.
    start = noise / jnp.maximum(level, 0.05) ** 2
    _, volumes = jax.lax.scan(step, start, (steps, level + persistence / weeks, is_knot))
    return volumes.sum()


def _drift_volume(information: Array, size: Array | float) -> Array:
    """Volume of Ornstein-Uhlenbeck paths, `information` `[week, channel]`."""
    keep = jnp.exp(-2.0 / DRIFT_WEEKS)
    stationary = jnp.broadcast_to(jnp.asarray(size) ** 2, information.shape[1:])

    def step(variance: Array, week: Array) -> tuple[Array, Array]:
        seen = 1.0 + week * variance
        return keep * variance / seen + (1.0 - keep) * stationary, 0.5 * jnp.log(seen)

    _, volumes = jax.lax.scan(step, stationary, information)
    return volumes.sum()
