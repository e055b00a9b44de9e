"""A fit to a panel that continues that of an earlier fit, begun at its end and with its scales."""

import dataclasses
import time
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.fingerprint import fingerprint
from deepcausalmmm_jax.data.inputs import Inputs, training_weeks
from deepcausalmmm_jax.data.kpi_link import scaled_level
from deepcausalmmm_jax.data.kpi_scale import describing
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import FitError, FitStatus
from deepcausalmmm_jax.inference.lift_tests import said_before
from deepcausalmmm_jax.inference.sample_posterior import estimated_like
from deepcausalmmm_jax.io.on_device import on_device
from deepcausalmmm_jax.io.program_cache import make_room_for
from deepcausalmmm_jax.model.demand import as_without_tests
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.progress import Progress
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.training.estimate import estimate_in_chunks
from deepcausalmmm_jax.training.fitted import Fitted, Replicates, TrainingRecord
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters
from deepcausalmmm_jax.training.longer_panel import on_longer_panel
from deepcausalmmm_jax.training.prepare import Preparation, prepare, tests_in, with_lift_tests
from deepcausalmmm_jax.training.room import Room, without_room
from deepcausalmmm_jax.training.schedule import Schedule

# As in a bootstrap's warm start the objective never falls by this much, so that each stage takes a fixed number of
# chunks; see `settings_for_warm_start`. Here chunks are shorter, the step begins smaller, and it is cut twice.
_NEVER = 1e13
_PATIENCE = 1.0
_STEP_CUTS = 2.0
_SHORTER = 3  # times shorter than those of a fit are the chunks
_STEP = 0.5  # first step, as a multiple of the learning rate


class _Problem(NamedTuple):
    """A training in padded arrays."""

    ready: Preparation
    inputs: Inputs[Array]
    weights: Array  # [region, week]
    hyperparameters: Hyperparameters
    room: Room
    design: Design
    schedule: Schedule
    start: Variables


def warm_refit(
    before: Fitted,
    panel: Panel,
    weights: np.ndarray,
    drawn: Replicates | None,
    *,
    room: int = 0,
    progress: bool | None = None,
) -> FitResult:
    """Fit to a panel that continues that of an earlier fit, with its settings and scales, from where it ended.

    Args:
        before: the earlier fit.
        panel: its panel with more weeks or revised figures, with columns in the same order.
        weights: `[region, week]`, 0 in weeks that are not learned from.
        drawn: draws from the posterior of the earlier fit, as many of which are made again; None where there are none.
        room: weeks that the arrays have room for at least, so that several refits share their compiled programs.
        progress: whether to show progress; None shows it where there is a terminal.

    Raises:
        FitError: training ended without usable parameters.
    """
    began = time.perf_counter()
    problem = _problem(before, panel, weights, room)
    own_design = problem.ready.design
    assert isinstance(own_design, Design)
    make_room_for((problem.design, problem.schedule, str(jax.tree.map(np.shape, problem.inputs))))
    alike, tests, lifts = partial(estimated_like, drawn, room=problem.room), tests_in(problem.ready.inputs), None
    if tests is not None:  # as in `fit`: what the KPI says alone
        alone = problem._replace(inputs=problem.inputs._replace(lift_tests=None))
        untested, record = _trained(before, alone, as_without_tests(problem.start), began, progress)
        fitted = Fitted(
            without_room(untested, own_design), panel, weights, before.scales, before.config, record, before.seed
        )
        lifts = said_before(fitted, with_lift_tests(problem.ready.inputs, None), tests, alike)
    variables, record = _trained(before, problem, problem.start, began, progress)
    own = without_room(variables, own_design)
    fitted = Fitted(own, panel, weights, before.scales, before.config, record, before.seed, lifts_before=lifts)
    return alike(fitted, problem.ready.inputs)


def _trained(
    before: Fitted, problem: _Problem, start: Variables, began: float, progress: bool | None
) -> tuple[Variables, TrainingRecord]:
    with Progress("update", "epochs", problem.schedule.max_epochs, show=progress) as bar:
        variables, history = estimate_in_chunks(
            jax.random.key(before.seed),
            problem.inputs,
            problem.weights,
            problem.hyperparameters,
            on_device(start),
            design=problem.design,
            schedule=problem.schedule,
            on_chunk=lambda epoch, objective: bar.update(epoch, f"objective {objective:.4f}"),
        )
    record = TrainingRecord.of(history, time.perf_counter() - began)
    assert record.origin is not None
    origin = dataclasses.replace(record.origin, updated_from=fingerprint(before.panel))
    record = dataclasses.replace(record, origin=origin)
    bar.close(record.status.sentence)
    if record.status is FitStatus.DIVERGED:
        raise FitError(record.status.sentence)
    return jax.tree.map(np.asarray, variables), record


def _problem(before: Fitted, panel: Panel, weights: np.ndarray, room: int) -> _Problem:
    past = panel.until_last_kpi()
    n_weeks, config = len(past.weeks), before.config
    ready = prepare(past, weights[:, :n_weeks], config, before.scales)
    assert isinstance(ready.inputs, Inputs)
    assert isinstance(ready.design, Design)
    assert isinstance(ready.hyperparameters, Hyperparameters)
    n_room = max(room, n_weeks)
    larger = Room.of(n_room, n_room, config, panel.cadence)
    level = scaled_level(before.panel, describing(before.panel, before.weights), before.scales.kpi, config.reading)
    start = on_longer_panel(
        before.variables if before.trained is None else before.trained,
        config,
        before.n_training_weeks,
        training_weeks(weights),
        np.asarray(np.asarray(ready.inputs.kpi_level) - level, np.float32),
        larger.knots,
        larger.region_knots,
        panel.cadence,
    )
    one = jnp.ones_like(ready.hyperparameters.patience)
    return _Problem(
        ready=ready,
        inputs=larger.inputs(ready.inputs),
        weights=jnp.asarray(larger.by_week(weights[:, :n_weeks]), jnp.float32),
        hyperparameters=ready.hyperparameters._replace(
            patience=_PATIENCE * one,
            step_cuts=_STEP_CUTS * one,
            tolerance=_NEVER * one,
            learning_rate=_STEP * ready.hyperparameters.learning_rate,
        ),
        room=larger,
        design=larger.design(ready.design),
        schedule=_in_short_chunks(config),
        start=start,
    )


def _in_short_chunks(config: Config) -> Schedule:
    short = max(1, config.training.chunk_epochs // _SHORTER)
    return Schedule.of(config.replace(training=dataclasses.replace(config.training, chunk_epochs=short)))
