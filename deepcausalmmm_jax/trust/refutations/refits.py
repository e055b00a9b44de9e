"""All refits as one compiled program, in one batched call, and what each of them says."""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.attribution.forward import parts_of_channels
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.config.kpi_link import LinkKind
from deepcausalmmm_jax.config.lift_tests import LiftTest
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.experiments import LiftTests, ended_tests
from deepcausalmmm_jax.data.inputs import Inputs, training_weeks
from deepcausalmmm_jax.data.kpi_scale import kpi_means, kpi_sizes
from deepcausalmmm_jax.errors import FitError, FitStatus
from deepcausalmmm_jax.inference.resampling import settings_for_warm_start, with_drawn_tests
from deepcausalmmm_jax.inference.rolling_origin import stacked
from deepcausalmmm_jax.io.on_device import on_device
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.family import AnyInputs
from deepcausalmmm_jax.parallel.batches import Batches, Clock, batches_for, part_of, run_chunk, within_memory
from deepcausalmmm_jax.parallel.engines import Engine
from deepcausalmmm_jax.progress import Progress
from deepcausalmmm_jax.training.estimate import recipe_for, start_state, variables_and_history
from deepcausalmmm_jax.training.family import AnyHyperparameters, AnyState
from deepcausalmmm_jax.training.prepare import Preparation, prepare, tests_in
from deepcausalmmm_jax.training.schedule import Schedule
from deepcausalmmm_jax.training.state import History
from deepcausalmmm_jax.training.until_done import run_until_done
from deepcausalmmm_jax.trust.refutations.room import placed_in_room, with_room
from deepcausalmmm_jax.trust.refutations.wanted import Refit, RefutationTest


class _Task(NamedTuple):
    """What one refit has of its own; in a batch each array has a leading axis `[refit]`."""

    key: Array
    inputs: Inputs[Array]
    weights: Array  # [region, week]
    hyperparameters: AnyHyperparameters
    is_warm: Array  # [], whether it starts from the estimate
    counted: Array  # [2, region, week], weights of shares, and of revenue, whose unit is the KPI's


class Said(NamedTuple):
    """What a refit says; in a batch each array has a leading axis `[refit]`."""

    variables: Variables
    history: History
    share: Array | np.ndarray  # [channel], of the KPI
    revenue: Array | np.ndarray  # [channel], incremental


class _Program(NamedTuple):
    """The refits of a batch: a function of tasks and of the estimate, equal and hashed by its settings."""

    design: Design
    schedule: Schedule
    batch_size: int

    def __call__(self, tasks: _Task, estimate: Variables) -> Said:
        """Refit each task; the tasks that are warm start from the estimate."""
        said: Said = jax.lax.map(
            partial(self._one, estimate=estimate), tasks, batch_size=self.batch_size if self.batch_size > 1 else None
        )
        return said

    def _one(self, task: _Task, estimate: Variables) -> Said:
        recipe = recipe_for(self.design, self.schedule)
        arrays = task.inputs, task.weights, task.hyperparameters
        cold = recipe.start(task.key, *arrays)
        begin = jax.tree.map(partial(jnp.where, task.is_warm), recipe.warm_start(cold, estimate), cold)

        def next_chunk(state: AnyState) -> AnyState:
            return recipe.run_chunk(state, *arrays)

        variables, history = variables_and_history(run_until_done(next_chunk, begin, task.weights[0, 0]))
        variables = recipe.finalise(variables, *arrays)
        return Said(variables, history, *_figures(variables, task.inputs, task.counted, self.design))


def _figures(variables: Variables, inputs: Inputs[Array], counted: Array, design: Design) -> tuple[Array, Array]:
    as_it_was, lost = parts_of_channels(variables, inputs, design)
    return jnp.einsum("rtm,rt->m", as_it_was.media, counted[0]), jnp.einsum("mrt,rt->m", lost, counted[1])


