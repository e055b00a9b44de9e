"""State of a fit in flight and its record, as arrays, so that many fits can run side by side."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.training.objective import Multipliers


class Progress(NamedTuple):
    """Where a fit stands; all scalars."""

    epoch: Array  # [], int32
    status: Array  # [], int32, a FitStatus
    best: Array  # [], least objective at the end of a chunk since the last cut of the step
    waited: Array  # [], float32, chunks since it fell
    cuts: Array  # [], float32, cuts of the step size so far
    graph_cut: Array  # [], bool, whether the graph has been made acyclic for certain
    last_h: Array  # [], acyclicity when the multipliers were last raised
    inherited: Array  # [], bool, whether the dependence between regions was taken over from another fit


class FitState(NamedTuple):
    """Everything that an epoch changes."""

    parameters: Any  # the model's trained variables
    fitted: Any  # variables that training sets otherwise
    optimizer: Any  # Adam's moments
    multipliers: Multipliers
    progress: Progress
    history: "History"


class History(NamedTuple):
    """Record of a fit; rows of epochs that were not run hold NaN."""

    objective: Array  # [epoch], nats per observation, acyclicity included
    acyclicity: Array  # [epoch], h of the channel graph
    learning_rate: Array  # [epoch]
    terms: dict[str, Array]  # [epoch] each, nats per observation
    epochs: Array  # [], int32, epochs run
    status: Array  # [], int32, a FitStatus


def blank_history(evaluate: Callable[[], tuple[Array, Any]], max_epochs: int) -> History:
    """A history with room for all epochs and every term of the objective.

    Args:
        evaluate: one evaluation of the objective; what it leaves behind has `terms`. It is traced, not run.
        max_epochs: room.
    """
    _, forward = jax.eval_shape(evaluate)
    blank = jnp.full(max_epochs, jnp.nan, jnp.float32)  # a dtype given: a weak one would compile each chunk twice
    zero = jnp.zeros((), jnp.int32)
    return History(blank, blank, blank, {name: blank for name in forward.terms}, zero, zero)


def recorded(
    history: History, epoch: Array, values: Array, h: Array, terms: dict[str, Array], step_sizes: Array
) -> History:
    """The history with a chunk written from `epoch` on; all arrays `[chunk]`."""

    def write(record: Array, chunk: Array) -> Array:
        return jax.lax.dynamic_update_slice(record, chunk, (epoch,))

    return history._replace(
        objective=write(history.objective, values),
        acyclicity=write(history.acyclicity, h),
        learning_rate=write(history.learning_rate, step_sizes),
        terms={name: write(record, terms[name]) for name, record in history.terms.items()},
    )
