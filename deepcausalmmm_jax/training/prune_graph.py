"""Pruning of the channel graph: edges that the data support and that close no cycle are kept."""

from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.data.exposure_innovations import ExposureInnovations
from deepcausalmmm_jax.data.graph_constraints import GraphConstraints
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.model.graph import ExposureNoise, LinkTerms
from deepcausalmmm_jax.model.innovation_rows import innovation_weights, later, over_groups
from deepcausalmmm_jax.model.parameters import Collection
from deepcausalmmm_jax.model.structural import StructuralMMM
from deepcausalmmm_jax.ops.acyclicity import strongest_acyclic
from deepcausalmmm_jax.ops.logistic import skewed_logistic_curvature
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters
from deepcausalmmm_jax.training.state import FitState

_RIDGE = 1e-6


class Equations(NamedTuple):
    """The channels' equations as a fit left them; links by group where regions have graphs by group."""

    links: LinkTerms
    noise: ExposureNoise
    persistence: Array  # [2, channel], rows as in `ExposureNoise`


class RefinedEdges(NamedTuple):
    """Edges and their standard errors, `[1 + lag, channel, channel]` each; errors are infinite without a candidate."""

    edges: Array
    errors: Array
    regional: Array  # from the regional deviations alone; `edges` of the fit where there are none
    regional_errors: Array


def equations_of(model: StructuralMMM, parameters: Collection, fitted: Collection) -> Equations:
    """The equations of a model that has a graph."""

    def read(module: StructuralMMM) -> Equations:
        assert module.equations is not None
        return Equations(module.graph.links(), module.equations.noise(), module.equations.persistence())

    return cast(Equations, model.apply({"params": parameters, "fitted": fitted}, method=read))


def prune_graph(
    state: FitState, hyperparameters: Hyperparameters, *, model: StructuralMMM, inputs: Inputs[Array], weights: Array
) -> Collection:
    """The fitted variables without cycles and without edges that are weak or lack evidence.

    Edges that the user requires are kept, and those that are `supported`. Of edges on a cycle within a week the
    strongest are kept. Where regions have graphs by group, each is pruned by the exposure of its own regions.

    Args:
        state: of the fit.
        hyperparameters: threshold and evidence.
        model: the module.
        inputs: the panel.
        weights: `[region, week]`.
    """
    if "graph" not in state.fitted:
        return state.fitted
    equations = equations_of(model, state.parameters, state.fitted)
    graph, innovations = state.fitted["graph"], inputs.innovations

    def kept(own: ExposureInnovations[Array], links: LinkTerms, kept_so_far: dict[str, Array]) -> dict[str, Array]:
        return _kept(
            equations._replace(links=links), kept_so_far, own, weights, inputs.graph_constraints, hyperparameters
        )

    kept_so_far = {name: graph[name] for name in ("kept", "lagged_kept") if name in graph}
    if innovations.in_group is None:
        left = kept(innovations, equations.links, kept_so_far)
    else:
        left = over_groups(kept, innovations, equations.links, kept_so_far)
    return {**state.fitted, "graph": {**graph, **left}}


def _kept(
    equations: Equations,
    before: dict[str, Array],
    innovations: ExposureInnovations[Array],
    weights: Array,
    constraints: GraphConstraints[Array],
    hyperparameters: Hyperparameters,
) -> dict[str, Array]:
    """The edges of one graph that are kept of those that were so far, 1 or 0, by the name of their variable."""
    edges, required = equations.links.stacked(), constraints.required > 0
    kept_so_far = before["kept"][None]
    if "lagged_kept" in before:
        kept_so_far = jnp.concatenate([kept_so_far, before["lagged_kept"]])
    strong = (jnp.abs(edges) > hyperparameters.graph_threshold) & (kept_so_far > 0)
    acyclic = strongest_acyclic(jnp.where(required[0], jnp.inf, jnp.where(strong[0], jnp.abs(edges[0]), 0.0)))
    candidates = jnp.concatenate([acyclic[None], required[1:] | strong[1:]])
    found = refined_edges(equations, candidates, innovations, weights)
    has_support = supported(found, hyperparameters.graph_threshold, hyperparameters.graph_evidence)
    kept = kept_so_far * (required | (candidates & has_support))
    by_lag = {"lagged_kept": kept[1:]} if "lagged_kept" in before else {}
    return {"kept": kept[0], **by_lag}


