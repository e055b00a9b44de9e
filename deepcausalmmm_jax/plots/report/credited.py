"""What the report says of treatments and events: tables, and sentences for the findings."""

import pandas as pd

from deepcausalmmm_jax.attribution.share_basis import share_basis
from deepcausalmmm_jax.plots.report.tables import Table
from deepcausalmmm_jax.plots.report.wording import few, listed, percent_interval
from deepcausalmmm_jax.plots.theme import compact, percent
from deepcausalmmm_jax.results.fit_result import FitResult

_AGAINST = {"min": "its lowest value", "max": "its highest value"}
_SAID = 3
_FIGURES = ("incremental_outcome", "pct_of_contribution")


def credited_tables(result: FitResult) -> list[Table]:
    """Tables of treatments and events; those without a row are left out."""
    return [table for table in (_treatments(result), _events(result)) if table.rows]


def _treatments(result: FitResult) -> Table:
    table = result.treatments()
    kpi, of = result.panel.kpi_label, share_basis(result.fitted_panel)
    header = ["treatment", "baseline", "mean", f"incremental {kpi}", f"share of {of}", f"{kpi} per unit and week"]
    rows = [
        [
            str(name),
            _baseline(row),
            compact(float(row["mean_value"])),
            *(
                _with_range(row, column)
                for column in ("incremental_outcome", "pct_of_contribution", "outcome_per_unit")
            ),
            *([_with_range(row, "revenue")] if "revenue" in table else []),
        ]
        for name, row in table.iterrows()
    ]
    note = (
        "Incremental: the prediction minus the prediction with the treatment at its baseline in all weeks. Per unit: "
        "one unit more in every region." + _beside_charts(result)
    )
    return Table("treatments", "Treatments", [*header, *(["revenue"] if "revenue" in table else [])], rows, note)


def _events(result: FitResult) -> Table:
    table = result.events()
    kpi, of = result.panel.kpi_label, share_basis(result.fitted_panel)
    header = ["event", "times", f"incremental {kpi}", f"share of {of}", f"{kpi} of one event"]
    rows = [
        [
            str(name),
            f"{row['times']:.0f}",
            *(_with_range(row, column) for column in (*_FIGURES, "outcome_per_event")),
        ]
        for name, row in table.iterrows()
    ]
    note = "Against weeks without the event; an event that was seen once shares its effect with all else in that week."
    note += _beside_charts(result)
    return Table("events", "Events", header, rows, note)


def _beside_charts(result: FitResult) -> str:
    """Why the tables differ from the charts of contributions, where they do."""
    if not result.fitted_panel.has_log_link:
        return ""
    return " Effects multiply, so this differs from the parts in the charts, which add up to the prediction."


def credited_sentences(result: FitResult) -> list[str]:
    """What treatments, organic channels and events brought, a sentence each."""
    kpi, of, told = result.panel.kpi_label, share_basis(result.fitted_panel), []
    table = result.treatments()
    for name, row in _largest(table):
        share = percent(float(row["pct_of_contribution"]))
        against = _AGAINST.get(str(row["baseline"]), f"a value of {row['baseline']}")
        ends = percent_interval(row, "pct_of_contribution").removeprefix("; ")
        told.append(f"Against {against}, {name} brought {share} of {of}{f' ({ends})' if ends else ''}.")
    if result.panel.organic:
        summary = result.media_summary().loc[list(result.panel.organic), "pct_of_contribution"]
        names = listed(few([str(name) for name in summary.index]))
        told.append(
            f"Organic media ({names}) brought {percent(float(summary.sum()))} of {of}; no return and no "
            "budget is stated for them."
        )
    return told + _of_events(result.events(), kpi)


def _of_events(table: pd.DataFrame, kpi: str) -> list[str]:
    if not len(table):
        return []
    named = listed([f"{name} ({percent(float(row['pct_of_contribution']))})" for name, row in _largest(table)])
    whole = percent(float(table["pct_of_contribution"].sum()))
    return [f"Events moved predicted {kpi} by {whole} in all, most of all {named}."]


def _largest(table: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """The rows with the largest contributions, either way."""
    order = (-table["pct_of_contribution"].abs().to_numpy(float)).argsort(kind="stable")[:_SAID]
    return [(str(table.index[at]), table.iloc[at]) for at in order]


def _baseline(row: pd.Series) -> str:
    stated = str(row["baseline"])
    return f"{stated} ({compact(float(row['baseline_value']))})" if stated in _AGAINST else stated


def _with_range(row: pd.Series, column: str) -> str:
    form = percent if column == "pct_of_contribution" else compact
    low, high = row.get(f"{column}_low"), row.get(f"{column}_high")
    value = form(float(row[column]))
    return value if low is None or pd.isna(low) else f"{value} ({form(float(low))} to {form(float(str(high)))})"
