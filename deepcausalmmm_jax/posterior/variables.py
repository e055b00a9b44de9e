"""From coordinates to the model's variables, so that a draw has everything that a fit has."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.io.quick_compile import jit_once
from deepcausalmmm_jax.model.coefficients import PATH_UNIT
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.forecast_state import ForecastValues
from deepcausalmmm_jax.model.parameters import MediaParameters, Parameters, PooledParameters
from deepcausalmmm_jax.model.prior_scales import PriorScales
from deepcausalmmm_jax.model.structural import from_signed, predicted, predicted_in_training
from deepcausalmmm_jax.model.training_data import training_data
from deepcausalmmm_jax.ops.batches import map_in_batches
from deepcausalmmm_jax.ops.bijectors import from_unit
from deepcausalmmm_jax.posterior.density import contributions, level_of, media_parameters, tested
from deepcausalmmm_jax.posterior.inputs import Knots, PosteriorInputs
from deepcausalmmm_jax.posterior.linear import Linear, columns, conditional, national_mean, variation_terms
from deepcausalmmm_jax.posterior.parameters import CoordinatePriors, Quantities, prior_medians, quantities
from deepcausalmmm_jax.training.forecast_state import forecast_state
from deepcausalmmm_jax.training.structural import structural_model

# Least ratio of a region's coefficient to the national one: the linear deviation is unbounded, a coefficient is not.
_LEAST_RATIO = 0.05
_BATCH = 16  # draws at once


class DrawnParameters(NamedTuple):
    """The model's parameters that the posterior has draws of; shapes as in `model.parameters.Parameters`."""

    media: MediaParameters
    coefficient_level: Array
    coefficient_region: Array
    mean: Array
    trend: PooledParameters
    seasonality: PooledParameters
    control: PooledParameters
    path: Array
    persistence: Array
    noise: Array
    shared: Array  # [], variance of shocks that all regions share over that of their own, as `Internals` has it
    demand: Array | None

    def placed_in(self, base: Parameters) -> Parameters:
        """All parameters: those drawn, and the others of a fit; over time coefficients vary by the path drawn alone."""
        gru = {**base.coefficients.gru, "readout": jnp.zeros_like(base.coefficients.gru["readout"])}
        coefficients = base.coefficients._replace(
            level=self.coefficient_level, region=self.coefficient_region, path=self.path, gru=gru
        )
        return base._replace(
            media=self.media,
            coefficients=coefficients,
            mean=self.mean,
            trend=self.trend,
            seasonality=self.seasonality,
            control=self.control,
            persistence=self.persistence,
            noise=self.noise,
            demand=base.demand if self.demand is None else self.demand,
        )


@jit_once()
def model_parameters(
    key: Array, vectors: Array, inputs: PosteriorInputs, priors: CoordinatePriors, knots: Knots
) -> DrawnParameters:
    """The model's parameters by draw, linear ones included; and last, one set that summarises all draws.

    In that set each channel has its mean share over the draws, the curves have the mean of their coordinates, and the
    linear part has its mean given both, so that shares, curves, contributions and the rest of the prediction agree.
    Regions' own coefficients are a part of a share, and their mean given mean curves is not their mean over the draws:
    the coefficient of the nation makes up for the difference.

    Args:
        key: random key.
        vectors: `[draw, coordinate]`.
        inputs: the panel.
        priors: of the coordinates.
        knots: of the trends.

    Returns:
        Parameters, `[draw + 1, ...]` each.
    """
    _, unravel = ravel_pytree(prior_medians(inputs))
    shares = shares_of(vectors, inputs, priors)
    vectors, shares = (jnp.concatenate([part, part.mean(axis=0)[None]]) for part in (vectors, shares))
    is_draw = jnp.arange(len(vectors)) < len(vectors) - 1

    def one(own: tuple[Array, Array, Array, Array]) -> tuple[DrawnParameters, Array]:
        vector, share, key, drawn = own
        found = quantities(unravel(vector), inputs, priors)._replace(share=share)
        return _parameters(found, key, jnp.where(drawn, 1.0, 0.0), inputs, priors, knots)

    keys = jax.random.split(key, len(vectors))
    made, whole = map_in_batches(one, (vectors, shares, keys, is_draw), _BATCH)
    missing = jnp.log(whole[:-1].mean(axis=0)) - jnp.log(whole[-1])
    return made._replace(coefficient_level=made.coefficient_level.at[-1].add(missing))


@jax.jit
def shares_of(vectors: Array, inputs: PosteriorInputs, priors: CoordinatePriors) -> Array:
    """Channels' shares of the KPI, `[draw, channel]`, at `vectors` `[draw, coordinate]`."""
    _, unravel = ravel_pytree(prior_medians(inputs))
    return jax.vmap(lambda own: quantities(unravel(own), inputs, priors).share)(vectors)