class Refitted(NamedTuple):
    """A refit with its outcome, and what it was prepared with.

    Attributes:
        refit: as asked for.
        said: its outcome, in the arrays of `design`.
        ready: its panel as the model reads it.
        design: sizes of the model of all refits, with room for one more channel and control.
    """

    refit: Refit
    said: Said
    ready: Preparation
    design: Design


class Machine(NamedTuple):
    """Where the refits run.

    Attributes:
        devices: of this host.
        engine: how the work is divided; None takes the one that suits the devices.
        batch_size: refits side by side; None takes 1 on a CPU, and as many as fit into memory elsewhere.
        progress: whether to show progress; None shows it on a terminal only.
    """

    devices: tuple[jax.Device, ...]
    engine: Engine | None
    batch_size: int | None
    progress: bool | None


def run_refits(
    refits: Sequence[Refit], config: Config, variables: Variables, worth: np.ndarray, machine: Machine
) -> list[Refitted]:
    """Run all refits as one program; the first is to the panel as it is.

    Args:
        refits: as asked for.
        config: settings of the fit.
        variables: where the warm ones start from.
        worth: `[region, week]`, revenue per KPI unit.
        machine: where they run.

    Raises:
        FitError: the refit to the panel as it is ended without usable parameters.
    """
    ready = _prepared(refits, config)
    plain = ready[0].design
    assert isinstance(plain, Design)
    design = _design_for_all(plain, config)
    counted = [counted_weights(refits[0], one.scales.kpi, worth, config.link) for one in ready]
    each = [_task(*one, design) for one in zip(refits, ready, counted, strict=True)]
    first, tasks = each[0], stacked(each)
    state = start_state(
        first.key, first.inputs, first.weights, first.hyperparameters, design=design, schedule=ready[0].schedule
    )
    template = jax.tree.map(np.asarray, {"params": state.parameters, "fitted": state.fitted})
    estimate = on_device(placed_in_room(variables, template, plain, design))
    said = _said(tasks, estimate, _Program(design, ready[0].schedule, 1), machine)
    if int(said[0].history.status) == FitStatus.DIVERGED:
        raise FitError(f"The refit to the panel itself: {FitStatus.DIVERGED.sentence}")
    return [Refitted(refit, of, one, design) for refit, of, one in zip(refits, said, ready, strict=True)]


def config_for(refit: Refit, config: Config) -> Config:
    """The settings without lift tests that a refit cannot learn from: of weeks dropped, or of the channel shuffled."""
    ended = ended_tests(refit.panel, training_weeks(refit.weights), _unshuffled(refit, config))
    return config.replace(experiments=ended)


def _unshuffled(refit: Refit, config: Config) -> tuple[LiftTest, ...]:
    shuffled = refit.channel if refit.test is RefutationTest.SHUFFLED else None
    return tuple(test for test in config.experiments if test.channel != shuffled)


def _prepared(refits: Sequence[Refit], config: Config) -> list[Preparation]:
    """Each refit's panel as the model reads it; lift tests that a refit cannot learn from are there, but count 0."""
    base = prepare(refits[0].panel, refits[0].weights, config)
    tests, found = tests_in(base.inputs), [base]
    for refit in refits[1:]:
        own = config_for(refit, config)
        ready = prepare(refit.panel, refit.weights, own)
        if tests is not None:
            assert isinstance(ready.inputs, Inputs)
            kept = np.array([test in own.experiments for test in config.experiments])
            among = _among(tests, ready.inputs.lift_tests, kept)
            inputs: AnyInputs = ready.inputs._replace(lift_tests=among, as_it_ran=ready.inputs.exposure)
            if refit.draw:  # else tested channels would agree in all refits with what was measured, as if exact
                inputs = with_drawn_tests(jax.random.key(refit.draw), inputs)
            ready = ready._replace(inputs=inputs)
        found.append(ready)
    return found


