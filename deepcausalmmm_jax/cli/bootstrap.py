"""The command `bootstrap`: refits of a saved fit, for intervals."""

import os
from pathlib import Path
from typing import Annotated

import typer

from deepcausalmmm_jax.cli.fit_results import print_notes
from deepcausalmmm_jax.cli.output import say, stoppable
from deepcausalmmm_jax.io.atomic_write import refuse_unwritable, written_together
from deepcausalmmm_jax.progress import drawn


def bootstrap_command(
    run: Annotated[Path, typer.Argument(help="Folder of a fit, or its fit.npz.", metavar="RUN")],
    out: Annotated[Path, typer.Option(help="Folder for the results; an interrupted run resumes from it.")],
    replicates: Annotated[int, typer.Option(help="Number of refits.")] = 200,
    method: Annotated[
        str | None, typer.Option(help="weights, region or block; by default what fits the panel.")
    ] = None,
    block: Annotated[int | None, typer.Option(help="Steps of the panel per block; 8 weeks if not given.")] = None,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    level: Annotated[float, typer.Option(help="Interval level (0.9 = 90%).")] = 0.9,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Refit to resampled panels; writes the figures of every channel with intervals."""
    from deepcausalmmm_jax.attribution.intervals import require_level  # with JAX, which help does without
    from deepcausalmmm_jax.inference.bootstrap import bootstrap
    from deepcausalmmm_jax.io.write_csv import write_csv
    from deepcausalmmm_jax.results.read_result import load
    from deepcausalmmm_jax.steps import Steps

    result = load(run / "fit.npz" if run.is_dir() else run)
    require_level(level)  # refuses a bad level before any work is done
    refuse_unwritable(out)
    kept = f"Finished refits are kept in {out / 'refits'}; the same command resumes from there."
    with stoppable(kept):
        ensemble = bootstrap(
            result,
            replicates,
            method,  # type: ignore[arg-type]  # `bootstrap` names the known ones
            seed,
            block=block,
            out=out / "refits",
            progress=False if quiet else None,
        )
        with drawn(False if quiet else None), Steps("bootstrap") as wait, written_together(out) as folder:
            wait.step("tables")
            write_csv(ensemble.media_summary(level), folder / "media_summary.csv", index=True)
            write_csv(ensemble.notes(level), folder / "shares.csv", index=True)
            ensemble.save(folder / "ensemble.npz")
    made = ensemble.replicates
    compiling = f" and {made.compile_seconds:.1f} s to compile" if made.compile_seconds else ", compilation included"
    say(f"{len(made)} refit{'s' * (len(made) != 1)} by {made.method}, {made.seconds:.1f} s{compiling}.")
    say(f"\nShare of the KPI in percent, with {level:.0%} intervals")
    print_notes(ensemble, level)
    check = ensemble.warm_start_check()
    if len(check):
        several = f"{len(made.check)} draw{'s' * (len(made.check) != 1)}"
        say(f"\nRefits from the estimate and from a random start, {several}, percentage points")
        say(check.to_string(float_format=lambda value: f"{value:.2f}"))
    say(f"\nWrote media_summary.csv, shares.csv and ensemble.npz to {out}{os.sep}")
