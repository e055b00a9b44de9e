"""Penalties: what the model holds likely before it sees data, one named term each, in nats."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config.settings import AdstockKind, Penalties
from deepcausalmmm_jax.model.inputs import DRIFT_WEEKS, BeliefInputs, Inputs
from deepcausalmmm_jax.model.media import TYPICAL_ACTIVITY, TYPICAL_DELAY, TYPICAL_HALF_SATURATION, TYPICAL_SLOPE
from deepcausalmmm_jax.model.outputs import Internals, Planes
from deepcausalmmm_jax.ops.layout import mean_of_regions

_NEGLIGIBLE = 0.002  # share of the KPI below which nobody asks how small it is
_LEVEL = 0.03  # spread of a region's mean prediction around its mean KPI; where residuals persist nothing else holds it
_MOVES = 0.2  # coefficient of variation of national activity from which on a coefficient may have a course of its own
_LEAST_COURSE = 0.05  # what is left of the size of that course for a channel that hardly moves
_SKEW = 1.0  # spread of the log skew of the exposure noise


def penalty_terms(
    parameters: Mapping[str, Any],
    planes: Planes,
    internals: Internals,
    share: Array,
    sizes: Penalties,
    inputs: Inputs,
    optional_edges: Array,
    adstock: AdstockKind,
) -> dict[str, Array]:
    r"""Each penalty, $\sum (q / s)^2 / 2$ with s the typical size of q, for graph and blend $\sum |q| / s$.

    Args:
        parameters: the model's parameters by module.
        planes: of the forward pass with these parameters.
        internals: of the same.
        share: `[channel]`, share of the KPI.
        sizes: typical sizes; may be traced.
        inputs: for the mean KPI, the spacing of the trends' knots, and which weeks are real.
        optional_edges: `[channel, channel]`, 1 where an edge is penalised: not where the user required it, nor once the
            edges to keep are known.
        adstock: kind of carry-over, which says what a delay is.

    Returns:
        Scalars by name.
    """
    curves, coefficients = internals.curves, parameters["coefficients"]
    drift = mean_of_regions(planes.variation)[:, :, None]
    stated = inputs.beliefs
    unstated = (stated.share_precision == 0).astype(share.dtype)
    noise = parameters["noise"]
    terms = {
        "media": jnp.sum(unstated * _shares(jnp.exp(coefficients["level"]) * TYPICAL_ACTIVITY, sizes.media_total)),
        "priors": _stated(stated, internals, share),
        "media_region": _gauss(coefficients["region"], sizes.media_region),
        "time_variation": _drift(drift / _shown(planes)[:, None], sizes.time_variation, inputs.real),
        "time_variation_region": _drift(planes.variation - drift, sizes.time_variation_region, inputs.real),
        "decay": _gauss(parameters["media"]["decay"] * (stated.decay_precision == 0), sizes.decay),
        "slope": _gauss(jnp.log(curves.slope / TYPICAL_SLOPE) * (stated.slope_precision == 0), sizes.slope),
        "half_saturation": _gauss(
            jnp.log(curves.half_saturation / (TYPICAL_HALF_SATURATION * inputs.burst))
            * (stated.half_saturation_precision == 0),
            sizes.half_saturation,
        ),
        "locality": _gauss(parameters["media"]["locality"], 2.0),
        "history": _gauss(parameters["media"]["history"], 4.0),
        "level": _gauss(parameters["level"]["mean"] - inputs.kpi_level, _LEVEL),
        "baseline": _gauss(internals.level - inputs.kpi_level + sizes.media_total, sizes.baseline),
        "trend": _walk(parameters["trend"]["shared"], sizes.trend, inputs.trend_step),
        "trend_region": _walk(parameters["trend"]["region"], sizes.trend_region, inputs.region_trend_step),
        "seasonality": _gauss(parameters["seasonality"]["shared"], sizes.seasonality),
        "seasonality_region": _gauss(parameters["seasonality"]["region"], sizes.seasonality_region),
        "control": _gauss(parameters["control"]["shared"], sizes.control),
        "control_region": _gauss(parameters["control"]["region"], sizes.control_region),
        "persistence": _gauss(parameters["persistence"] + 1.0, 1.5),
        "noise_region": _gauss(noise - noise.mean(), sizes.noise_region),
        "sizes": _sizes(parameters["sizes"]),
        "gru": sum((_gauss(leaf, sizes.gru) for leaf in coefficients["gru"].values()), start=jnp.zeros(())),
    }
    if "graph" in parameters:
        terms["graph"] = jnp.sum(jnp.abs(internals.edges) * optional_edges) / sizes.graph
        terms["blend"] = jnp.sum(internals.blend) / sizes.blend
        terms["skew"] = _gauss(parameters["equations"]["log_skew"], _SKEW)
    if "delay" in parameters["media"]:
        is_log = adstock == "delayed_geometric"
        terms["delay"] = _gauss(jnp.log(curves.delay / TYPICAL_DELAY), 1.5) if is_log else _gauss(curves.delay, 3.0)
    return terms


def _shown(planes: Planes) -> Array:
    """How much of a course over time a channel's activity can show, `[channel]`, up to 1.

    A channel that is always at the same level, or saturated, moves the KPI as a trend does if its coefficient moves:
    nothing tells the two apart, and it would be paid for the nation's trend.
    """
    activity = mean_of_regions(planes.media / planes.coefficient)
    mean = activity.mean(axis=0)
    variation = activity.std(axis=0) / jnp.maximum(mean, 1e-6)
    return jax.lax.stop_gradient(jnp.clip(variation / _MOVES, _LEAST_COURSE, 1.0))


def _shares(share: Array, total: Array | float) -> Array:
    r"""Minus the log of the prior of n channels' shares of the KPI, $\frac{1}{s + s_0} e^{-s n / t}$ each, `[channel]`.

    Any order of magnitude above s0 is as likely as any other, up to the total that media may bring: most of what a firm
    pays for brings little, and an effect that the data do not show is taken for none rather than for an average one.
    """
    return jnp.log(share + _NEGLIGIBLE) + share * share.shape[0] / total


def _sizes(factors: Mapping[str, Array]) -> Array:
    """Logs of the factors on the sizes: of spread 1, but variation over time seldom grows.

    A network that may move far soon explains whatever else the model lacks.
    """
    upward = jnp.maximum(factors["time_variation"], 0.0) / 0.25
    return sum((_gauss(factor, 1.0) for factor in factors.values()), start=_gauss(upward, 1.0))


def _stated(stated: BeliefInputs, internals: Internals, share: Array) -> Array:
    """What the user stated of shares and curves; it takes the place of the defaults for the channels concerned."""
    curves = internals.curves
    terms = (
        (share, stated.share, stated.share_precision),
        (curves.decay, stated.decay, stated.decay_precision),
        (curves.half_saturation, stated.half_saturation, stated.half_saturation_precision),
        (curves.slope, stated.slope, stated.slope_precision),
    )
    return sum((0.5 * jnp.sum(precision * (q - m) ** 2) for q, m, precision in terms), start=jnp.zeros(()))


def _gauss(quantity: Array, size: Array | float) -> Array:
    return 0.5 * jnp.sum((quantity / size) ** 2)


def _drift(path: Array, size: Array | float, real: Array) -> Array:
    r"""Ornstein-Uhlenbeck prior of paths `[week, channel, region]`.

    $\int \frac{\ell}{4 s^2} \dot x^2 + \frac{1}{4 \ell s^2} x^2 dt$: standard deviation s, forgotten over l weeks, so
    that quick moves are dear and slow ones cheap.
    """
    roughness = DRIFT_WEEKS * jnp.sum(jnp.diff(path, axis=0) ** 2 * real[1:, None, None])
    return (roughness + jnp.sum(path**2 * real[:, None, None]) / DRIFT_WEEKS) / (4.0 * size**2)


def _walk(knots: Array, size: Array | float, quarters: Array) -> Array:
    """Random walk over knots `[..., knot]` that moves by `size` in a quarter, however close the knots are."""
    exists = jnp.isfinite(quarters)
    steps = jnp.where(exists, jnp.diff(knots), 0.0)
    # Finite where there is no knot, or the gradient by a learned size would not be.
    return _gauss(steps, size * jnp.sqrt(jnp.where(exists, quarters, 1.0)))
