"""Training of the default model: Adam in chunks of epochs, with a decision after each chunk what to do next."""

from functools import partial
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import optax
from jax import Array
from jax.flatten_util import ravel_pytree

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.model.coefficients import is_constant_in_training, without_idle_gru
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.graph import initial_graph
from deepcausalmmm_jax.model.media import TYPICAL_ACTIVITY, TYPICAL_HALF_SATURATION
from deepcausalmmm_jax.model.parameters import Collection, Parameters
from deepcausalmmm_jax.model.structural import StructuralMMM, predicted
from deepcausalmmm_jax.model.training_data import training_data
from deepcausalmmm_jax.model.windows import first_weeks
from deepcausalmmm_jax.ops.bijectors import from_positive
from deepcausalmmm_jax.training.effective_regions import with_dependence
from deepcausalmmm_jax.training.forecast_state import forecast_state
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters
from deepcausalmmm_jax.training.objective import Evaluation, Multipliers, objective
from deepcausalmmm_jax.training.optimizer import make_optimizer
from deepcausalmmm_jax.training.prune_graph import prune_graph
from deepcausalmmm_jax.training.schedule import Schedule, after_chunk
from deepcausalmmm_jax.training.state import FitState, Progress, blank_history, recorded
from deepcausalmmm_jax.training.until_done import differing_as

_STEP_CUT = 1.0 / 3.0
_START_SHARE = 0.2  # of the KPI, all media together


def structural_model(design: Design) -> StructuralMMM:
    """The module that a design describes."""
    return StructuralMMM(design, media_start=_START_SHARE / design.n_channels / TYPICAL_ACTIVITY)


class Carry(NamedTuple):
    """What one epoch hands to the next."""

    parameters: Array  # [number], all of them joined
    fitted: Collection
    moments: optax.OptState  # of Adam
    innovations: Array  # [week, region], of the residuals before its step


class Epoch(NamedTuple):
    """Record of one epoch; of a chunk, `[epoch]` each."""

    value: Array  # [], the objective
    acyclicity: Array  # [], h
    terms: dict[str, Array]  # scalars


