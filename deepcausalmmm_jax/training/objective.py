"""Objective: how badly the parameters explain the weighted observations, plus what was held likely before."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.laplace import tuned, volume_terms
from deepcausalmmm_jax.model.log_prior import penalty_terms
from deepcausalmmm_jax.model.outputs import Internals, Planes
from deepcausalmmm_jax.model.structural import StructuralMMM
from deepcausalmmm_jax.model.training_data import TrainingData
from deepcausalmmm_jax.ops.acyclicity import log_determinant, trace_exponential
from deepcausalmmm_jax.ops.autoregression import whitened
from deepcausalmmm_jax.ops.huber import huber
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters


class Multipliers(NamedTuple):
    """Augmented Lagrangian of the acyclicity constraint h = 0, and what else changes when the graph is cut."""

    alpha: Array  # [], price of h
    rho: Array  # [], price of h^2
    sparsity: Array  # [], 1 while edges are penalised; 0 for those that were kept, so that they are not shrunk


class Forward(NamedTuple):
    """What one evaluation of the objective leaves behind."""

    terms: dict[str, Array]  # scalars, nats per observation
    acyclicity: Array  # [], h
    fitted: Any  # variables that follow from the data: centre of the variation, edges kept


def objective(
    parameters: Any,
    fitted: Any,
    model: StructuralMMM,
    data: TrainingData,
    hyperparameters: Hyperparameters,
    multipliers: Multipliers,
) -> tuple[Array, Forward]:
    r"""Weighted Huber log-likelihood with a noise level a region, plus penalties, per observation.

    $\frac{1}{n} [\sum_{rt} w_{rt} (\rho_\delta(e_{rt} / \sigma_r) + \log \sigma_r) + S + \sum_k P_k] + \alpha h
    + \frac{\rho}{2} h^2$ with S the negative log-likelihood of the channels' exposure under the channel graph. With
    the noise estimated (Huber 1981, section 7.7) penalties and data are in the same unit, so that the same sizes
    serve a quiet panel and a noisy one. Where regions move together, w is scaled down to the number of independent ones
    (Pauli, Racugno & Ventura 2011): else a hundred regions with the same surprise would be a hundred witnesses.

    Args:
        parameters: the model's trained variables.
        fitted: variables that training sets otherwise.
        model: the module.
        data: the panel; observations with weight 0 have no influence.
        hyperparameters: sizes of the penalties and the Huber delta.
        multipliers: prices of cycles in the graph.

    Returns:
        The objective, and what the evaluation leaves behind.
    """
    variables = {"params": parameters, "fitted": fitted}
    outcome: Any = model.apply(variables, data, mutable=["fitted"], method="trained")
    (planes, internals), updated = outcome
    n = jnp.maximum(jnp.sum(data.weights) * internals.effective, 1.0)
    fit_terms = _data_terms(planes, internals, data, hyperparameters.huber_delta)
    fit_terms["structure"] = internals.structure
    sizes = tuned(hyperparameters.penalties, internals.size_factors, hyperparameters.tune)
    penalties = penalty_terms(
        parameters,
        planes,
        internals,
        jnp.einsum("tr,tmr->m", data.weights * data.inputs.kpi_unit, planes.media),
        sizes,
        data.inputs,
        (1.0 - data.inputs.links.required) * multipliers.sparsity,
        model.design.adstock,
    )
    volumes = volume_terms(planes.media, internals, data, sizes)
    penalties["volume"] = sum(volumes.values(), start=jnp.zeros(()))
    terms = {name: value / n for name, value in (fit_terms | penalties).items()}
    h = acyclicity(internals.edges, model.design.graph)
    terms["acyclicity"] = multipliers.alpha * h + 0.5 * multipliers.rho * h**2
    return sum(terms.values(), start=jnp.zeros(())), Forward(terms, h, updated["fitted"])


def acyclicity(edges: Array, kind: str) -> Array:
    """Smooth measure of cycles, 0 for a graph that is acyclic by its mask."""
    if kind in ("none", "triangular"):
        return jnp.zeros(())
    if kind == "notears":
        return trace_exponential(edges)
    # Outside the region where the log-determinant is valid, the trace-exponential drives the edges back into it.
    h = log_determinant(edges)
    return jnp.where(jnp.isfinite(h), h, trace_exponential(edges))


def residual_news(planes: Planes, internals: Internals, data: TrainingData) -> Array:
    """What is new in each week's residual, `[week, region]`; 0 in weeks that are not learned from."""
    observed = data.weights > 0
    residual = jnp.where(observed, data.kpi - planes.prediction(), 0.0)
    return whitened(residual, observed, internals.persistence)


def _data_terms(planes: Planes, internals: Internals, data: TrainingData, delta: Array) -> dict[str, Array]:
    weights = data.weights * internals.effective
    news = residual_news(planes, internals, data) / internals.noise
    return {
        "huber": jnp.sum(weights * huber(news, delta)),
        "noise": jnp.sum(weights * jnp.log(internals.noise)),
    }
