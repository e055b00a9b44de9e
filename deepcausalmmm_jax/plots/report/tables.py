"""The report's printed tables: numbers as people write them."""

from dataclasses import dataclass

import pandas as pd

from deepcausalmmm_jax.plots.protocols import Answers, edge_frequency, has_refits
from deepcausalmmm_jax.plots.theme import compact

_METRIC_FORMATS = {"r2": "{:.3f}", "r2_median_region": "{:.3f}", "wmape": "{:.1%}", "skill": "{:+.3f}"}


@dataclass(frozen=True)
class Table:
    """A table of the page, cells as text, with a word below it."""

    key: str
    title: str
    header: list[str]
    rows: list[list[str]]
    note: str = ""


def tables_of(result: Answers) -> dict[str, list[Table]]:
    """Tables by the chapter they stand in; empty ones are left out."""
    found = {
        "forecast": [_accuracy(result.metrics)],
        "contribution": [_media(result)],
        "certainty": [_trust(result), _priors(result.priors())],
        "links": [_edges(result)],
        "training": [_tuning(result.tuning)],
    }
    return {chapter: [table for table in tables if table.rows] for chapter, tables in found.items()}


def number(value: float, form: str = "{:,.0f}") -> str:
    """A number as text, a dash where there is none."""
    return "–" if pd.isna(value) else form.format(value)


def _accuracy(metrics: pd.DataFrame) -> Table:
    rows = []
    for measure in metrics.columns:
        if measure == "naive":
            cells = [str(value) or "–" for value in metrics[measure]]
        else:
            cells = [number(float(value), _METRIC_FORMATS.get(measure, "{:,.0f}")) for value in metrics[measure]]
        rows.append([measure, *cells])
    note = (
        "rmse in units of the KPI; wmape: sum of absolute errors over sum of the KPI; rmse_mean to rmse_seasonal: "
        "naive forecasts from the training weeks alone; skill: 1 - rmse / rmse_naive, above 0 beats them all. A high "
        "pooled r2 says little where regions differ in size."
    )
    return Table("accuracy", "Accuracy, beside naive forecasts", ["measure", *map(str, metrics.index)], rows, note)


def _media(result: Answers) -> Table:
    summary = result.media_summary().sort_values("pct_of_contribution", ascending=False)
    forms = {
        "exposure": "exposure",
        "spend": "spend",
        "incremental_outcome": f"incremental {result.panel.kpi_name}",
        "pct_of_contribution": "% of KPI",
        "roi": "ROI",
        "mroi": "mROI",
        "cpik": "CPIK",
        "effectiveness": "effectiveness",
    }
    columns = [name for name in forms if summary[name].notna().any()]
    rows = [[str(name), *(_with_range(row, column) for column in columns)] for name, row in summary.iterrows()]
    notes = summary.loc[summary["note"] != "", "note"]
    said = [f"{', '.join(map(str, notes.index[notes == note]))}: {note}." for note in dict.fromkeys(notes)]
    text = "Incremental: the prediction as it was, less the prediction with the channel at zero in all weeks. "
    return Table("media", "All channels", ["channel", *(forms[c] for c in columns)], rows, text + " ".join(said))


def _with_range(row: pd.Series, column: str) -> str:
    value = "–" if pd.isna(row[column]) else compact(float(row[column]))
    low, high = row.get(f"{column}_low"), row.get(f"{column}_high")
    if value == "–" or low is None or high is None or pd.isna(low) or pd.isna(high):
        return value
    return f"{value} ({compact(float(low))} to {compact(float(high))})"


def _trust(result: Answers) -> Table:
    notes = result.notes()
    refitted = has_refits(result)
    interval = ["90 % interval"] if refitted else []
    header = ["channel", "share of the KPI, %", "standard error, points", *interval, "what to know"]
    rows = []
    for channel, row in notes.iterrows():
        middle = [f"{row['share_low']:.2f} to {row['share_high']:.2f}"] if refitted else []
        numbers = [number(row["share"], "{:.2f}"), number(row["share_error"], "{:.2f}")]
        rows.append([str(channel), *numbers, *middle, str(row["note"]) or "–"])
    note = (
        "Errors and intervals are those of the draws."
        if refitted
        else "The error is that of the channel's level, its curve taken as known; doubt about the curve comes on top."
    )
    return Table("trust", "How well each share is known", header, rows, note)


def _priors(priors: pd.DataFrame) -> Table:
    rows = []
    for _, row in priors.iterrows():
        stated = row["stated"]
        shown = stated if isinstance(stated, str) else number(float(stated), "{:.3g}")
        rows.append(
            [str(row["quantity"]), str(row["name"]), shown, *(number(float(row[n]), "{:.3g}") for n in ("sd", "found"))]
        )
    header = ["quantity", "name", "stated", "give or take", "found"]
    return Table("priors", "What was stated, and what the data said", header, rows)


def _edges(result: Answers) -> Table:
    adjacency = result.adjacency
    often = edge_frequency(result)
    links = [
        (source, target, float(adjacency.loc[source, target]))
        for source in adjacency.index
        for target in adjacency.columns
        if adjacency.loc[source, target] != 0
    ]
    rows = []
    for source, target, weight in sorted(links, key=lambda link: -abs(link[2])):
        share = [] if often is None else [f"{often.loc[source, target]:.0%}"]
        rows.append([str(source), str(target), f"{weight:+.2f}", *share])
    header = ["from", "to", "weight", *([] if often is None else ["found in refits"])]
    if result.config.model == "paper":
        note = "An edge says how much of a channel's activity the published model mixes into another's."
    else:
        note = (
            "A weight says by how many of its mean weeks a channel's exposure rises with one more mean week of "
            "another's, read off their weekly ups and downs. A common cause that is not among the controls can look "
            "like a link."
        )
    return Table("edges", "Links", header, rows, note)


def _tuning(tuning: pd.DataFrame) -> Table:
    forms = {"set": "{:.3g}", "learned": "{:.3g}", "evidence": "{:+.1f}"}
    rows = [[str(size), *(number(row[n], form) for n, form in forms.items())] for size, row in tuning.iterrows()]
    header = ["size", "set", "learned", "evidence for the learned one, nats"]
    return Table("tuning", "What the data chose", header, rows)
