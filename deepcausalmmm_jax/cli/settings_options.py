"""Options for the settings of a fit, shared by the commands that fit."""

from pathlib import Path
from typing import Annotated, get_args

import typer

from deepcausalmmm_jax.config.kpi_link import LinkKind
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.errors import ConfigError

ConfigFile = Annotated[Path | None, typer.Option("--config", help="TOML file of settings.")]
Link = Annotated[
    str | None,
    typer.Option(
        "--link",
        help="identity: effects add up; log: they multiply; auto: by the evidence. [default: identity, or the file's]",
    ),
]


def settings_of(file: Path | None, link: str | None) -> Config:
    """Settings of a file, with those that are options of their own in their place.

    Args:
        file: TOML file; None for the defaults.
        link: see `Config.link`; None to take the file's.

    Raises:
        ConfigError: the file, or the link, holds what settings cannot be.
    """
    settings = Config() if file is None else Config.from_toml(file)
    if link is None:
        return settings
    if link not in get_args(LinkKind):
        raise ConfigError(f"--link must be {', '.join(get_args(LinkKind)[:-1])} or auto, got {link!r}.")
    return settings.replace(link=link)
