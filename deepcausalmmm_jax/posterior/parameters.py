"""Coordinates of the posterior: a few dozen, each standard normal a priori, and the quantities they map to."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.config.priors import CURVE_PARAMETERS
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.model.curves import OPTIONAL
from deepcausalmmm_jax.model.log_prior import (
    LOG_FREQUENCY_SLOPE,
    LOG_HALF_FREQUENCY,
    LOG_SCALE,
    LOG_SHAPE,
    LOGIT_EXPONENT,
)
from deepcausalmmm_jax.model.media import (
    TYPICAL_EXPONENT,
    TYPICAL_FREQUENCY_SLOPE,
    TYPICAL_HALF_FREQUENCY,
    TYPICAL_SCALE,
    TYPICAL_SHAPE,
)
from deepcausalmmm_jax.ops.adstock import half_life
from deepcausalmmm_jax.posterior.inputs import PosteriorInputs

_COUNT_NOISE = 5.0  # times the noise of other KPIs: the spread of counts beyond chance
_DEMAND_SPREAD = 1.2  # of the log of its scale: most channels follow no hidden demand, some follow it far
_EXPONENT = float(np.log(TYPICAL_EXPONENT / (1.0 - TYPICAL_EXPONENT)))


class PosteriorParameters(NamedTuple):
    """Coordinates of curves, shares and scales; standard normal a priori, so that the prior needs no Jacobian.

    Fields that need several regions, or a setting that is off, are None.
    """

    total: Array  # [], share of the KPI that all media bring
    split: Array  # [channel], how channels divide it
    decay: Array  # [channel]
    delay: Array | None  # [channel]
    slope: Array  # [channel]
    half_saturation: Array  # [channel]
    history: Array  # [], exposure before the first week
    locality: Array | None  # [], several regions
    noise: Array  # []
    persistence: Array  # []
    trend: Array  # [], of the log of a scale, like all that follow
    seasonality: Array  # []
    season_peaks: Array | None  # [], where the season has pairs beyond the second
    control: Array  # []
    time_variation: Array  # []
    shock: Array | None  # [], several regions; like all that follow but the last
    trend_region: Array | None
    seasonality_region: Array | None
    season_peaks_region: Array | None
    control_region: Array | None
    media_region: Array | None
    signed_control: Array | None  # [control], effects of controls whose sign is stated
    scale: Array | None  # [channel], where a channel's kind has it, like all that follow
    shape: Array | None
    exponent: Array | None
    half_frequency: Array | None
    demand: Array | None = None  # [channel], with lift tests: of the log of a scale


class CoordinatePriors(NamedTuple):
    """Medians and spreads of the priors, scalars; see `PosteriorSettings` and `Penalties` for meanings and units."""

    total: Array  # logit of the median share of all media
    total_spread: Array
    split_spread: Array
    decay_spread: Array
    delay: Array  # log
    delay_spread: Array
    slope: Array  # log
    slope_spread: Array
    half_saturation: Array  # log, in bursts
    half_saturation_spread: Array
    history: Array  # logit
    history_spread: Array
    noise: Array  # log
    noise_spread: Array
    persistence: Array  # logit
    persistence_spread: Array
    level: Array  # standard deviation
    size_spread: Array  # of the logs of all that follow, but for peaks of the season
    peaks_spread: Array  # of theirs
    trend: Array  # log of a standard deviation, like all that follow
    seasonality: Array
    season_peaks: Array
    control: Array
    time_variation: Array
    shock: Array
    trend_region: Array
    seasonality_region: Array
    season_peaks_region: Array
    control_region: Array
    media_region: Array


class Quantities(NamedTuple):
    """The quantities that coordinates map to, in their own units."""

    share: Array  # [channel], of the KPI
    decay: Array  # [channel]
    delay: Array  # [channel], weeks
    slope: Array  # [channel]
    half_saturation: Array  # [channel], mean weeks
    history: Array  # [], share
    locality: Array  # []
    noise: Array  # [], standard deviation of the residual innovations, share of the mean KPI
    persistence: Array  # []
    trend: Array  # [], standard deviations as in `Penalties`, like all that follow but the last
    seasonality: Array  # [term], likewise the one of a region
    control: Array
    time_variation: Array
    shock: Array
    trend_region: Array
    seasonality_region: Array
    control_region: Array
    media_region: Array
    signed_control: Array  # [control], effect with its sign, 0 where none is stated
    scale: Array | None = None  # [channel], weeks; where a channel's kind has it, like all that follow
    shape: Array | None = None
    exponent: Array | None = None
    half_frequency: Array | None = None
    demand: Array | None = None  # [channel], standard deviation of the hidden demand that moves with a tested channel


def coordinate_priors(config: Config) -> CoordinatePriors:
    """The priors in the settings, as arrays, so that other settings need no other program."""
    own, scales = config.posterior, config.penalties
    noise = own.noise * (_COUNT_NOISE if config.counts else 1.0)
    numbers = {
        "total": np.log(own.total_share) - np.log1p(-own.total_share),
        "total_spread": own.total_spread,
        "split_spread": own.split_spread,
        "decay_spread": scales.decay,
        "delay": np.log(own.delay),
        "delay_spread": own.delay_spread,
        "slope": np.log(own.slope),
        "slope_spread": own.slope_spread,
        "half_saturation": np.log(own.half_saturation),
        "half_saturation_spread": own.half_saturation_spread,
        "history": 0.0,
        "history_spread": 2.0,
        "noise": np.log(noise),
        "noise_spread": own.noise_spread,
        "persistence": -1.0,
        "persistence_spread": own.persistence_spread,
        "level": own.level,
        "size_spread": own.size_spread,
        "peaks_spread": own.peaks_spread,
        "trend": np.log(own.trend),
        "seasonality": np.log(scales.seasonality),
        "season_peaks": np.log(scales.season_peaks),
        "control": np.log(own.control),
        "time_variation": np.log(scales.time_variation),
        "shock": np.log(own.shock),
        "trend_region": np.log(scales.trend_region),
        "seasonality_region": np.log(scales.seasonality_region),
        "season_peaks_region": np.log(scales.season_peaks_region),
        "control_region": np.log(scales.control_region),
        "media_region": np.log(scales.media_region),
    }
    return CoordinatePriors(**{name: jnp.asarray(float(number)) for name, number in numbers.items()})


def prior_medians(inputs: PosteriorInputs) -> PosteriorParameters:
    """Coordinates at their prior medians, with the fields that the panel needs."""
    n_channels, n_controls = inputs.exposure.shape[1], inputs.control.shape[2]
    zero, channels = jnp.zeros(()), jnp.zeros(n_channels)
    regional = zero if inputs.kpi.shape[0] > 1 else None
    return PosteriorParameters(
        total=zero,
        split=channels,
        decay=channels,
        delay=channels if inputs.has("delay") else None,
        slope=channels,
        half_saturation=channels,
        history=zero,
        locality=regional,
        noise=zero,
        persistence=zero,
        trend=zero,
        seasonality=zero,
        season_peaks=zero if inputs.has_peaks else None,
        control=zero,
        time_variation=zero,
        shock=regional,
        trend_region=regional,
        seasonality_region=regional,
        season_peaks_region=regional if inputs.has_peaks else None,
        control_region=regional,
        media_region=regional,
        signed_control=jnp.zeros(n_controls) if inputs.has_signs else None,
        **{name: channels if inputs.has(name) else None for name in OPTIONAL},
        demand=None if inputs.lift_tests is None else channels,
    )


def n_coordinates(inputs: PosteriorInputs) -> int:
    """Length of a vector of all coordinates; draws of another length are of an earlier version's posterior."""
    return sum(leaf.size for leaf in jax.tree.leaves(prior_medians(inputs)))


