"""The command `fit`: a file -> a fit, its tables and its report."""

from pathlib import Path
from typing import Annotated

import typer

from deepcausalmmm_jax.cli.fit_results import (
    WHILE_TRAINING,
    nothing_new,
    print_accuracy,
    print_trust,
    print_written,
    write_results,
)
from deepcausalmmm_jax.cli.output import say, stoppable
from deepcausalmmm_jax.cli.role_options import EventTable, Frequency, HolidaysOf, National, Organic, Reach, Treatments
from deepcausalmmm_jax.cli.settings_options import (
    ConfigFile,
    Counts,
    Link,
    LinkGroupsOption,
    refuse_two_holdouts,
    settings_of,
)
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
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.io.atomic_write import refuse_unwritable
from deepcausalmmm_jax.io.import_ahead import import_ahead
from deepcausalmmm_jax.io.plain_numbers import plain_number

_HOLDOUT = 8


def fit_command(
    file: Annotated[Path, typer.Argument(help="CSV, Excel or Parquet file, as it stands.", metavar="FILE")],
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    time: Time = None,
    kpi: Kpi = None,
    media: Media = None,
    region: Region = None,
    spend: Spend = None,
    controls: Controls = None,
    revenue_per_kpi: RevenuePerKpi = None,
    population: Population = None,
    holdout: Annotated[
        int | None,
        typer.Option(
            help="Number of weeks (or days, months, quarters) to hold out: the last ones with a KPI. [default: 8]"
        ),
    ] = None,
    no_holdout: Annotated[bool, typer.Option("--no-holdout", help="Train on all weeks.")] = False,
    config: ConfigFile = None,
    link: Link = None,
    counts: Counts = False,
    link_groups: LinkGroupsOption = None,
    experiments: Annotated[Path | None, typer.Option(help="CSV file of lift tests, one per row.")] = None,
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
    """Fit your own CSV, Excel or Parquet file; writes contributions, summary, accuracy, report and the fit itself."""
    from deepcausalmmm_jax.data.readers.lift_tests import read_lift_tests
    from deepcausalmmm_jax.inference.fit import fit  # with JAX, which help does without

    refuse_two_holdouts(holdout, no_holdout)
    settings = settings_of(config, link, counts, link_groups)
    if experiments is not None:
        settings = settings.replace(experiments=(*settings.experiments, *read_lift_tests(experiments)))
    named = TableColumns(
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
    weeks = None if no_holdout else _HOLDOUT if holdout is None else holdout

    def refuse(read: Panel) -> None:
        training_weights(read, weeks)  # before the folder is created
        refuse_unwritable(out)

    panel = panel_of(file, named, refuse)
    with stoppable(nothing_new(out)):
        import_ahead(WHILE_TRAINING)
        result = fit(panel, settings, weeks, seed, progress=False if quiet else None)
        write_results(result, out)
    print_accuracy(result)
    say("\nChannels")
    say(result.summary().to_string(float_format=plain_number, na_rep="-"))
    notes = result.media_summary()["note"]
    for note in dict.fromkeys(notes[notes != ""]):
        say(f"  {', '.join(notes.index[notes == note])}: {note}")
    print_trust(result)
    print_written(result, out)
