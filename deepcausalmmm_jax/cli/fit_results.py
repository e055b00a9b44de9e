"""What `fit` and `demo` write and print of a result."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from deepcausalmmm_jax.cli.output import say
from deepcausalmmm_jax.io.atomic_write import written_together
from deepcausalmmm_jax.io.write_csv import write_csv

if TYPE_CHECKING:
    import pandas as pd

    from deepcausalmmm_jax.results.fit_result import FitResult

# Of the tables and the report, about a second; training needs the interpreter only between its chunks.
WHILE_TRAINING = ("deepcausalmmm_jax.plots.report.page", "deepcausalmmm_jax.plots.traces")


def print_accuracy(result: "FitResult") -> None:
    """How training ended, and the accuracy next to naive forecasts."""
    record = result.fitted.record
    say(f"\n{record.status.sentence} {len(record.objective)} epochs, {record.seconds:.1f} s.")
    say("\nAccuracy, next to naive forecasts")
    say(result.metrics.T.to_string(float_format=lambda value: f"{value:,.4g}", na_rep="-"))


def print_notes(result: "FitResult", level: float = 0.9) -> None:
    """Shares with errors and notes, and below them what holds for all intervals."""
    from deepcausalmmm_jax.results.own_notes import own_notes, sentences_on_all

    say(own_notes(result, level).to_string(float_format=lambda value: f"{value:.2f}", na_rep="-"))
    for sentence in sentences_on_all(result):
        say(sentence)


def print_trust(result: "FitResult") -> None:
    """Uncertainty of the shares, lift tests, priors and learned scales."""
    say("\nUncertainty of each share, percent of the KPI")
    print_notes(result)
    n_regions = len(result.panel.regions)
    if n_regions > 1:
        amount = f"{result.effective_regions:.1f}"
        say(f"\nOn what moves all {n_regions} regions they carry as much information as {amount} independent ones.")
    if len(result.config.experiments):
        say("\nLift tests: as measured, and by the model without and with them")
        say(_shown_tests(result).to_string(float_format=lambda value: f"{value:,.4g}", na_rep="-"))
    for title, table in (("Stated priors", result.priors()), ("Prior scales learned from the data", result.tuning)):
        if len(table):
            say(f"\n{title}")
            say(table.to_string(float_format=lambda value: f"{value:.3g}", na_rep="-"))


def _shown_tests(result: "FitResult") -> "pd.DataFrame":
    columns = ["measured", "standard_error", "model_before", "before_sd", "model_after", "after_sd", "z", "conflict"]
    return result.lift_tests()[columns]


def write_results(result: "FitResult", out: Path) -> None:
    """Write tables, report and the fit itself; all of them appear in the folder, or none does."""
    with written_together(out) as folder:
        write_tables(result, folder)
        result.save(folder / "fit.npz")
        result.report(folder / "report.html")


def write_tables(result: "FitResult", folder: Path) -> None:
    """Write the tables of a result as CSV files."""
    write_csv(result.contribution_table(), folder / "contributions.csv", index=False)
    write_csv(result.media_summary(), folder / "media_summary.csv", index=True)
    write_csv(result.metrics, folder / "metrics.csv", index=True)
    if result.config.experiments:
        write_csv(result.lift_tests(), folder / "lift_tests.csv", index=True)


def print_written(result: "FitResult", out: Path, more: str = "") -> None:
    """Say which files were written.

    Args:
        result: what they are of.
        out: their folder.
        more: names of files beside those of every result, each after a comma.
    """
    tests = ", lift_tests.csv" if result.config.experiments else ""
    named = f"report.html, contributions.csv, media_summary.csv, metrics.csv{tests}{more}"
    say(f"\nWrote {named} and fit.npz to {out}{os.sep}")


def nothing_new(out: Path) -> str:
    """What an interrupted fit leaves in the folder, for `stoppable`."""
    return f"Nothing was written to {out}, and an unfinished fit cannot be resumed; run the same command again."
