"""When to go on, cut the step, prune the graph, or stop: decided by the training objective alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config.settings import Config, Precision
from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.model.parameters import Collection
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters
from deepcausalmmm_jax.training.objective import Multipliers
from deepcausalmmm_jax.training.state import FitState

_RHO_GROWTH = 10.0
_RHO_LIMIT = 1e6
_ENOUGH_FALL = 0.25  # h must fall to this share, or rho is raised


@dataclass(frozen=True)
class Schedule:
    """Length of a fit, which decides the shape of the history, and precision of matrix products: both are static."""

    max_epochs: int
    chunk_epochs: int
    precision: Precision = "highest"

    @classmethod
    def of(cls, config: Config) -> Self:
        """The static part of the training settings of the default model; the last chunk is always whole."""
        chunk = min(config.training.chunk_epochs, config.training.max_epochs)
        return cls(config.training.max_epochs // chunk * chunk, chunk, config.precision)


def after_chunk(
    state: FitState,
    values: Array,
    h: Array,
    hyperparameters: Hyperparameters,
    schedule: Schedule,
    prune_graph: Callable[[FitState, Hyperparameters], Collection],
) -> FitState:
    """The state after a chunk, with the decision what to do next.

    While the objective falls, go on. When it no longer does, first prune the graph, then cut the step size a few times,
    then stop.

    Args:
        state: after the chunk, with the progress from before it.
        values: `[chunk]`, objective by epoch.
        h: `[chunk]`, acyclicity by epoch.
        hyperparameters: tolerance, patience and cuts.
        schedule: most epochs.
        prune_graph: returns the fitted variables with an acyclic graph.
    """
    before = state.progress
    # A mean over the chunk's last epochs: single values are noisy under Adam.
    reached = values[-max(1, values.shape[0] // 5) :].mean()
    fell = reached < before.best - hyperparameters.tolerance
    waited = jnp.where(fell, 0.0, before.waited + 1.0)
    stalled = waited >= hyperparameters.patience
    stalled_first = stalled & ~before.graph_pruned
    out_of_cuts = before.cuts >= hyperparameters.step_cuts
    epoch = before.epoch + schedule.chunk_epochs
    status = jnp.where(
        ~jnp.isfinite(values[-1]),
        FitStatus.DIVERGED,
        jnp.where(
            stalled & ~stalled_first & out_of_cuts,
            FitStatus.CONVERGED,
            jnp.where(epoch >= schedule.max_epochs, FitStatus.EPOCH_LIMIT, FitStatus.RUNNING),
        ),
    ).astype(jnp.int32)
    # The graph is pruned once more at the end: edges have changed since, and some have lost their evidence. A fit that
    # runs out of epochs must not end with cycles either.
    must_prune = stalled_first | (status != FitStatus.RUNNING)
    progress = before._replace(
        epoch=epoch,
        status=status,
        best=jnp.where(stalled_first, jnp.inf, jnp.minimum(before.best, reached)),
        waited=jnp.where(stalled, 0.0, waited),
        cuts=before.cuts + jnp.where(stalled & ~stalled_first, 1.0, 0.0),
        graph_pruned=before.graph_pruned | must_prune,
    )
    multipliers, last_h = _raised(state, h[-1], progress.graph_pruned)
    fitted = jax.lax.cond(must_prune, lambda: prune_graph(state, hyperparameters), lambda: state.fitted)
    return state._replace(progress=progress._replace(last_h=last_h), fitted=fitted, multipliers=multipliers)


def _raised(state: FitState, h: Array, graph_pruned: Array) -> tuple[Multipliers, Array]:
    """Augmented Lagrangian step (Zheng et al. 2018, section 4): raise the cycle penalty until the graph is acyclic."""
    multipliers = state.multipliers
    slow = h > _ENOUGH_FALL * state.progress.last_h
    rho = jnp.where(slow, jnp.minimum(multipliers.rho * _RHO_GROWTH, _RHO_LIMIT), multipliers.rho)
    # A pruned graph has no cycles left to penalise.
    raised = Multipliers(alpha=multipliers.alpha + rho * h, rho=rho, sparsity=multipliers.sparsity)
    return jax.tree.map(lambda value: jnp.where(graph_pruned, 0.0, value), raised), h
