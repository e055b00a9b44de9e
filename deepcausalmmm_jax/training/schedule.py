"""When to go on, cut the step, fix the graph, or stop: decided from the training objective alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config.settings import Config, Precision
from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters
from deepcausalmmm_jax.training.objective import Multipliers
from deepcausalmmm_jax.training.state import FitState

_PAPER_CHUNK = 50  # most epochs between two moves of the progress bar
_RHO_GROWTH = 10.0
_RHO_LIMIT = 1e6
_ENOUGH_FALL = 0.25  # h must fall to this share, or its price is raised


@dataclass(frozen=True)
class Schedule:
    """Length of a fit, which decides the shape of the history, and precision of its products: both are static."""

    max_epochs: int
    chunk_epochs: int
    precision: Precision = "highest"

    @classmethod
    def of(cls, config: Config) -> Self:
        """The static part of a Config's training settings; the last chunk is always whole."""
        if config.model == "paper":
            epochs = config.published.warm_start_epochs + config.published.epochs
            whole = [length for length in range(1, _PAPER_CHUNK + 1) if epochs % length == 0]
            return cls(max_epochs=epochs, chunk_epochs=whole[-1], precision=config.precision)
        chunk = min(config.training.chunk_epochs, config.training.max_epochs)
        return cls(config.training.max_epochs // chunk * chunk, chunk, config.precision)


def after_chunk(
    state: FitState,
    values: Array,
    h: Array,
    hyperparameters: Hyperparameters,
    schedule: Schedule,
    cut_graph: Callable[[FitState, Hyperparameters], Any],
) -> FitState:
    """Judge a chunk.

    While the objective falls, go on. When it no longer does: first make the graph acyclic for certain, then cut the
    step size a few times, then stop.

    Args:
        state: after the chunk, its progress still that of before.
        values: `[chunk]`, objective by epoch.
        h: `[chunk]`, acyclicity by epoch.
        hyperparameters: tolerance, patience and cuts.
        schedule: most epochs.
        cut_graph: gives the fitted variables with an acyclic graph.
    """
    before = state.progress
    # A mean over the chunk's last epochs: single values of Adam jump about.
    reached = values[-max(1, values.shape[0] // 5) :].mean()
    fell = reached < before.best - hyperparameters.tolerance
    waited = jnp.where(fell, 0.0, before.waited + 1.0)
    stalled = waited >= hyperparameters.patience
    fix_graph = stalled & ~before.graph_cut
    out_of_cuts = before.cuts >= hyperparameters.step_cuts
    epoch = before.epoch + schedule.chunk_epochs
    status = jnp.where(
        ~jnp.isfinite(values[-1]),
        FitStatus.DIVERGED,
        jnp.where(
            stalled & ~fix_graph & out_of_cuts,
            FitStatus.CONVERGED,
            jnp.where(epoch >= schedule.max_epochs, FitStatus.EPOCH_LIMIT, FitStatus.RUNNING),
        ),
    ).astype(jnp.int32)
    # The graph is looked at once more at the end: edges have come to rest since, and some lost their evidence. A fit
    # that runs out of epochs must not leave with cycles either.
    must_cut = fix_graph | (status != FitStatus.RUNNING)
    progress = before._replace(
        epoch=epoch,
        status=status,
        best=jnp.where(fix_graph, jnp.inf, jnp.minimum(before.best, reached)),
        waited=jnp.where(stalled, 0.0, waited),
        cuts=before.cuts + jnp.where(stalled & ~fix_graph, 1.0, 0.0),
        graph_cut=before.graph_cut | must_cut,
    )
    multipliers, last_h = _raised(state, h[-1], progress.graph_cut)
    fitted = jax.lax.cond(must_cut, lambda: cut_graph(state, hyperparameters), lambda: state.fitted)
    return state._replace(progress=progress._replace(last_h=last_h), fitted=fitted, multipliers=multipliers)


def _raised(state: FitState, h: Array, graph_cut: Array) -> tuple[Multipliers, Array]:
    """Augmented Lagrangian step (Zheng et al. 2018, section 4): dearer cycles until they are gone."""
    multipliers = state.multipliers
    slow = h > _ENOUGH_FALL * state.progress.last_h
    rho = jnp.where(slow, jnp.minimum(multipliers.rho * _RHO_GROWTH, _RHO_LIMIT), multipliers.rho)
    # Once the graph is cut, nothing is left to price.
    raised = Multipliers(alpha=multipliers.alpha + rho * h, rho=rho, sparsity=multipliers.sparsity)
    return jax.tree.map(lambda value: jnp.where(graph_cut, 0.0, value), raised), h
