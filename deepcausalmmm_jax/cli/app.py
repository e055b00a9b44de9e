"""Command line: demo, fit, bootstrap, optimize, scenario, simulate, report, benchmark; only this folder prints."""

import os
import sys
import warnings
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from deepcausalmmm_jax.attribution.intervals import require_level
from deepcausalmmm_jax.cli.benchmark import benchmark_command
from deepcausalmmm_jax.cli.columns import expanded, paired_spend
from deepcausalmmm_jax.cli.output import Stopped, end_at_once, finish, prepare_streams, say, say_aside, stoppable
from deepcausalmmm_jax.cli.planning import loaded, optimize_command, scenario_command
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.readers.column_names import with_plain_names
from deepcausalmmm_jax.data.readers.read_table import read_table
from deepcausalmmm_jax.data.simulation.simulate import Truth, simulate
from deepcausalmmm_jax.errors import DeepCausalMMMError
from deepcausalmmm_jax.inference.bootstrap import bootstrap
from deepcausalmmm_jax.inference.fit import fit
from deepcausalmmm_jax.io.atomic_write import refuse_unwritable, refuse_unwritable_file, written_together
from deepcausalmmm_jax.io.program_cache import keep_programs
from deepcausalmmm_jax.io.write_csv import write_csv
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.progress import log_to_stderr
from deepcausalmmm_jax.results.ensemble import Ensemble, load
from deepcausalmmm_jax.results.fit_result import FitResult

BAD_INPUT = 2

