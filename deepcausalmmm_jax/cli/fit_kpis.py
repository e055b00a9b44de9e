"""The command `fit-kpis`: a file -> fits of several of its KPIs, whose curves are shared as far as the data say so."""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepcausalmmm_jax.cli.columns import listed
from deepcausalmmm_jax.cli.fit_results import nothing_new
from deepcausalmmm_jax.cli.output import say, stoppable
from deepcausalmmm_jax.cli.role_options import EventTable, Frequency, HolidaysOf, National, Organic, Reach, Treatments
from deepcausalmmm_jax.cli.settings_options import ConfigFile, CountedKpis, Link, settings_by_kpi
from deepcausalmmm_jax.cli.table_options import (
    CadenceName,
    Controls,
    DecimalSign,
    Delimiter,
    KeepTrailingZeros,
    MaskMissingKpi,
    Media,
    Population,
    Region,
    SchemaFile,
    Sheet,
    Spend,
    TableColumns,
    Time,
    number_or_name,
    panel_of,
)
from deepcausalmmm_jax.config.priors import CURVE_PARAMETERS
from deepcausalmmm_jax.data.files.raw_table import read_raw
from deepcausalmmm_jax.data.files.schema import Schema
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.io.atomic_write import refuse_unwritable
from deepcausalmmm_jax.io.plain_numbers import plain_number

if TYPE_CHECKING:
    from deepcausalmmm_jax.results.kpi_fits import KpiFits


def fit_kpis_command(
    file: Annotated[Path, typer.Argument(help="CSV, Excel or Parquet file, as it stands.", metavar="FILE")],
    out: Annotated[Path, typer.Option(help="Folder for the results, with a folder for each KPI.")],
    kpi: Annotated[list[str], typer.Option("--kpi", help="Columns of the KPIs; repeat, or separate by commas.")],
    share: Annotated[
        str,
        typer.Option(help=f"Curve parameters that KPIs may share: {', '.join(CURVE_PARAMETERS)}, or none."),
    ] = ",".join(CURVE_PARAMETERS),
    funnel: Annotated[
        str,
        typer.Option(
            help="KPIs that lead to each other, first to last, by commas: what goes through the earlier ones."
        ),
    ] = "",
    revenue_per_kpi: Annotated[
        list[str] | None,
        typer.Option("--revenue-per-kpi", help="KPI=REVENUE, where revenue per unit is a column or a number; repeat."),
    ] = None,
    time: Time = None,
    media: Media = None,
    region: Region = None,
    spend: Spend = None,
    controls: Controls = None,
    population: Population = None,
    holdout: Annotated[
        int, typer.Option(help="Number of weeks (or days, months, quarters) to hold out: the last ones with a KPI.")
    ] = 8,
    config: ConfigFile = None,
    link: Link = None,
    counts: CountedKpis = None,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
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
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Fit several KPIs of the same media, with curves that are shared as far as the data say so."""
    from deepcausalmmm_jax.inference.fit_kpis import fit_kpis  # with JAX, which help does without

    several = any("," in entry for entry in kpi)
    names = listed(kpi, read_raw(file, delimiter, sheet=sheet, time=time).cells.columns.tolist() if several else ())
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"--kpi names {twice[0]!r} twice; name each KPI once.")
    worth = _worth(revenue_per_kpi or [], names)
    settings = settings_by_kpi(config, link, counts, names)
    panels, known = {}, None if schema is None else Schema.load(schema)
    for name in names:
        named = TableColumns(
            time,
            name if known is None else None,
            media,
            region,
            spend,
            controls,
            worth.get(name) if known is None else None,
            population,
            delimiter,
            mask_missing_kpi,
            keep_trailing_zeros,
            None if known is None else _of_kpi(known, name, worth.get(name)),
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
        panels[name] = panel_of(file, named, lambda read: training_weights(read, holdout))
    refuse_unwritable(out)
    shared = [name.strip() for name in share.split(",") if name.strip() not in ("", "none")]
    stages = listed([funnel], names)
    with stoppable(nothing_new(out)):
        shown = False if quiet else None
        fits = fit_kpis(panels, settings, holdout, seed, share=shared, funnel=stages or None, progress=shown)
        fits.save(out)
    _say_summary(fits)
    if len(fits.pooling):
        say("\nHow far the KPIs have curves in common (0 none, 1 the same)")
        say(fits.pooling.to_string(float_format=lambda value: f"{value:.2f}"))
    if fits.funnel:
        say("\nEffects by way of earlier stages")
        effects = fits.effects()
        say(effects.drop(columns="note").to_string(float_format=plain_number, na_rep="-"))
        for label, note in zip(effects.index.tolist(), effects["note"].tolist(), strict=True):
            if note:
                say(f"{', '.join(label)}: {note}.")
    tables = "summary.csv, effects.csv, pooling.csv" if fits.funnel else "summary.csv, pooling.csv"
    say(f"\nWrote {tables} and a folder with fit.npz for each KPI to {out}{os.sep}")


def _say_summary(fits: "KpiFits") -> None:
    """KPIs and channels side by side, and below them what holds for all intervals of a KPI."""
    from deepcausalmmm_jax.results.own_notes import sentences_on_all

    say("KPIs and channels")
    say(fits.summary().to_string(float_format=plain_number, na_rep="-"))
    for kpi, result in fits.items():
        for sentence in sentences_on_all(result):
            say(f"{kpi}: {sentence}")


def _of_kpi(known: Schema, name: str, worth: str | None) -> Schema:
    """A schema with another KPI in place of its own, which may have another revenue."""
    own = known.revenue_per_kpi if name == known.kpi else None
    revenue = own if worth is None else number_or_name(worth)
    ignored = tuple(column for column in known.ignored if column not in (name, revenue))
    return dataclasses.replace(known, kpi=name, revenue_per_kpi=revenue, ignored=ignored)


def _worth(entries: list[str], names: list[str]) -> dict[str, str]:
    """Revenue per unit by KPI, as named."""
    found: dict[str, str] = {}
    for entry in entries:
        name, sign, value = entry.rpartition("=")
        if not sign or name not in names or not value:
            raise DataError(
                f"--revenue-per-kpi {entry!r} names none of the KPIs; write {names[0]}=2.5, or the name of a column "
                "after the sign."
            )
        if found.setdefault(name, value) != value:
            raise DataError(f"--revenue-per-kpi gives {name!r} {found[name]!r} and {value!r}; keep one.")
    return found
