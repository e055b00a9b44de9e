"""Time, memory and operations of an epoch of a model on a panel of a given shape."""

import dataclasses
import time
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.benchmarking.figures import Figures
from deepcausalmmm_jax.benchmarking.machine import peak_gib
from deepcausalmmm_jax.benchmarking.machine_limits import MachineLimits
from deepcausalmmm_jax.benchmarking.operation_counts import OperationCounts, count_operations
from deepcausalmmm_jax.benchmarking.panels import Shape, panel_of
from deepcausalmmm_jax.benchmarking.timing import seconds
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.training.estimate import run_chunk, start_state
from deepcausalmmm_jax.training.families import model_for
from deepcausalmmm_jax.training.family import AnyState
from deepcausalmmm_jax.training.prepare import Preparation, prepare

_HOLDOUT = 8


class _Prepared(NamedTuple):
    ready: Preparation
    weights: jax.Array
    state: AnyState


def epoch_figures(
    shape: Shape, config: Config, limits: MachineLimits | None, epochs: int = 5, times: int = 3
) -> Figures:
    """Measure epochs of a fit without running the whole fit.

    Args:
        shape: regions, weeks, channels and controls of a simulated panel.
        config: settings.
        limits: of the machine; None leaves out the figures relative to them.
        epochs: per chunk.
        times: timed chunks; the median counts.
    """
    began = time.perf_counter()
    made = _prepared(shape, config, epochs)
    prepared_s = time.perf_counter() - began
    ready, weights = made.ready, made.weights
    arguments = made.state, ready.inputs, weights, ready.hyperparameters

    began = time.perf_counter()
    program = run_chunk.lower(*arguments, design=ready.design, schedule=ready.schedule).compile()
    compile_s = time.perf_counter() - began
    ms = 1000 * seconds(lambda: program(*arguments), times) / epochs
    chunk = partial(run_chunk, design=ready.design, schedule=ready.schedule)
    needs = count_operations(chunk, *arguments).per(epochs)
    memory = program.memory_analysis()
    program_bytes = 0 if memory is None else memory.temp_size_in_bytes + memory.argument_size_in_bytes
    figures = {
        **dict(zip(("regions", "weeks", "channels", "controls"), shape, strict=True)),
        "ms_per_epoch": ms,
        "epochs_per_s": 1000 / ms,
        "prepare_s": prepared_s,
        "compile_s": compile_s,
        "program_gib": program_bytes / 2**30,
        "peak_gib": peak_gib(jax.tree.leaves(made.state)[0].devices().pop()),
        "gflop": 1e-9 * needs.products,
        "gflop_elementwise": 1e-9 * needs.others,
        "gbytes": 1e-9 * needs.streamed,
        "steps": needs.steps,
    }
    return figures if limits is None else figures | _against(limits, needs, ms)


def _against(limits: MachineLimits, needs: OperationCounts, ms: float) -> Figures:
    least = needs.least_ms(limits)
    return {
        **{f"least_ms_{name}": value for name, value in least.items()},
        "share_of_product_ceiling": least["products"] / ms,
        "share_of_bandwidth_ceiling": least["bytes"] / ms,
        "share_of_step_ceiling": least["steps"] / ms,
        "us_per_step": 1000 * ms / max(needs.steps, 1.0),
    }


def where_it_goes(shape: Shape, config: Config, epochs: int = 5, times: int = 3) -> Figures:
    """Milliseconds of an epoch by part: the model forward, its gradient, and the rest.

    The rest is penalties, evidence, the optimiser and the history. Each part is timed with those before it, by itself;
    where that took longer than with those after it, because something disturbed it, the difference is 0.
    """
    made = _prepared(shape, config, epochs)
    ready, model = made.ready, model_for(made.ready.design)
    variables = {"params": made.state.parameters, "fitted": made.state.fitted}

    def error(parameters: Variables) -> jax.Array:
        outcome = model.apply({**variables, "params": parameters}, ready.inputs)
        return jnp.sum(made.weights * (outcome[0].prediction() - ready.inputs.kpi) ** 2)

    forward, both = jax.jit(error), jax.jit(jax.value_and_grad(error))
    parameters = made.state.parameters
    arguments = made.state, ready.inputs, made.weights, ready.hyperparameters
    whole = seconds(lambda: run_chunk(*arguments, design=ready.design, schedule=ready.schedule), times) / epochs
    # Each is a part of the next: one that seems to take longer was disturbed, and would leave a negative time.
    gradient = min(seconds(lambda: both(parameters), times), whole)
    ahead = min(seconds(lambda: forward(parameters), times), gradient)
    return {
        "forward_ms": 1000 * ahead,
        "backward_ms": 1000 * (gradient - ahead),
        "rest_ms": 1000 * (whole - gradient),
        "epoch_ms": 1000 * whole,
    }


def _prepared(shape: Shape, config: Config, epochs: int) -> _Prepared:
    panel = panel_of(shape)
    known = training_weights(panel, _HOLDOUT)
    ready = prepare(panel, known, config)
    schedule = dataclasses.replace(ready.schedule, max_epochs=100 * epochs, chunk_epochs=epochs)
    weights = jnp.asarray(known, jnp.float32)
    ready = ready._replace(schedule=schedule)
    state = start_state(
        jax.random.key(0), ready.inputs, weights, ready.hyperparameters, design=ready.design, schedule=schedule
    )
    return _Prepared(ready, weights, jax.block_until_ready(state))
