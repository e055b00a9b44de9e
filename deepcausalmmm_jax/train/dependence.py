"""Dependence between regions: looked at while training, so that regions that move together are not counted twice."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.model.inputs import Inputs
from deepcausalmmm_jax.model.structural import StructuralMMM
from deepcausalmmm_jax.ops.dependence import effective_share
from deepcausalmmm_jax.ops.persistence import whitened
from deepcausalmmm_jax.train.state import FitState, Progress

_FIRST_EPOCHS = 200  # looked at after each chunk of these, and once more when the graph has been cut


def with_dependence(
    state: FitState, before: Progress, *, model: StructuralMMM, inputs: Inputs, weights: Array
) -> FitState:
    """The state with the share of region-weeks that count as independent, from the residuals as they are now.

    A new share changes the objective, so that its best value so far is forgotten.

    Args:
        state: after a chunk.
        before: progress before it.
        model: the module.
        inputs: the panel.
        weights: `[region, week]`.
    """
    progress = state.progress
    newly_cut = progress.graph_cut & ~before.graph_cut
    looks = ~progress.inherited & ((progress.epoch <= _FIRST_EPOCHS) | newly_cut)

    def look() -> FitState:
        share = _share(state, model, inputs, weights)
        fitted = {**state.fitted, "effective": share}
        return state._replace(fitted=fitted, progress=progress._replace(best=jnp.full_like(progress.best, jnp.inf)))

    return jax.lax.cond(looks, look, lambda: state)


def _share(state: FitState, model: StructuralMMM, inputs: Inputs, weights: Array) -> Array:
    outcome: Any = model.apply(
        {"params": state.parameters, "fitted": state.fitted}, inputs, weights, mutable=["fitted"]
    )
    (components, internals), _ = outcome
    observed = weights > 0
    residual = jnp.where(observed, inputs.kpi - components.prediction(), 0.0)
    news = jax.vmap(whitened, in_axes=(0, 0, None))(residual, observed, internals.persistence)
    return effective_share(news, observed)
