"""`read_panel`: a file as it stands -> a panel."""

import dataclasses
import logging
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from deepcausalmmm_jax.data.cadence import cadence_named
from deepcausalmmm_jax.data.files.column_words import Kind, kind_of
from deepcausalmmm_jax.data.files.number_style import (
    Decimal,
    decimal_named,
    decimal_sign,
    refuse_percent_beside_shares,
    refuse_words_among_numbers,
    with_points,
)
from deepcausalmmm_jax.data.files.one_number_a_row import names_column, spread
from deepcausalmmm_jax.data.files.panel_of_schema import panel_of_schema
from deepcausalmmm_jax.data.files.raw_table import RawTable, read_query, read_raw
from deepcausalmmm_jax.data.files.recognise import Stated, schema_of
from deepcausalmmm_jax.data.files.row_keys import (
    is_code_of_regions,
    refuse_kpi_of_all_rows,
    region_column,
    time_column,
)
from deepcausalmmm_jax.data.files.schema import Schema
from deepcausalmmm_jax.data.files.told import tell
from deepcausalmmm_jax.data.panel import MissingKpi, Panel, TrailingZeros
from deepcausalmmm_jax.data.readers.column_names import require_column
from deepcausalmmm_jax.data.readers.reach import reach_stated
from deepcausalmmm_jax.data.readers.read_table import file_at
from deepcausalmmm_jax.data.treatments import Treatment, TreatmentBaseline
from deepcausalmmm_jax.errors import DataError, DataWarning, OutputError

_AMOUNTS = (Kind.KPI, Kind.EXPOSURE, Kind.SPEND, Kind.MEDIA, Kind.REACH, Kind.REVENUE, Kind.POPULATION)
_LOG = logging.getLogger("deepcausalmmm_jax")
NOTHING_STATED = Stated()


def read_panel(
    path: str | Path,
    schema: Schema | str | Path | None = None,
    *,
    time: str | None = None,
    region: str | None = None,
    kpi: str | None = None,
    media: str | Sequence[str] | None = None,
    spend: Mapping[str, str] | str | Sequence[str] | None = None,
    controls: str | Sequence[str] | None = None,
    revenue_per_kpi: str | float | None = None,
    population: str | None = None,
    cadence: str | None = None,
    treatments: Sequence[str | Treatment] | Mapping[str, TreatmentBaseline] | None = None,
    organic: str | Sequence[str] | None = None,
    national: Sequence[str] | None = None,
    national_weights: Mapping[object, float] | None = None,
    events: object = None,
    reach: Mapping[str, str] | None = None,
    frequency: Mapping[str, str] | None = None,
    sheet: str | None = None,
    delimiter: str | None = None,
    decimal: Decimal | None = None,
    connection: object = None,
    keep_schema: bool = True,
    missing_kpi: MissingKpi = "error",
    trailing_zeros: TrailingZeros = "ask",
) -> Panel:
    """Read a panel from a file as is: CSV, Excel or Parquet, or a SQL query.

    Encoding, delimiter, decimal sign, currency signs and the form of dates are detected. Columns get their roles from
    their names and contents. The file may have one row per region and week, as most packages expect (Meridian's and
    Robyn's names are known), one row per number, one row per channel, one row per day (aggregated to weeks), or one row
    per month or quarter. The role of each column is logged in one line, and kept beside the file as `NAME.schema.toml`;
    edit that file and read again where it is wrong. A role that is stated here, or in the schema, is not guessed.

    Args:
        path: of the file; with `connection`, a SQL query.
        schema: roles of the columns, or the path of a file of them; None uses the file beside the table if there is
            one, and else detects them.
        time: column of days or weeks.
        region: column of regions.
        kpi: column of the KPI.
        media: columns of exposure; names, or globs such as `impressions_*`.
        spend: column of spend by channel, or names or globs as in `Panel.from_dataframe`.
        controls: columns of controls, names or globs; all others are then not used.
        revenue_per_kpi: column, or one number.
        population: column of each region's population.
        cadence: `daily` to keep days rather than aggregate them to weeks; `weekly`, `monthly` or `quarterly` where the
            dates do not show it, as whole numbers do not.
        treatments: as in `Panel.from_dataframe`.
        organic: columns of exposure that is not paid for, names or globs.
        national: as in `Panel.from_dataframe`.
        national_weights: as in `Panel.from_dataframe`; not kept in the schema.
        events: as in `Panel.from_dataframe`; not kept in the schema.
        reach: as in `Panel.from_dataframe`: column of people reached by channel.
        frequency: likewise, column of contacts per person reached.
        sheet: of a workbook with several tables.
        delimiter: between columns of a text file, where it is not detected.
        decimal: sign before decimals, `.` or `,`, where numbers such as `1.799` do not show it.
        connection: of SQLAlchemy, DuckDB or the DB-API, for a query.
        keep_schema: whether to write the schema beside the file, where that folder can be written.
        missing_kpi: as in `Panel.from_dataframe`.
        trailing_zeros: as in `Panel.from_dataframe`.

    Returns:
        The panel.

    Raises:
        DataError: the file is not a table, a role fits no column or several, or the panel is invalid.
        ConfigError: a schema that is invalid.
    """
    unpaid = [organic] if isinstance(organic, str) else organic
    stated = Stated(
        time,
        region,
        kpi,
        media,
        spend,
        controls,
        revenue_per_kpi,
        population,
        cadence,
        treatments or None,
        unpaid,
        national,
        reach_stated(reach, frequency, media or ()),
    )
    read = panel_and_schema(
        path,
        schema,
        stated,
        sheet=sheet,
        delimiter=delimiter,
        decimal=decimal,
        connection=connection,
        missing_kpi=missing_kpi,
        trailing_zeros=trailing_zeros,
        national_weights=national_weights,
        events=events,
    )
    if keep_schema:
        read.keep()
    return read.panel


