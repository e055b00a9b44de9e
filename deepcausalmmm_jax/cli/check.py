"""The command `check`: the data of a file before a fit, or the health of a saved run."""

import textwrap
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from deepcausalmmm_jax.cli.output import say, stoppable
from deepcausalmmm_jax.cli.planning import loaded
from deepcausalmmm_jax.cli.role_options import EventTable, Frequency, HolidaysOf, National, Organic, Reach, Treatments
from deepcausalmmm_jax.cli.table_options import (
    CadenceName,
    Controls,
    DecimalSign,
    Delimiter,
    KeepTrailingZeros,
    Kpi,
    MaskMissingKpi,
    Media,
    Population,
    Region,
    RevenuePerKpi,
    SchemaFile,
    Sheet,
    Spend,
    TableColumns,
    Time,
    panel_of,
)
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.io.atomic_write import refuse_unwritable, write_text, written_together
from deepcausalmmm_jax.io.graded_table import graded_page
from deepcausalmmm_jax.io.grades import Grade
from deepcausalmmm_jax.io.write_csv import write_csv

_FAILED = 1
_WIDTH = 100
_RUN_SUFFIX = ".npz"


def check_command(
    path: Annotated[
        Path,
        typer.Argument(help="A data file (CSV, Excel, Parquet), or a run: its folder or .npz file.", metavar="PATH"),
    ],
    time: Time = None,
    kpi: Kpi = None,
    media: Media = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the table as CSV and HTML.")] = None,
    region: Region = None,
    spend: Spend = None,
    controls: Controls = None,
    revenue_per_kpi: RevenuePerKpi = None,
    population: Population = None,
    delimiter: Delimiter = None,
    mask_missing_kpi: MaskMissingKpi = False,
    keep_trailing_zeros: KeepTrailingZeros = False,
    schema: SchemaFile = None,
    sheet: Sheet = None,
    cadence: CadenceName = None,
    treatments: Treatments = None,
    organic: Organic = None,
    national: National = None,
    events: EventTable = None,
    holidays: HolidaysOf = None,
    reach: Reach = None,
    frequency: Frequency = None,
    decimal: DecimalSign = None,
) -> None:
    """Check a data file before it is fitted, or the health of a saved run; the exit code is 1 where a check failed."""
    if out is not None:
        refuse_unwritable(out)
    columns = TableColumns(
        time,
        kpi,
        media,
        region,
        spend,
        controls,
        revenue_per_kpi,
        population,
        delimiter,
        mask_missing_kpi,
        keep_trailing_zeros,
        schema,
        sheet,
        cadence,
        treatments,
        organic,
        national,
        events,
        holidays,
        reach,
        frequency,
        decimal,
    )
    if path.is_dir() or path.suffix == _RUN_SUFFIX:
        if columns.given:
            raise ConfigError(f"{path} is a saved run, which knows its columns; leave out {', '.join(columns.given)}.")
        worst = _check_run(path, out)
    else:
        worst = _check_file(path, columns, out)
    if worst is Grade.FAIL:
        raise typer.Exit(_FAILED)


def _check_file(path: Path, columns: TableColumns, out: Path | None) -> Grade:
    diagnosis = panel_of(path, columns).diagnose()
    _print(diagnosis.shown(), ("where", "what", "why", "advice"))
    say(f"\n{_summary(diagnosis.shown())}")
    _write(out, "data_checks", diagnosis.table, graded_page(diagnosis._repr_html_(), "Data checks"))
    return diagnosis.worst


def _check_run(path: Path, out: Path | None) -> Grade:
    from deepcausalmmm_jax.trust.health import health  # with JAX, which data are checked without

    card = health(loaded(path))
    _print(card.table, ("figure", "threshold", "advice"))
    say(f"\n{_summary(card.table)}")
    say(f"Verdict: {card.verdict.value}. {card.reason}")
    _write(out, "health", card.table, graded_page(card._repr_html_(), "Health card"))
    return card.worst


def _print(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    """A block a row that asks for something, and a line each for all that passed and all that was not run."""
    for row in table.to_dict("records"):
        if row["grade"] in (Grade.PASS, Grade.NOT_RUN):
            continue
        parts = [str(row[name]) for name in columns if row[name]]
        text = textwrap.fill("; ".join(parts), _WIDTH, initial_indent="      ", subsequent_indent="      ")
        say(f"{row['grade']}  {row['check']}\n{text}")
    for grade in (Grade.PASS, Grade.NOT_RUN):
        if found := [str(name) for name in table.loc[table["grade"] == grade, "check"]]:
            say(textwrap.fill(f"{grade.value}  {', '.join(found)}", _WIDTH, subsequent_indent="      "))


def _summary(table: pd.DataFrame) -> str:
    count = table["grade"].value_counts()
    return ", ".join(f"{int(count.get(grade.value, 0))} {grade.value}" for grade in reversed(Grade)) + "."


def _write(out: Path | None, name: str, table: pd.DataFrame, page: str) -> None:
    if out is None:
        return
    with stoppable(f"Nothing was written to {out}; run the same command again."), written_together(out) as folder:
        write_csv(table, folder / f"{name}.csv", index=False)
        write_text(folder / f"{name}.html", page)
    say(f"Wrote {name}.csv and {name}.html to {out}.")
