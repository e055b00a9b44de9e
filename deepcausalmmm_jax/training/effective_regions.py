"""Dependence between regions, estimated during training, so that regions that move together are not counted twice."""

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.parameters import Parameters
from deepcausalmmm_jax.ops.effective_sample import effective_share
from deepcausalmmm_jax.ops.shared_shock import shared_ratio, without_correlation
from deepcausalmmm_jax.training.state import FitState, Progress

_FIRST_EPOCHS = 200  # estimated after each chunk of these, and once more when the graph has been pruned


def with_dependence(
    state: FitState, before: Progress, innovations: Array, weights: Array, *, counts: bool = False
) -> FitState:
    """The state with how regions move together, from the residuals of the last epoch.

    That is the variance of the shocks that all of them share, and the share of region-weeks that count as independent
    besides. A new estimate changes the objective, so its best value so far is dropped.

    Args:
        state: after a chunk.
        before: progress before it.
        innovations: `[week, region]`, of these residuals, from before its step and before the graph was pruned.
        weights: `[week, region]`, how much each observation counts.
        counts: whether the KPI is counted; shocks in common are then counted with whatever else correlates regions.
    """
    progress = state.progress
    newly_pruned = progress.graph_pruned & ~before.graph_pruned
    is_due = ~progress.inherited & ((progress.epoch <= _FIRST_EPOCHS) | newly_pruned)

    def estimated() -> FitState:
        observed, ratio = weights > 0, jnp.zeros(())
        apart = innovations
        if not counts:
            standardised = innovations / jnp.exp(Parameters.of(state.parameters).noise)
            ratio = shared_ratio(standardised, observed)
            apart = without_correlation(standardised, observed, ratio)
        fitted = {**state.fitted, "effective": effective_share(apart.T, observed.T), "shared": ratio}
        return state._replace(fitted=fitted, progress=progress._replace(best=jnp.full_like(progress.best, jnp.inf)))

    return jax.lax.cond(is_due, estimated, lambda: state)