class Read(NamedTuple):
    """A panel, and how its file was read."""

    panel: Panel
    schema: Schema
    beside: Path | None  # where the schema is to be kept; None where it was given, or there is no file

    def keep(self) -> None:
        """Write the schema beside the file; what is refused later would leave roles that nobody wants again."""
        if self.beside is None:
            return
        if self.beside.exists() and Schema.is_edited(self.beside):
            _LOG.info(
                "%s was edited, and is kept as it is; delete it to have this file's roles kept.", self.beside.name
            )
        else:
            with suppress(OutputError):  # a folder that cannot be written is no reason not to read
                self.schema.save(self.beside)


def panel_and_schema(
    path: str | Path,
    schema: Schema | str | Path | None = None,
    stated: Stated = NOTHING_STATED,
    *,
    sheet: str | None = None,
    delimiter: str | None = None,
    decimal: Decimal | None = None,
    connection: object = None,
    missing_kpi: MissingKpi = "error",
    trailing_zeros: TrailingZeros = "ask",
    national_weights: Mapping[object, float] | None = None,
    events: object = None,
    raw: RawTable | None = None,
) -> Read:
    """What `read_panel` returns, and the schema that it used, which is not kept yet; arguments and errors as there.

    Args:
        path: see `read_panel`.
        schema: see `read_panel`.
        stated: the roles that are not guessed.
        sheet: see `read_panel`.
        delimiter: between columns of a text file; None to find out.
        decimal: sign before decimals; None to find out.
        connection: see `read_panel`.
        missing_kpi: see `read_panel`.
        trailing_zeros: see `read_panel`.
        national_weights: see `read_panel`.
        events: see `read_panel`.
        raw: the file's table where it was read before; None to read it.
    """
    place = None if connection is not None else file_at(path)
    beside = None if place is None else place.with_name(f"{place.name}.schema.toml")
    known = _given(schema, beside if stated == NOTHING_STATED and sheet is None else None)
    if schema is not None:
        _refuse_beside_schema(stated)
    decimal = decimal_named(decimal)
    if known is not None and decimal is not None:
        known = dataclasses.replace(known, decimal=decimal)
    if known is not None and stated.cadence is not None:
        known = dataclasses.replace(known, cadence=cadence_named(stated.cadence).value)
    if raw is None:
        raw = _raw(path, place, known, sheet, delimiter, connection, stated.time)
    is_new = known is None
    if known is None:
        known, table = _found(raw, stated, decimal)
        tell(known, table, stated, raw.cells)
    else:
        table = _one_row_a_week(raw.cells, known)
        if schema is None:
            _warn_of_new_columns(table, known)
    further: dict[str, object] = {"missing_kpi": missing_kpi, "trailing_zeros": trailing_zeros}
    further |= {"national_weights": national_weights, "events": events}
    return Read(panel_of_schema(table, known, further), known, beside if is_new else None)


def _given(schema: Schema | str | Path | None, beside: Path | None) -> Schema | None:
    if isinstance(schema, Schema):
        return schema
    if schema is not None:
        return Schema.load(schema)
    return Schema.load(beside) if beside is not None and beside.is_file() else None


def _refuse_beside_schema(stated: Stated) -> None:
    roles = stated._replace(cadence=None)._asdict()
    if named := [name for name, value in roles.items() if value not in (None, (), False)]:
        raise DataError(
            f"{named[0]} is given beside a schema, which says what each column is; leave it out, or edit the schema."
        )


