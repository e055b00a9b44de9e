"""Pruning of the channel graph: edges that the data support and that close no cycle are kept."""

from typing import cast

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.model.graph import ExposureNoise, innovation_weights, unexplained
from deepcausalmmm_jax.model.parameters import Collection
from deepcausalmmm_jax.model.structural import StructuralMMM
from deepcausalmmm_jax.ops.acyclicity import strongest_acyclic
from deepcausalmmm_jax.ops.logistic import skewed_logistic_curvature
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters
from deepcausalmmm_jax.training.state import FitState

_RIDGE = 1e-6


def prune_graph(
    state: FitState, hyperparameters: Hyperparameters, *, model: StructuralMMM, inputs: Inputs[Array], weights: Array
) -> Collection:
    """The fitted variables without cycles and without edges that are weak or lack evidence.

    An edge is kept if it is at least `graph_threshold` strong and `graph_evidence` standard errors from zero, or if the
    user requires it. Of edges on a cycle the strongest are kept.

    Args:
        state: of the fit.
        hyperparameters: threshold and evidence.
        model: the module.
        inputs: the panel.
        weights: `[region, week]`.
    """
    if "graph" not in state.fitted:
        return state.fitted
    variables = {"params": state.parameters, "fitted": state.fitted}
    found = model.apply(variables, method=lambda module: (module.graph.edges(), module.equations.noise()))
    edges, noise = cast(tuple[Array, ExposureNoise], found)
    graph, required = state.fitted["graph"], inputs.graph_constraints.required > 0
    strong = (jnp.abs(edges) > hyperparameters.graph_threshold) & (graph["kept"] > 0)
    acyclic = strongest_acyclic(jnp.where(required, jnp.inf, jnp.where(strong, jnp.abs(edges), 0.0)))
    refined, errors = refined_edges(edges * acyclic, acyclic, noise, inputs, weights)
    least = jnp.maximum(hyperparameters.graph_threshold, hyperparameters.graph_evidence * errors)
    kept = required | (acyclic & (jnp.abs(refined) > least))
    return {**state.fitted, "graph": {**graph, "kept": graph["kept"] * kept}}


def refined_edges(
    edges: Array, candidates: Array, noise: ExposureNoise, inputs: Inputs[Array], weights: Array
) -> tuple[Array, Array]:
    r"""Edges after one Newton step without penalties, and their standard errors.

    The step removes optimiser noise and the shrinkage of the penalty; it is valid for an acyclic graph, whose equations
    are separate. The errors are the sandwich $H_j^{-1} (\sum_t s_t s_t^T) H_j^{-1}$ of each channel's equation (White
    1982) with the scores s summed over the regions of a week, so that shocks which regions share are not counted once
    for every region.

    Args:
        edges: B, `[channel, channel]`, zero where there is no candidate.
        candidates: boolean `[channel, channel]`, edges to estimate, without a cycle.
        noise: of the channels' equations.
        inputs: the panel.
        weights: `[region, week]`.

    Returns:
        `[channel, channel]` each; the errors of pairs that are no candidates are infinite.
    """
    innovations = inputs.innovations
    regional_weight, national_weight = innovation_weights(innovations, weights)
    regional_rest, national_rest = unexplained(edges, innovations)

    def of_channel(j: Array) -> tuple[Array, Array]:
        def derivatives(residual: Array, row: int) -> tuple[Array, Array]:
            return skewed_logistic_curvature(residual[..., j], *(part[row, j] for part in noise))

        slope, curvature = derivatives(regional_rest, 0)
        national_slope, national_curvature = derivatives(national_rest, 1)
        weight, national = regional_weight[:, :, j], national_weight[:, 0]
        score = jnp.einsum("rt,rti->ti", weight * slope, innovations.regional)
        score += (national * national_slope)[:, None] * innovations.national
        hessian = jnp.einsum("rt,rti,rtk->ik", weight * curvature, innovations.regional, innovations.regional)
        national_part = national * national_curvature
        hessian += jnp.einsum("t,ti,tk->ik", national_part, innovations.national, innovations.national)
        # Only the candidates' part of the system is solved; the rest is the identity.
        is_candidate = candidates[:, j].astype(edges.dtype)
        system = hessian * is_candidate[:, None] * is_candidate + jnp.diag(1.0 - is_candidate + _RIDGE)
        steps = jnp.linalg.solve(system, (score * is_candidate).T)  # [parent, week], each week's part of the step
        error = jnp.where(is_candidate > 0, jnp.sqrt(jnp.sum(steps**2, axis=1)), jnp.inf)
        # The score is the derivative by the residual, which falls as the edge grows: hence plus.
        return edges[:, j] + steps.sum(axis=1), error

    refined, errors = jax.lax.map(of_channel, jnp.arange(edges.shape[0]))
    return refined.T, errors.T
