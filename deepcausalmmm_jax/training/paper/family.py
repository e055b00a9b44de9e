"""The paper's model as a family."""

from typing import cast

import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.config.curves import CurveKinds
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.inputs import LearnedFrom, training_weeks
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.scaling import Scales
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.model.curves import MediaCurves
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.model.outputs import Components, Internals
from deepcausalmmm_jax.model.paper.inputs import PaperDesign, PaperInputs, paper_inputs_from, paper_scales
from deepcausalmmm_jax.model.paper.module import PaperMMM, share_of_voice
from deepcausalmmm_jax.ops.acyclicity import strongest_acyclic
from deepcausalmmm_jax.ops.layout import by_region, regions_last
from deepcausalmmm_jax.training.family import ModelFamily, PreparedPanel, Recipe
from deepcausalmmm_jax.training.hyperparameters import PaperHyperparameters
from deepcausalmmm_jax.training.paper.recipe import PaperRecipe
from deepcausalmmm_jax.training.schedule import Schedule

_LONGEST_CHUNK = 50  # epochs between two updates of the progress bar


class PaperFamily(ModelFamily):
    """The published model: no priors on its parameters, no model of its errors, a schedule of set length."""

    has_posterior = False
    has_forecast_errors = False
    has_noise = False
    has_exposure_levels = False
    has_learned_scales = False
    has_stated_priors = False
    has_memory = False
    controls_follow_exposure = True
    may_stop_anywhere = True
    exposure_unit = "share of voice"

    def prepared(self, panel: Panel, weights: np.ndarray, config: Config, scales: Scales | None) -> PreparedPanel:
        """See `ModelFamily`."""
        _refuse_credited(panel)
        _refuse_reach(panel)
        if scales is None:
            scales = paper_scales(panel, weights)
        else:
            regions, _, channels, _ = panel.shape
            scales = scales._replace(exposure=np.ones((regions, channels)))  # the model reads exposure as it is
        inputs = self.inputs(panel, scales, weights, config, training_weeks(weights))
        return PreparedPanel(scales, inputs, PaperDesign.of(panel, config, inputs.season.shape[1]))

    def inputs(
        self,
        panel: Panel,
        scales: Scales,
        weights: np.ndarray,
        config: Config,
        n_training_weeks: int,
        learned_from: LearnedFrom | None = None,
    ) -> PaperInputs:
        """See `ModelFamily`."""
        return paper_inputs_from(panel, scales, weights, n_training_weeks, learned_from)

    def design(self, panel: Panel, config: Config, n_training_weeks: int, variables: Variables) -> PaperDesign:
        """See `ModelFamily`; the season's period is that of the fitted profile."""
        return PaperDesign.of(panel, config, variables["fitted"]["season"].shape[1])

    def hyperparameters(self, config: Config) -> PaperHyperparameters:
        """See `ModelFamily`."""
        return PaperHyperparameters.of(config.published)

    def schedule(self, config: Config) -> Schedule:
        """See `ModelFamily`; all chunks are whole, so that as many epochs are run as were published."""
        epochs = config.published.warm_start_epochs + config.published.epochs
        whole = [length for length in range(1, _LONGEST_CHUNK + 1) if epochs % length == 0]
        return Schedule(max_epochs=epochs, chunk_epochs=whole[-1], precision=config.precision)

    def module(self, design: AnyDesign) -> PaperMMM:
        """See `ModelFamily`."""
        return PaperMMM(_own(design))

    def recipe(self, design: AnyDesign, schedule: Schedule) -> Recipe:
        """See `ModelFamily`."""
        return cast(Recipe, PaperRecipe(_own(design), schedule))  # it takes the inputs of its own family alone

    def curve_kinds(self, config: Config, panel: Panel) -> CurveKinds:
        """See `ModelFamily`; the published curves are fixed."""
        return CurveKinds.same(len(panel.channels), "geometric", "hill")

    def curve_exposure(
        self, panel: Panel, scales: Scales, n_training_weeks: int, exposure: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """See `ModelFamily`; 1 is the whole exposure of a mean region-week, all channels together."""
        whole = panel.exposure[:, :n_training_weeks].sum(axis=-1).mean()
        return np.asarray(share_of_voice(jnp.asarray(exposure, jnp.float32))), np.full(exposure.shape[-1], whole)

    def curve_ceiling(self, largest: np.ndarray) -> np.ndarray:
        """See `ModelFamily`."""
        return largest

    def half_saturation(self, curves: MediaCurves, scales: Scales) -> np.ndarray:
        """See `ModelFamily`; a share of voice has no value in channel units."""
        return np.full(scales.exposure.shape, np.nan)

    def acyclic_edges(self, internals: Internals) -> np.ndarray:
        """See `ModelFamily`; of the edges that close a cycle the weakest are left out."""
        return np.asarray(np.where(strongest_acyclic(jnp.asarray(internals.edges)), internals.edges, 0.0))

    def activity(self, variables: Variables, inputs: AnyInputs, design: AnyDesign) -> Array:
        """See `ModelFamily`; the exposure itself, since shares of voice take all channels together."""
        return regions_last(inputs.exposure)

    def driven(self, activity: Array, variables: Variables, inputs: AnyInputs, design: AnyDesign) -> Array:
        """See `ModelFamily`; contributions of channels and controls."""
        changed = inputs._replace(exposure=by_region(activity))
        terms, _ = cast(tuple[Components, Internals], self.module(design).apply(variables, changed))
        return jnp.concatenate([regions_last(terms.media), regions_last(terms.control)], axis=1)

    def settled(self, inputs: AnyInputs, start: int) -> AnyInputs:
        """See `ModelFamily`; generated coefficients have no constant part, and stay as they are."""
        return inputs


def _own(design: AnyDesign) -> PaperDesign:
    assert isinstance(design, PaperDesign)
    return design


def _refuse_reach(panel: Panel) -> None:
    if panel.frequency is not None:
        name = next(name for name, has in zip(panel.channels, panel.has_reach, strict=True) if has)
        raise DataError(
            f"The paper's model has no frequency curve, but the panel has reach and frequency for {name!r}; pass its "
            "impressions in media, or fit the default model."
        )


def _refuse_credited(panel: Panel) -> None:
    """Effects of controls follow exposure here, so that none has a contribution of its own."""
    if panel.treatments or panel.events is not None:
        name = panel.treatments[0].name if panel.treatments else panel.event_names[0]
        raise DataError(
            f"The paper's model gives {name!r} no contribution of its own; pass treatments and events as controls, or "
            "fit the default model."
        )
