"""`fit`: from a panel to a result, in one call."""

import dataclasses
import time

import jax
import numpy as np
from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.checks import seed_number
from deepcausalmmm_jax.config.asked import require_config
from deepcausalmmm_jax.config.lift_tests import refuse_repeats
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.asked_panel import require_panel
from deepcausalmmm_jax.data.checks import refuse_unfit
from deepcausalmmm_jax.data.experiments import warn_of_lengths
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.kpi_scale import informative
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.panel_notes import panel_notes, warn_of
from deepcausalmmm_jax.errors import FitError, FitStatus
from deepcausalmmm_jax.inference.lift_tests import said_before
from deepcausalmmm_jax.inference.link_choice import with_choices
from deepcausalmmm_jax.inference.link_group_choice import with_link_groups
from deepcausalmmm_jax.inference.sample_posterior import estimated, refuse_without_sampler
from deepcausalmmm_jax.io.on_device import single
from deepcausalmmm_jax.io.program_cache import make_room_for
from deepcausalmmm_jax.model.family import AnyInputs
from deepcausalmmm_jax.parallel.devices import Devices, devices_for
from deepcausalmmm_jax.parallel.sharding import over_regions
from deepcausalmmm_jax.progress import Progress, drawn
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.training.estimate import estimate_in_chunks
from deepcausalmmm_jax.training.fitted import Fitted, TrainingRecord
from deepcausalmmm_jax.training.prepare import Preparation, prepare, tests_in, with_lift_tests


def fit(
    panel: Panel,
    config: Config | None = None,
    holdout: int | None = 8,
    seed: int = 0,
    *,
    tune: bool | None = None,
    devices: Devices = None,
    progress: bool | None = None,
) -> FitResult:
    """Fit the model to a panel.

    Args:
        panel: the data.
        config: settings; the defaults when None.
        holdout: number of last weeks whose KPI is hidden from the fit and used to evaluate the forecast. Only weeks in
            which some region has a KPI count; planned weeks after them do not. None trains on all weeks.
        seed: of the random start; the same seed on the same machine gives the same numbers.
        tune: whether the data adjust the prior scales (`Config.tune`); None follows the settings.
        devices: devices to spread the panel's regions over, for panels that are too large for one: `cpu`, `gpu` or
            `tpu`, or some of `jax.local_devices()`. Their number is reduced until it divides the number of regions.
            None takes one.
        progress: whether to show progress; None shows it on a terminal only.

    With lift tests in the settings (`Config.experiments`) the model is trained twice: on the KPI alone, and from there
    on KPI and tests; `FitResult.lift_tests` shows both. With `Config.curve` set to `auto` it is trained once with the
    kind of saturation in the settings, and again where the evidence favours another; `FitResult.curve_evidence` shows
    the evidence for each, and `FitResult.config` names the kind chosen. `Config.link` set to `auto` is resolved first,
    in the same way; see `FitResult.link_evidence`. With `Config.link_groups` set to `learn`, groups of regions are
    found by the evidence of exposure before the training; `FitResult.config` states them, or `one`.

    Properties of the panel that limit what its results can mean are reported as warnings of the class `DataWarning`,
    and kept in `FitResult.panel_notes`.

    Returns:
        The result: an `Ensemble`, whose estimate is the mean of draws from the posterior and whose tables have
        intervals; or a plain `FitResult` where `Config.posterior.method` is `none`, or is `auto` and the panel has
        eight regions or more, or several with days, and for the paper's model.

    Raises:
        DataError: the panel cannot be fitted, its KPI drops to zero at the end, or the holdout or a lift test does not
            fit it.
        ConfigError: devices that this host does not have, a seed out of range, settings that are not a Config or name a
            channel that the panel does not have, or an extra that is not installed.
        FitError: training ended without usable parameters.
    """
    require_panel(panel, "fit")
    config = Config() if config is None else require_config(config, "fit")
    if tune is not None:
        config = config.replace(tune=tune)
    seed = seed_number(seed)
    refuse_without_sampler(config.posterior.method)
    began = time.perf_counter()
    weights = training_weights(panel, holdout)
    refuse_unfit(panel, weights)
    warn_of(panel_notes(panel, weights))
    refuse_repeats(config.experiments)
    warn_of_lengths(panel, config.experiments)
    weights = informative(panel, weights)

    def fitted_with(own: Config) -> tuple[Fitted, AnyInputs]:
        return _fitted(panel, weights, own, seed, devices, began, progress)

    config, evidence = with_link_groups(panel, weights, config)
    with drawn(progress):
        fitted, inputs = with_choices(config, fitted_with)
        return estimated(dataclasses.replace(fitted, link_group_evidence=evidence), inputs)


def _fitted(
    panel: Panel,
    weights: np.ndarray,
    config: Config,
    seed: int,
    devices: Devices,
    began: float,
    progress: bool | None,
) -> tuple[Fitted, AnyInputs]:
    """What training leaves, and the panel up to its last KPI as the model reads it."""
    past = panel.until_last_kpi()
    ready = prepare(past, weights[:, : len(past.weeks)], config)
    make_room_for((ready.design, ready.schedule, str(jax.tree.map(np.shape, ready.inputs))))
    arrays = ready.inputs, single(weights[:, : len(past.weeks)])
    if devices is not None:
        arrays = over_regions(arrays, devices_for(devices), len(panel.regions))
    tests, before, start = tests_in(ready.inputs), None, None
    if tests is not None:  # what the KPI says alone, which the tests are compared with and from which the fit goes on
        inputs = with_lift_tests(ready.inputs, None)
        start, record = _trained(seed, with_lift_tests(arrays[0], None), arrays[1], ready, None, began, progress)
        fitted = Fitted(start, panel, weights, ready.scales, config, record, seed)
        before = said_before(fitted, inputs, tests)
    variables, record = _trained(seed, *arrays, ready, start, began, progress)
    fitted = Fitted(variables, panel, weights, ready.scales, config, record, seed, lifts_before=before)
    return fitted, ready.inputs


def _trained(
    seed: int,
    inputs: AnyInputs,
    weights: Array,
    ready: Preparation,
    start: Variables | None,
    began: float,
    progress: bool | None,
) -> tuple[Variables, TrainingRecord]:
    """Variables on the host, and the record, whose seconds count from `began`."""
    with Progress("training", "epochs", ready.schedule.max_epochs, show=progress) as bar:
        variables, history = estimate_in_chunks(
            jax.random.key(seed),
            inputs,
            weights,
            ready.hyperparameters,
            start,
            design=ready.design,
            schedule=ready.schedule,
            on_chunk=lambda epoch, objective: bar.update(epoch, f"objective {objective:.4f}"),
        )
    record = TrainingRecord.of(history, time.perf_counter() - began)
    bar.close(record.status.sentence)
    if record.status is FitStatus.DIVERGED:
        raise FitError(record.status.sentence)
    return jax.tree.map(np.asarray, variables), record
