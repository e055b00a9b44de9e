"""Penalties: minus the log priors of what the model learns, one named term each, in nats."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.config.curves import CurveKinds
from deepcausalmmm_jax.config.priors import CURVE_PARAMETERS
from deepcausalmmm_jax.data.experiments import LiftTests
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.data.stated_priors import StatedPriors
from deepcausalmmm_jax.model.coefficients import DRIFT_WEEKS
from deepcausalmmm_jax.model.curves import MediaCurves
from deepcausalmmm_jax.model.media import (
    TYPICAL_DELAY,
    TYPICAL_EXPONENT,
    TYPICAL_FREQUENCY_SLOPE,
    TYPICAL_HALF_FREQUENCY,
    TYPICAL_HALF_SATURATION,
    TYPICAL_SCALE,
    TYPICAL_SHAPE,
    TYPICAL_SLOPE,
)
from deepcausalmmm_jax.model.outputs import ComponentsRegionsLast, Internals
from deepcausalmmm_jax.model.parameters import Parameters
from deepcausalmmm_jax.model.prior_scales import PEAKS, PriorScales
from deepcausalmmm_jax.model.share_prior import Shares, stated_shares
from deepcausalmmm_jax.ops.adstock import half_life
from deepcausalmmm_jax.ops.layout import mean_of_regions

# Prior scales that users do not set.
_LEVEL = 0.03  # a region's mean prediction around its mean KPI; with persistent residuals only this prior ties it down
_COUNT_LEVEL = 0.3  # of counts, whose mean on the log is not seen
_COUNT_SPREAD = (np.log(0.2), 1.0)  # log of the spread of counts beyond chance
_LOCALITY = 2.0  # logits
_HISTORY = 4.0  # logits
_PERSISTENCE, _PERSISTENCE_SCALE = -1.0, 1.5  # logits
_LOG_DELAY = 1.5
_DELAY_WEEKS = 3.0
LOG_SCALE, LOG_SHAPE = 0.8, 0.5  # of a Weibull adstock
LOGIT_EXPONENT = 1.0  # of a root
LOG_FREQUENCY_SLOPE, LOG_HALF_FREQUENCY = 0.4, 0.5  # slopes from 1 to 4, contacts from 1 to 8
_SKEW = 1.0  # log skew of the exposure noise
_LINK_PERSISTENCE = 0.5  # of the exposure noise, inverse hyperbolic tangent: 0.46
_DEMAND_FREEDOM = 3.0  # of a Student t: most channels follow no hidden demand, some follow it far
_PEAKS = 2.0  # log factor on the scales of a season's peaks
_UPWARD = 0.25  # log factor on the scale of variation over time, where it is above 0
_MOVES = 0.2  # coefficient of variation of national activity above which a coefficient's variation is identified
_LEAST_SHOWN = 0.05  # share of the scale of that variation that a channel of constant activity keeps


def penalty_terms(
    parameters: Parameters,
    components: ComponentsRegionsLast,
    internals: Internals,
    share: Shares,
    scales: PriorScales,
    inputs: Inputs[Array],
    optional_edges: Array,
    kinds: CurveKinds,
) -> dict[str, Array]:
    r"""Each penalty, $\sum (q / s)^2 / 2$ with s the prior scale of q; for graph and blend $\sum |q| / s$.

    Args:
        parameters: of the model.
        components: of the forward pass with these parameters.
        internals: of the same.
        share: of the KPI.
        scales: prior scales.
        inputs: for the mean KPI, the spacing of the trends' knots, and which weeks are padding.
        optional_edges: `[1 + lag, channel, channel]`, 1 where an edge is penalised; 0 where the user requires it, and
            everywhere once the graph is pruned.
        kinds: of the channels' curves, which decide what a delay is.

    Returns:
        Scalars by name.
    """
    coefficients, stated = parameters.coefficients, inputs.stated_priors
    drift_steps = DRIFT_WEEKS / kinds.step_weeks
    drift, in_panel = mean_of_regions(components.variation)[:, :, None], inputs.in_panel
    noise = parameters.noise
    season, peaks = parameters.seasonality, inputs.season_peaks
    terms = {
        "priors": _stated_curves(stated, internals.curves) + stated_shares(share, stated),
        "media_region": _gauss(coefficients.region, scales.media_region),
        "time_variation": _drift(
            drift / _shown(components, in_panel)[:, None], scales.time_variation, in_panel, drift_steps
        ),
        "time_variation_region": _drift(
            components.variation - drift, scales.time_variation_region, in_panel, drift_steps
        ),
        **_curve_terms(parameters, internals.curves, scales, inputs, kinds),
        "locality": _gauss(parameters.media.locality, _LOCALITY),
        "history": _gauss(parameters.media.history, _HISTORY),
        "level": _gauss(parameters.mean - inputs.kpi_level, _LEVEL if inputs.count_unit is None else _COUNT_LEVEL),
        "baseline": _gauss(internals.level - inputs.kpi_level + scales.media_total, scales.baseline),
        "trend": _walk(parameters.trend.shared, scales.trend, inputs.trend_step),
        "trend_region": _walk(parameters.trend.region, scales.trend_region, inputs.region_trend_step),
        "seasonality": _gauss(season.shared * (1.0 - peaks), scales.seasonality),
        "seasonality_region": _gauss(season.region * (1.0 - peaks), scales.seasonality_region),
        "season_peaks": _gauss(season.shared * peaks, scales.season_peaks),
        "season_peaks_region": _gauss(season.region * peaks, scales.season_peaks_region),
        "control": _gauss(parameters.control.shared, scales.control),
        "control_region": _gauss(parameters.control.region, scales.control_region),
        "persistence": _gauss(parameters.persistence - _PERSISTENCE, _PERSISTENCE_SCALE),
        "noise_region": _gauss(noise - noise.mean(), scales.noise_region),
        "sizes": _scale_factors(parameters.log_scale_factors),
        "gru": sum((_gauss(leaf, scales.gru) for leaf in coefficients.gru.values()), start=jnp.zeros(())),
    }
    if inputs.count_unit is not None:
        terms["count_spread"] = _gauss(noise.mean() - _COUNT_SPREAD[0], _COUNT_SPREAD[1])
    if parameters.equations is not None:
        strength = jnp.sum(jnp.abs(internals.edges) * optional_edges[0])
        if parameters.equations.persistence is not None:
            strength += jnp.sum(jnp.abs(internals.lagged_edges) * optional_edges[1:])
            terms["link_persistence"] = _gauss(parameters.equations.persistence, _LINK_PERSISTENCE)
        terms["graph"] = strength / scales.graph
        terms["blend"] = jnp.sum(internals.blend) / scales.blend
        terms["skew"] = _gauss(parameters.equations.log_skew, _SKEW)
    return terms | _optional_curve_terms(parameters, internals.curves, kinds, stated)


def curve_penalty(
    parameters: Parameters, curves: MediaCurves, scales: PriorScales, inputs: Inputs[Array], kinds: CurveKinds
) -> Array:
    """Minus the log prior of the curves alone, default and stated, up to a constant; arguments as `penalty_terms`."""
    stated = inputs.stated_priors
    terms = _curve_terms(parameters, curves, scales, inputs, kinds)
    terms |= _optional_curve_terms(parameters, curves, kinds, stated)
    return sum(terms.values(), start=_stated_curves(stated, curves))


def hidden_demand(share: Array, tests: LiftTests[Array]) -> Array:
    """Minus the log prior of the shares of the KPI `[channel]` that move with tested channels without being effects."""
    far = (share - tests.demand_centre) / jnp.where(tests.demand_scale > 0, tests.demand_scale, 1.0)
    nats = 0.5 * (_DEMAND_FREEDOM + 1.0) * jnp.log1p(far**2 / _DEMAND_FREEDOM)
    return jnp.sum(jnp.where(tests.demand_scale > 0, nats, 0.0))


def drawn_demand(key: Array, tests: LiftTests[Array]) -> Array:
    """A draw from that prior, `[channel]`; 0 for channels without a test."""
    return tests.demand_scale * jax.random.t(key, _DEMAND_FREEDOM, tests.demand_scale.shape)


def _curve_terms(
    parameters: Parameters, curves: MediaCurves, scales: PriorScales, inputs: Inputs[Array], kinds: CurveKinds
) -> dict[str, Array]:
    """Default priors of the curves, for the channels whose curves the user states nothing about."""
    stated = inputs.stated_priors
    if stated.curve is not None and stated.curve_spread is not None:
        apart = stated.curve_spread > 0
        plain = _curve_terms(parameters, curves, scales, _without(inputs, apart), kinds)
        logs = jnp.stack([parameters.media.decay, jnp.log(curves.half_saturation), jnp.log(curves.slope)])
        own = jnp.where(apart, (logs - stated.curve) / jnp.where(apart, stated.curve_spread, 1.0), 0.0)
        return {name: plain[name] + _gauss(row, 1.0) for name, row in zip(CURVE_PARAMETERS, own, strict=True)}
    half = jnp.log(curves.half_saturation / (TYPICAL_HALF_SATURATION * inputs.burst))
    free_decay = stated.decay_precision == 0
    if stated.half_life_precision is not None:
        free_decay &= stated.half_life_precision == 0
    decay = parameters.media.decay
    if kinds.step_weeks != 1.0:
        decay = decay - np.asarray(kinds.usual_decay(), np.float32)
    return {
        "decay": _gauss(decay * free_decay, scales.decay),
        "slope": _slope(curves.slope, stated.slope_precision == 0, scales.slope, kinds),
        "half_saturation": _gauss(half * (stated.half_saturation_precision == 0), scales.half_saturation),
    }


def _slope(slope: Array, free: Array, scale: Array | float, kinds: CurveKinds) -> Array:
    """Default prior of slopes where it holds; those of frequency have another."""
    if not any(kinds.having("half_frequency")):
        return _gauss(jnp.log(slope / TYPICAL_SLOPE) * free, scale)
    of_frequency = np.array(kinds.having("half_frequency"))
    exposure = _gauss(jnp.log(slope / TYPICAL_SLOPE) * free * ~of_frequency, scale)
    return exposure + _gauss(jnp.log(slope / TYPICAL_FREQUENCY_SLOPE) * free * of_frequency, LOG_FREQUENCY_SLOPE)


def _without(inputs: Inputs[Array], apart: Array) -> Inputs[Array]:
    """Inputs without priors of curves by their median, and without default priors where `apart` `[parameter, channel]`.

    A precision other than 0 switches a default prior off.
    """
    stated = inputs.stated_priors
    named = (f"{name}_precision" for name in CURVE_PARAMETERS)
    off = {name: jnp.where(row, 1.0, getattr(stated, name)) for name, row in zip(named, apart, strict=True)}
    return inputs._replace(stated_priors=stated._replace(**off, curve=None, curve_spread=None))


def _optional_curve_terms(
    parameters: Parameters, curves: MediaCurves, kinds: CurveKinds, stated: StatedPriors[Array]
) -> dict[str, Array]:
    """Priors of the parameters that only some kinds have, of the channels that have them."""
    terms = {}
    if parameters.media.delay is not None:
        terms["delay"] = _delay(curves.delay, kinds)
    if curves.scale is not None and curves.shape is not None:
        has = np.array(kinds.having("scale"))
        scale = jnp.log(curves.scale / (TYPICAL_SCALE / kinds.step_weeks)) / LOG_SCALE
        size = scale, jnp.log(curves.shape / TYPICAL_SHAPE) / LOG_SHAPE
        terms["weibull"] = sum((_gauss(part * has, 1.0) for part in size), start=jnp.zeros(()))
    if parameters.media.exponent is not None:
        away = parameters.media.exponent - np.log(TYPICAL_EXPONENT / (1.0 - TYPICAL_EXPONENT))
        terms["exponent"] = _gauss(away * np.array(kinds.having("exponent")), LOGIT_EXPONENT)
    if curves.half_frequency is not None:
        away = jnp.log(curves.half_frequency / TYPICAL_HALF_FREQUENCY) * np.array(kinds.having("half_frequency"))
        if stated.half_frequency_precision is not None:
            away = away * (stated.half_frequency_precision == 0)
        terms["half_frequency"] = _gauss(away, LOG_HALF_FREQUENCY)
    return terms


def _delay(delay: Array, kinds: CurveKinds) -> Array:
    peak, wait = (kinds.with_adstock(kind) for kind in ("delayed", "delayed_geometric"))
    typical, farthest = TYPICAL_DELAY / kinds.step_weeks, _DELAY_WEEKS / kinds.step_weeks
    if all(wait):
        return _gauss(jnp.log(delay / typical), _LOG_DELAY)
    if all(peak):
        return _gauss(delay, farthest)
    waits = jnp.log(jnp.where(np.array(wait), delay, typical) / typical)
    return _gauss(waits, _LOG_DELAY) + _gauss(delay * np.array(peak), farthest)


def _shown(components: ComponentsRegionsLast, in_panel: Array) -> Array:
    """How much of a coefficient's variation over time a channel's activity identifies, `[channel]`, up to 1.

    If a channel is always at the same level, or saturated, a change of its coefficient moves the KPI as a trend does.
    The two cannot be distinguished, and the channel would be credited with the national trend.
    """
    activity = mean_of_regions(components.media / components.coefficient)
    week, count = in_panel[:, None], in_panel.sum()  # padding must not make a channel look less steady
    mean = (activity * week).sum(axis=0) / count
    variation = jnp.sqrt(((activity - mean) ** 2 * week).sum(axis=0) / count) / jnp.maximum(mean, 1e-6)
    return jax.lax.stop_gradient(jnp.clip(variation / _MOVES, _LEAST_SHOWN, 1.0))


def _scale_factors(log_factors: Mapping[str, Array]) -> Array:
    """Log factors on the prior scales: standard normal, and less likely to be positive for variation over time.

    A network that may vary far soon explains whatever else the model lacks. Factors on the scales of a season's peaks
    have a wider prior: whether there are peaks at all is known less than how large a season is.
    """
    upward = jnp.maximum(log_factors["time_variation"], 0.0) / _UPWARD
    factors = (_gauss(factor, _PEAKS if name in PEAKS else 1.0) for name, factor in log_factors.items())
    return sum(factors, start=_gauss(upward, 1.0))


def _stated_curves(stated: StatedPriors[Array], curves: MediaCurves) -> Array:
    """Stated priors of curves, which replace the defaults; those of shares multiply the prior of all shares."""
    terms = [
        (curves.decay, stated.decay, stated.decay_precision),
        (curves.half_saturation, stated.half_saturation, stated.half_saturation_precision),
        (curves.slope, stated.slope, stated.slope_precision),
    ]
    if stated.half_life is not None and stated.half_life_precision is not None:
        terms.append((half_life(curves.decay), stated.half_life, stated.half_life_precision))
    often, precise = stated.half_frequency, stated.half_frequency_precision
    if curves.half_frequency is not None and often is not None and precise is not None:
        terms.append((curves.half_frequency, often, precise))
    return sum((0.5 * jnp.sum(precision * (q - m) ** 2) for q, m, precision in terms), start=jnp.zeros(()))


def _gauss(quantity: Array, scale: Array | float) -> Array:
    return 0.5 * jnp.sum((quantity / scale) ** 2)


def _drift(path: Array, scale: Array | float, in_panel: Array, time_scale: float) -> Array:
    r"""Ornstein-Uhlenbeck prior of paths `[week, channel, region]`; its time scale is in steps.

    $\int \frac{\ell}{4 s^2} \dot x^2 + \frac{1}{4 \ell s^2} x^2 dt$: standard deviation s and time scale l, so that
    fast changes are penalised more than slow ones.
    """
    roughness = time_scale * jnp.sum(jnp.diff(path, axis=0) ** 2 * in_panel[1:, None, None])
    return (roughness + jnp.sum(path**2 * in_panel[:, None, None]) / time_scale) / (4.0 * scale**2)


def _walk(knots: Array, scale: Array | float, quarters: Array) -> Array:
    """Random walk over knots `[..., knot]` with standard deviation `scale` a quarter, whatever the knots' spacing."""
    exists = jnp.isfinite(quarters)
    steps = jnp.where(exists, jnp.diff(knots), 0.0)
    # Finite where there is no knot, or the gradient by a learned scale would not be.
    return _gauss(steps, scale * jnp.sqrt(jnp.where(exists, quarters, 1.0)))
