"""How the effects combine to the KPI: they add up, or they multiply."""

from typing import TYPE_CHECKING, Any, Literal

from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.errors import ConfigError

if TYPE_CHECKING:
    from deepcausalmmm_jax.config.settings import Config

LinkKind = Literal["identity", "log", "auto"]
KpiReading = Literal["identity", "log", "auto", "counts"]  # counts: under a log link, zeros among them


def checked_link(changes: dict[str, Any], counts: bool = False) -> dict[str, Any]:
    """Changes of settings by name, unless they state that effects of counts add up: the default link gives way to log.

    Args:
        changes: as stated.
        counts: whether the settings have counts without them.

    Raises:
        ConfigError: `link="identity"` beside counts.
    """
    if changes.get("counts", counts) is True and changes.get("link") == "identity":
        raise ConfigError(
            'Setting link is "identity", but counts have no other link than log; leave link out, or set counts=False.'
        )
    return changes


def settle_counts(config: "Config") -> None:
    """Give settings for counts the log link, or raise ConfigError where they ask for what counts do not have.

    Args:
        config: settings as they are made; those without counts pass.
    """
    if not config.counts:
        return
    if config.model == "paper":
        require(False, "counts", True, "false for the paper's model, whose residuals are continuous")
    if config.link == "auto":
        raise ConfigError(
            'Setting link is "auto", but counts have no other link than log; leave link out, or set counts=False.'
        )
    if config.experiments:
        raise ConfigError(
            "Lift tests cannot be learned from with counts=True: a lift in KPI units is not linear in effects that "
            "multiply; leave experiments out, or set counts=False."
        )
    object.__setattr__(config, "link", "log")


def refuse_link(config: "Config") -> None:
    """Raise ConfigError for a link together with settings that know none.

    Args:
        config: settings; those with the identity link pass.
    """
    if config.link == "identity":
        return
    if config.model == "paper":
        require(False, "link", config.link, "identity for the paper's model, whose effects add up")
    if config.experiments:
        raise ConfigError(
            f'Lift tests cannot be learned from with link="{config.link}": a lift in KPI units is not linear in '
            'effects that multiply; leave experiments out, or take link="identity".'
        )
