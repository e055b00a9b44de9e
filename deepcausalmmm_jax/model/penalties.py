"""Penalties: what the model holds likely before it sees data, one named term each, in nats."""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config import Penalties
from deepcausalmmm_jax.model.inputs import Inputs
from deepcausalmmm_jax.model.media import TYPICAL_SLOPE
from deepcausalmmm_jax.model.structural import Internals

# Weeks over which a drifting coefficient forgets where it was.
_DRIFT_WEEKS = 26.0
_SKEW = 1.0  # spread of the log skew of the exposure noise


def penalty_terms(
    parameters: Mapping[str, Any],
    internals: Internals,
    sizes: Penalties,
    inputs: Inputs,
    optional_edges: Array,
) -> dict[str, Array]:
    r"""Each penalty, $\sum (q / s)^2 / 2$ with s the typical size of q, for graph and blend $\sum |q| / s$.

    Args:
        parameters: the model's parameters by module.
        internals: of the forward pass with these parameters.
        sizes: typical sizes; may be traced.
        inputs: for the spacing of the trends' knots, and which weeks are real.
        optional_edges: `[channel, channel]`, 1 where an edge is penalised: not where the user required it, nor once the
            edges to keep are known.

    Returns:
        Scalars by name.
    """
    curves, coefficients = internals.curves, parameters["coefficients"]
    n_channels = internals.variation.shape[-1]
    drift = internals.variation.mean(axis=0)
    centre = jnp.log(sizes.media_total / n_channels)
    noise = parameters["noise"]
    terms = {
        "media": _gauss(coefficients["level"] - centre, sizes.media),
        "media_region": _gauss(coefficients["region"], sizes.media_region),
        "time_variation": _drift(drift, sizes.time_variation, inputs.real),
        "time_variation_region": _drift(internals.variation - drift, sizes.time_variation_region, inputs.real),
        "decay": _gauss(parameters["media"]["decay"], sizes.decay),
        "slope": _gauss(jnp.log(curves.slope / TYPICAL_SLOPE), sizes.slope),
        "half_saturation": _gauss(jnp.log(curves.half_saturation), sizes.half_saturation),
        "locality": _gauss(parameters["media"]["locality"], 2.0),
        "baseline": _gauss(internals.level - 1.0 + sizes.media_total, sizes.baseline),
        "trend": _walk(parameters["trend"]["shared"], sizes.trend, inputs.trend_step),
        "trend_region": _walk(parameters["trend"]["region"], sizes.trend_region, inputs.region_trend_step),
        "seasonality": _gauss(parameters["seasonality"]["shared"], sizes.seasonality),
        "seasonality_region": _gauss(parameters["seasonality"]["region"], sizes.seasonality_region),
        "control": _gauss(parameters["control"]["shared"], sizes.control),
        "control_region": _gauss(parameters["control"]["region"], sizes.control_region),
        "noise_region": _gauss(noise - noise.mean(), sizes.noise_region),
        "gru": sum((_gauss(leaf, sizes.gru) for leaf in coefficients["gru"].values()), start=jnp.zeros(())),
    }
    if "graph" in parameters:
        terms["graph"] = jnp.sum(jnp.abs(internals.edges) * optional_edges) / sizes.graph
        terms["blend"] = jnp.sum(internals.blend) / sizes.blend
        terms["skew"] = _gauss(parameters["equations"]["log_skew"], _SKEW)
    if "delay" in parameters["media"]:
        terms["delay"] = _gauss(curves.delay, 3.0)
    return terms


def pooling_volume(media: Array, noise: Array, weights: Array, size: Array | float) -> Array:
    r"""Laplace's correction for coefficients that differ between regions, $\frac12 \sum_{rm} \log(1 + s^2 I_{rm})$.

    The penalties seek the best single value of each regional deviation; what counts is how well the model does over
    all its likely values (MacKay 1992, "Bayesian interpolation"). A larger channel gives its deviations more to fit,
    so without this term the most likely point overstates media.

    Args:
        media: `[region, week, channel]`, contributions; the derivative of the prediction by the deviation.
        noise: `[region]`, same unit.
        weights: `[region, week]`.
        size: s, spread of the deviations over regions, in logs.
    """
    used = weights[:, :, None]
    mean = (media * used).sum(axis=1, keepdims=True) / jnp.maximum(used.sum(axis=1, keepdims=True), 1e-6)
    information = (used * (media - mean) ** 2).sum(axis=1) / noise[:, None] ** 2
    return 0.5 * jnp.sum(jnp.log1p(size**2 * information))


def _gauss(quantity: Array, size: Array | float) -> Array:
    return 0.5 * jnp.sum((quantity / size) ** 2)


def _drift(path: Array, size: Array | float, real: Array) -> Array:
    r"""Ornstein-Uhlenbeck prior of a path `[..., week, channel]`.

    $\int \frac{\ell}{4 s^2} \dot x^2 + \frac{1}{4 \ell s^2} x^2 dt$: standard deviation s, forgotten over l weeks, so
    that quick moves are dear and slow ones cheap.
    """
    roughness = _DRIFT_WEEKS * jnp.sum(jnp.diff(path, axis=-2) ** 2 * real[1:, None])
    return (roughness + jnp.sum(path**2 * real[:, None]) / _DRIFT_WEEKS) / (4.0 * size**2)


def _walk(knots: Array, size: Array | float, quarters: Array) -> Array:
    """Random walk over knots `[..., knot]` that moves by `size` in a quarter, however close the knots are."""
    return _gauss(jnp.diff(knots), size * jnp.sqrt(quarters))
