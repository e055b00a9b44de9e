"""From a panel and settings to the arguments of `estimate`, for the model that the settings ask for."""

from typing import Any, NamedTuple

import numpy as np

from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.scaling import Scales, scales_from
from deepcausalmmm_jax.model.family import AnyDesign
from deepcausalmmm_jax.model.inputs import Design, inputs_from, training_weeks
from deepcausalmmm_jax.model.paper.inputs import PaperDesign, paper_inputs_from, paper_scales
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.hyperparameters import hyperparameters_of
from deepcausalmmm_jax.training.schedule import Schedule


class Preparation(NamedTuple):
    """Everything that `estimate` takes but key and weights, and the scales to read its answers with."""

    scales: Scales
    inputs: Any
    hyperparameters: Any
    design: AnyDesign
    schedule: Schedule


def prepare(panel: Panel, weights: np.ndarray, config: Config, scales: Scales | None = None) -> Preparation:
    """Scale a panel and fix the shapes of its model.

    Args:
        panel: the panel.
        weights: `[region, week]`, 0 in weeks that are not learned from.
        config: settings.
        scales: to use in place of those of the training weeks.
    """
    n_training = training_weeks(weights)
    design: AnyDesign
    if config.model == "paper":
        scales = paper_scales(panel, weights) if scales is None else scales
        inputs: Any = paper_inputs_from(panel, scales, weights, n_training)
        design = PaperDesign.of(panel, config, inputs.season.shape[1])
    else:
        scales = scales_from(panel, weights) if scales is None else scales
        inputs = inputs_from(panel, scales, weights, config)
        design = Design.of(panel, config, n_training)
    return Preparation(scales, inputs, hyperparameters_of(config), design, Schedule.of(config))


def design_of(fitted: Fitted) -> AnyDesign:
    """Sizes and branches of a fitted model."""
    if fitted.config.model == "paper":
        return PaperDesign.of(fitted.panel, fitted.config, fitted.variables["fitted"]["season"].shape[1])
    return Design.of(fitted.panel, fitted.config, fitted.n_training_weeks)


def inputs_of(fitted: Fitted, panel: Panel) -> Any:
    """Arrays of a panel that begins with the training weeks and has all regions of a fitted model."""
    weights = np.zeros(panel.weights.shape)
    shared = min(panel.weights.shape[1], fitted.weights.shape[1])
    weights[:, :shared] = fitted.weights[:, :shared]
    n_training = fitted.n_training_weeks
    if fitted.config.model == "paper":
        return paper_inputs_from(panel, fitted.scales, weights, n_training)
    return inputs_from(panel, fitted.scales, weights, fitted.config, n_training)