app = typer.Typer(
    help="Marketing mix modelling: the contribution of each channel, and held-out accuracy next to naive forecasts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_FIT_EXAMPLE = """A complete example:

\b
  deepcausalmmm-jax simulate --out example
  deepcausalmmm-jax fit example/panel.csv --region region --time time --kpi sales \\
      --media 'channel_?' --spend 'channel_?_spend' --controls 'control_*' \\
      --revenue-per-kpi revenue_per_kpi --holdout 8 --out example/run
"""


app.command("benchmark")(benchmark_command)


def main() -> None:
    """Run the command line; bad input gives one sentence on standard error and exit code 2."""
    prepare_streams()
    keep_programs()
    warnings.formatwarning = lambda message, *_, **__: f"Note: {message}\n"  # without the line of source code
    if "--quiet" not in sys.argv:
        log_to_stderr()
    try:
        try:
            app()
        finally:
            finish()
    except Stopped as stop:
        end_at_once(stop)
    except DeepCausalMMMError as error:
        say_aside(f"deepcausalmmm-jax: {error}")
        sys.exit(BAD_INPUT)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Random seed of the simulated panel.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Simulate a panel with known effects, fit it, and compare the estimates with the truth."""
    refuse_unwritable(out)
    with stoppable(_nothing_new(out)):
        panel, truth = simulate(seed=seed)
        result = fit(panel, holdout=8, seed=0, progress=False if quiet else None)
        _write_results(result, out)
    say(f"Simulated {panel.shape[0]} regions x {panel.shape[1]} weeks, {panel.shape[2]} channels, seed {seed}.")
    _print_accuracy(result)
    say("\nContribution, percent of the KPI")
    say(_against_truth(result, truth).to_string(float_format=lambda value: f"{value:.2f}"))
    _print_trust(result)
    _print_written(out)


@app.command("fit", epilog=_FIT_EXAMPLE)
def fit_command(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet file, one row per region and week.", metavar="FILE")],
    time: Annotated[str, typer.Option(help="Column of weeks: dates 7 days apart, or whole numbers.")],
    kpi: Annotated[str, typer.Option(help="Column of the KPI.")],
    media: Annotated[list[str], typer.Option(help="Exposure columns or globs; repeat, or separate by commas.")],
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    region: Annotated[str | None, typer.Option(help="Column of regions; leave out for a national table.")] = None,
    spend: Annotated[list[str] | None, typer.Option(help="Spend columns or globs, or channel=column.")] = None,
    controls: Annotated[list[str] | None, typer.Option(help="Control columns or globs.")] = None,
    revenue_per_kpi: Annotated[str | None, typer.Option(help="Revenue per KPI unit: a column or a number.")] = None,
    population: Annotated[str | None, typer.Option(help="Column of each region's population.")] = None,
    holdout: Annotated[int, typer.Option(help="Number of last weeks with a KPI to hold out.")] = 8,
    no_holdout: Annotated[bool, typer.Option("--no-holdout", help="Train on all weeks.")] = False,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings.")] = None,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    delimiter: Annotated[str, typer.Option(help="Delimiter between columns of the file.")] = ",",
    mask_missing_kpi: Annotated[bool, typer.Option("--mask-missing-kpi", help="Ignore rows without a KPI.")] = False,
    keep_trailing_zeros: Annotated[
        bool, typer.Option("--keep-trailing-zeros", help="Treat a KPI of 0 in the last weeks as real, not missing.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Fit your own CSV or Parquet file; writes contributions, summary, accuracy, report and the fit itself."""
    settings = Config() if config is None else Config.from_toml(config)
    df = with_plain_names(read_table(file, delimiter))
    columns = [name for name in df.columns if name]
    channels = expanded(media, columns, "--media")
    panel = Panel.from_dataframe(
        df,
        region=region,
        time=time,
        kpi=kpi,
        media=channels,
        spend=paired_spend(channels, media, spend, columns) if spend else None,
        controls=expanded(controls or [], columns, "--controls"),
        revenue_per_kpi=_column_or_number(revenue_per_kpi, columns),
        population=population,
        missing_kpi="mask" if mask_missing_kpi else "error",
        trailing_zeros="keep" if keep_trailing_zeros else "ask",
    )
    weeks = None if no_holdout else holdout
    training_weights(panel, weeks)  # refuses a bad request before the folder is created
    refuse_unwritable(out)
    with stoppable(_nothing_new(out)):
        result = fit(panel, settings, weeks, seed, progress=False if quiet else None)
        _write_results(result, out)
    _print_accuracy(result)
    say("\nChannels")
    say(result.media_summary().drop(columns="note").to_string(float_format=lambda value: f"{value:,.4g}"))
    notes = result.media_summary()["note"]
    for note in dict.fromkeys(notes[notes != ""]):
        say(f"  {', '.join(notes.index[notes == note])}: {note}")
    _print_trust(result)
    _print_written(out)


@app.command("bootstrap")
def bootstrap_command(
    run: Annotated[Path, typer.Argument(help="Folder of a fit, or its fit.npz.", metavar="RUN")],
    out: Annotated[Path, typer.Option(help="Folder for the results; an interrupted run resumes from it.")],
    replicates: Annotated[int, typer.Option(help="Number of refits.")] = 200,
    method: Annotated[
        str | None, typer.Option(help="weights, region or block; by default what fits the panel.")
    ] = None,
    block: Annotated[int, typer.Option(help="Weeks per block.")] = 8,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    level: Annotated[float, typer.Option(help="Interval level (0.9 = 90%).")] = 0.9,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Refit to resampled panels; writes the figures of every channel with intervals."""
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
        with written_together(out) as folder:
            write_csv(ensemble.media_summary(level), folder / "media_summary.csv", index=True)
            write_csv(ensemble.notes(level), folder / "shares.csv", index=True)
            ensemble.save(folder / "ensemble.npz")
    made = ensemble.replicates
    compiling = f" and {made.compile_seconds:.1f} s to compile" if made.compile_seconds else ", compilation included"
    say(f"{len(made)} refits by {made.method}, {made.seconds:.1f} s{compiling}.")
    say(f"\nShare of the KPI in percent, with {level:.0%} intervals")
    say(ensemble.notes(level).to_string(float_format=lambda value: f"{value:.2f}", na_rep="-"))
    check = ensemble.warm_start_check()
    if len(check):
        say(f"\nRefits started from the estimate against a random start, {len(made.check)} draws, percentage points")
        say(check.to_string(float_format=lambda value: f"{value:.2f}"))
    say(f"\nWrote media_summary.csv, shares.csv and ensemble.npz to {out}{os.sep}")


app.command("optimize")(optimize_command)
app.command("scenario")(scenario_command)


@app.command("simulate")
def simulate_command(
    out: Annotated[Path, typer.Option(help="Folder for panel.csv, contributions.csv and parameters.csv.")],
    regions: Annotated[int, typer.Option(help="Number of regions.")] = 20,
    weeks: Annotated[int, typer.Option(help="Number of weeks.")] = 120,
    channels: Annotated[int, typer.Option(help="Number of media channels.")] = 5,
    controls: Annotated[int, typer.Option(help="Number of controls.")] = 3,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
) -> None:
    """Write a simulated panel and its true effects as CSV files."""
    panel, truth = simulate(regions, weeks, channels, controls, seed)
    true = truth.contributions.to_series().unstack("channel").reset_index()
    with written_together(out) as folder:
        for name, table in (("panel", panel.to_dataframe()), ("contributions", true)):
            write_csv(table, folder / f"{name}.csv", index=False)
        write_csv(truth.parameters, folder / "parameters.csv", index=True)
    say(f"Wrote panel.csv, contributions.csv and parameters.csv to {out}.")


@app.command("report")
def report_command(
    run: Annotated[Path, typer.Argument(help="Folder of a fit or a bootstrap, or its .npz file.", metavar="RUN")],
    out: Annotated[Path | None, typer.Option(help="HTML file; by default report.html next to the fit.")] = None,
    plan: Annotated[
        Path | None, typer.Option(help="Folder of a plan written by optimize, to add a section on it.")
    ] = None,
) -> None:
    """Write the report of a saved fit, or of a bootstrap, whose report has intervals."""
    shown = None if plan is None else BudgetPlan.load(plan)
    place = out or (run if run.is_dir() else run.parent) / "report.html"
    refuse_unwritable_file(place)
    with stoppable(f"{place} is as it was; run the same command again."):
        loaded(run).report(place, plan=shown)
    say(f"Wrote {place}.")


def _column_or_number(text: str | None, columns: list[str]) -> str | float | None:
    if text is None or text in columns:
        return text
    try:
        return float(text)
    except ValueError:
        return text  # the panel reports that there is no such column


def _print_accuracy(result: FitResult) -> None:
    record = result.fitted.record
    say(f"\n{record.status.sentence} {len(record.objective)} epochs, {record.seconds:.1f} s.")
    say("\nAccuracy, next to naive forecasts")
    say(result.metrics.T.to_string(float_format=lambda value: f"{value:,.4g}", na_rep="-"))


def _print_trust(result: FitResult) -> None:
    say("\nUncertainty of each share, percent of the KPI")
    say(result.notes().to_string(float_format=lambda value: f"{value:.2f}", na_rep="-"))
    if isinstance(result, Ensemble) and result.from_posterior and not result.sampling()["trusted"]:
        say("The sampler has not converged: treat the intervals as rough, and draw more with sample_posterior.")
    n_regions = len(result.panel.regions)
    if n_regions > 1:
        say(f"\nThe {n_regions} regions carry as much information as {result.effective_regions:.1f} independent ones.")
    for title, table in (("Stated priors", result.priors()), ("Prior scales learned from the data", result.tuning)):
        if len(table):
            say(f"\n{title}")
            say(table.to_string(float_format=lambda value: f"{value:.3g}", na_rep="-"))


def _against_truth(result: FitResult, truth: Truth) -> pd.DataFrame:
    names = list(result.panel.channels)
    total = result.panel.kpi.sum() / 100.0
    table = pd.DataFrame(
        {
            "estimated": result.contributions.sel(component=names).sum(("region", "time")).to_numpy() / total,
            "true": truth.contributions.sum(("region", "time")).to_numpy() / total,
        },
        index=pd.Index(names, name="channel"),
    )
    table["error"] = table["estimated"] - table["true"]
    table.loc["all media"] = table.sum()
    return table


def _write_results(result: FitResult, out: Path) -> None:
    with written_together(out) as folder:
        write_csv(result.contribution_table(), folder / "contributions.csv", index=False)
        write_csv(result.media_summary(), folder / "media_summary.csv", index=True)
        write_csv(result.metrics, folder / "metrics.csv", index=True)
        result.save(folder / "fit.npz")
        result.report(folder / "report.html")


def _print_written(out: Path) -> None:
    say(f"\nWrote report.html, contributions.csv, media_summary.csv, metrics.csv and fit.npz to {out}{os.sep}")


def _nothing_new(out: Path) -> str:
    return f"Nothing was written to {out}, and an unfinished fit cannot be resumed; run the same command again."
