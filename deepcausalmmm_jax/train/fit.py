"""Estimation: one pure function from arrays and weights to parameters, and a driver that shows its progress."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.model.graph import starting_links
from deepcausalmmm_jax.model.inputs import Design, Inputs
from deepcausalmmm_jax.model.structural import StructuralMMM
from deepcausalmmm_jax.train.edges import cut_graph
from deepcausalmmm_jax.train.hyperparameters import Hyperparameters
from deepcausalmmm_jax.train.loss import Forward, Multipliers, objective
from deepcausalmmm_jax.train.optimizer import make_optimizer
from deepcausalmmm_jax.train.schedule import Schedule, after_chunk
from deepcausalmmm_jax.train.state import FitState, History, Progress

_STEP_CUT = 1.0 / 3.0
_TYPICAL_ACTIVITY = 0.4  # mean of a Hill curve over weeks, to turn a share of the KPI into a coefficient
_START_SHARE = 0.2  # of the KPI, all media together


@partial(jax.jit, static_argnames=("design", "schedule"))
def estimate(
    key: Array, inputs: Inputs, weights: Array, hyperparameters: Hyperparameters, *, design: Design, schedule: Schedule
) -> tuple[Any, History]:
    """Fit the model: pure, compiled as a whole, and the same function under `vmap` over any of its arrays.

    A holdout, a fold, a bootstrap replicate and a seed are this function with other `weights` or another `key`.

    Args:
        key: random key; draws the GRU's start.
        inputs: the panel in scaled units.
        weights: `[region, week]`, how much each observation counts; 0 for missing and held-out weeks.
        hyperparameters: what scales a term.
        design: sizes and branches of the model.
        schedule: most epochs, and epochs a chunk.

    Returns:
        The model's variables (`params` and `fitted`), and the history.
    """
    state = start_state(key, inputs, weights, hyperparameters, design=design, schedule=schedule)

    def runs(state: FitState) -> Array:
        return state.progress.status == FitStatus.RUNNING

    def advance(state: FitState) -> FitState:
        return run_chunk(state, inputs, weights, hyperparameters, design=design, schedule=schedule)

    return finish(jax.lax.while_loop(runs, advance, state))


def estimate_in_chunks(
    key: Array,
    inputs: Inputs,
    weights: Array,
    hyperparameters: Hyperparameters,
    *,
    design: Design,
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
    while int(state.progress.status) == FitStatus.RUNNING:
        state = run_chunk(state, inputs, weights, hyperparameters, design=design, schedule=schedule)
        epoch = int(state.progress.epoch)
        on_chunk(epoch, float(state.history.objective[epoch - 1]))
    return finish(state)


def finish(state: FitState) -> tuple[Any, History]:
    """Variables and history of a fit that has ended."""
    history = state.history._replace(epochs=state.progress.epoch, status=state.progress.status)
    return {"params": state.parameters, "fitted": state.fitted}, history


def model_for(design: Design) -> StructuralMMM:
    """The module that a design describes."""
    return StructuralMMM(design, media_start=_START_SHARE / design.n_channels / _TYPICAL_ACTIVITY)


@partial(jax.jit, static_argnames=("design", "schedule"))
def start_state(
    key: Array,
    inputs: Inputs,
    weights: Array,
    hyperparameters: Hyperparameters,
    *,
    design: Design,
    schedule: Schedule,
) -> FitState:
    """State before the first epoch."""
    model = model_for(design)
    variables = model.init(key, *_first_weeks(inputs, weights))
    fitted = variables["fitted"]
    if "graph" in fitted:
        fitted = {**fitted, "graph": starting_links(inputs.links, inputs.activity.unit)}
    zero, one = jnp.zeros(()), jnp.ones(())
    multipliers = Multipliers(alpha=zero, rho=one, sparsity=one)
    progress = Progress(
        epoch=jnp.zeros((), jnp.int32),
        status=jnp.asarray(FitStatus.RUNNING, jnp.int32),
        best=jnp.asarray(jnp.inf),
        waited=zero,
        cuts=zero,
        graph_cut=jnp.asarray(design.graph == "none"),
        last_h=jnp.asarray(jnp.inf),
    )
    return FitState(
        parameters=variables["params"],
        fitted=fitted,
        optimizer=make_optimizer().init(variables["params"]),
        multipliers=multipliers,
        progress=progress,
        history=_blank_history(
            lambda: objective(variables["params"], fitted, model, inputs, weights, hyperparameters, multipliers),
            schedule.max_epochs,
        ),
    )


@partial(jax.jit, static_argnames=("design", "schedule"))
def run_chunk(
    state: FitState,
    inputs: Inputs,
    weights: Array,
    hyperparameters: Hyperparameters,
    *,
    design: Design,
    schedule: Schedule,
) -> FitState:
    """A chunk of epochs, then one look at the training objective: go on, cut the step, cut the graph, or stop."""
    model, optimizer = model_for(design), make_optimizer()
    step_size = hyperparameters.learning_rate * _STEP_CUT**state.progress.cuts
    evaluate = jax.value_and_grad(objective, has_aux=True)

    def epoch(
        carry: tuple[Any, Any, Any], _: None
    ) -> tuple[tuple[Any, Any, Any], tuple[Array, Array, dict[str, Array]]]:
        parameters, fitted, moments = carry
        (value, forward), gradient = evaluate(
            parameters, fitted, model, inputs, weights, hyperparameters, state.multipliers
        )
        direction, moments = optimizer.update(gradient, moments)
        parameters = optax.apply_updates(parameters, jax.tree.map(lambda d: -step_size * d, direction))
        return (parameters, forward.fitted, moments), (value, forward.acyclicity, forward.terms)

    start = (state.parameters, state.fitted, state.optimizer)
    (parameters, fitted, moments), (values, h, terms) = jax.lax.scan(epoch, start, length=schedule.chunk_epochs)
    advanced = state._replace(
        parameters=parameters,
        fitted=fitted,
        optimizer=moments,
        history=_recorded(state, values, h, terms, step_size),
    )
    cut = partial(cut_graph, model=model, inputs=inputs, weights=weights)
    return after_chunk(advanced, values, h, hyperparameters, schedule, cut)


def _first_weeks(inputs: Inputs, weights: Array) -> tuple[Inputs, Array]:
    """Two weeks of the panel, enough to fix every shape."""
    by_region = ("exposure", "control", "kpi")
    by_week = ("trend_basis", "region_trend_basis", "season_basis", "elapsed")
    cut: dict[str, Any] = {name: getattr(inputs, name)[:, :2] for name in by_region}
    cut |= {name: getattr(inputs, name)[:2] for name in by_week}
    news = inputs.activity
    cut["activity"] = news._replace(
        regional=news.regional[:, :2], national=news.national[:2], known=news.known[:, :2], on=news.on[:2]
    )
    return inputs._replace(**cut), weights[:, :2]


def _blank_history(evaluate: Callable[[], tuple[Array, Forward]], max_epochs: int) -> History:
    """A history with room for all epochs and every term of the objective."""
    _, forward = jax.eval_shape(evaluate)
    blank = jnp.full(max_epochs, jnp.nan)
    zero = jnp.zeros((), jnp.int32)
    return History(blank, blank, blank, {name: blank for name in forward.terms}, zero, zero)


def _recorded(state: FitState, values: Array, h: Array, terms: dict[str, Array], step_size: Array) -> History:
    history = state.history

    def write(record: Array, chunk: Array) -> Array:
        return jax.lax.dynamic_update_slice(record, chunk, (state.progress.epoch,))

    return history._replace(
        objective=write(history.objective, values),
        acyclicity=write(history.acyclicity, h),
        learning_rate=write(history.learning_rate, jnp.full(values.shape, step_size)),
        terms={name: write(record, terms[name]) for name, record in history.terms.items()},
    )