@jit_once("design")
def complete_variables(
    parameters: DrawnParameters,
    base: Variables,
    inputs: Inputs[Array],
    weights: Array,
    scales: PriorScales,
    *,
    design: Design,
) -> Variables:
    """All variables of the model from the drawn parameters, `[draw, ...]` each, with baselines, centres and forecast.

    Args:
        parameters: from `model_parameters`.
        base: variables of the fit, whose other parameters are kept.
        inputs: the panel.
        weights: `[region, week]`.
        scales: prior scales, for the forecast state.
        design: of the model.
    """
    model, data = structural_model(design), training_data(inputs, weights)
    fit, estimated = Parameters.of(base["params"]), ForecastValues.of(base)

    def one(own: DrawnParameters) -> Variables:
        params = own.placed_in(fit).as_flax()
        _, _, updated = predicted_in_training(model, {"params": params, "fitted": base["fitted"]}, data)
        variables = {"params": params, "fitted": {**base["fitted"], **updated, "shared": own.shared}}
        components, internals = predicted(model, variables, inputs)
        state = forecast_state(components, internals, inputs, weights, scales, estimated, design.step_weeks)
        return state.placed_in(variables)

    return map_in_batches(one, parameters, _BATCH)


def _parameters(
    found: Quantities, key: Array, spread: Array, inputs: PosteriorInputs, priors: CoordinatePriors, knots: Knots
) -> tuple[DrawnParameters, Array]:
    """A draw's parameters, and its channels' shares of the KPI with regions' own coefficients, `[channel]`."""
    media = contributions(found, inputs)
    regressors = columns(found, media, inputs, priors)
    linear = conditional(found, regressors, inputs, key, spread, tested(found, inputs))
    control = jnp.where(inputs.control_sign == 0, linear.control, from_signed(found.signed_control))
    level = inputs.kpi_level - found.share.sum() + linear.level
    ratio = jnp.maximum(1.0 + linear.media_region, _LEAST_RATIO)
    varied, path = _varied(media, linear, inputs, knots)
    rescaled = national_mean(media, inputs) / jnp.maximum(national_mean(varied, inputs), 1e-12)
    varied = varied * rescaled
    made = DrawnParameters(
        media=media_parameters(found, inputs),
        coefficient_level=jnp.log(level_of(found, inputs) * rescaled),
        coefficient_region=jnp.log(ratio),
        mean=level + _mean_media(varied, linear, inputs),
        trend=PooledParameters(
            shared=jnp.asarray(knots.trend) @ linear.trend, region=linear.trend_region @ knots.region.T
        ),
        seasonality=PooledParameters(shared=linear.season, region=linear.season_region),
        control=PooledParameters(shared=control, region=linear.control_region),
        path=path,
        persistence=from_unit(jnp.clip(found.persistence, 2e-6, 1.0 - 2e-6)),
        noise=jnp.log(found.noise * inputs.noise_ratio),
        shared=(found.shock / found.noise) ** 2 * (1.0 - found.persistence**2),
        demand=None if linear.demand is None else linear.demand / mean_activity(media, found, inputs),
    )
    return made, national_mean(varied * ratio[:, None], inputs)


def _varied(media: Array, linear: Linear, inputs: PosteriorInputs, knots: Knots) -> tuple[Array, Array]:
    """Contributions as coefficients vary over time, `[region, week, channel]`, and the model's path, `[knot, channel]`.

    The model's variation is a log, with mean 0 over the weeks of a region; the linear one is unbounded.
    """

    def log_of(basis: Array) -> Array:
        own = basis - (inputs.variation[:, None, :] - variation_terms(media, inputs))[0]
        return jnp.log1p(jnp.maximum(jnp.einsum("tmk,mk->tm", own, linear.variation), _LEAST_RATIO - 1.0))

    path, trained = log_of(inputs.variation[:, None, :]), (inputs.weights > 0)[:, :, None]
    centre = (path * trained).sum(axis=1) / jnp.maximum(trained.sum(axis=1), 1)
    at_knots = log_of(jnp.asarray(knots.variation)[:, None, :])
    return media * jnp.exp(path - centre[:, None]), at_knots / PATH_UNIT


def mean_activity(media: Array, found: Quantities, inputs: PosteriorInputs) -> Array:
    """Mean activity of each channel, `[channel]`."""
    return jnp.maximum(national_mean(media, inputs) / level_of(found, inputs), 1e-9)


def _mean_media(media: Array, linear: Linear, inputs: PosteriorInputs) -> Array:
    """Mean contribution of all channels over the training weeks, `[region]`."""
    trained = inputs.weights > 0
    total = jnp.einsum("rtm,rm->rt", media, jnp.maximum(1.0 + linear.media_region, _LEAST_RATIO))
    return (total * trained).sum(axis=1) / jnp.maximum(trained.sum(axis=1), 1)