def supported(found: RefinedEdges, threshold: Array | float, evidence: Array | float) -> Array:
    """Whether the data support each edge, boolean `[1 + lag, channel, channel]`.

    An edge must be at least `threshold` strong and `evidence` standard errors from zero. One with a lag must have that
    evidence in the regional deviations alone where they are precise enough to show it: flights of two channels with one
    period follow each other in the national mean at a fixed distance, period after period, but their deviations do not.
    """
    least = jnp.maximum(threshold, evidence * found.errors)
    needed = evidence * found.regional_errors
    in_national_mean_alone = (jnp.abs(found.edges) > needed) & (jnp.abs(found.regional) < needed)
    return (jnp.abs(found.edges) > least) & ~in_national_mean_alone.at[0].set(False)


def refined_edges(
    equations: Equations, candidates: Array, innovations: ExposureInnovations[Array], weights: Array
) -> RefinedEdges:
    r"""Edges after one Newton step without penalties, and their standard errors.

    The step removes optimiser noise and the shrinkage of the penalty; it is valid for an acyclic graph, whose equations
    are separate. The errors are the sandwich $H_j^{-1} (\sum_t s_t s_t^T) H_j^{-1}$ of each channel's equation (White
    1982) with the scores s summed over the regions of a week, so that shocks which regions share are not counted once
    for every region.

    Args:
        equations: of the fit.
        candidates: boolean `[1 + lag, channel, channel]`, edges to estimate, without a cycle within a week.
        innovations: of the panel, or of the regions of one group.
        weights: `[region, week]`.

    Returns:
        Edges and errors in standard deviations.
    """
    n_lags, n_channels = candidates.shape[0] - 1, candidates.shape[1]
    noise = equations.noise
    weighted = innovation_weights(innovations, weights, n_lags)
    parents = tuple(
        jnp.concatenate([later(array, lag, axis) for lag in range(1 + n_lags)], axis=-1)
        for array, axis in ((innovations.regional, 1), (innovations.national, 0))
    )  # [..., (1 + lag) x channel]
    edges = (equations.links.stacked() * candidates).reshape(-1, n_channels)
    is_parent = candidates.reshape(-1, n_channels)

    def of_channel(j: Array) -> RefinedEdges:
        def without_persistence(array: Array, row: int) -> Array:
            """A series `[..., parent]` less what the channel's persistence leaves of the week before."""
            if not n_lags:
                return array
            follows = (weighted.regional_follows[..., j], weighted.national_follows[:, 0])[row]
            return array - equations.persistence[row, j] * follows[..., None] * later(array, 1, 1 - row)

        def derivatives(row: int) -> tuple[Array, Array, Array]:
            """Parents `[..., parent]`, and slope and curvature of the loss by the residual, `[...]`."""
            own = without_persistence((innovations.regional, innovations.national)[row][..., j, None], row)[..., 0]
            explained_by = without_persistence(parents[row], row)
            residual = own - explained_by @ edges[:, j]
            return explained_by, *skewed_logistic_curvature(residual, *(part[row, j] for part in noise))

        (regional, slope, curvature), (national, national_slope, national_curvature) = derivatives(0), derivatives(1)
        weight, national_weight = weighted.regional[:, :, j], weighted.national[:, 0]
        score = jnp.einsum("rt,rti->ti", weight * slope, regional)
        hessian = jnp.einsum("rt,rti,rtk->ik", weight * curvature, regional, regional)
        both_score = score + (national_weight * national_slope)[:, None] * national
        both_hessian = hessian + jnp.einsum("t,ti,tk->ik", national_weight * national_curvature, national, national)
        is_candidate = is_parent[:, j].astype(edges.dtype)
        refined = _step(edges[:, j], both_score, both_hessian, is_candidate)
        return RefinedEdges(*refined, *_step(edges[:, j], score, hessian, is_candidate))

    by_channel: RefinedEdges = jax.lax.map(of_channel, jnp.arange(n_channels))
    return RefinedEdges(*(part.T.reshape(candidates.shape) for part in by_channel))


def _step(edges: Array, score: Array, hessian: Array, is_candidate: Array) -> tuple[Array, Array]:
    """Edges into one channel after a Newton step, and their sandwich errors, `[parent]`.

    Args:
        edges: `[parent]`.
        score: `[week, parent]`, derivative of the loss by the residual, times the parents.
        hessian: `[parent, parent]`.
        is_candidate: `[parent]`, 1 or 0; only the candidates' part of the system is solved, the rest is the identity.
    """
    system = hessian * is_candidate[:, None] * is_candidate + jnp.diag(1.0 - is_candidate + _RIDGE)
    steps = jnp.linalg.solve(system, (score * is_candidate).T)  # [parent, week], each week's part of the step
    error = jnp.where(is_candidate > 0, jnp.sqrt(jnp.sum(steps**2, axis=1)), jnp.inf)
    # The score falls as the edge grows: hence plus.
    return edges + steps.sum(axis=1), error
