"""From coordinates to the model's own variables, so that a draw answers whatever a fit answers."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree

from deepcausalmmm_jax.model.inputs import Design, Inputs
from deepcausalmmm_jax.model.structural import from_signed
from deepcausalmmm_jax.model.training_data import training_data
from deepcausalmmm_jax.ops.bijectors import from_unit
from deepcausalmmm_jax.posterior.density import contributions, level_of, media_parameters
from deepcausalmmm_jax.posterior.inputs import Knots, PosteriorInputs
from deepcausalmmm_jax.posterior.linear import Linear, columns, conditional
from deepcausalmmm_jax.posterior.parameters import PriorScales, Quantities, blank, quantities
from deepcausalmmm_jax.training.forecast_state import present_again
from deepcausalmmm_jax.training.structural import structural_model

_LEAST_RATIO = 0.05  # of a region's coefficient to the nation's: the linear deviation has no bound, a coefficient has
_BATCH = 16


@jax.jit
def model_parameters(
    key: Array, vectors: Array, inputs: PosteriorInputs, scales: PriorScales, knots: Knots
) -> dict[str, Any]:
    """The model's parameters by draw, with a draw of all that is linear; and, as the last, a set that stands for all.

    In that set each channel has its mean share over the draws, the curves are at their means in coordinates, and the
    linear part is at its mean given both: shares, curves, contributions and the rest of the prediction belong together.

    Args:
        key: random key.
        vectors: `[draw, coordinate]`.
        inputs: the panel.
        scales: priors.
        knots: of the trends.

    Returns:
        Parameters by module, `[draw + 1, ...]`.
    """
    _, unravel = ravel_pytree(blank(inputs))
    shares = shares_of(vectors, inputs, scales)
    vectors, shares = (jnp.concatenate([part, part.mean(axis=0)[None]]) for part in (vectors, shares))
    is_draw = jnp.arange(len(vectors)) < len(vectors) - 1

    def one(own: tuple[Array, Array, Array, Array]) -> dict[str, Any]:
        vector, share, key, drawn = own
        found = quantities(unravel(vector), inputs, scales)._replace(share=share)
        return _parameters(found, key, jnp.where(drawn, 1.0, 0.0), inputs, scales, knots)

    keys = jax.random.split(key, len(vectors))
    batch = _batch(inputs.control.shape[2], inputs.season.shape[1])
    return jax.lax.map(one, (vectors, shares, keys, is_draw), batch_size=batch)


@jax.jit
def shares_of(vectors: Array, inputs: PosteriorInputs, scales: PriorScales) -> Array:
    """Shares of the KPI, `[draw, channel]`."""
    _, unravel = ravel_pytree(blank(inputs))
    return jax.vmap(lambda own: quantities(unravel(own), inputs, scales).share)(vectors)


@partial(jax.jit, static_argnames="design")
def settled(
    parameters: dict[str, Any],
    base: Any,
    inputs: Inputs,
    weights: Array,
    hyperparameters: Any,
    *,
    design: Design,
) -> Any:
    """Whole variables from parameters, `[draw, ...]` each: levels and centres follow, and where the KPI stands now.

    Args:
        parameters: from `model_parameters`.
        base: variables of the fit, whose other parameters are kept.
        inputs: the panel.
        weights: `[region, week]`.
        hyperparameters: for the present.
        design: of the model.
    """
    model, data = structural_model(design), training_data(inputs, weights)

    def one(own: dict[str, Any]) -> Any:
        params = {name: {**base["params"][name], **part} for name, part in own.items() if isinstance(part, dict)}
        params |= {name: part for name, part in own.items() if not isinstance(part, dict)}
        params = {**base["params"], **params}
        variables = {"params": params, "fitted": base["fitted"]}
        _, updated = model.apply(variables, data, mutable=["fitted"], method="trained")
        fitted = {**base["fitted"], **updated["fitted"]}
        outcome: Any = model.apply({"params": params, "fitted": fitted}, inputs)
        terms, inside = outcome
        known = base["fitted"]["present"]["state"]
        state = present_again(terms, inside, inputs, weights, hyperparameters.penalties, known)
        return {"params": params, "fitted": {**fitted, "present": {"state": state}}}

    batch = _batch(inputs.control.shape[2], inputs.season_basis.shape[1])
    return jax.lax.map(one, parameters, batch_size=batch)


def _batch(*sizes: int) -> int | None:
    """Draws side by side; one after another where an array is empty, which `lax.map` cannot lay out in batches."""
    return _BATCH if all(sizes) else None


def _parameters(
    found: Quantities, key: Array, spread: Array, inputs: PosteriorInputs, scales: PriorScales, knots: Knots
) -> dict[str, Any]:
    media = contributions(found, inputs)
    linear = conditional(found, columns(found, media, inputs, scales), inputs, key, spread)
    control = jnp.where(inputs.control_sign == 0, linear.control, from_signed(found.signed_control))
    level = inputs.kpi_level - found.share.sum() + linear.level
    return {
        "media": media_parameters(found, inputs),
        "coefficients": {
            "level": jnp.log(level_of(found, inputs)),
            "region": jnp.log(jnp.maximum(1.0 + linear.media_region, _LEAST_RATIO)),
        },
        "level": {"mean": level + _mean_media(media, linear, inputs)},
        "trend": {"shared": knots.trend @ linear.trend, "region": linear.trend_region @ knots.region.T},
        "seasonality": {"shared": linear.season, "region": linear.season_region},
        "control": {"shared": control, "region": linear.control_region},
        "persistence": from_unit(jnp.clip(found.persistence, 2e-6, 1.0 - 2e-6)),
        "noise": jnp.log(found.noise * inputs.noise_ratio),
    }


def _mean_media(media: Array, linear: Linear, inputs: PosteriorInputs) -> Array:
    """`[region]`, of all channels over the weeks learned from."""
    seen = inputs.weights > 0
    total = jnp.einsum("rtm,rm->rt", media, jnp.maximum(1.0 + linear.media_region, _LEAST_RATIO))
    return (total * seen).sum(axis=1) / jnp.maximum(seen.sum(axis=1), 1)
