"""Dependence between regions, estimated during training, so that regions that move together are not counted twice."""

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.structural import StructuralMMM, predicted_in_training
from deepcausalmmm_jax.model.training_data import TrainingData
from deepcausalmmm_jax.ops.effective_sample import effective_share
from deepcausalmmm_jax.training.objective import residual_innovations
from deepcausalmmm_jax.training.state import FitState, Progress

_FIRST_EPOCHS = 200  # estimated after each chunk of these, and once more when the graph has been pruned


def with_dependence(state: FitState, before: Progress, *, model: StructuralMMM, data: TrainingData) -> FitState:
    """The state with the share of region-weeks that count as independent, from the current residuals.

    A new share changes the objective, so its best value so far is dropped.

    Args:
        state: after a chunk.
        before: progress before it.
        model: the module.
        data: the panel.
    """
    progress = state.progress
    newly_pruned = progress.graph_pruned & ~before.graph_pruned
    is_due = ~progress.inherited & ((progress.epoch <= _FIRST_EPOCHS) | newly_pruned)

    def estimated() -> FitState:
        share = _share(state, model, data)
        fitted = {**state.fitted, "effective": share}
        return state._replace(fitted=fitted, progress=progress._replace(best=jnp.full_like(progress.best, jnp.inf)))

    return jax.lax.cond(is_due, estimated, lambda: state)


def _share(state: FitState, model: StructuralMMM, data: TrainingData) -> Array:
    variables = {"params": state.parameters, "fitted": state.fitted}
    components, internals, _ = predicted_in_training(model, variables, data)
    return effective_share(residual_innovations(components, internals, data).T, data.weights.T > 0)