def _among(every: LiftTests[Array], own: LiftTests[Array] | None, kept: np.ndarray) -> LiftTests[Array]:
    """A refit's own tests in the arrays of all tests, of which the others tell nothing.

    They stay in the refit's own scales. Were the exposure that a test is compared with in those of other weeks, it
    would differ from the panel's in every week after the test, and all of these count.

    Args:
        every: all tests, as the refit to the panel itself reads them.
        own: the tests that the refit learns from; None where there are none.
        kept: boolean `[test]`, which those are.
    """
    silent = every._replace(
        counted=jnp.zeros_like(every.counted),
        measured=jnp.zeros_like(every.measured),
        demand_scale=jnp.zeros_like(every.demand_scale),
    )
    if own is None:
        return silent
    at = np.flatnonzero(kept)
    return silent._replace(
        other=silent.other.at[at].set(own.other),
        counted=silent.counted.at[at].set(own.counted),
        measured=silent.measured.at[at].set(own.measured),
        demand_scale=own.demand_scale,
        demand_centre=own.demand_centre,  # of the refit's channels, of which it may have one more
    )


def _design_for_all(plain: Design, config: Config) -> Design:
    """Sizes with room for one more channel and one more control."""
    return dataclasses.replace(
        plain,
        n_channels=plain.n_channels + 1,
        n_controls=plain.n_controls + 1,
        kinds=plain.kinds.extended(1),
        graph=config.graph,
        link_lags=config.link_lags,
    )


def _task(refit: Refit, ready: Preparation, counted: np.ndarray, design: Design) -> _Task:
    assert isinstance(ready.inputs, Inputs)
    hyperparameters = settings_for_warm_start(ready.hyperparameters) if refit.warm else ready.hyperparameters
    return _Task(
        key=jax.random.key(refit.seed),
        inputs=with_room(ready.inputs, design),
        weights=jnp.asarray(refit.weights * refit.emphasis, jnp.float32),
        hyperparameters=hyperparameters,
        is_warm=jnp.asarray(refit.warm),
        counted=jnp.asarray(counted, jnp.float32),
    )


def counted_weights(base: Refit, kpi: np.ndarray, worth: np.ndarray, link: LinkKind) -> np.ndarray:
    """Weights of a refit's scaled contributions, `[2, region, week]`.

    They are those of the regions and weeks of the fit, whatever the refit has learned from: two halves that differ in
    what they learned are asked about the same sales.

    Args:
        base: the refit to the panel itself.
        kpi: `[region]`, scale of the KPI of the refit.
        worth: `[region, week]`, revenue per KPI unit.
        link: of the settings; under a log link shares are shares of the mean.

    Returns:
        With the first, contributions add up to a share of the KPI of the weeks counted; with the second, to revenue.
    """
    counted = base.weights > 0
    size = (kpi_sizes if link == "identity" else kpi_means)(base.panel.kpi, counted)
    return np.stack([kpi[:, None] * counted / (size[:, None] * counted).sum(), kpi[:, None] * base.panel.past * worth])


def _said(tasks: _Task, estimate: Variables, program: _Program, machine: Machine) -> list[Said]:
    count, devices = len(tasks.is_warm), machine.devices
    by_memory = machine.batch_size is None and devices[0].platform != "cpu"
    sized = program._replace(batch_size=count if by_memory else int(machine.batch_size or 1))
    batches: Batches[_Task, Variables, Said] = batches_for(sized, devices, machine.engine, count)
    clock, found, begin = Clock(), [], 0
    if by_memory:
        batches = within_memory(batches, jax.tree.map(lambda leaf: leaf[:1], tasks), estimate, clock)
    with Progress("refute", "refits", count, show=machine.progress) as bar:
        while begin < count:
            chunk = part_of(tasks, begin, begin + batches.chunk)
            said, batches = run_chunk(chunk, estimate, batches, clock)
            found.append(said)
            begin += len(said.share)
            bar.update(begin)
    bar.close("All refits are done.")
    joined = jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)
    return [jax.tree.map(lambda leaf, at=at: leaf[at], joined) for at in range(count)]
