"""The structural model as a family."""

import dataclasses
from typing import cast

import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.config.curves import CurveKinds
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.experiments import LiftTests, lift_tests
from deepcausalmmm_jax.data.inputs import Inputs, LearnedFrom, inputs_from, training_weeks
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.reach import curve_kinds
from deepcausalmmm_jax.data.scaling import Scales, ran_in_training, scales_from
from deepcausalmmm_jax.io.on_device import on_device
from deepcausalmmm_jax.model.curves import MediaCurves
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.model.outputs import Internals
from deepcausalmmm_jax.model.structural import StructuralMMM
from deepcausalmmm_jax.training.family import ModelFamily, PreparedPanel, Recipe
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters
from deepcausalmmm_jax.training.schedule import Schedule
from deepcausalmmm_jax.training.structural import StructuralRecipe, structural_model


class StructuralFamily(ModelFamily):
    """The default model: priors, a posterior, and a model of its own errors."""

    has_posterior = True
    has_forecast_errors = True
    has_noise = True
    has_exposure_levels = True
    has_learned_scales = True
    has_stated_priors = True
    has_memory = True
    controls_follow_exposure = False
    may_stop_anywhere = False
    exposure_unit = "exposure with carry-over (1 = average week)"

    def prepared(self, panel: Panel, weights: np.ndarray, config: Config, scales: Scales | None) -> PreparedPanel:
        """See `ModelFamily`."""
        scales = scales_from(panel, weights, config.reading) if scales is None else scales
        n_weeks = training_weeks(weights)
        inputs = self.inputs(panel, scales, weights, config, n_weeks)
        inputs = inputs._replace(lift_tests=self.lift_tests(panel, scales, config, n_weeks))
        return PreparedPanel(scales, inputs, Design.of(panel, config, n_weeks))

    def inputs(
        self,
        panel: Panel,
        scales: Scales,
        weights: np.ndarray,
        config: Config,
        n_training_weeks: int,
        learned_from: LearnedFrom | None = None,
    ) -> Inputs[Array]:
        """See `ModelFamily`."""
        on_host = inputs_from(panel, scales, weights, config, n_training_weeks, learned_from)
        placed: Inputs[Array] = on_device(on_host)
        return placed

    def lift_tests(
        self, panel: Panel, scales: Scales, config: Config, n_training_weeks: int
    ) -> LiftTests[Array] | None:
        """See `ModelFamily`."""
        tests = lift_tests(panel, scales, n_training_weeks, config.experiments)
        placed: LiftTests[Array] | None = on_device(tests)
        return placed

    def design(self, panel: Panel, config: Config, n_training_weeks: int, variables: Variables) -> Design:
        """See `ModelFamily`; fits saved before hidden demand was a part of the model have none."""
        plain = Design.of(panel, config, n_training_weeks)
        return dataclasses.replace(plain, hidden_demand="demand" in variables["params"])

    def hyperparameters(self, config: Config) -> Hyperparameters:
        """See `ModelFamily`."""
        return Hyperparameters.of(config)

    def schedule(self, config: Config) -> Schedule:
        """See `ModelFamily`."""
        return Schedule.of(config)

    def module(self, design: AnyDesign) -> StructuralMMM:
        """See `ModelFamily`."""
        return structural_model(_own(design))

    def recipe(self, design: AnyDesign, schedule: Schedule) -> Recipe:
        """See `ModelFamily`."""
        return cast(Recipe, StructuralRecipe(_own(design), schedule))  # it takes the inputs of its own family alone

    def curve_kinds(self, config: Config, panel: Panel) -> CurveKinds:
        """See `ModelFamily`."""
        return curve_kinds(panel, config)

    def curve_exposure(
        self, panel: Panel, scales: Scales, n_training_weeks: int, exposure: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `ModelFamily`; 1 is the region's mean training week."""
        ran = ran_in_training(panel, n_training_weeks)  # the scale of other regions is made up
        unit = np.where(ran, scales.exposure, 0.0).sum(axis=0) / ran.sum(axis=0)
        return exposure / scales.exposure[:, None, :], unit

    def curve_ceiling(self, largest: np.ndarray) -> np.ndarray:
        """See `ModelFamily`."""
        return np.maximum(largest, 1.0)

    def half_saturation(self, curves: MediaCurves, scales: Scales) -> np.ndarray:
        """See `ModelFamily`."""
        relative = curves.half_saturation * np.exp(-curves.locality * np.log(scales.intensity))
        return np.asarray(relative * scales.exposure)

    def acyclic_edges(self, internals: Internals) -> np.ndarray:
        """See `ModelFamily`; training has made the graph acyclic."""
        return np.asarray(internals.relative_edges)

    def activity(self, variables: Variables, inputs: AnyInputs, design: AnyDesign) -> Array:
        """See `ModelFamily`; saturated, before the graph blends it."""
        return cast(Array, self.module(design).apply(variables, inputs, method="activity"))

    def driven(self, activity: Array, variables: Variables, inputs: AnyInputs, design: AnyDesign) -> Array:
        """See `ModelFamily`; the channels' contributions."""
        return cast(Array, self.module(design).apply(variables, activity, inputs, method="media_of"))

    def settled(self, inputs: AnyInputs, start: int) -> Inputs[Array]:
        """See `ModelFamily`; the weeks lie so far ahead that nothing is left of the drift."""
        assert isinstance(inputs, Inputs)
        return inputs._replace(ahead=jnp.where(jnp.arange(len(inputs.ahead)) >= start, jnp.inf, inputs.ahead))


def _own(design: AnyDesign) -> Design:
    assert isinstance(design, Design)
    return design
