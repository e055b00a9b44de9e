"""Objective of the paper's model, term by term as published, over the weeks that have weight."""

from collections.abc import Mapping
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import optax
from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.model.paper.inputs import PaperInputs
from deepcausalmmm_jax.model.paper.module import PaperMMM, PaperTerms
from deepcausalmmm_jax.ops.acyclicity import trace_exponential
from deepcausalmmm_jax.training.hyperparameters import PaperHyperparameters

_TINY = 1e-8


class Duals(NamedTuple):
    """Augmented Lagrangian of the published `notears` graph."""

    rho: Array  # [], multiplier of h^2
    alpha: Array  # [], multiplier of h
    active: Array  # [], bool: whether the warm-up is over


class PaperForward(NamedTuple):
    """What one evaluation of the objective returns beside its value."""

    terms: dict[str, Array]  # scalars; they sum to the objective
    acyclicity: Array  # [], h


def paper_objective(
    parameters: Mapping[str, Array],
    fitted: Mapping[str, Array],
    model: PaperMMM,
    inputs: PaperInputs,
    weights: Array,
    published: PaperHyperparameters,
    duals: Duals,
    *,
    squared: Array | bool = False,
    dropout_key: Array | None = None,
) -> tuple[Array, PaperForward]:
    """Huber loss and the published penalties.

    Args:
        parameters: the model's, by their published names.
        fitted: the seasonal profile.
        model: the module.
        inputs: the panel.
        weights: `[region, week]`; region-weeks with weight 0 have no influence. (In the published package the burn-in's
            zeros and missing weeks count as observations.)
        published: weights of the terms; may be traced.
        duals: prices of cycles.
        squared: whether squared error stands in Huber's place, as in the warm start.
        dropout_key: random key of the epoch; None for no dropout.

    Returns:
        The objective, and what the evaluation leaves behind.
    """
    variables = {"params": parameters, "fitted": fitted}
    out = cast(PaperTerms, model.apply(variables, inputs, dropout_key, method="terms"))
    edges, probabilities = jnp.asarray(model.apply(variables, method="edges")), _probabilities(model, variables)
    error = jnp.where(weights > 0, inputs.kpi - out.prediction, 0.0)
    fit = _mean(jnp.where(squared, error**2, optax.huber_loss(error, delta=published.huber_delta)), weights)
    attribution = _mean((out.media_contributions.sum(-1) - published.media_share * out.raw_prediction) ** 2, weights)
    seasonal = (jax.nn.softplus(parameters["seasonal_coeff"][0]) - 1.0) ** 2
    leaves = jax.tree.leaves(dict(parameters))
    h = acyclicity(edges, model.design.graph)
    graph = graph_penalty(parameters["adj_logits"], probabilities, edges, h, duals, model.design.graph)
    terms = {
        "huber": fit,
        "graph": published.graph_weight * graph,
        "sparsity": published.sparsity_weight * sparsity(parameters),
        "l1": published.l1 * sum(jnp.abs(leaf).sum() for leaf in leaves),
        "l2": published.l2 * sum((leaf**2).sum() for leaf in leaves),
        "attribution": published.attribution_weight * _levelled(attribution, fit),
        "seasonal": published.seasonal_weight * _levelled(seasonal, fit),
    }
    return sum(terms.values(), start=jnp.zeros(())), PaperForward(terms, h)


def acyclicity(edges: Array, kind: str) -> Array:
    """Measure h of cycles in the `notears` graph; 0 for the `triangular` one, which is acyclic by its mask."""
    return trace_exponential(edges) if kind == "notears" else jnp.zeros(())


def graph_penalty(logits: Array, p: Array, edges: Array, h: Array, duals: Duals, kind: str) -> Array:
    """The published penalty of the graph.

    Args:
        logits: `[channel, channel]`, diagonal included.
        p: `[channel, channel]`, their sigmoids.
        edges: `[channel, channel]`, E.
        h: acyclicity.
        duals: its multipliers.
        kind: `triangular` or `notears`.
    """
    if kind == "triangular":
        return 0.01 * edges.sum() + 0.001 * (p * (1.0 - p)).sum() + 0.0002 * jnp.abs(logits).sum()
    into = jnp.sqrt((edges**2).sum(axis=0) + _TINY).sum()
    penalised = 0.5 * duals.rho * h**2 + duals.alpha * h + 0.005 * edges.sum() + 0.01 * into
    return 1e-4 * jnp.abs(logits).sum() + jnp.where(duals.active, penalised, 0.0)


def sparsity(parameters: Mapping[str, Array]) -> Array:
    """Absolute values of the stable coefficients, and a tenth of the GRU's."""
    stable = jnp.abs(parameters["stable_media_coeff"]).sum() + jnp.abs(parameters["stable_ctrl_coeff"]).sum()
    gru = sum(jnp.abs(leaf).sum() for name, leaf in parameters.items() if name.startswith("gru."))
    return jnp.asarray(stable + 0.1 * gru)


def _probabilities(model: PaperMMM, variables: Variables) -> Array:
    return jnp.asarray(model.apply(variables, method="probabilities"))


def _levelled(prior: Array, fit: Array) -> Array:
    """The prior rescaled to the size of the fit: only its gradient carries information, not its value."""
    return prior * jax.lax.stop_gradient(fit / (prior + _TINY))


def _mean(values: Array, weights: Array) -> Array:
    return jnp.sum(jnp.where(weights > 0, weights * values, 0.0)) / jnp.maximum(weights.sum(), 1e-6)
