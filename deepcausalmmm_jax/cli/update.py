"""The commands that go on from a saved run: `update` and `reproduce`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.cli.fit_results import WHILE_TRAINING, print_written, write_tables
from deepcausalmmm_jax.cli.output import say, stoppable
from deepcausalmmm_jax.cli.planning import loaded
from deepcausalmmm_jax.cli.run_columns import panel_like
from deepcausalmmm_jax.cli.settings_options import refuse_two_holdouts
from deepcausalmmm_jax.cli.table_options import DecimalSign, Delimiter, KeepTrailingZeros, MaskMissingKpi
from deepcausalmmm_jax.io.atomic_write import refuse_unwritable, written_together
from deepcausalmmm_jax.io.import_ahead import import_ahead

if TYPE_CHECKING:
    import pandas as pd

    from deepcausalmmm_jax.results.run_update import Update

_DIFFERS = 1
_SHOWN = ["before", "after", "change", "z"]


def update_command(
    run: Annotated[Path, typer.Argument(help="Folder of a fit, or its .npz file.", metavar="RUN")],
    file: Annotated[
        Path, typer.Argument(help="CSV or Parquet file with the run's columns and all of its weeks.", metavar="FILE")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    holdout: Annotated[
        int | None,
        typer.Option(
            help="Number of last weeks (or days, months, quarters) to hold out. [default: as many as the run]"
        ),
    ] = None,
    no_holdout: Annotated[bool, typer.Option("--no-holdout", help="Train on all weeks.")] = False,
    delimiter: Delimiter = None,
    decimal: DecimalSign = None,
    mask_missing_kpi: MaskMissingKpi = False,
    keep_trailing_zeros: KeepTrailingZeros = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Bring a run up to date with new weeks, from its last estimate; says what moved and why."""
    from deepcausalmmm_jax.inference.update import update  # with JAX, which help does without

    refuse_two_holdouts(holdout, no_holdout)
    result = loaded(run)
    panel = panel_like(
        file,
        result.panel,
        delimiter,
        mask_missing_kpi=mask_missing_kpi or bool((result.panel.weights[result.panel.present] == 0).any()),
        keep_trailing_zeros=keep_trailing_zeros,
        decimal=decimal,
    )
    refuse_unwritable(out)
    hidden = None if no_holdout else "same" if holdout is None else holdout
    with stoppable(f"Nothing was written to {out}; run the same command again."):
        import_ahead(WHILE_TRAINING)
        made = update(result, panel, hidden, progress=False if quiet else None)  # type: ignore[arg-type]
        _write(made, out)
    say(made.summary())
    say("\nShares and ROI; z is the change over its standard error")
    say(_shown(made.moved).to_string(float_format=lambda value: f"{value:.3g}", na_rep="-"))
    if len(made.revised):
        say(f"\nRevised figures of the old {panel.cadence.unit}s, the first ten")
        say(made.revised.head(10).to_string(index=False, float_format=lambda value: f"{value:,.6g}", na_rep="-"))
    print_written(made.result, out, ", moved.csv, revised.csv")


def _shown(moved: "pd.DataFrame") -> "pd.DataFrame":
    """Shares and ROI before and after, and the parts of the change that are any."""
    from deepcausalmmm_jax.results.run_update import CAUSES

    idle = [name for name in CAUSES if not moved[name].fillna(0.0).any()]
    return moved.loc[["share", "roi"], [*_SHOWN, *CAUSES]].dropna(how="all").drop(columns=idle)


def _write(made: "Update", out: Path) -> None:
    from deepcausalmmm_jax.io.write_csv import write_csv

    result = made.result
    with written_together(out) as folder:
        write_tables(result, folder)
        write_csv(made.moved, folder / "moved.csv", index=True)
        write_csv(made.revised, folder / "revised.csv", index=False)
        result.save(folder / "fit.npz")
        result.report(folder / "report.html", previous=made.previous)


def reproduce_command(
    run: Annotated[Path, typer.Argument(help="Folder of a fit, or its .npz file.", metavar="RUN")],
    tolerance: Annotated[
        float, typer.Option(help="Largest difference between shares that still counts as equal, percentage points.")
    ] = 0.1,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Fit a saved run again from its own panel, settings and seed; exit code 0 if it is the same, 1 if it differs."""
    from deepcausalmmm_jax.attribution.share_basis import share_basis
    from deepcausalmmm_jax.inference.reproduce import reproduce

    require(tolerance >= 0, "tolerance", tolerance, "0 or more")
    result = loaded(run)
    with stoppable("Nothing was changed; run the same command again."):
        made = reproduce(result, tolerance, progress=False if quiet else None)
    say(made.summary())
    if len(made.versions):
        say("\nWhat differs in how the two were made")
        say(made.versions.to_string())
    say(f"\nShares, percent of {share_basis(result.fitted_panel)}")
    say(made.shares.to_string(float_format=lambda value: f"{value:.4g}"))
    if not made.same:
        raise typer.Exit(_DIFFERS)
