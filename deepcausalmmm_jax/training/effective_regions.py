"""Dependence between regions, estimated during training, so that regions that move together are not counted twice."""

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.ops.effective_sample import effective_share
from deepcausalmmm_jax.training.state import FitState, Progress

_FIRST_EPOCHS = 200  # estimated after each chunk of these, and once more when the graph has been pruned


def with_dependence(state: FitState, before: Progress, innovations: Array, weights: Array) -> FitState:
    """The state with the share of region-weeks that count as independent, from the residuals of the last epoch.

    A new share changes the objective, so its best value so far is dropped.

    Args:
        state: after a chunk.
        before: progress before it.
        innovations: `[week, region]`, of these residuals, from before its step and before the graph was pruned.
        weights: `[week, region]`, how much each observation counts.
    """
    progress = state.progress
    newly_pruned = progress.graph_pruned & ~before.graph_pruned
    is_due = ~progress.inherited & ((progress.epoch <= _FIRST_EPOCHS) | newly_pruned)

    def estimated() -> FitState:
        share = effective_share(innovations.T, weights.T > 0)
        fitted = {**state.fitted, "effective": share}
        return state._replace(fitted=fitted, progress=progress._replace(best=jnp.full_like(progress.best, jnp.inf)))

    return jax.lax.cond(is_due, estimated, lambda: state)
