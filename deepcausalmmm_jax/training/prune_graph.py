"""Which edges of the channel graph stay: those that the data support and that close no cycle."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.graph import ExposureNoise, activity_weights, residuals
from deepcausalmmm_jax.model.inputs import Inputs
from deepcausalmmm_jax.model.structural import StructuralMMM
from deepcausalmmm_jax.ops.acyclicity import strongest_acyclic
from deepcausalmmm_jax.ops.logistic import skewed_logistic_curvature
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters
from deepcausalmmm_jax.training.state import FitState

_RIDGE = 1e-6


def cut_graph(
    state: FitState, hyperparameters: Hyperparameters, *, model: StructuralMMM, inputs: Inputs, weights: Array
) -> Any:
    """The fitted variables with cycles, and edges that are weak or without evidence, gone from the graph.

    An edge stays if it is at least `graph_threshold` strong and `graph_evidence` standard errors from zero, or if the
    user requires it. Of edges on a cycle the strongest stay.

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
    found: Any = model.apply(variables, method=lambda module: (module.graph.edges(), module.equations.noise()))
    edges, noise = found
    graph, required = state.fitted["graph"], inputs.links.required > 0
    strong = (jnp.abs(edges) > hyperparameters.graph_threshold) & (graph["kept"] > 0)
    acyclic = strongest_acyclic(jnp.where(required, jnp.inf, jnp.where(strong, jnp.abs(edges), 0.0)))
    refined, errors = refined_edges(edges * acyclic, acyclic, noise, inputs, weights)
    least = jnp.maximum(hyperparameters.graph_threshold, hyperparameters.graph_evidence * errors)
    kept = required | (acyclic & (jnp.abs(refined) > least))
    return {**state.fitted, "graph": {**graph, "kept": graph["kept"] * kept}}


def refined_edges(
    edges: Array, candidates: Array, noise: ExposureNoise, inputs: Inputs, weights: Array
) -> tuple[Array, Array]:
    r"""Edges after one Newton step without penalties, and their standard errors.

    The step takes out the unrest of the last epochs and the shrinkage; it holds for an acyclic graph, whose equations
    stand for themselves. The errors are the sandwich
    $H_j^{-1} (\sum_t s_t s_t^T) H_j^{-1}$ of each channel's equation (White 1982) with the scores s summed over the
    regions of a week, so that what these have in common is not counted as often as there are regions.

    Args:
        edges: B, `[channel, channel]`, zero where there is no candidate.
        candidates: boolean `[channel, channel]`, the edges to look at, without a cycle.
        noise: of the channels' equations.
        inputs: the panel.
        weights: `[region, week]`.

    Returns:
        `[channel, channel]` each; the errors of pairs that are no candidates are infinite.
    """
    news = inputs.activity
    regional_weight, national_weight = activity_weights(news, weights)
    regional_rest, national_rest = residuals(edges, news)

    def of_channel(j: Array) -> tuple[Array, Array]:
        def curvature(residual: Array, row: int) -> tuple[Array, Array]:
            return skewed_logistic_curvature(residual[..., j], *(part[row, j] for part in noise))

        (slope, bend), (national_slope, national_bend) = curvature(regional_rest, 0), curvature(national_rest, 1)
        weight, national = regional_weight[:, :, j], national_weight[:, 0]
        score = jnp.einsum("rt,rti->ti", weight * slope, news.regional)
        score += (national * national_slope)[:, None] * news.national
        hessian = jnp.einsum("rt,rti,rtk->ik", weight * bend, news.regional, news.regional)
        hessian += jnp.einsum("t,ti,tk->ik", national * national_bend, news.national, news.national)
        # Only the candidates' part of the system is solved; the rest is the identity.
        used = candidates[:, j].astype(edges.dtype)
        system = hessian * used[:, None] * used + jnp.diag(1.0 - used + _RIDGE)
        moves = jnp.linalg.solve(system, (score * used).T)  # [parent, week], what each week asks for
        error = jnp.where(used > 0, jnp.sqrt(jnp.sum(moves**2, axis=1)), jnp.inf)
        # The score is by the residual, which falls as the edge grows: hence plus.
        return edges[:, j] + moves.sum(axis=1), error

    refined, errors = jax.lax.map(of_channel, jnp.arange(edges.shape[0]))
    return refined.T, errors.T
