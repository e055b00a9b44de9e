"""The command `refute`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepcausalmmm_jax.cli.output import say, stoppable
from deepcausalmmm_jax.cli.planning import loaded
from deepcausalmmm_jax.io.atomic_write import refuse_unwritable, written_together

if TYPE_CHECKING:
    from deepcausalmmm_jax.trust.refutations.refutation import Refutation


def refute_command(
    run: Annotated[Path, typer.Argument(help="A fit's or a bootstrap's folder, or its .npz file.", metavar="RUN")],
    out: Annotated[Path, typer.Option(help="Folder for the tables.")],
    test: Annotated[list[str] | None, typer.Option(help="Test to run; may be repeated; all if not given.")] = None,
    refits: Annotated[int, typer.Option(help="Draws of each random test.")] = 2,
    level: Annotated[float, typer.Option(help="Level of the intervals that a hidden cause is to explain.")] = 0.9,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Try to break a fit's estimate: refits to changed panels, and how strong a hidden cause would have to be."""
    from deepcausalmmm_jax.attribution.intervals import require_level  # with JAX, which help does without
    from deepcausalmmm_jax.io.write_csv import write_csv
    from deepcausalmmm_jax.trust.confounding import unmeasured_confounding
    from deepcausalmmm_jax.trust.refutations.refute import refute

    require_level(level)
    result = loaded(run)
    refuse_unwritable(out)
    with stoppable(f"Nothing was written to {out}; run the same command again."):
        found = refute(result, test or None, refits, seed, progress=False if quiet else None)
        hidden = unmeasured_confounding(result, level=level)
        with written_together(out) as folder:
            write_csv(found.table, folder / "refutation.csv", index=False)
            write_csv(found.details, folder / "refutation_details.csv", index=False)
            write_csv(hidden, folder / "unmeasured_confounding.csv", index=True)
    _print(found)
    shown = hidden[["estimate", "low", "high", "robustness_value", "robustness_value_interval", "verdict"]]
    say("\nStrength of a hidden cause that would explain each channel's effect (partial R2); shares in percent")
    say(shown.to_string(float_format=lambda value: f"{value:.3f}", na_rep="-"))
    say(f"\nWrote refutation.csv, refutation_details.csv and unmeasured_confounding.csv to {out}{os.sep}")


def _print(found: "Refutation") -> None:
    say(f"{found.estimator}\n")
    shown = found.table[["test", "refits", "figure", "look_above", "fail_above", "unit", "grade", "channel"]]
    say(shown.set_index("test").rename_axis(None).to_string(float_format=lambda value: f"{value:.2f}", na_rep="-"))
    for _, row in found.table[found.table["grade"] != "pass"].iterrows():
        say(f"\n{row['test']} ({row['grade']}): {row['meaning']}")
