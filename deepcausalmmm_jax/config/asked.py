"""What functions say that are given something else than settings."""

from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.errors import ConfigError


def require_config(value: object, function: str) -> Config:
    """The settings that a function is given.

    Args:
        value: what it was given.
        function: its public name.

    Raises:
        ConfigError: they are no Config.
    """
    if isinstance(value, Config):
        return value
    raise ConfigError(
        f"{function} needs a Config, got {type(value).__name__}; write dcm.Config(...) or Config.from_dict."
    )
