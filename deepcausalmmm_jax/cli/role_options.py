"""Options for roles of columns and for events, shared by the commands that read a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, cast

import typer

from deepcausalmmm_jax.cli.columns import expanded, listed, stated_pair
from deepcausalmmm_jax.data.event_columns import with_events
from deepcausalmmm_jax.data.events import Events, events_from
from deepcausalmmm_jax.data.files.raw_table import read_raw
from deepcausalmmm_jax.data.holidays import holidays
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.treatments import Treatment, TreatmentBaseline
from deepcausalmmm_jax.errors import DataError

Treatments = Annotated[
    list[str] | None,
    typer.Option(
        "--treatments",
        help="Columns or globs of price, promotion and the like, credited from their lowest value; or column=max, "
        "column=NUMBER.",
    ),
]
Organic = Annotated[
    list[str] | None, typer.Option("--organic", help="Exposure columns or globs that are not paid for.")
]
National = Annotated[
    list[str] | None,
    typer.Option("--national", help="Columns or globs with one national figure per week; divided by population."),
]
Reach = Annotated[
    list[str] | None, typer.Option("--reach", help="People reached in a week, as channel=column; with --frequency.")
]
Frequency = Annotated[
    list[str] | None, typer.Option("--frequency", help="Contacts per person reached, as channel=column.")
]
EventTable = Annotated[
    Path | None,
    typer.Option("--events", help="CSV file of events: name, date, and region, before, after where it has them."),
]
HolidaysOf = Annotated[
    str | None, typer.Option("--holidays", help="Public holidays of a country or a part of it: DE, DE-BY.")
]


def treatments_named(patterns: Sequence[str], columns: Sequence[str]) -> list[Treatment]:
    """Treatments as named on the command line: columns, globs, or `column=baseline`.

    Args:
        patterns: as given; several may be joined by commas.
        columns: of the table.

    Raises:
        DataError: a pattern that matches no column, or a baseline that is none.
    """
    found: list[Treatment] = []
    for pattern in listed(patterns, columns):
        stated = "=" in pattern and pattern not in columns
        name, _, baseline = pattern.rpartition("=") if stated else (pattern, "", "min")
        found += [Treatment(column, _baseline(baseline)) for column in expanded([name], columns, "--treatments")]
    return found


def by_channel_named(patterns: Sequence[str] | None, columns: Sequence[str], option: str) -> dict[str, str]:
    """Columns by channel, from `channel=column`.

    Args:
        patterns: as given; several may be joined by commas.
        columns: of the table.
        option: its name, for messages.

    Raises:
        DataError: a pattern of another form, or a channel that is named twice.
    """
    found: dict[str, str] = {}
    for pattern in listed(patterns or (), columns):
        channel, sign, column = stated_pair(pattern, columns)
        if not (channel and sign and column):
            raise DataError(f"{option} {pattern} must be a channel and its column, such as {option} tv=tv_column.")
        if found.setdefault(channel, column) != column:
            raise DataError(f"{option} names two columns for {channel!r}; keep one.")
    return found


def with_events_named(panel: Panel, events: Path | None, country: str | None) -> Panel:
    """The panel with the events of a file and the holidays of a country.

    Args:
        panel: without events.
        events: file; None for none.
        country: code, with that of a subdivision behind a hyphen; None for none.

    Raises:
        DataError: the file cannot be read as events, or an unknown country.
        ConfigError: the package `holidays` is not installed.
    """
    found: list[Events] = []
    if events is not None:
        calendar = events_from(read_raw(events).cells)
        assert calendar is not None
        found.append(calendar)
    if country is not None:
        code, _, part = country.partition("-")
        found.append(holidays(panel, code, part or None))
    for calendar in found[1:]:
        found[0] = found[0] + calendar
    return with_events(panel, found[0]) if found else panel


def _baseline(text: str) -> TreatmentBaseline:
    try:
        return float(text)
    except ValueError:
        return cast(TreatmentBaseline, text)  # `Treatment` says what it may be
