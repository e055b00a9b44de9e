"""Choice of the link by its evidence, before that of the kind of saturation."""

import dataclasses
from collections.abc import Callable

from deepcausalmmm_jax.attribution.link_evidence import chosen_link
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.inference.curve_choice import with_chosen_saturation
from deepcausalmmm_jax.model.family import AnyInputs
from deepcausalmmm_jax.posterior.link_evidence import link_evidence
from deepcausalmmm_jax.training.fitted import Fitted

FittedWith = Callable[[Config], tuple[Fitted, AnyInputs]]


def with_choices(config: Config, fitted_with: FittedWith) -> tuple[Fitted, AnyInputs]:
    """A fit whose link and kind of saturation are chosen by the evidence where the settings leave them open.

    Args:
        config: settings.
        fitted_with: trains with some settings that leave nothing open.

    Returns:
        The fit, and its panel as the model reads it.
    """
    stated = config.replace(curve="stated")
    if config.link == "auto":
        return _with_chosen_link(config.replace(link="identity"), fitted_with)
    return with_chosen_saturation(stated, fitted_with) if config.curve == "auto" else fitted_with(stated)


def _with_chosen_link(config: Config, fitted_with: FittedWith) -> tuple[Fitted, AnyInputs]:
    """The same for settings with the identity link, which the log link has to beat."""
    fitted, inputs = fitted_with(config.replace(curve="stated"))
    evidence = link_evidence(fitted, fitted.panel.until_last_kpi(), fitted.seed)
    if chosen_link(evidence) == "log":
        fitted, inputs = with_choices(config.replace(link="log"), fitted_with)
    elif config.curve == "auto":
        fitted, inputs = with_choices(config, fitted_with)
    return dataclasses.replace(fitted, link_evidence=evidence), inputs
