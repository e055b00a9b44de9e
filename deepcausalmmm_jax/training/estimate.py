"""Estimation: one pure function from arrays and weights to parameters, and a driver that shows its progress."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.model.family import AnyDesign
from deepcausalmmm_jax.model.paper.inputs import PaperDesign
from deepcausalmmm_jax.model.paper.module import PaperMMM
from deepcausalmmm_jax.model.structural import StructuralMMM
from deepcausalmmm_jax.parallel.sharding import whole_on_each
from deepcausalmmm_jax.training.matmul_precision import at_precision
from deepcausalmmm_jax.training.paper.recipe import PaperRecipe
from deepcausalmmm_jax.training.schedule import Schedule
from deepcausalmmm_jax.training.state import History
from deepcausalmmm_jax.training.structural import StructuralRecipe, structural_model


class Recipe(Protocol):
    """How a model is trained: two pure functions over a state with `parameters`, `fitted`, `progress` and `history`."""

    def start(self, key: Array, inputs: Any, weights: Array, hyperparameters: Any) -> Any:
        """State before the first epoch."""
        ...

    def run_chunk(self, state: Any, inputs: Any, weights: Array, hyperparameters: Any) -> Any:
        """State after a chunk of epochs."""
        ...

    def warm_start(self, state: Any, start: Any) -> Any:
        """A state before the first epoch that begins from the variables of another fit."""
        ...

    def finalise(self, variables: Any, inputs: Any, weights: Array, hyperparameters: Any) -> Any:
        """Variables once training has ended."""
        ...


class PreciseRecipe(NamedTuple):
    """A recipe whose matrix products have the precision that the settings ask for."""

    recipe: Recipe
    precision: str

    def start(self, key: Array, inputs: Any, weights: Array, hyperparameters: Any) -> Any:
        """State before the first epoch."""
        return at_precision(self.recipe.start, self.precision)(key, inputs, weights, hyperparameters)

    def run_chunk(self, state: Any, inputs: Any, weights: Array, hyperparameters: Any) -> Any:
        """State after a chunk of epochs."""
        return at_precision(self.recipe.run_chunk, self.precision)(state, inputs, weights, hyperparameters)

    def warm_start(self, state: Any, start: Any) -> Any:
        """A state before the first epoch that begins from the variables of another fit."""
        return self.recipe.warm_start(state, start)

    def finalise(self, variables: Any, inputs: Any, weights: Array, hyperparameters: Any) -> Any:
        """Variables once training has ended."""
        return at_precision(self.recipe.finalise, self.precision)(variables, inputs, weights, hyperparameters)


def recipe_for(design: AnyDesign, schedule: Schedule) -> Recipe:
    """The training of the model that a design describes."""
    recipe: Recipe
    recipe = PaperRecipe(design, schedule) if isinstance(design, PaperDesign) else StructuralRecipe(design, schedule)
    return PreciseRecipe(recipe, schedule.precision)


def model_for(design: AnyDesign) -> StructuralMMM | PaperMMM:
    """The module that a design describes."""
    return PaperMMM(design) if isinstance(design, PaperDesign) else structural_model(design)


@partial(jax.jit, static_argnames=("design", "schedule"))
def estimate(
    key: Array,
    inputs: Any,
    weights: Array,
    hyperparameters: Any,
    start: Any = None,
    *,
    design: AnyDesign,
    schedule: Schedule,
) -> tuple[Any, History]:
    """Fit the model: pure, compiled as a whole, and the same function under `vmap` over any of its arrays.

    A holdout, a fold, a bootstrap replicate and a seed are this function with other `weights` or another `key`.

    Args:
        key: random key; draws the start of the networks.
        inputs: the panel in scaled units: `Inputs` or, for a `PaperDesign`, `PaperInputs`.
        weights: `[region, week]`, how much each observation counts; 0 for missing and held-out weeks.
        hyperparameters: what scales a term: `Hyperparameters`, or `Published`.
        start: variables of another fit of the same shapes to begin from; None draws them.
        design: sizes and branches of the model; its type says which model it is.
        schedule: most epochs, and epochs a chunk.

    Returns:
        The model's variables (`params` and `fitted`), and the history.
    """
    recipe = recipe_for(design, schedule)

    def runs(state: Any) -> Array:
        return jnp.asarray(state.progress.status == FitStatus.RUNNING)

    def next_chunk(state: Any) -> Any:
        return recipe.run_chunk(state, inputs, weights, hyperparameters)

    state = recipe.start(key, inputs, weights, hyperparameters)
    state = state if start is None else recipe.warm_start(state, start)
    variables, history = finish(jax.lax.while_loop(runs, next_chunk, state))
    return recipe.finalise(variables, inputs, weights, hyperparameters), history


def estimate_in_chunks(
    key: Array,
    inputs: Any,
    weights: Array,
    hyperparameters: Any,
    *,
    design: AnyDesign,
    schedule: Schedule,
    on_chunk: Callable[[int, float], None],
) -> tuple[Any, History]:
    """`estimate` with the loop over chunks on the host, for a progress bar; same arguments, same numbers.

    Args:
        key: as for `estimate`, like all that follow but the last.
        inputs: panel in scaled units.
        weights: `[region, week]`.
        hyperparameters: what scales a term.
        design: sizes and branches.
        schedule: length of the fit.
        on_chunk: called after each chunk with the epochs run and the objective.
    """
    state = start_state(key, inputs, weights, hyperparameters, design=design, schedule=schedule)
    state = whole_on_each(state, weights)
    while int(state.progress.status) == FitStatus.RUNNING:
        state = run_chunk(state, inputs, weights, hyperparameters, design=design, schedule=schedule)
        state = whole_on_each(state, weights)
        epoch = int(state.progress.epoch)
        on_chunk(epoch, float(state.history.objective[epoch - 1]))
    variables, history = finish(state)
    return finalise(variables, inputs, weights, hyperparameters, design=design, schedule=schedule), history


def finish(state: Any) -> tuple[Any, History]:
    """Variables and history of a fit that has ended."""
    history = state.history._replace(epochs=state.progress.epoch, status=state.progress.status)
    return {"params": state.parameters, "fitted": state.fitted}, history


@partial(jax.jit, static_argnames=("design", "schedule"))
def start_state(
    key: Array, inputs: Any, weights: Array, hyperparameters: Any, *, design: AnyDesign, schedule: Schedule
) -> Any:
    """State before the first epoch."""
    return recipe_for(design, schedule).start(key, inputs, weights, hyperparameters)


@partial(jax.jit, static_argnames=("design", "schedule"))
def run_chunk(
    state: Any, inputs: Any, weights: Array, hyperparameters: Any, *, design: AnyDesign, schedule: Schedule
) -> Any:
    """State after a chunk of epochs."""
    return recipe_for(design, schedule).run_chunk(state, inputs, weights, hyperparameters)


@partial(jax.jit, static_argnames=("design", "schedule"))
def finalise(
    variables: Any, inputs: Any, weights: Array, hyperparameters: Any, *, design: AnyDesign, schedule: Schedule
) -> Any:
    """Variables once training has ended."""
    return recipe_for(design, schedule).finalise(variables, inputs, weights, hyperparameters)