def quantities(parameters: PosteriorParameters, inputs: PosteriorInputs, priors: CoordinatePriors) -> Quantities:
    """The quantities that the coordinates map to."""
    z, s = parameters, priors
    zero = jnp.zeros(())

    def scale(name: str, spread: Array = s.size_spread) -> Array:
        coordinate = getattr(z, name)
        return zero if coordinate is None else jnp.exp(getattr(s, name) + spread * coordinate)

    def seasonal(peaks: str, usual: str) -> Array:
        return jnp.where(inputs.peaks > 0, scale(peaks, s.peaks_spread), scale(usual))

    total = jax.nn.sigmoid(s.total + s.total_spread * z.total)
    control = scale("control")
    signed = zero if z.signed_control is None else inputs.control_sign * control * jnp.exp(z.signed_control)
    return Quantities(
        share=total * jax.nn.softmax(s.split_spread * z.split),
        decay=jax.nn.sigmoid(_placed("decay", _decay_logit(s.decay_spread * z.decay, inputs), z, inputs)),
        delay=_delay(z, s, inputs),
        slope=jnp.exp(_placed("slope", _log_slope(z, s, inputs), z, inputs)),
        half_saturation=_half_saturation(z, s, inputs),
        history=jax.nn.sigmoid(s.history + s.history_spread * z.history),
        locality=zero if z.locality is None else jax.nn.sigmoid(-1.4 + 2.0 * z.locality),
        noise=jnp.exp(s.noise + s.noise_spread * z.noise),
        persistence=jax.nn.sigmoid(s.persistence + s.persistence_spread * z.persistence),
        trend=scale("trend"),
        seasonality=seasonal("season_peaks", "seasonality"),
        control=control,
        time_variation=scale("time_variation"),
        shock=scale("shock"),
        trend_region=scale("trend_region"),
        seasonality_region=seasonal("season_peaks_region", "seasonality_region"),
        control_region=scale("control_region"),
        media_region=scale("media_region"),
        signed_control=jnp.broadcast_to(signed, inputs.control_sign.shape),
        scale=None if z.scale is None else _steps(TYPICAL_SCALE * jnp.exp(LOG_SCALE * z.scale), inputs),
        shape=None if z.shape is None else TYPICAL_SHAPE * jnp.exp(LOG_SHAPE * z.shape),
        exponent=None if z.exponent is None else jax.nn.sigmoid(_EXPONENT + LOGIT_EXPONENT * z.exponent),
        half_frequency=None
        if z.half_frequency is None
        else TYPICAL_HALF_FREQUENCY * jnp.exp(LOG_HALF_FREQUENCY * z.half_frequency),
        demand=_demand(z, inputs),
    )


