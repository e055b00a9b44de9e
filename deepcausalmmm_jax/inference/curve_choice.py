"""Choice of the kind of saturation by its evidence."""

import dataclasses
from collections.abc import Callable

from deepcausalmmm_jax.attribution.curve_evidence import chosen
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.model.family import AnyInputs
from deepcausalmmm_jax.posterior.evidence import curve_evidence
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.prepare import lift_tests_of


def with_chosen_saturation(
    config: Config, fitted_with: Callable[[Config], tuple[Fitted, AnyInputs]]
) -> tuple[Fitted, AnyInputs]:
    """A fit with the kind of saturation that the evidence is for, and its panel as the model reads it.

    Args:
        config: settings, with the kind that is kept where the evidence is for none.
        fitted_with: trains with some settings.
    """
    fitted, inputs = fitted_with(config)
    past = FittedPanel(fitted, fitted.panel.until_last_kpi(), inputs).inputs
    assert isinstance(past, Inputs)
    evidence = curve_evidence(fitted, past._replace(lift_tests=lift_tests_of(fitted)), fitted.seed)
    saturation = chosen(evidence)
    if saturation != config.saturation:
        fitted, inputs = fitted_with(config.replace(saturation=saturation))
    return dataclasses.replace(fitted, curve_evidence=evidence), inputs
