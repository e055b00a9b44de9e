"""The report's printed tables, with their numbers formatted."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.notes import NOTE, NoteKind
from deepcausalmmm_jax.attribution.share_basis import share_basis, sized_share
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.diagnosis.diagnosis import Diagnosis
from deepcausalmmm_jax.data.wording import Wording
from deepcausalmmm_jax.io.grades import Grade
from deepcausalmmm_jax.io.plain_numbers import plain_number
from deepcausalmmm_jax.plots.report.wording import in_labels
from deepcausalmmm_jax.plots.theme import compact, naive_names, percent
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.results.own_notes import own_notes, sentences_on_all
from deepcausalmmm_jax.trust.health_card import HealthCard
from deepcausalmmm_jax.trust.refutations.refutation import Refutation

_METRICS = {
    "r2": "R², pooled",
    "r2_median_region": "R² within regions, median",
    "rmse": "RMSE",
    "wmape": "WMAPE",
    "rmse_naive": "RMSE, best naive",
    "naive": "best naive forecast",
    "skill": "skill",
}
_METRIC_FORMATS = {"r2": "{:.3f}", "r2_median_region": "{:.3f}", "wmape": "{:.1%}", "skill": "{:+.3f}"}


_PER, _READABLE = (1, 1_000, 1_000_000), 0.1  # exposure units that effectiveness is of, and its least largest value


@dataclass(frozen=True)
class Table:
    """A table of the page: cells as text, with a note below."""

    key: str
    title: str
    header: list[str]
    rows: list[list[str]]
    note: str = ""
    graded: bool = False  # whether the first column holds grades

    def in_labels(self, channels: Sequence[str]) -> "Table":
        """The same with channels as figures label them, without the unit at their end."""
        rows = [[in_labels(cell, channels) for cell in row] for row in self.rows]
        return dataclasses.replace(self, rows=rows, note=in_labels(self.note, channels))

    def in_units(self, worded: Wording) -> "Table":
        """The same for a panel whose steps are not weeks: title, header and note; cells hold data."""
        title, note = worded(self.title), worded(self.note)
        return dataclasses.replace(self, title=title, header=[worded(cell) for cell in self.header], note=note)


def tables_of(
    result: FitResult, card: HealthCard, diagnosis: Diagnosis, refutations: Refutation | None = None
) -> dict[str, list[Table]]:
    """Tables by the section they belong to, without the empty ones.

    Args:
        result: the fit.
        card: its health card.
        diagnosis: of its panel.
        refutations: what `refute` returned for it; None where it was not run.
    """
    found = {
        "health": [_health(card), *([] if refutations is None else [_refutations(refutations)])],
        "experiments": [_experiments(result)],
        "checks": [_checks(diagnosis)],
        "forecast": [_accuracy(result.metrics, result.panel.cadence)],
        "contribution": [_media(result)],
        "certainty": [_trust(result), _priors(result.priors())],
        "links": [_edges(result)],
        "training": [_tuning(result.tuning)],
    }
    return {section: [table for table in tables if table.rows] for section, tables in found.items()}


def number(value: float, form: str = "") -> str:
    """A number as text, by default in three significant digits; a dash where it is missing."""
    if pd.isna(value):
        return "–"
    return form.format(value) if form else plain_number(value, 3)


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, never as a power of ten: returns may be counted in hundreds or in thousandths."""
    return number(value) if pd.isna(value) else ("+" if value > 0 else "") + plain_number(value, digits)


def _health(card: HealthCard) -> Table:
    rows = [
        [row.grade.value, row.check.value, row.figure, row.threshold or "–", row.advice or "–"] for row in card.rows
    ]
    note = f"Verdict: {card.verdict.value}. {card.reason}"
    return Table("health-card", "Health card", ["grade", "check", "found", "threshold", "advice"], rows, note, True)


def _refutations(refutations: Refutation) -> Table:
    rows = [
        [
            str(row["grade"]),
            str(row["test"]),
            str(row["changed"]),
            f"{_cell(row['figure'])} {row['unit']}",
            str(row["meaning"]),
        ]
        for _, row in refutations.table.iterrows()
    ]
    header = ["grade", "test", "changed", "found", "meaning"]
    return Table("refutations", "Tests that try to break the estimate", header, rows, refutations.estimator, True)