def _demand(z: PosteriorParameters, inputs: PosteriorInputs) -> Array | None:
    if z.demand is None or inputs.lift_tests is None:
        return None
    return inputs.lift_tests.demand_scale * jnp.exp(_DEMAND_SPREAD * z.demand)


def _log_slope(z: PosteriorParameters, s: CoordinatePriors, inputs: PosteriorInputs) -> Array:
    """By the default prior, which is another for channels with reach and frequency."""
    usual = s.slope + s.slope_spread * z.slope
    if not inputs.has("half_frequency"):
        return usual
    of_frequency = np.log(TYPICAL_FREQUENCY_SLOPE) + LOG_FREQUENCY_SLOPE * z.slope
    return jnp.where(np.array(inputs.kinds.having("half_frequency")), of_frequency, usual)


def _half_saturation(z: PosteriorParameters, s: CoordinatePriors, inputs: PosteriorInputs) -> Array:
    log_bursts = s.half_saturation + s.half_saturation_spread * z.half_saturation
    if inputs.stated.curve is None:
        return inputs.burst * jnp.exp(log_bursts)
    return jnp.exp(_placed("half_saturation", jnp.log(inputs.burst) + log_bursts, z, inputs))


def _placed(name: str, usual: Array, z: PosteriorParameters, inputs: PosteriorInputs) -> Array:
    """The log or logit of a curve parameter: `usual` by the default prior, or by the prior that is in its place."""
    centre, spread = inputs.stated.curve, inputs.stated.curve_spread
    if centre is None or spread is None:
        return usual
    at = CURVE_PARAMETERS.index(name)
    return jnp.where(spread[at] > 0, centre[at] + spread[at] * getattr(z, name), usual)


def _decay_logit(around: Array, inputs: PosteriorInputs) -> Array:
    """Logit of the decay a step of the panel, from its deviation from the prior's median."""
    if inputs.kinds.step_weeks == 1.0:
        return around
    return around + np.asarray(inputs.kinds.usual_decay())


def _delay(z: PosteriorParameters, s: CoordinatePriors, inputs: PosteriorInputs) -> Array:
    if z.delay is None:
        return jnp.zeros_like(z.decay)
    return _steps(jnp.exp(s.delay + s.delay_spread * z.delay), inputs)


def _steps(weeks: Array, inputs: PosteriorInputs) -> Array:
    return weeks if inputs.kinds.step_weeks == 1.0 else weeks / inputs.kinds.step_weeks


def log_prior(parameters: PosteriorParameters, inputs: PosteriorInputs, priors: CoordinatePriors) -> Array:
    """Log density of the priors of the coordinates, up to a constant, stated priors of curves included.

    A stated decay, half-life, half-saturation or slope replaces the default prior by its normal density, expressed as a
    density of the coordinate.
    """
    found, stated = quantities(parameters, inputs, priors), inputs.stated
    replaced: dict[str, Any] = {
        "decay": (stated.decay, stated.decay_precision, lambda q: jnp.log(q) + jnp.log1p(-q)),
        "half_saturation": (stated.half_saturation, stated.half_saturation_precision, jnp.log),
        "slope": (stated.slope, stated.slope_precision, jnp.log),
    }
    if stated.half_frequency is not None:
        replaced["half_frequency"] = (stated.half_frequency, stated.half_frequency_precision, jnp.log)
    total = jnp.zeros(())
    for name, coordinate in parameters._asdict().items():
        if coordinate is None:
            continue
        nats = -0.5 * coordinate**2
        if name == "decay" and stated.half_life is not None and stated.half_life_precision is not None:
            # dh / dz is proportional to (1 - a) / (ln a)^2, for the half-life h = ln 0.5 / ln a of the decay a
            jacobian = jnp.log1p(-found.decay) - 2.0 * jnp.log(-jnp.log(found.decay))
            own = -0.5 * stated.half_life_precision * (half_life(found.decay) - stated.half_life) ** 2 + jacobian
            nats = jnp.where(stated.half_life_precision > 0, own, nats)
        if name in replaced:
            value, precision, log_jacobian = replaced[name]
            quantity = getattr(found, name)
            instead = -0.5 * precision * (quantity - value) ** 2 + log_jacobian(quantity)
            nats = jnp.where(precision > 0, instead, nats)
        total = total + jnp.sum(nats)
    return total
