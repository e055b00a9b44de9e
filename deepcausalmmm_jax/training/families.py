"""Which family a configuration or a design belongs to, and the forward pass of either."""

from collections.abc import Mapping
from typing import Final, cast

from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.config.settings import Config, ModelKind
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs, AnyModel
from deepcausalmmm_jax.model.link import added_up, residual_variance
from deepcausalmmm_jax.model.outputs import Components, Internals
from deepcausalmmm_jax.model.paper.inputs import PaperDesign
from deepcausalmmm_jax.training.family import ModelFamily
from deepcausalmmm_jax.training.paper.family import PaperFamily
from deepcausalmmm_jax.training.structural_family import StructuralFamily

FAMILIES: Final[Mapping[ModelKind, ModelFamily]] = {"structural": StructuralFamily(), "paper": PaperFamily()}
_BY_DESIGN: Final[Mapping[type[AnyDesign], ModelFamily]] = {
    Design: FAMILIES["structural"],
    PaperDesign: FAMILIES["paper"],
}


def family_of(config: Config) -> ModelFamily:
    """The family that a configuration asks for."""
    return FAMILIES[config.model]


def family_for(design: AnyDesign) -> ModelFamily:
    """The family of a design; its type says which."""
    return _BY_DESIGN[type(design)]


def model_for(design: AnyDesign) -> AnyModel:
    """The module that a design describes."""
    return family_for(design).module(design)


def has_log_link(design: AnyDesign) -> bool:
    """Whether the effects of a model multiply."""
    return isinstance(design, Design) and design.link == "log"


def forward_pass(
    variables: Variables, inputs: AnyInputs, design: AnyDesign, source_exposure: Array | None = None
) -> tuple[Components, Internals]:
    """The expected KPI by term, in `Scales.kpi`, and what else the model computes on the way.

    Under a log link the terms are those of `model.link`, which add up to the KPI too.

    Args:
        variables: of the model.
        inputs: the panel.
        design: of the model.
        source_exposure: `[region, week, channel]`, exposure that the graph's edges draw on where it is not the panel's
            own, for what-if questions.
    """
    terms, internals = additive_pass(variables, inputs, design, source_exposure)
    if has_log_link(design):
        terms = added_up(terms, residual_variance(internals))
    return terms, internals


def additive_pass(
    variables: Variables, inputs: AnyInputs, design: AnyDesign, source_exposure: Array | None = None
) -> tuple[Components, Internals]:
    """The same terms as the model adds them up: under a log link, on the log of the KPI."""
    outcome = model_for(design).apply(variables, inputs, source_exposure=source_exposure)
    return cast(tuple[Components, Internals], outcome)
