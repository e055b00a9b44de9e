"""Options that name the columns of a table, shared by the commands that read one, and the panel they describe."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from deepcausalmmm_jax.cli.columns import expanded, paired_spend
from deepcausalmmm_jax.cli.output import say
from deepcausalmmm_jax.cli.role_options import by_channel_named, treatments_named, with_events_named
from deepcausalmmm_jax.data.files.number_style import decimal_named
from deepcausalmmm_jax.data.files.raw_table import RawTable, read_raw
from deepcausalmmm_jax.data.files.read_panel import Read, panel_and_schema
from deepcausalmmm_jax.data.files.recognise import Stated
from deepcausalmmm_jax.data.files.schema import Schema
from deepcausalmmm_jax.data.panel import MissingKpi, Panel, TrailingZeros
from deepcausalmmm_jax.data.readers.reach import ReachColumns, reach_stated
from deepcausalmmm_jax.data.treatments import Treatment
from deepcausalmmm_jax.errors import DataError

Spend = Annotated[
    list[str] | None,
    typer.Option("--spend", help="Spend columns, in the order of --media, or globs, or channel=column."),
]
Controls = Annotated[list[str] | None, typer.Option("--controls", help="Control columns or globs.")]
Region = Annotated[str | None, typer.Option("--region", help="Column of regions; leave out for a national table.")]
RevenuePerKpi = Annotated[
    str | None, typer.Option("--revenue-per-kpi", help="Revenue per KPI unit: a column or a number.")
]
Population = Annotated[str | None, typer.Option("--population", help="Column of each region's population.")]
Delimiter = Annotated[
    str | None, typer.Option("--delimiter", help="Delimiter between columns of the file. [default: detected]")
]
MaskMissingKpi = Annotated[bool, typer.Option("--mask-missing-kpi", help="Ignore rows without a KPI.")]
KeepTrailingZeros = Annotated[
    bool, typer.Option("--keep-trailing-zeros", help="Treat a KPI of 0 in the last weeks as real, not missing.")
]
Time = Annotated[
    str | None,
    typer.Option("--time", help="Column of dates, or of week numbers. [default: detected]"),
]
Kpi = Annotated[str | None, typer.Option("--kpi", help="Column of the KPI. [default: detected]")]
Media = Annotated[
    list[str] | None,
    typer.Option("--media", help="Exposure columns or globs; repeat, or separate by commas. [default: detected]"),
]
SchemaFile = Annotated[
    Path | None, typer.Option("--schema", help="TOML file that says which column is what. [default: FILE.schema.toml]")
]
CadenceName = Annotated[
    str | None,
    typer.Option(
        "--cadence",
        help="daily, weekly, monthly or quarterly; daily keeps days, which are otherwise added up to weeks.",
    ),
]
Sheet = Annotated[str | None, typer.Option("--sheet", help="Sheet of an Excel file that has several tables.")]
DecimalSign = Annotated[
    str | None, typer.Option("--decimal", help="Sign before decimals, . or a comma. [default: detected]")
]

_OF_THE_FILE: dict[str, Any] = {  # what is said of a file beside the roles of its columns
    "delimiter": None,
    "mask_missing_kpi": False,
    "keep_trailing_zeros": False,
    "schema": None,
    "sheet": None,
    "cadence": None,
    "events": None,
    "holidays": None,
    "decimal": None,
}


class TableColumns(NamedTuple):
    """Columns of a table as named on the command line, and how to read it."""

    time: str | None
    kpi: str | None
    media: Sequence[str] | None
    region: str | None = None
    spend: Sequence[str] | None = None
    controls: Sequence[str] | None = None
    revenue_per_kpi: str | None = None
    population: str | None = None
    delimiter: str | None = None
    mask_missing_kpi: bool = False
    keep_trailing_zeros: bool = False
    schema: Path | Schema | None = None
    sheet: str | None = None
    cadence: str | None = None
    treatments: Sequence[str] | None = None
    organic: Sequence[str] | None = None
    national: Sequence[str] | None = None
    events: Path | None = None
    holidays: str | None = None
    reach: Sequence[str] | None = None
    frequency: Sequence[str] | None = None
    decimal: str | None = None

    @property
    def given(self) -> list[str]:
        """The options that are given."""
        return [f"--{name.replace('_', '-')}" for name, value in self._asdict().items() if value]

    @property
    def names_columns(self) -> bool:
        """Whether any column is named."""
        return any(self._replace(**_OF_THE_FILE))

    def reached(self, columns: Sequence[str]) -> tuple[ReachColumns, ...]:
        """Channels with reach and frequency, from the columns of the table."""
        people = by_channel_named(self.reach, columns, "--reach")
        return reach_stated(people, by_channel_named(self.frequency, columns, "--frequency"), ())


def panel_of(file: Path, named: TableColumns, refuse: Callable[[Panel], object] | None = None) -> Panel:
    """The panel in a file, with its events; see `_panel_of`.

    Args:
        file: with the table.
        named: its columns as named on the command line.
        refuse: raises an error where the command cannot be done with the panel. Which column is what is kept beside the
            file only for a command that is done.
    """
    panel, read = _panel_of(file, named)
    panel = with_events_named(panel, named.events, named.holidays)
    if refuse is not None:
        refuse(panel)
    if read is not None:
        read.keep()
    return panel


def _panel_of(file: Path, named: TableColumns) -> tuple[Panel, Read | None]:
    """The panel in a file, how it was read said in one line.

    Where time, KPI and media are all named, no other column is used than those that are named, and there is nothing to
    keep; else the rest is detected. Numbers, dates and days are read alike in both.

    Raises:
        DataError: the file cannot be read, or its table is invalid.
        ConfigError: the schema is invalid.
    """
    missing_kpi: MissingKpi = "mask" if named.mask_missing_kpi else "error"
    trailing_zeros: TrailingZeros = "keep" if named.keep_trailing_zeros else "ask"
    raw = read_raw(file, named.delimiter, sheet=named.sheet, time=named.time) if named.names_columns else None
    stated = Stated(cadence=named.cadence) if raw is None else _stated(named, raw)
    read = panel_and_schema(
        file,
        named.schema,
        stated,
        sheet=named.sheet,
        delimiter=named.delimiter,
        decimal=decimal_named(named.decimal),
        missing_kpi=missing_kpi,
        trailing_zeros=trailing_zeros,
        raw=raw,
    )
    say(f"Read as {read.schema.summary}")
    return read.panel, None if stated.is_all else read


def _roles(named: TableColumns, columns: list[str]) -> tuple[list[Treatment], list[str], list[str]]:
    """Treatments, organic channels and national columns that are named."""
    return (
        treatments_named(named.treatments or [], columns),
        expanded(named.organic or [], columns, "--organic"),
        expanded(named.national or [], columns, "--national"),
    )


def _stated(named: TableColumns, raw: RawTable) -> Stated:
    """The roles that are named, globs expanded over the columns of the file."""
    columns = [name for name in raw.cells.columns if name]
    channels = expanded(named.media, columns, "--media") if named.media else None
    treatments, organic, national = _roles(named, columns)
    reached = named.reached(columns)
    priced = [*(channels or []), *(entry.channel for entry in reached)]
    if named.spend and not priced:
        raise DataError("--spend is given without --media, whose channels it prices; name both, or neither.")
    is_all = bool(named.time and named.kpi and named.media)
    unnamed: tuple[dict[str, str] | None, list[str] | None] = ({}, []) if is_all else (None, None)
    return Stated(
        named.time,
        named.region,
        named.kpi,
        channels,
        paired_spend(priced, named.media or [], named.spend, columns) if named.spend else unnamed[0],
        expanded(named.controls, columns, "--controls") if named.controls else unnamed[1],
        _column_or_number(named.revenue_per_kpi, columns),
        named.population,
        named.cadence,
        treatments or None,
        organic or None,
        national or None,
        reached,
        is_all,
    )


def _column_or_number(text: str | None, columns: list[str]) -> str | float | None:
    return text if text is None or text in columns else number_or_name(text)


def number_or_name(text: str) -> str | float:
    """A number where the text is one, else the name of a column."""
    try:
        return float(text)
    except ValueError:
        return text  # the panel reports that there is no such column
