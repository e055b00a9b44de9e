"""Estimation: one pure function from arrays and weights to parameters, and a driver that shows its progress.

The loss, its gradient and the update stand side by side in each model's recipe: `training.structural` and
`training.paper.recipe`. Here is the loop around them.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.config.settings import Precision
from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.io.quick_compile import jit_briefly, jit_often, jit_once
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.parallel.sharding import whole_on_each
from deepcausalmmm_jax.training.families import family_for
from deepcausalmmm_jax.training.family import AnyHyperparameters, AnyState, Recipe
from deepcausalmmm_jax.training.matmul_precision import at_precision
from deepcausalmmm_jax.training.schedule import Schedule
from deepcausalmmm_jax.training.state import History
from deepcausalmmm_jax.training.until_done import run_until_done


@partial(jax.jit, static_argnames=("design", "schedule"))
def estimate(
    key: Array,
    inputs: AnyInputs,
    weights: Array,
    hyperparameters: AnyHyperparameters,
    start: Variables | None = None,
    *,
    design: AnyDesign,
    schedule: Schedule,
) -> tuple[Variables, History]:
    """Fit the model: pure, compiled as a whole, and the same function under `vmap` over any of its arrays.

    A holdout, a fold, a bootstrap replicate and a seed are this function with other `weights` or another `key`.

    Args:
        key: random key; draws the start of the networks.
        inputs: the panel in scaled units: `Inputs` or, for a `PaperDesign`, `PaperInputs`.
        weights: `[region, week]`, how much each observation counts; 0 for missing and held-out weeks.
        hyperparameters: what scales a term: `Hyperparameters`, or `PaperHyperparameters`.
        start: variables of another fit of the same shapes to begin from; None draws them.
        design: sizes and branches of the model; its type says which model it is.
        schedule: most epochs, and epochs a chunk.

    Returns:
        The model's variables (`params` and `fitted`), and the history.
    """
    recipe = recipe_for(design, schedule)

    def next_chunk(state: AnyState) -> AnyState:
        return recipe.run_chunk(state, inputs, weights, hyperparameters)

    state = recipe.start(key, inputs, weights, hyperparameters)
    state = state if start is None else recipe.warm_start(state, start)
    # Draws of a bootstrap differ in weights or KPI, a grid in its settings, seeds in the parameters they start from.
    drawn = jax.tree.leaves(state.parameters)[0].reshape(-1)[0]
    mark = weights[0, 0] + inputs.kpi[0, 0] + hyperparameters.learning_rate + drawn
    variables, history = variables_and_history(run_until_done(next_chunk, state, mark))
    return recipe.finalise(variables, inputs, weights, hyperparameters), history


def estimate_in_chunks(
    key: Array,
    inputs: AnyInputs,
    weights: Array,
    hyperparameters: AnyHyperparameters,
    start: Variables | None = None,
    *,
    design: AnyDesign,
    schedule: Schedule,
    on_chunk: Callable[[int, float], None],
) -> tuple[Variables, History]:
    """`estimate` with the loop over chunks on the host, for a progress bar; same arguments, same numbers.

    Args:
        key: as for `estimate`, like all that follow but the last.
        inputs: panel in scaled units.
        weights: `[region, week]`.
        hyperparameters: what scales a term.
        start: variables of another fit to begin from.
        design: sizes and branches.
        schedule: length of the fit.
        on_chunk: called after each chunk with the epochs run and the objective.
    """
    state = start_state(key, inputs, weights, hyperparameters, design=design, schedule=schedule)
    state = state if start is None else recipe_for(design, schedule).warm_start(state, start)
    state = whole_on_each(state, weights)
    while int(state.progress.status) == FitStatus.RUNNING:
        state = run_chunk(state, inputs, weights, hyperparameters, design=design, schedule=schedule)
        state = whole_on_each(state, weights)
        epoch = int(state.progress.epoch)
        on_chunk(epoch, float(state.history.objective[epoch - 1]))
    variables, history = variables_and_history(state)
    return finalise(variables, inputs, weights, hyperparameters, design=design, schedule=schedule), history


def variables_and_history(state: AnyState) -> tuple[Variables, History]:
    """What a fit that has ended leaves behind."""
    history = state.history._replace(epochs=state.progress.epoch, status=state.progress.status)
    return {"params": state.parameters, "fitted": state.fitted}, history


@jit_briefly("design", "schedule")
def start_state(
    key: Array,
    inputs: AnyInputs,
    weights: Array,
    hyperparameters: AnyHyperparameters,
    *,
    design: AnyDesign,
    schedule: Schedule,
) -> AnyState:
    """State before the first epoch; arguments as for `estimate`."""
    return recipe_for(design, schedule).start(key, inputs, weights, hyperparameters)


@jit_often("design", "schedule")
def run_chunk(
    state: AnyState,
    inputs: AnyInputs,
    weights: Array,
    hyperparameters: AnyHyperparameters,
    *,
    design: AnyDesign,
    schedule: Schedule,
) -> AnyState:
    """State after a chunk of epochs; arguments as for `estimate`."""
    return recipe_for(design, schedule).run_chunk(state, inputs, weights, hyperparameters)


@jit_once("design", "schedule")
def finalise(
    variables: Variables,
    inputs: AnyInputs,
    weights: Array,
    hyperparameters: AnyHyperparameters,
    *,
    design: AnyDesign,
    schedule: Schedule,
) -> Variables:
    """Variables once training has ended; arguments as for `estimate`."""
    return recipe_for(design, schedule).finalise(variables, inputs, weights, hyperparameters)


def recipe_for(design: AnyDesign, schedule: Schedule) -> Recipe:
    """The training of the model that a design describes, at the precision that the schedule asks for."""
    return _PreciseRecipe(family_for(design).recipe(design, schedule), schedule.precision)


class _PreciseRecipe(NamedTuple):
    """A recipe whose matrix products have the precision that the settings ask for."""

    recipe: Recipe
    precision: Precision

    def start(self, key: Array, inputs: AnyInputs, weights: Array, hyperparameters: AnyHyperparameters) -> AnyState:
        state: AnyState = at_precision(self.recipe.start, self.precision)(key, inputs, weights, hyperparameters)
        return state

    def run_chunk(
        self, state: AnyState, inputs: AnyInputs, weights: Array, hyperparameters: AnyHyperparameters
    ) -> AnyState:
        after: AnyState = at_precision(self.recipe.run_chunk, self.precision)(state, inputs, weights, hyperparameters)
        return after

    def warm_start(self, state: AnyState, start: Variables) -> AnyState:
        return self.recipe.warm_start(state, start)

    def finalise(
        self, variables: Variables, inputs: AnyInputs, weights: Array, hyperparameters: AnyHyperparameters
    ) -> Variables:
        run = at_precision(self.recipe.finalise, self.precision)
        finished: Variables = run(variables, inputs, weights, hyperparameters)
        return finished
