"""What a model family is: everything in which the default model and the paper's differ, behind one interface."""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.config.curves import CurveKinds
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.experiments import LiftTests
from deepcausalmmm_jax.data.inputs import LearnedFrom
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.scaling import Scales
from deepcausalmmm_jax.model.curves import MediaCurves
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs, AnyModel
from deepcausalmmm_jax.model.outputs import Internals
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters, PaperHyperparameters
from deepcausalmmm_jax.training.paper.recipe import PaperState
from deepcausalmmm_jax.training.schedule import Schedule
from deepcausalmmm_jax.training.state import FitState

AnyHyperparameters = Hyperparameters | PaperHyperparameters
AnyState = FitState | PaperState


class Recipe(Protocol):
    """How a model is trained: pure functions over a state with `parameters`, `fitted`, `progress` and `history`."""

    def start(self, key: Array, inputs: AnyInputs, weights: Array, hyperparameters: AnyHyperparameters) -> AnyState:
        """State before the first epoch."""
        ...

    def run_chunk(
        self, state: AnyState, inputs: AnyInputs, weights: Array, hyperparameters: AnyHyperparameters
    ) -> AnyState:
        """State after a chunk of epochs."""
        ...

    def warm_start(self, state: AnyState, start: Variables) -> AnyState:
        """A state before the first epoch that begins from the variables of another fit."""
        ...

    def finalise(
        self, variables: Variables, inputs: AnyInputs, weights: Array, hyperparameters: AnyHyperparameters
    ) -> Variables:
        """Variables once training has ended."""
        ...


class PreparedPanel(NamedTuple):
    """A panel as a model reads it."""

    scales: Scales
    inputs: AnyInputs
    design: AnyDesign


class ModelFamily(ABC):
    """A model with its training and with what can be read off it; an object without state, one for each family.

    Attributes:
        has_posterior: whether it has priors, and with them draws from a posterior.
        has_forecast_errors: whether it models the errors of its forecasts, which their intervals are made of.
        has_noise: whether it models the noise of each region, which standard errors of shares are made of.
        has_exposure_levels: whether its curves read how much exposure there is, or else shares of voice alone.
        has_learned_scales: whether the data may adjust its prior scales.
        has_stated_priors: whether it takes priors on shares, returns and curves.
        has_memory: whether what earlier weeks leave behind can be handed on, so that it can be run from any week on.
        controls_follow_exposure: whether the effects of controls depend on exposure.
        may_stop_anywhere: whether its schedule ends at a set epoch, however well the model fits by then.
        exposure_unit: what the horizontal axis of its Hill curves is counted in.
    """

    has_posterior: ClassVar[bool]
    has_forecast_errors: ClassVar[bool]
    has_noise: ClassVar[bool]
    has_exposure_levels: ClassVar[bool]
    has_learned_scales: ClassVar[bool]
    has_stated_priors: ClassVar[bool]
    has_memory: ClassVar[bool]
    controls_follow_exposure: ClassVar[bool]
    may_stop_anywhere: ClassVar[bool]
    exposure_unit: ClassVar[str]

    @abstractmethod
    def prepared(self, panel: Panel, weights: np.ndarray, config: Config, scales: Scales | None) -> PreparedPanel:
        """Scale a panel, with its lift tests, and fix the shapes of its model.

        Args:
            panel: the panel.
            weights: `[region, week]`, 0 in weeks that are not learned from.
            config: settings.
            scales: to use in place of those of the training weeks.

        Raises:
            DataError: a region whose KPI the model cannot be scaled by, or a lift test that does not fit the panel.
        """

    @abstractmethod
    def inputs(
        self,
        panel: Panel,
        scales: Scales,
        weights: np.ndarray,
        config: Config,
        n_training_weeks: int,
        learned_from: LearnedFrom | None = None,
    ) -> AnyInputs:
        """Arrays of a panel that begins with the training weeks and has all regions of `scales`.

        Args:
            panel: the panel.
            scales: from the training weeks.
            weights: `[region, week]`, 0 in weeks that are not learned from.
            config: settings.
            n_training_weeks: weeks up to the last one learned from.
            learned_from: the panel of the fit, which stated priors refer to; this one when None.
        """

    def lift_tests(
        self, panel: Panel, scales: Scales, config: Config, n_training_weeks: int
    ) -> LiftTests[Array] | None:
        """The lift tests of the settings as arrays; None where there are none, or the model takes none.

        Args:
            panel: up to the last week with a KPI.
            scales: from the training weeks.
            config: settings.
            n_training_weeks: weeks up to the last one learned from.

        Raises:
            DataError: a test that does not fit the panel.
        """
        return None

    @abstractmethod
    def design(self, panel: Panel, config: Config, n_training_weeks: int, variables: Variables) -> AnyDesign:
        """Sizes and branches of a fitted model."""

    @abstractmethod
    def hyperparameters(self, config: Config) -> AnyHyperparameters:
        """Settings that scale a term of the objective, as float32 arrays."""

    @abstractmethod
    def schedule(self, config: Config) -> Schedule:
        """Length of the training."""

    @abstractmethod
    def module(self, design: AnyDesign) -> AnyModel:
        """The Flax module that a design describes."""

    @abstractmethod
    def recipe(self, design: AnyDesign, schedule: Schedule) -> Recipe:
        """The training of that module."""

    @abstractmethod
    def curve_kinds(self, config: Config, panel: Panel) -> CurveKinds:
        """Kinds of carry-over and saturation of the panel's channels."""

    @abstractmethod
    def curve_exposure(
        self, panel: Panel, scales: Scales, n_training_weeks: int, exposure: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Exposure as the Hill curve reads it, and what 1 on that scale is worth.

        Args:
            panel: of the fit.
            scales: from its training weeks.
            n_training_weeks: weeks up to the last one learned from.
            exposure: `[region, week, channel]` of the panel's regions, channel units.

        Returns:
            `[region, week, channel]` in `exposure_unit`; and `[channel]` in channel units per week, the mean over the
            regions in which the channel ran.
        """

    @abstractmethod
    def curve_ceiling(self, largest: np.ndarray) -> np.ndarray:
        """Where the drawn Hill curves end, `[channel]`, given the largest exposure seen, both in `exposure_unit`."""

    @abstractmethod
    def half_saturation(self, curves: MediaCurves, scales: Scales) -> np.ndarray:
        """Half-saturation by region and channel, `[region, channel]`, channel units per week; NaN if not in them."""

    @abstractmethod
    def acyclic_edges(self, internals: Internals) -> np.ndarray:
        """Weights of the channel graph without cycles, `[channel, channel]`, row to column."""

    @abstractmethod
    def activity(self, variables: Variables, inputs: AnyInputs, design: AnyDesign) -> Array:
        """What the model makes of each channel's exposure by itself, `[week, channel, region]`."""

    @abstractmethod
    def driven(self, activity: Array, variables: Variables, inputs: AnyInputs, design: AnyDesign) -> Array:
        """The terms that depend on exposure, as the model adds them up, `[week, term, region]`, scaled.

        Args:
            activity: `[week, channel, region]`, as `activity` gives it; a channel's may be that of other exposure.
            variables: of the model.
            inputs: the panel; its exposure is not read.
            design: of the model.
        """

    @abstractmethod
    def settled(self, inputs: AnyInputs, start: int) -> AnyInputs:
        """Inputs whose coefficients stand at their constant part from week `start` on."""
