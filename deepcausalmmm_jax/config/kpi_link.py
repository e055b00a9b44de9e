"""How the effects combine to the KPI: they add up, or they multiply."""

from typing import TYPE_CHECKING, Any, Literal

from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.errors import ConfigError

if TYPE_CHECKING:
    from deepcausalmmm_jax.config.settings import Config

LinkKind = Literal["identity", "log", "auto"]
KpiReading = Literal["identity", "log", "auto", "counts"]  # counts: under a log link, zeros among them


def settle_link(config: "Config") -> None:
    """Give settings that state no link theirs: `log` for counts, else `identity`. Counts take no other.

    Args:
        config: settings as they are made; their link is None where none is stated.

    Raises:
        ConfigError: counts, and a link other than `log`, lift tests, or the paper's model.
    """
    if config.link is None:
        object.__setattr__(config, "link", "log" if config.counts is True else "identity")
    if config.counts is not True:
        return
    if config.model == "paper":
        require(False, "counts", True, "false for the paper's model, whose residuals are continuous")
    if config.link in ("identity", "auto"):
        raise ConfigError(
            f'Setting link is "{config.link}", but counts need the log link; leave link out, or set counts=False.'
        )
    if config.experiments:
        raise ConfigError(
            "Lift tests cannot be used with counts=True: a lift in KPI units is not linear in effects that multiply; "
            "leave experiments out, or set counts=False."
        )


def with_own_link(config: "Config", changes: dict[str, Any]) -> dict[str, Any]:
    """Changes of settings by name; those that turn additive settings into counts leave the link to `settle_link`."""
    additive = config.link == "identity" and "link" not in changes
    return {**changes, "link": None} if additive and changes.get("counts") is True else changes


def refuse_link(config: "Config") -> None:
    """Raise ConfigError for a link together with settings that know none.

    Args:
        config: settings; those with the identity link pass.
    """
    if config.link == "identity":
        return
    if config.model == "paper":
        require(False, "link", config.link, "identity for the paper's model, whose effects add up")
    if config.priors.mroi:
        raise ConfigError(
            f'Setting priors.mroi cannot be used with link="{config.link}": what 1% more exposure adds depends on all '
            'other effects where they multiply; state priors.roi, or set link="identity".'
        )
    if config.experiments:
        raise ConfigError(
            f'Lift tests cannot be used with link="{config.link}": a lift in KPI units is not linear in effects that '
            'multiply; leave experiments out, or set link="identity".'
        )
