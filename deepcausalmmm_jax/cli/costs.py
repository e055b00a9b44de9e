"""Prices of exposure, as written on the command line."""

from collections.abc import Sequence
from typing import Annotated

import typer

from deepcausalmmm_jax.cli.columns import listed, stated_by_name

Cost = Annotated[
    list[str] | None,
    typer.Option(
        "--cost",
        help="Currency per unit of exposure of a channel whose spend is not known: tv=0.012. May be repeated.",
    ),
]


def costs_named(texts: list[str] | None, channels: Sequence[str]) -> dict[str, float] | None:
    """The price of each channel's exposure.

    Args:
        texts: `channel=price`; several may be joined by commas.
        channels: of the run.

    Returns:
        None if there are no texts. What is no price of this run is for the planner to refuse.

    Raises:
        ConfigError: a text of another form, or a channel that is named twice.
    """
    wanted = "a channel and the price of a unit of its exposure, such as tv=0.012"
    return stated_by_name("--cost", wanted, listed(texts or (), channels), float) or None