class StructuralRecipe(NamedTuple):
    """How the default model is trained: a start, chunks of epochs, and an end."""

    design: Design
    schedule: Schedule

    def start(self, key: Array, inputs: Inputs[Array], weights: Array, hyperparameters: Hyperparameters) -> FitState:
        """State before the first epoch."""
        model = structural_model(self.design)
        # Two weeks are enough to fix every shape.
        small = training_data(first_weeks(inputs, 2), weights[:, :2])
        variables = model.init(key, small, method="training_forward")
        parameters, fitted = _from_data(variables["params"], inputs), variables["fitted"]
        if "graph" in fitted:
            unit, groups = inputs.innovations.unit, self.design.link_groups
            fitted = {**fitted, "graph": initial_graph(inputs.graph_constraints, unit, groups)}
        zero, one = jnp.zeros(()), jnp.ones(())
        multipliers = Multipliers(alpha=zero, rho=one, sparsity=one)
        progress = Progress(
            epoch=jnp.zeros((), jnp.int32),
            status=jnp.asarray(FitStatus.RUNNING, jnp.int32),
            best=jnp.asarray(jnp.inf, jnp.float32),
            waited=zero,
            cuts=zero,
            graph_pruned=jnp.asarray(self.design.graph == "none"),
            last_h=jnp.asarray(jnp.inf, jnp.float32),
            inherited=jnp.asarray(False),
        )

        def evaluate() -> tuple[Array, Evaluation]:
            data = training_data(inputs, weights)
            return objective(parameters, fitted, model, data, hyperparameters, multipliers)

        return FitState(
            parameters=parameters,
            fitted=fitted,
            optimizer=make_optimizer().init(ravel_pytree(parameters)[0]),
            multipliers=multipliers,
            progress=progress,
            history=blank_history(evaluate, self.schedule.max_epochs),
        )

    def run_chunk(
        self, state: FitState, inputs: Inputs[Array], weights: Array, hyperparameters: Hyperparameters
    ) -> FitState:
        """A chunk of epochs, then the decision to go on, cut the step, prune the graph, or stop."""
        model, optimizer, data = structural_model(self.design), make_optimizer(), training_data(inputs, weights)
        step_size = hyperparameters.learning_rate * _STEP_CUT**state.progress.cuts

        def loss(parameters: Collection, fitted: Collection) -> tuple[Array, Evaluation]:
            return objective(parameters, fitted, model, data, hyperparameters, state.multipliers)

        joined, as_parameters = ravel_pytree(state.parameters)
        is_learned, _ = ravel_pytree(_learned(state.parameters, state.progress, self.design.n_regions))

        def epoch(carry: Carry, _: None) -> tuple[Carry, Array]:
            (value, found), gradient = jax.value_and_grad(loss, has_aux=True)(
                as_parameters(carry.parameters), carry.fitted
            )
            # One array instead of one for each of forty parameters: a sixth of the program, and of its compile time.
            direction, moments = optimizer.update(is_learned * ravel_pytree(gradient)[0], carry.moments)
            chex.assert_trees_all_equal_structs(found.terms, state.history.terms)  # joined by place, not by name
            record = jnp.stack(jax.tree.leaves(Epoch(value, found.acyclicity, found.terms)))
            parameters = carry.parameters - step_size * direction
            return Carry(parameters, found.fitted, moments, found.innovations), record

        blank = differing_as(state.multipliers.rho, jnp.zeros_like(data.kpi))
        start = Carry(joined, state.fitted, state.optimizer, blank)
        end, records = jax.lax.scan(epoch, start, length=self.schedule.chunk_epochs)

        as_epochs = jax.tree.structure(Epoch(step_size, step_size, state.history.terms))
        epochs = jax.tree.unflatten(as_epochs, list(records.T))
        step_sizes = jnp.full(epochs.value.shape, step_size)
        advanced = state._replace(
            parameters=as_parameters(end.parameters),
            fitted=end.fitted,
            optimizer=end.moments,
            history=recorded(
                state.history, state.progress.epoch, epochs.value, epochs.acyclicity, epochs.terms, step_sizes
            ),
        )
        prune = partial(prune_graph, model=model, inputs=inputs, weights=weights)
        decided = after_chunk(advanced, epochs.value, epochs.acyclicity, hyperparameters, self.schedule, prune)
        return with_dependence(decided, state.progress, end.innovations, data.weights, counts=self.design.counts)

    def warm_start(self, state: FitState, start: Variables) -> FitState:
        """The state with the variables of another fit; the graph is learned again, from the edges found there."""
        kept = {name: value for name, value in state.fitted.items() if name == "graph"}
        progress = state.progress._replace(inherited=jnp.asarray(True))
        # A fit without lift tests knows no hidden demand, and one with them begins with none.
        parameters = {name: start["params"].get(name, own) for name, own in state.parameters.items()}
        if is_constant_in_training(self.design.n_regions):
            parameters["coefficients"] = _constant(parameters["coefficients"])
        return state._replace(parameters=parameters, fitted={**start["fitted"], **kept}, progress=progress)

    def finalise(
        self, variables: Variables, inputs: Inputs[Array], weights: Array, hyperparameters: Hyperparameters
    ) -> Variables:
        """The variables with the forecast state estimated, and without a GRU that does nothing."""
        components, internals = predicted(structural_model(self.design), variables, inputs)
        variables = without_idle_gru(variables, internals.variation, inputs.trend_basis, weights)
        scales, step = hyperparameters.scales, self.design.step_weeks
        return forecast_state(components, internals, inputs, weights, scales, step_weeks=step).placed_in(variables)


def _learned(parameters: Collection, progress: Progress, n_regions: int) -> Collection:
    """By parameter, whether it is trained, 1 or 0: not the readout of a GRU that the fit begun from had no use for.

    Steps of Adam are as long for a gradient that is noise, and a warm start has no time to take them back. Nor is
    anything trained by which the coefficients of a single region would vary over time.
    """
    readout = parameters["coefficients"]["gru"]["readout"]
    is_off = progress.inherited & jnp.all(readout == 0.0)
    every = jax.tree.map(jnp.ones_like, parameters)
    gru = {**every["coefficients"]["gru"], "readout": jnp.where(is_off, 0.0, jnp.ones_like(readout))}
    learned = {**every, "coefficients": {**every["coefficients"], "gru": gru}}
    if not is_constant_in_training(n_regions):
        return learned
    none = jax.tree.map(jnp.zeros_like, every)
    varying = {"path": none["coefficients"]["path"], "gru": none["coefficients"]["gru"]}
    return {
        **learned,
        "coefficients": {**learned["coefficients"], **varying},
        "sizes": {**every["sizes"], "time_variation": none["sizes"]["time_variation"]},
    }


def _constant(coefficients: Collection) -> Collection:
    """Parameters of coefficients that do not vary over time."""
    gru = {**coefficients["gru"], "readout": jnp.zeros_like(coefficients["gru"]["readout"])}
    return {**coefficients, "path": jnp.zeros_like(coefficients["path"]), "gru": gru}


def _from_data(params: Collection, inputs: Inputs[Array]) -> Collection:
    """Initial parameters, with half-saturation and mean prediction from the panel."""
    drawn = Parameters.of(params)
    half_saturation = from_positive(TYPICAL_HALF_SATURATION * inputs.burst)
    return drawn._replace(media=drawn.media._replace(half_saturation=half_saturation), mean=inputs.kpi_level).as_flax()