def _checks(diagnosis: Diagnosis) -> Table:
    rows = [
        [row.grade.value, row.check.value, row.where or "–", row.what, row.why or "–", row.advice or "–"]
        for row in diagnosis.findings
    ]
    fine = [row.check.value for row in diagnosis.rows if row.grade is Grade.PASS]
    open_ = [row.check.value for row in diagnosis.rows if row.grade is Grade.NOT_RUN]
    note = f"Nothing to act on: {', '.join(fine)}." + (f" Not run: {', '.join(open_)}." if open_ else "")
    header = ["grade", "check", "where", "found", "why it matters", "advice"]
    return Table("data-checks", "Data checks", header, rows or [["pass", "all", "–", "nothing", "–", "–"]], note, True)


def _experiments(result: FitResult) -> Table:
    table = result.lift_tests().reset_index()
    header, rows = [str(name).replace("_", " ") for name in table.columns], []
    for _, row in table.iterrows():
        cells = ["conflict" if value is True else "–" if value is False else _cell(value) for value in row]
        rows.append(cells)
    note = (
        "Measured effects beside what the model says of the same weeks and regions. Conflict: beyond 2 standard errors."
    )
    return Table("lift-tests", "Experiments beside the model", header, rows, note)


def _cell(value: object) -> str:
    if isinstance(value, float | np.floating):
        return number(float(value))
    return str(value)


def _accuracy(metrics: pd.DataFrame, cadence: Cadence) -> Table:
    rows, naive = [], naive_names(cadence)
    measures = _METRICS | {f"rmse_{key}": f"RMSE, naive: {name}" for key, name in naive.items()}
    for measure in metrics.columns:
        if measure == "naive":
            cells = [cadence.worded(naive.get(str(value), "–"), ()) for value in metrics[measure]]
        else:
            cells = [number(float(value), _METRIC_FORMATS.get(measure, "")) for value in metrics[measure]]
        rows.append([cadence.worded(measures.get(str(measure), str(measure)), ()), *cells])
    note = (
        "RMSE in units of the KPI. WMAPE: sum of absolute errors over sum of the KPI. Naive forecasts use the training "
        "weeks only. Skill: 1 - RMSE / RMSE of the best naive forecast; above 0, the model beats them all. A high "
        "pooled R² says little where regions differ in size."
    )
    return Table("accuracy", "Accuracy beside naive forecasts", ["measure", *map(str, metrics.index)], rows, note)


def _media(result: FitResult) -> Table:
    summary = result.media_summary().sort_values("pct_of_contribution", ascending=False)
    forms = {
        "exposure": "exposure",
        "spend": "spend",
        "incremental_outcome": f"incremental {result.panel.kpi_label}",
        "pct_of_contribution": f"share of {share_basis(result.fitted_panel)}",
        "roi": "ROI",
        "mroi": "mROI",
        "cpik": "CPIK",
        "effectiveness": "effectiveness",
    }
    columns = [name for name in forms if summary[name].notna().any()]
    per = next((size for size in _PER if summary["effectiveness"].max() * size >= _READABLE), _PER[-1])
    own = [str(name) for name in summary if str(name).startswith("effectiveness")]
    summary = summary.assign(**{name: per * summary[name] for name in own})
    forms["effectiveness"] += f" (per {per:,} exposure units)" if per > 1 else ""
    organic = set(result.panel.organic)
    rows = [
        [f"{name} (organic)" if name in organic else str(name), *(_with_range(row, column) for column in columns)]
        for name, row in summary.iterrows()
    ]
    notes = summary.loc[summary["note"] != "", "note"]
    said = [f"{', '.join(map(str, notes.index[notes == note]))}: {note}." for note in dict.fromkeys(notes)]
    text = "Incremental: the prediction minus the prediction with the channel at zero in all weeks. "
    if result.fitted_panel.has_log_link:
        text = (
            "Incremental: the channel's part of what all media add, so that channels add up; effects multiply, and "
            "without one channel alone more than its part would be lost. "
        )
    elif not result.family.has_exposure_levels:
        text += (
            "Without a channel the others' shares of voice rise, so these figures are not the contributions in the "
            "charts, and their sum is not what all media bring. "
        )
    return Table("media", "All channels", ["channel", *(forms[c] for c in columns)], rows, text + " ".join(said))


def _with_range(row: pd.Series, column: str) -> str:
    form = percent if column == "pct_of_contribution" else compact
    value = "–" if pd.isna(row[column]) else form(float(row[column]))
    low, high = row.get(f"{column}_low"), row.get(f"{column}_high")
    if value == "–" or low is None or high is None or pd.isna(low) or pd.isna(high):
        return value
    return f"{value} ({form(float(low))}\u00a0to\u00a0{form(float(high))})"  # breaks before the interval, not in it


