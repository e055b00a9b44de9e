"""Prices of exposure, as written on the command line."""

from collections.abc import Sequence
from typing import Annotated

import typer

from deepcausalmmm_jax.cli.columns import listed, stated_pair
from deepcausalmmm_jax.errors import ConfigError

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
    found: dict[str, float] = {}
    for part in listed(texts or (), channels):
        name, sign, text = (piece.strip() for piece in stated_pair(part, channels))
        try:
            price = float(text)
        except ValueError:
            sign = ""
        if not (name and sign):
            raise ConfigError(
                f"--cost must be a channel and the price of a unit of its exposure, such as tv=0.012, got {part!r}."
            )
        if name in found:
            raise ConfigError(f"--cost names {name!r} twice; keep one.")
        found[name] = price
    return found or None
