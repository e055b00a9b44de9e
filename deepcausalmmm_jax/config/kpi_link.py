"""How the effects combine to the KPI: they add up, or they multiply."""

from typing import TYPE_CHECKING, Literal

from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.errors import ConfigError

if TYPE_CHECKING:
    from deepcausalmmm_jax.config.settings import Config

LinkKind = Literal["identity", "log", "auto"]


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
