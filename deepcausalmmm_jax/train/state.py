"""State of a fit in flight and its record, as arrays, so that many fits can run side by side."""

from typing import Any, NamedTuple

from jax import Array

from deepcausalmmm_jax.train.loss import Multipliers


class Progress(NamedTuple):
    """Where a fit stands; all scalars."""

    epoch: Array  # [], int32
    status: Array  # [], int32, a FitStatus
    best: Array  # [], least objective at the end of a chunk since the last cut of the step
    waited: Array  # [], float32, chunks since it fell
    cuts: Array  # [], float32, cuts of the step size so far
    graph_cut: Array  # [], bool, whether the graph has been made acyclic for certain
    last_h: Array  # [], acyclicity when the multipliers were last raised


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
