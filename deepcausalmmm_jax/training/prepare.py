"""From a panel and settings to the arguments of `estimate`, for the model that the settings ask for."""

from typing import NamedTuple

import numpy as np
from jax import Array

from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.experiments import LiftTests
from deepcausalmmm_jax.data.inputs import Inputs, LearnedFrom
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.scaling import Scales
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.training.families import family_of
from deepcausalmmm_jax.training.family import AnyHyperparameters
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.schedule import Schedule


class Preparation(NamedTuple):
    """Everything that `estimate` takes except key and weights, and the scales that turn its answers into units."""

    scales: Scales
    inputs: AnyInputs
    hyperparameters: AnyHyperparameters
    design: AnyDesign
    schedule: Schedule


def prepare(panel: Panel, weights: np.ndarray, config: Config, scales: Scales | None = None) -> Preparation:
    """Scale a panel and fix the shapes of its model.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks that are not learned from.
        config: settings.
        scales: to use in place of those of the training weeks.

    Raises:
        ConfigError: a kind of saturation, a link or groups of regions that are still to be chosen.
        DataError: a region whose KPI the model cannot be scaled by, or a lift test that does not fit the panel.
    """
    for name, value in (("curve", config.curve), ("link", config.link)):
        if value == "auto":
            raise ConfigError(
                f'Setting {name} is "auto", which only dcm.fit resolves; fit the panel once and use its result.config, '
                "which names the one that was chosen."
            )
    if config.link_groups == "learn":
        raise ConfigError(
            'Setting link_groups is "learn", which only dcm.fit resolves; fit the panel once and use its '
            "result.config, which states the groups that were found."
        )
    family = family_of(config)
    scales, inputs, design = family.prepared(panel, weights, config, scales)
    return Preparation(scales, inputs, family.hyperparameters(config), design, family.schedule(config))


def design_of(fitted: Fitted) -> AnyDesign:
    """Sizes and branches of a fitted model."""
    return family_of(fitted.config).design(fitted.panel, fitted.config, fitted.n_training_weeks, fitted.variables)


def inputs_of(fitted: Fitted, panel: Panel) -> AnyInputs:
    """Arrays of a panel that begins with the training weeks and has all regions of a fitted model."""
    family, own = family_of(fitted.config), LearnedFrom(fitted.panel, fitted.weights)
    weights = weights_on(fitted, panel)
    return family.inputs(panel, fitted.scales, weights, fitted.config, fitted.n_training_weeks, own)


def weights_on(fitted: Fitted, panel: Panel) -> np.ndarray:
    """Weights of a fit for the weeks of another panel that begins with the training weeks, `[region, week]`."""
    weights = np.zeros(panel.weights.shape)
    shared = min(panel.weights.shape[1], fitted.weights.shape[1])
    weights[:, :shared] = fitted.weights[:, :shared]
    return weights


def lift_tests_of(fitted: Fitted) -> LiftTests[Array] | None:
    """The lift tests of a fit as arrays, on its panel up to the last week with a KPI; None where it has none."""
    panel = fitted.panel.until_last_kpi()
    return family_of(fitted.config).lift_tests(panel, fitted.scales, fitted.config, fitted.n_training_weeks)


def with_lift_tests(inputs: AnyInputs, tests: LiftTests[Array] | None) -> AnyInputs:
    """The inputs with these lift tests in place of theirs; a model that takes none has none."""
    return inputs._replace(lift_tests=tests) if isinstance(inputs, Inputs) else inputs


def tests_in(inputs: AnyInputs) -> LiftTests[Array] | None:
    """The lift tests that inputs hold."""
    return inputs.lift_tests if isinstance(inputs, Inputs) else None