def _raw(
    path: str | Path,
    place: Path | None,
    known: Schema | None,
    sheet: str | None,
    delimiter: str | None,
    connection: object,
    time: str | None,
) -> RawTable:
    if place is None:
        return read_query(str(path), connection)
    if known is None:
        return read_raw(place, delimiter, sheet=sheet, time=time)
    return read_raw(place, delimiter or known.delimiter, known.encoding, sheet or known.sheet, known.time)


def _found(raw: RawTable, stated: Stated, decimal: Decimal | None) -> tuple[Schema, pd.DataFrame]:
    """The schema of a file, and its table with one row per region and week or day."""
    cells = raw.cells
    if stated.is_all:  # columns of one name that have no role are in nobody's way
        again = cells.columns.duplicated(keep=False) & ~cells.columns.isin(stated.columns())
        cells = cells.loc[:, ~again]
        stated.refuse_twice()
    if cells.columns.has_duplicates:
        name = cells.columns[cells.columns.duplicated()][0]
        raise DataError(f"The table has two columns named {name!r}; rename or remove one.")
    time = time_column(cells, stated.time)
    require_column(cells, time)
    rest = cells.drop(columns=time)
    used = stated.figures(rest) if stated.is_all else None
    decimal = decimal or decimal_sign(rest, raw.delimiter, used)
    numeric = [] if stated.is_all else list(_numbers(rest, decimal))
    long = None if stated.is_all else names_column(cells, time, numeric)
    names, values = long if long is not None else (None, None)
    if long is None:
        region = stated.region if stated.is_all else region_column(cells, time, stated.region)
        table = cells
    else:
        region = _region_of_long(cells, time, long, numeric, stated)
        table = spread(cells, time, region, long[0], long[1])
    stated = stated.among([str(name) for name in table.columns])
    for column in stated.columns():
        require_column(table, column)
    others = table[used] if used is not None else table.drop(columns=[n for n in (time, region) if n is not None])
    found = schema_of(table, _numbers(others, decimal), time, region, stated)
    if region is not None and stated.region is None and kind_of(region) is not Kind.REGION:
        refuse_kpi_of_all_rows(table, time, region, found.kpi)
    layout = found.layout if long is None else ("one row per number" if values else "one row per channel")
    schema = dataclasses.replace(
        found,
        layout=layout,
        names=names,
        values=values,
        delimiter=raw.delimiter,
        encoding=raw.encoding,
        decimal=decimal,
        sheet=raw.sheet,
    )
    return schema, table


def _numbers(cells: pd.DataFrame, decimal: Decimal) -> dict[str, pd.Series]:
    """The columns that hold numbers, read."""
    read = {str(name): with_points(cells[name], decimal) for name in cells}
    numbers = {name: column for name, column in read.items() if pd.api.types.is_numeric_dtype(column)}
    for name in numbers:
        refuse_percent_beside_shares(cells[name])
    for name in (name for name in read if name not in numbers and kind_of(name) is not Kind.REGION):
        refuse_words_among_numbers(cells[name], decimal, is_amount=kind_of(name) in _AMOUNTS)
    return numbers


def _region_of_long(
    cells: pd.DataFrame, time: str, long: tuple[str, str | None], numeric: list[str], stated: Stated
) -> str | None:
    texts = [str(name) for name in cells if name not in (time, *long) and name not in numeric]
    if not texts:
        texts = [name for name in numeric if name not in (time, *long) and is_code_of_regions(cells, time, name)]
    if stated.region is not None or not texts:
        return stated.region
    return region_column(cells[[time, *texts]].drop_duplicates(), time, None)


def _one_row_a_week(cells: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    used = {schema.time, schema.region, schema.names, schema.values} - {None}
    for column in used:
        if column not in cells:
            raise DataError(f"The schema names a column {column!r} that the file does not have; edit the schema.")
    if schema.names is not None:
        cells = spread(cells, schema.time, schema.region, schema.names, schema.values)
    schema.refuse_contradictions()
    schema.refuse_missing([str(name) for name in cells])
    return cells


def _warn_of_new_columns(table: pd.DataFrame, kept: Schema) -> None:
    """Say which columns came into the file after its schema was kept, and so are not in the panel."""
    new = kept.unmentioned([str(name) for name in table])
    if new:
        sentence = (
            f"The schema kept beside the file does not mention {', '.join(map(repr, new))}, which "
            f"{'is' if len(new) == 1 else 'are'} not used; add them to the schema, list them as ignored, or delete it "
            "to have the columns found again."
        )
        warnings.warn(DataWarning(sentence), stacklevel=4)