def _trust(result: FitResult) -> Table:
    refitted = isinstance(result, Ensemble)
    interval = ["90% interval"] if refitted else []
    header = ["channel", "share of KPI, %", "standard error, points", *interval, "notes"]
    rows = []
    for channel, row in own_notes(result).iterrows():
        ends = "–" if refitted and pd.isna(row["share_low"]) else None
        middle = [ends or f"{row['share_low']:.2f} to {row['share_high']:.2f}"] if refitted else []
        numbers = [number(row["share"], "{:.2f}"), number(row["share_error"], "{:.2f}")]
        rows.append([str(channel), *numbers, *middle, str(row[NOTE]) or "–"])
    return Table("trust", "Uncertainty of each channel's share", header, rows, _on_errors(result))


def _on_errors(result: FitResult) -> str:
    """What the shares are of, where their errors come from, and what holds for the intervals of all channels."""
    size = "size of the KPI in" if sized_share(result.fitted_panel) else "KPI of"
    of = f"Shares are of the {size} the {result.panel.cadence.unit}s that the fit learned from."
    if not result.family.has_noise:
        return f"{of} This model gives no standard errors."
    if not isinstance(result, Ensemble):
        return f"{of} Standard errors count what is not known of each channel's level and curve, given the priors."
    drawn = "the draws" if result.from_posterior else "the refits, and are no smaller than those of the fit"
    return " ".join([of, f"Standard errors and intervals come from {drawn}.", *sentences_on_all(result)])


def _priors(priors: pd.DataFrame) -> Table:
    rows = []
    for _, row in priors.iterrows():
        stated = row["stated"]
        shown = stated if isinstance(stated, str) else number(float(stated))
        rows.append(
            [
                str(row["quantity"]).replace("cpik", "CPIK").replace("_", " "),
                str(row["name"]),
                shown,
                *(number(float(row[n])) for n in ("sd", "found")),
            ]
        )
    header = ["quantity", "name", "stated", "standard deviation", "estimate"]
    return Table("priors", "Stated priors and estimates", header, rows)


def _edges(result: FitResult) -> Table:
    links, has_lags = result.links(), result.config.link_lags > 0
    has_shares, has_groups = "share_of_refits" in links, "group" in links
    rows = []
    for _, link in links.iterrows():
        lag = [str(link["lag"])] if has_lags else []
        share = [f"{link['share_of_refits']:.0%}"] if has_shares else []
        group = [str(link["group"])] if has_groups else []
        rows.append([*group, str(link["source"]), str(link["target"]), *lag, _weight(link), *share])
    header = [
        *(["regions"] if has_groups else []),
        "from",
        "to",
        *(["lag, weeks"] if has_lags else []),
        "weight (90% interval)",
    ]
    header += ["share of refits"] if has_shares else []
    if not result.family.has_exposure_levels:
        note = "A weight is the share of a channel's activity that the published model adds to another's."
    else:
        note = (
            "Weight: the rise of a channel's exposure, in average weeks, per additional average week of the driving "
            "channel, estimated from their weekly variation. A common cause that is not among the controls can look "
            "like a link."
        )
    if has_shares and (links["note"] != "").any():
        note += f" Where {NoteKind.LINK_OUTSIDE_INTERVAL.value}, both are shown as they are."
    if has_groups:
        named = result.link_groups.groupby(result.link_groups, sort=False).groups
        of_groups = "; ".join(f"{name}: {', '.join(map(str, regions))}" for name, regions in named.items())
        note += f" Regions have links by group. {of_groups}."
    return Table("edges", "Edges of the channel graph", header, rows, note)


def _weight(link: pd.Series) -> str:
    interval = "" if pd.isna(link["weight_low"]) else f" ({link['weight_low']:+.2f} to {link['weight_high']:+.2f})"
    return f"{link['weight']:+.2f}{interval}"


def _tuning(tuning: pd.DataFrame) -> Table:
    forms = {"set": "{:.3g}", "learned": "{:.3g}", "evidence": "{:+.1f}"}
    rows = [[str(size), *(number(row[n], form) for n, form in forms.items())] for size, row in tuning.iterrows()]
    header = ["prior scale", "set", "learned", "gain in log evidence, nats"]
    note = "A gain above 3 is strong evidence for the learned scale over the set one."
    return Table("tuning", "Learned prior scales", header, rows, note)
