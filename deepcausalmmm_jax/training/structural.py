"""Training of the default model: Adam in chunks, each followed by a look at the objective and the graph."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.model.graph import starting_links
from deepcausalmmm_jax.model.inputs import Design, Inputs
from deepcausalmmm_jax.model.media import TYPICAL_ACTIVITY, TYPICAL_HALF_SATURATION
from deepcausalmmm_jax.model.structural import StructuralMMM
from deepcausalmmm_jax.model.training_data import training_data
from deepcausalmmm_jax.ops.bijectors import from_positive
from deepcausalmmm_jax.training.effective_regions import with_dependence
from deepcausalmmm_jax.training.forecast_state import present_state
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters
from deepcausalmmm_jax.training.objective import Multipliers, objective
from deepcausalmmm_jax.training.optimizer import make_optimizer
from deepcausalmmm_jax.training.prune_graph import cut_graph
from deepcausalmmm_jax.training.schedule import Schedule, after_chunk
from deepcausalmmm_jax.training.state import FitState, Progress, blank_history, recorded

_STEP_CUT = 1.0 / 3.0
_START_SHARE = 0.2  # of the KPI, all media together


def structural_model(design: Design) -> StructuralMMM:
    """The module that a design describes."""
    return StructuralMMM(design, media_start=_START_SHARE / design.n_channels / TYPICAL_ACTIVITY)


class StructuralRecipe(NamedTuple):
    """The two pure functions of a training: its start, and a chunk of epochs."""

    design: Design
    schedule: Schedule

    def start(self, key: Array, inputs: Inputs, weights: Array, hyperparameters: Hyperparameters) -> FitState:
        """State before the first epoch."""
        model = structural_model(self.design)
        variables = model.init(key, training_data(*_first_weeks(inputs, weights)), method="trained")
        parameters, fitted = variables["params"], variables["fitted"]
        half = from_positive(TYPICAL_HALF_SATURATION * inputs.burst)
        parameters = {**parameters, "media": {**parameters["media"], "half_saturation": half}}
        parameters["level"] = {"mean": inputs.kpi_level}
        if "graph" in fitted:
            fitted = {**fitted, "graph": starting_links(inputs.links, inputs.activity.unit)}
        zero, one = jnp.zeros(()), jnp.ones(())
        multipliers = Multipliers(alpha=zero, rho=one, sparsity=one)
        progress = Progress(
            epoch=jnp.zeros((), jnp.int32),
            status=jnp.asarray(FitStatus.RUNNING, jnp.int32),
            best=jnp.asarray(jnp.inf, jnp.float32),
            waited=zero,
            cuts=zero,
            graph_cut=jnp.asarray(self.design.graph == "none"),
            last_h=jnp.asarray(jnp.inf, jnp.float32),
            inherited=jnp.asarray(False),
        )
        return FitState(
            parameters=parameters,
            fitted=fitted,
            optimizer=make_optimizer().init(parameters),
            multipliers=multipliers,
            progress=progress,
            history=blank_history(
                lambda: objective(
                    parameters, fitted, model, training_data(inputs, weights), hyperparameters, multipliers
                ),
                self.schedule.max_epochs,
            ),
        )

    def run_chunk(self, state: FitState, inputs: Inputs, weights: Array, hyperparameters: Hyperparameters) -> FitState:
        """A chunk of epochs, then one look at the training objective: go on, cut the step, cut the graph, or stop."""
        model, optimizer, data = structural_model(self.design), make_optimizer(), training_data(inputs, weights)
        step_size = hyperparameters.learning_rate * _STEP_CUT**state.progress.cuts
        evaluate = jax.value_and_grad(objective, has_aux=True)

        def epoch(
            carry: tuple[Any, Any, Any], _: None
        ) -> tuple[tuple[Any, Any, Any], tuple[Array, Array, dict[str, Array]]]:
            parameters, fitted, moments = carry
            (value, forward), gradient = evaluate(parameters, fitted, model, data, hyperparameters, state.multipliers)
            direction, moments = optimizer.update(gradient, moments)
            parameters = optax.apply_updates(parameters, jax.tree.map(lambda d: -step_size * d, direction))
            return (parameters, forward.fitted, moments), (value, forward.acyclicity, forward.terms)

        start = (state.parameters, state.fitted, state.optimizer)
        (parameters, fitted, moments), (values, h, terms) = jax.lax.scan(
            epoch, start, length=self.schedule.chunk_epochs
        )
        advanced = state._replace(
            parameters=parameters,
            fitted=fitted,
            optimizer=moments,
            history=recorded(state.history, state.progress.epoch, values, h, terms, jnp.full(values.shape, step_size)),
        )
        cut = partial(cut_graph, model=model, inputs=inputs, weights=weights)
        judged = after_chunk(advanced, values, h, hyperparameters, self.schedule, cut)
        return with_dependence(judged, state.progress, model=model, data=data)

    def warm_start(self, state: FitState, start: Any) -> FitState:
        """The state with the variables of another fit; the graph is learned anew, from the edges found there."""
        kept = {name: value for name, value in state.fitted.items() if name == "graph"}
        progress = state.progress._replace(inherited=jnp.asarray(True))
        return state._replace(parameters=start["params"], fitted={**start["fitted"], **kept}, progress=progress)

    def finalise(self, variables: Any, inputs: Inputs, weights: Array, hyperparameters: Hyperparameters) -> Any:
        """The variables with the present learned, from which forecasts start."""
        outcome: Any = structural_model(self.design).apply(variables, inputs)
        components, internals = outcome
        state = present_state(components, internals, inputs, weights, hyperparameters.penalties)
        return {**variables, "fitted": {**variables["fitted"], "present": {"state": state}}}


def _first_weeks(inputs: Inputs, weights: Array) -> tuple[Inputs, Array]:
    """Two weeks of the panel, enough to fix every shape."""
    by_region = ("exposure", "control", "kpi")
    by_week = ("trend_basis", "region_trend_basis", "season_basis", "elapsed", "ahead", "real")
    cut: dict[str, Any] = {name: getattr(inputs, name)[:, :2] for name in by_region}
    cut |= {name: getattr(inputs, name)[:2] for name in by_week}
    news = inputs.activity
    cut["activity"] = news._replace(
        regional=news.regional[:, :2], national=news.national[:2], known=news.known[:, :2], on=news.on[:2]
    )
    return inputs._replace(**cut), weights[:, :2]
