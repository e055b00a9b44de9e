"""`fit_many`: many panels, settings and seeds as few programs, over all cores, devices and hosts."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.checks import seed_number, whole_number
from deepcausalmmm_jax.config.asked import require_config
from deepcausalmmm_jax.config.lift_tests import refuse_repeats
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.checks import refuse_unfit
from deepcausalmmm_jax.data.experiments import warn_of_lengths
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.kpi_scale import informative
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.panel_notes import panel_notes, warn_of
from deepcausalmmm_jax.errors import ConfigError, DataError, FitError, FitStatus
from deepcausalmmm_jax.inference.lift_tests import said_before
from deepcausalmmm_jax.inference.many import Fits, Task
from deepcausalmmm_jax.inference.refit_store import identity_of
from deepcausalmmm_jax.inference.rolling_origin import stacked
from deepcausalmmm_jax.inference.sample_posterior import estimated
from deepcausalmmm_jax.model.family import AnyDesign
from deepcausalmmm_jax.parallel.batches import Batches, Clock, batches_for, part_of, run_chunk, within_memory
from deepcausalmmm_jax.parallel.devices import Devices, devices_for
from deepcausalmmm_jax.parallel.engines import Engine, engine_named
from deepcausalmmm_jax.parallel.hosts import gathered, own_share, refuse_disagreement
from deepcausalmmm_jax.progress import Progress
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.training.fitted import Fitted, TrainingRecord
from deepcausalmmm_jax.training.prepare import Preparation, prepare, tests_in, with_lift_tests
from deepcausalmmm_jax.training.schedule import Schedule
from deepcausalmmm_jax.training.state import History

_Outcome = tuple[Variables, History]  # of one fit, or of many with a leading axis `[fit]`

_ROUNDS = 4  # fits one after the other on a core between two updates of the progress bar


def fit_many(
    panels: Panel | Sequence[Panel],
    configs: Config | Sequence[Config] | None = None,
    holdout: int | None = 8,
    seeds: int | Sequence[int] = 0,
    *,
    engine: Engine | None = None,
    batch_size: int | None = None,
    devices: Devices = None,
    progress: bool | None = None,
) -> list[FitResult]:
    """Fit each panel with each of the settings and each of the seeds.

    Fits of equal shapes share a compiled program, so that a hundred clients compile once. They run on every core or
    device, and under `jax.distributed` on every host. Each result equals that of `fit`, up to rounding; where training
    ends before it has converged, terms that it has not yet told apart differ by more, above all with lift tests.

    Args:
        panels: one or more.
        configs: settings, one or more; the defaults when None.
        holdout: number of last weeks with a KPI whose KPI is hidden; None learns from all weeks.
        seeds: of the random starts, one or more.
        engine: one of `parallel.engines.Engine`; None takes the one that suits the devices.
        batch_size: fits side by side on a core or device; None takes 1 on a CPU, where fits side by side wait for the
            slowest, and as many as fit into memory elsewhere.
        devices: `cpu`, `gpu` or `tpu`, or some of `jax.local_devices()`; None takes all that JAX finds.
        progress: whether to show progress; None shows it on a terminal only.

    Returns:
        Results by panel, then setting, then seed: with P panels, C settings and S seeds, number
        `(panel * C + setting) * S + seed`. `seconds` of each is its share of the total time.

    Raises:
        DataError: a panel that cannot be fitted, by its position in `panels`.
        ConfigError: nothing to fit, a bad number or engine, or devices that this host does not have.
        FitError: a fit ended without usable parameters.
    """
    wanted = _wanted(panels, configs, holdout, seeds, batch_size)
    return fit_all(wanted, "fit_many", devices_for(devices), engine, batch_size, progress)


class Wanted(NamedTuple):
    """One fit to be run."""

    label: str
    panel: Panel
    weights: np.ndarray  # [region, week]
    config: Config
    seed: int
    ready: Preparation


def fit_all(
    wanted: list[Wanted],
    title: str,
    working: tuple[jax.Device, ...],
    engine: Engine | None,
    batch_size: int | None,
    progress: bool | None,
) -> list[FitResult]:
    """Run the fits, those of one program together; arguments and errors as for `fit_many`.

    Args:
        wanted: the fits.
        title: of the progress bar.
        working: devices.
        engine: see `fit_many`, as for all that follow.
        batch_size: fits side by side.
        progress: whether to show progress.

    Returns:
        Their results, in the same order.
    """
    engine_named(engine)
    if batch_size is not None:
        whole_number("batch_size", batch_size)
    refuse_disagreement(
        {}
        if jax.process_count() == 1
        else {
            "panels": [identity_of((one.weights, one.ready.inputs), {}) for one in wanted],
            "settings": [one.config for one in wanted],
            "seeds": [one.seed for one in wanted],
        }
    )
    groups: dict[tuple[AnyDesign, Schedule, str], list[int]] = {}
    for number, one in enumerate(wanted):
        shapes = str(jax.tree.map(jnp.shape, one.ready.inputs))
        groups.setdefault((one.ready.design, one.ready.schedule, shapes), []).append(number)
    results: dict[int, FitResult] = {}
    n_fits = sum(1 if tests_in(one.ready.inputs) is None else 2 for one in wanted)
    with Progress(title, "fits", n_fits, show=progress) as bar:
        for numbers in groups.values():
            outcomes, seconds, before = _fitted([wanted[n] for n in numbers], working, engine, batch_size, bar)
            for at, number in enumerate(numbers):
                own, first = jax.tree.map(lambda a, at=at: a[at], (outcomes, before))
                results[number] = _result(wanted[number], own, seconds, first)
    return [results[number] for number in range(len(wanted))]


def _wanted(
    panels: Panel | Sequence[Panel],
    configs: Config | Sequence[Config] | None,
    holdout: int | None,
    seeds: int | Sequence[int],
    batch_size: int | None,
) -> list[Wanted]:
    all_panels = list(panels) if isinstance(panels, Iterable) and not isinstance(panels, str) else [panels]
    several = isinstance(configs, Iterable) and not isinstance(configs, Config | str | Mapping)
    listed = cast(Iterable[Config], configs) if several else [configs]
    settings = [Config() if one is None else require_config(one, "fit_many") for one in listed]
    all_seeds = [seed_number(seed, "seeds") for seed in (seeds if isinstance(seeds, Iterable) else [seeds])]
    for name, values in (("panel", all_panels), ("configuration", settings), ("seed", all_seeds)):
        if not values:
            raise ConfigError(f"fit_many needs at least one {name}.")
    if batch_size is not None:
        whole_number("batch_size", batch_size)
    wanted = []
    for p, panel in enumerate(all_panels):
        if not isinstance(panel, Panel):
            raise DataError(
                f"Entry {p} of panels must be a Panel, got {type(panel).__name__}; use Panel.from_dataframe."
            )
        weights = weights_of(panel, holdout, f"Panel {p}: ")
        for c, config in enumerate(settings):
            refuse_repeats(config.experiments)
            ready = prepared(panel, weights, config, f"Panel {p}: ")
            warn_of_lengths(panel, config.experiments, f"Panel {p}: ", stacklevel=4)
            wanted += [Wanted(f"panel {p}, setting {c}, seed {s}", panel, weights, config, s, ready) for s in all_seeds]
    return wanted


def weights_of(panel: Panel, holdout: int | None, prefix: str) -> np.ndarray:
    """Weights `[region, week]` of the training weeks; notes on the panel are given as warnings.

    Args:
        panel: the panel.
        holdout: see `fit_many`.
        prefix: which panel it is, before what is said of it.

    Raises:
        DataError: the panel cannot be learned from.
    """
    try:
        weights = training_weights(panel, holdout)
        refuse_unfit(panel, weights)
    except DataError as error:
        raise DataError(f"{prefix}{error}") from None
    warn_of(panel_notes(panel, weights), prefix, stacklevel=5)
    return informative(panel, weights)


def prepared(panel: Panel, weights: np.ndarray, config: Config, prefix: str = "") -> Preparation:
    """The panel up to its last KPI as the model reads it.

    Args:
        panel: the panel.
        weights: `[region, week]` of the training weeks.
        config: settings.
        prefix: see `weights_of`.

    Raises:
        DataError: a lift test that does not fit the panel, though it may fit the others.
    """
    past = panel.until_last_kpi()
    try:
        return prepare(past, weights[:, : len(past.weeks)], config)
    except DataError as error:
        raise DataError(f"{prefix}{error}") from None


def _fitted(
    wanted: list[Wanted], devices: tuple[jax.Device, ...], engine: Engine | None, batch_size: int | None, bar: Progress
) -> tuple[_Outcome, float, _Outcome | None]:
    """Variables and histories of fits of one program, `[fit]` first, seconds a fit, and what they were without tests.

    Fits with lift tests begin from fits to the KPI alone; without tests there are no such fits.
    """
    own = own_share(len(wanted))
    tasks = stacked(
        [
            Task(
                jax.random.key(one.seed),
                one.ready.inputs,
                jnp.asarray(one.weights[:, : one.panel.n_past_weeks], jnp.float32),
                one.ready.hyperparameters,
            )
            for one in (wanted[number] for number in own)
        ]
    )
    clock, n_fits = Clock(), len(wanted)

    def run(tasks: Task) -> list[_Outcome]:
        batches = _batches(wanted[0].ready, tasks, len(own), devices, engine, batch_size, clock)
        return _run(tasks, batches, len(own), clock, bar)

    before = None
    if tests_in(tasks.inputs) is not None:
        first = run(tasks._replace(inputs=with_lift_tests(tasks.inputs, None)))
        before = gathered(first, n_fits)
        tasks = tasks._replace(start=stacked([variables for variables, _ in first]))
    return gathered(run(tasks), n_fits), (clock.run + clock.compiled) / len(own), before


def _run(
    tasks: Task, batches: Batches[Task, None, _Outcome], count: int, clock: Clock, bar: Progress
) -> list[_Outcome]:
    """The outcome of each task, chunk by chunk."""
    found: list[_Outcome] = []
    begin = 0
    while begin < count:
        chunk = part_of(tasks, begin, begin + batches.chunk)
        outcome, batches = run_chunk(chunk, None, batches, clock)
        found.append(outcome)
        begin += len(outcome[1].status)
        bar.update(bar.done + len(outcome[1].status))
    joined = jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)
    return [jax.tree.map(lambda leaf, at=at: leaf[at], joined) for at in range(count)]


def _batches(
    ready: Preparation,
    tasks: Task,
    count: int,
    devices: tuple[jax.Device, ...],
    engine: Engine | None,
    batch_size: int | None,
    clock: Clock,
) -> Batches[Task, None, _Outcome]:
    fits = Fits(ready.design, ready.schedule, 1)
    by_memory = batch_size is None and devices[0].platform != "cpu"
    size = count if by_memory else int(batch_size or 1)
    batches = batches_for(fits._replace(batch_size=size), devices, engine, count)
    if by_memory:
        batches = within_memory(batches, jax.tree.map(lambda leaf: leaf[:1], tasks), None, clock)
    calls = -(-count // (batches.chunk * _ROUNDS))
    return batches._replace(rounds=-(-count // (batches.chunk * calls)))


def _result(one: Wanted, outcome: _Outcome, seconds: float, first: _Outcome | None) -> FitResult:
    variables, history = outcome
    record = TrainingRecord.of(history, seconds)
    if record.status is FitStatus.DIVERGED:
        raise FitError(f"The fit of {one.label}: {record.status.sentence}")
    fitted = Fitted(variables, one.panel, one.weights, one.ready.scales, one.config, record, one.seed)
    tests = tests_in(one.ready.inputs)
    if tests is not None and first is not None:
        alone = dataclasses.replace(fitted, variables=first[0], record=TrainingRecord.of(first[1], seconds))
        fitted = dataclasses.replace(fitted, lifts_before=said_before(alone, one.ready.inputs, tests))
    return estimated(fitted, one.ready.inputs)
