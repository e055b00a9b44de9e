"""Dependence between regions: looked at while training, so that regions that move together are not counted twice."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.structural import StructuralMMM
from deepcausalmmm_jax.model.training_data import TrainingData
from deepcausalmmm_jax.ops.effective_sample import effective_share
from deepcausalmmm_jax.training.objective import residual_news
from deepcausalmmm_jax.training.state import FitState, Progress

_FIRST_EPOCHS = 200  # looked at after each chunk of these, and once more when the graph has been cut


def with_dependence(state: FitState, before: Progress, *, model: StructuralMMM, data: TrainingData) -> FitState:
    """The state with the share of region-weeks that count as independent, from the residuals as they are now.

    A new share changes the objective, so that its best value so far is forgotten.

    Args:
        state: after a chunk.
        before: progress before it.
        model: the module.
        data: the panel.
    """
    progress = state.progress
    newly_cut = progress.graph_cut & ~before.graph_cut
    looks = ~progress.inherited & ((progress.epoch <= _FIRST_EPOCHS) | newly_cut)

    def look() -> FitState:
        share = _share(state, model, data)
        fitted = {**state.fitted, "effective": share}
        return state._replace(fitted=fitted, progress=progress._replace(best=jnp.full_like(progress.best, jnp.inf)))

    return jax.lax.cond(looks, look, lambda: state)


def _share(state: FitState, model: StructuralMMM, data: TrainingData) -> Array:
    variables = {"params": state.parameters, "fitted": state.fitted}
    outcome: Any = model.apply(variables, data, mutable=["fitted"], method="trained")
    (planes, internals), _ = outcome
    return effective_share(residual_news(planes, internals, data).T, data.weights.T > 0)
