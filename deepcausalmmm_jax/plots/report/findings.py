"""The findings in plain words: what worked, how certain that is, what not to trust; see `decision` for what to do."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from deepcausalmmm_jax.attribution.notes import ChannelNote, NoteKind
from deepcausalmmm_jax.attribution.share_basis import share_basis, sized_share
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.diagnosis.diagnosis import Diagnosis
from deepcausalmmm_jax.data.wording import Wording
from deepcausalmmm_jax.io.plain_numbers import plain_number
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.plots.report.credited import credited_sentences
from deepcausalmmm_jax.plots.report.wording import few, in_labels, listed, percent_interval
from deepcausalmmm_jax.plots.theme import bare_names, naive_names, percent
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.results.own_notes import as_sentence, doubt_of_draws
from deepcausalmmm_jax.results.sampling_diagnostics import untrusted_or_not

_NAMED = 3
_MOST_CHANNEL_NOTES = 6
_FEWEST_DRAWS = 100
_APART = 0.8  # of the regions: with fewer effective ones the reader should know
# A note about one channel, and about several.
_PREDICATES = {
    NoteKind.NEAR_PRIOR: (
        "stays near its prior, since the data say little about it",
        "stay near their priors, since the data say little about them",
    ),
    NoteKind.TINY: ("is tiny (under {value:.1%} of {kpi})", "are tiny (under {value:.1%} of {kpi})"),
    NoteKind.MAY_BE_MORE: ("is found tiny, but the data allow for more", "are found tiny, but the data allow for more"),
    NoteKind.FOLLOWS_KPI: (
        "may follow demand rather than drive it: the KPI moves with its exposure one and two {unit}s later too",
        "may follow demand rather than drive it: the KPI moves with their exposure one and two {unit}s later too",
    ),
    NoteKind.SATURATED: (
        "is saturated when on air: 1% more exposure then adds far less than 1% to its effect",
        "are saturated when on air: 1% more exposure then adds far less than 1% to their effects",
    ),
    NoteKind.MOVES_WITH: (
        "moves with {names}: the split between them is uncertain",
        "move with {names}: the split between them is uncertain",
    ),
    NoteKind.SELDOM_ON_AIR: (
        "is on air in only {value:.0%} of the region-{unit}s",
        "are on air in only {value:.0%} of the region-{unit}s",
    ),
    NoteKind.LATE_START: ("starts late, in {unit} {names}", "start late, in {unit} {names}"),
}


@dataclass(frozen=True)
class Findings:
    """Sentences under each heading."""

    worked: list[str]
    certainty: list[str]
    caveats: list[str]

    def in_labels(self, channels: Sequence[str]) -> "Findings":
        """The same with channels as figures label them, without the unit at their end."""
        every = (self.worked, self.certainty, self.caveats)
        return Findings(*([in_labels(sentence, channels) for sentence in sentences] for sentences in every))

    def in_units(self, worded: Wording) -> "Findings":
        """The same for a panel whose steps are not weeks."""
        every = (self.worked, self.certainty, self.caveats)
        return Findings(*([worded(sentence) for sentence in sentences] for sentences in every))


def findings(result: FitResult, plan: BudgetPlan | None, diagnosis: Diagnosis | None = None) -> Findings:
    """Put the main findings into sentences.

    Args:
        result: the fit.
        plan: a budget plan; None for none.
        diagnosis: of its panel, where it was made before; None to make it.
    """
    summary, notes = result.media_summary(), result.notes()
    return Findings(
        worked=_worked(result, summary, notes),
        certainty=_certainty(result, notes),
        caveats=_link(result)
        + _caveats(result, summary, notes, diagnosis or result.panel.diagnose().beside(result.config))
        + _assumptions(plan),
    )


def _link(result: FitResult) -> list[str]:
    """What figures count where effects multiply."""
    if result.config.link != "log":
        return []
    return [
        f"Effects multiply: each channel raises {result.panel.kpi_label} by a percentage, and its figures are its part "
        "of what all media add. Switching one channel off alone would lose more than its part."
    ]


def _assumptions(plan: BudgetPlan | None) -> list[str]:
    """Notes of a plan; that it is not advised, or its total too large, is said where the plan is."""
    return [] if plan is None else [note for note in plan.notes if note not in (plan.doubt, plan.on_the_total)]


def _worked(result: FitResult, summary: pd.DataFrame, notes: pd.DataFrame) -> list[str]:
    ordered = summary.sort_values("pct_of_contribution", ascending=False)
    bare = bare_names(result.panel.channels)
    parts = [_share(bare[name], row) for name, row in ordered.head(_NAMED).iterrows()]
    are = "s are" if len(parts) > 1 else " is"
    if _has_errors(notes) and not notes["distinguishable"].any():
        apart = (
            "the channels' effects from zero or from each other" if len(notes) > 1 else "the effect of media from zero"
        )
        told = [f"These data cannot tell {apart}. The largest estimate{are} {listed(parts)}."]
    else:
        total = percent(float(summary["pct_of_contribution"].sum()), 0)
        told = [
            f"Media drove {total} of {share_basis(result.fitted_panel)}. The largest contribution{are} {listed(parts)}."
        ]
    return told + _size(result) + credited_sentences(result) + _returns(result, summary)


def _size(result: FitResult) -> list[str]:
    """What the size of a KPI is, where shares are of it."""
    if not sized_share(result.fitted_panel):
        return []
    return ["Where a KPI lies around zero its sum says nothing of its size, which is taken from its weekly changes."]


def _has_errors(notes: pd.DataFrame) -> bool:
    """Whether shares have standard errors: the published model has none without refits."""
    return bool(notes["z"].notna().any())


def _returns(result: FitResult, summary: pd.DataFrame) -> list[str]:
    if not (summary["roi"].notna() & (summary["spend"] > 0)).any():
        return ["No spend was given, so returns cannot be computed."]
    return []


def _share(name: str, row: pd.Series) -> str:
    share = percent(float(row["pct_of_contribution"]))
    return f"{name} ({share}{percent_interval(row, 'pct_of_contribution')})"


def _certainty(result: FitResult, notes: pd.DataFrame) -> list[str]:
    told = [forecast_verdict(result.metrics, result.panel.cadence)]
    if isinstance(result, Ensemble):
        told.append(_of_intervals(result))
    else:
        told.append(
            "This is a single fit: only shares have standard errors, which count what is not known of each channel's "
            "level and curve, given the priors."
        )
    n_regions, effective = len(result.panel.regions), result.effective_regions
    if effective < _APART * n_regions:
        amount = plain_number(effective, 2)
        told.append(
            f"The {n_regions:,} regions move together: on what moves all of them at once they carry as much "
            f"information as {amount} independent region{'' if amount == '1' else 's'}."
        )
    bare = bare_names(result.panel.channels)
    unclear = [bare[name] for name in notes.index[~notes["distinguishable"]]]
    if not _has_errors(notes):
        told.append("This model gives no standard errors, so it is unknown which effects are clear.")
    elif len(unclear) == len(notes):
        told.append("No channel's effect is clearly above zero.")
    elif unclear:
        told.append(f"{listed(few(unclear))} {'shows' if len(unclear) == 1 else 'show'} no clear effect.")
    return told


def _of_intervals(result: Ensemble) -> str:
    count = len(result.share_draws())
    if result.from_posterior:
        told = f"Ranges are 90% intervals from {count} posterior draws, which vary everything the data leave open."
        told = f"{told} {doubt_of_draws(result, 'ranges')}".strip()
    else:
        told = (
            f"Ranges are 90% intervals from {count} bootstrap refits; those of shares, outcomes and returns are no "
            "narrower than the fit's own errors."
        )
    doubts = untrusted_or_not(result.replicates)  # said above, of ranges
    return " ".join([told, *(as_sentence(note) for note in result.coverage_notes if note not in doubts)])


def forecast_verdict(metrics: pd.DataFrame, cadence: Cadence) -> str:
    """The forecast error beside that of the best naive forecast, in a sentence."""
    if "holdout" not in metrics.index:
        return "No weeks were held out, so the forecast error is unknown."
    row = metrics.loc["holdout"]
    if pd.isna(row["skill"]):
        return "There is no naive forecast of the held-out weeks to compare with."
    word = "below" if row["skill"] > 0 else "above"
    return (
        f"In the held-out weeks the forecast error is {percent(100 * abs(float(row['skill'])), 0)} {word} that of the "
        f"best naive forecast ({naive_names(cadence)[str(row['naive'])]}, chosen in hindsight)."
    )


def _caveats(result: FitResult, summary: pd.DataFrame, notes: pd.DataFrame, diagnosis: Diagnosis) -> list[str]:
    told = [
        "These are estimates from observed data, not from an experiment: a cause that moves with media and is not "
        "among the controls is credited to media."
    ]
    if diagnosis.findings:
        named = list(dict.fromkeys(finding.check.value for finding in diagnosis.findings))
        told.append(f"The data checks ask for attention: {listed(few(named))}; see below.")
    if isinstance(result, Ensemble):
        told += _caveats_of_draws(result, summary, notes)
    told += channel_sentences(result.panel.channels, result.channel_trust.notes, result.panel.kpi_label)
    priors = result.priors()
    apart = priors[priors["sds_apart"].abs() > 2] if len(priors) else priors
    apart = apart[~apart["quantity"].astype(str).str.startswith("curve ")]  # those come from other KPIs
    told += [f"The data contradict the stated {row.quantity} of {row.name}." for row in apart.itertuples(index=False)]
    if not result.family.has_exposure_levels:
        told.append(
            "In the published model the prior sets the media share, and curves run over shares of voice, so the size "
            "of the total budget has no effect. Taking a channel out raises the others' shares, so shares and returns "
            "of single channels are not the contributions in the charts, and do not add up to those of all media."
        )
    return told


def channel_sentences(channels: Sequence[str], notes: Sequence[Sequence[ChannelNote]], kpi: str) -> list[str]:
    """One sentence a note, with all channels that it applies to; that an effect is unclear is said elsewhere.

    Args:
        channels: names.
        notes: of each channel.
        kpi: name of the KPI.
    """
    bare = bare_names(channels)
    concerned: dict[str, tuple[ChannelNote, list[str]]] = {}  # by words: numbers that print alike are alike
    for channel, own in zip(channels, notes, strict=True):
        for note in own:
            if note.kind in _PREDICATES:
                words = _PREDICATES[note.kind][1].format(names=note.names, value=note.value, kpi=kpi, unit=note.unit)
                concerned.setdefault(words, (note, []))[1].append(bare[channel])
    told = []
    first = sorted(concerned.values(), key=lambda found: found[0].kind is not NoteKind.FOLLOWS_KPI)  # the gravest
    for note, named in first[:_MOST_CHANNEL_NOTES]:
        predicate = _PREDICATES[note.kind][len(named) > 1]
        names = ", ".join(bare.get(name, name) for name in note.names)
        text = predicate.format(names=names, value=note.value, kpi=kpi, unit=note.unit)
        told.append(f"{listed(few(named))} {text}.")
    return told


def _caveats_of_draws(result: Ensemble, summary: pd.DataFrame, notes: pd.DataFrame) -> list[str]:
    told, count = [], len(result.share_draws())
    if count < _FEWEST_DRAWS:
        told.append(f"{count} draws give rough intervals; use {_FEWEST_DRAWS} or more.")
    outside = pd.Series(False, index=summary.index)
    for table, column in ((summary, "pct_of_contribution"), (notes, "share")):
        value, low, high = (table[f"{column}{end}"] for end in ("", "_low", "_high"))
        outside |= (value < low) | (value > high)
    bare = bare_names(result.panel.channels)
    names = [bare[name] for name in outside.index[outside]]
    if names:
        several = len(names) > 1
        told.append(
            f"The estimate{'s' if several else ''} for {listed(few(names))} {'lie' if several else 'lies'} outside "
            f"{'their' if several else 'its'} own interval{'s' if several else ''}: the fit had not converged, or the "
            "refits drift away from it. Train longer before relying on either."
        )
    return told
