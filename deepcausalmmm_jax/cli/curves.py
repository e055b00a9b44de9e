"""The command `curves`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from deepcausalmmm_jax.cli.output import say, stoppable
from deepcausalmmm_jax.cli.planning import AtFrequency, as_shown, frequency_named, loaded
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.io.atomic_write import refuse_unwritable_file

_PRINTED = 12  # curves of which today's points are printed


def curves_command(
    run: Annotated[Path, typer.Argument(help="A fit's or a bootstrap's folder, or its .npz file.", metavar="RUN")],
    out: Annotated[Path, typer.Option(help="CSV file to write.")],
    weeks: Annotated[
        str | None,
        typer.Option(
            help="A number of weeks after the panel, carry-over included, or steady for one week of constant spend; "
            "the panel's own weeks if not given."
        ),
    ] = None,
    by: Annotated[str, typer.Option(help="all, or region for a curve per region.")] = "all",
    multiplier: Annotated[
        list[float] | None,
        typer.Option(help="Multiple of today's spend; may be repeated; from 0 to 2 in steps of 0.1 if not given."),
    ] = None,
    at_frequency: AtFrequency = None,
    level: Annotated[float, typer.Option(help="Interval level (0.9 = 90%).")] = 0.9,
) -> None:
    """Write the outcome of each channel at other levels of its spend, with ROI and marginal ROI."""
    from deepcausalmmm_jax.io.write_csv import write_csv  # with JAX, which help does without
    from deepcausalmmm_jax.planning.response_curves import response_curves

    refuse_unwritable_file(out)
    result = loaded(run)
    frequency = frequency_named(at_frequency, result.panel.channels)
    with stoppable(f"Nothing was written to {out}; run the same command again."):
        curves = response_curves(
            result,
            weeks=_weeks(weeks),
            by=by,  # type: ignore[arg-type]  # `response_curves` names the known ones
            multipliers=multiplier or None,
            frequency=frequency,
            level=level,
        )
        write_csv(curves.table, out, index=False)
    today = curves.summary()
    say(f"Today's point on the curves; {curves.period}; {curves.units.spend}; {curves.units.roi}.\n")
    say(as_shown(today.head(_PRINTED)))
    if len(today) > _PRINTED:
        say(f"... and {len(today) - _PRINTED} more")
    say(f"\nWrote {out}.")


def _weeks(text: str | None) -> int | Literal["steady"] | None:
    """The weeks as written: a number, or `steady`."""
    if text is None or text == "steady":
        return "steady" if text else None
    if not text.isdecimal():
        raise ConfigError(f"--weeks must be a number of weeks, or steady, got {text!r}.")
    return int(text)
