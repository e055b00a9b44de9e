"""State of a running fit and its record, as arrays, so that many fits can run side by side."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import chex
import jax
import jax.numpy as jnp
import optax
from jax import Array

from deepcausalmmm_jax.model.parameters import Collection
from deepcausalmmm_jax.training.objective import Multipliers


class Progress(NamedTuple):
    """Where a fit stands; all scalars."""

    epoch: Array  # [], int32
    status: Array  # [], int32, a FitStatus
    best: Array  # [], least objective at the end of a chunk since the last cut of the step
    waited: Array  # [], float32, chunks since it fell
    cuts: Array  # [], float32, cuts of the step size so far
    graph_pruned: Array  # [], bool, whether the graph has been pruned and is acyclic
    last_h: Array  # [], acyclicity when the multipliers were last raised
    inherited: Array  # [], bool, whether the dependence between regions comes from another fit


class FitState(NamedTuple):
    """Everything that a chunk of epochs changes."""

    parameters: Collection  # the model's trained variables
    fitted: Collection  # variables that training sets by other means
    optimizer: optax.OptState  # Adam's moments
    multipliers: Multipliers
    progress: Progress
    history: "History"


class HasTerms(Protocol):
    """What an evaluation of an objective returns beside its value."""

    @property
    def terms(self) -> dict[str, Array]:
        """Scalars."""


class History(NamedTuple):
    """Record of a fit; epochs that were not run hold NaN."""

    objective: Array  # [epoch], nats per observation, acyclicity included
    acyclicity: Array  # [epoch], h of the channel graph
    learning_rate: Array  # [epoch]
    terms: dict[str, Array]  # [epoch] each, nats per observation
    epochs: Array  # [], int32, epochs run
    status: Array  # [], int32, a FitStatus


def blank_history(evaluate: Callable[[], tuple[Array, HasTerms]], max_epochs: int) -> History:
    """A history with room for all epochs and every term of the objective.

    Args:
        evaluate: one evaluation of the objective, whose second result has `terms`. It is traced, not run.
        max_epochs: number of epochs.
    """
    _, evaluation = jax.eval_shape(evaluate)
    blank = jnp.full(max_epochs, jnp.nan, jnp.float32)  # with a dtype: a weak type would compile each chunk twice
    zero = jnp.zeros((), jnp.int32)
    return History(blank, blank, blank, {name: blank for name in evaluation.terms}, zero, zero)


def recorded(
    history: History, epoch: Array, values: Array, h: Array, terms: dict[str, Array], step_sizes: Array
) -> History:
    """The history with a chunk written from `epoch` on; all arrays `[chunk]`."""
    chex.assert_trees_all_equal_structs(history.terms, terms)  # they are joined by place, not by name
    before = (history.objective, history.acyclicity, history.learning_rate, history.terms)
    kept, chunk = jax.tree.leaves(before), jax.tree.leaves((values, h, step_sizes, terms))
    written = jax.lax.dynamic_update_slice(jnp.stack(kept), jnp.stack(chunk), (0, epoch))
    objective, acyclicity, learning_rate, by_term = jax.tree.unflatten(jax.tree.structure(before), list(written))
    return history._replace(objective=objective, acyclicity=acyclicity, learning_rate=learning_rate, terms=by_term)
