"""The findings in plain words: what worked, how sure that is, what to do next, what not to trust."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from deepcausalmmm_jax.attribution.notes import ChannelNote, NoteKind
from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.plots.report.plan_findings import plan_findings
from deepcausalmmm_jax.plots.report.wording import few, interval, listed, percent_interval
from deepcausalmmm_jax.plots.theme import NAIVE_NAMES, percent
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult

_NAMED = 3
_NAMED_NOTES = 8
_MOST_CHANNEL_NOTES = 6
_NEAR_MAXIMUM = 0.8  # of the maximum effect: more exposure adds little
_FAR_FROM_MAXIMUM = 0.4
_FEWEST_DRAWS = 100
_APART = 0.8  # of the regions: with fewer effective ones the reader should know
# A note about one channel, and about several.
_PREDICATES = {
    NoteKind.NEAR_PRIOR: (
        "stays near its prior, since the data say little about it",
        "stay near their priors, since the data say little about them",
    ),
    NoteKind.TINY: ("is tiny (under {value:.1%} of {kpi})", "are tiny (under {value:.1%} of {kpi})"),
    NoteKind.SATURATED: (
        "is saturated: more exposure would add little",
        "are saturated: more exposure would add little",
    ),
    NoteKind.MOVES_WITH: (
        "moves with {names}: the split between them is uncertain",
        "move with {names}: the split between them is uncertain",
    ),
    NoteKind.SELDOM_ON_AIR: (
        "is on air in only {value:.0%} of the region-weeks",
        "are on air in only {value:.0%} of the region-weeks",
    ),
    NoteKind.LATE_START: ("starts late, in week {names}", "start late, in week {names}"),
}


@dataclass(frozen=True)
class Findings:
    """Sentences under each heading; a tile is a number with a phrase below it."""

    tiles: list[tuple[str, str]]
    worked: list[str]
    certainty: list[str]
    next_steps: list[str]
    caveats: list[str]


def findings(result: FitResult, plan: BudgetPlan | None) -> Findings:
    """Put the main findings into sentences."""
    summary, notes = result.media_summary(), result.notes()
    return Findings(
        tiles=_tiles(result, summary, notes),
        worked=_worked(result, summary, notes),
        certainty=_certainty(result, notes),
        next_steps=_next_steps(result, summary, notes, plan),
        caveats=_caveats(result, summary, notes) + list(plan.notes if plan is not None else ()),
    )


def _tiles(result: FitResult, summary: pd.DataFrame, notes: pd.DataFrame) -> list[tuple[str, str]]:
    share = summary["pct_of_contribution"]
    tiles = [
        (percent(float(share.sum()), 0), f"of predicted {result.panel.kpi_name} is attributed to media"),
        (percent(float(share.max())), f"is attributed to the largest channel, {share.idxmax()}"),
    ]
    if _has_errors(notes):
        tiles.append((f"{int(notes['distinguishable'].sum())} of {len(notes)}", "channels show a clear effect"))
    skill = float(result.metrics["skill"].iloc[-1])
    if result.holdout and pd.notna(skill):
        word = "lower" if skill > 0 else "higher"
        tiles.append((percent(100 * abs(skill), 0), f"{word} forecast error than the best naive forecast"))
    return tiles


def _worked(result: FitResult, summary: pd.DataFrame, notes: pd.DataFrame) -> list[str]:
    ordered = summary.sort_values("pct_of_contribution", ascending=False)
    parts = [_share(str(name), row) for name, row in ordered.head(_NAMED).iterrows()]
    kpi = result.panel.kpi_name
    are = "s are" if len(parts) > 1 else " is"
    if _has_errors(notes) and not notes["distinguishable"].any():
        apart = (
            "the channels' effects from zero or from each other" if len(notes) > 1 else "the effect of media from zero"
        )
        told = [f"These data cannot tell {apart}. The largest estimate{are} {listed(parts)}."]
    else:
        total = percent(float(summary["pct_of_contribution"].sum()), 0)
        told = [f"Media drove {total} of predicted {kpi}. The largest contribution{are} {listed(parts)}."]
    return told + _returns(result, summary)


def _has_errors(notes: pd.DataFrame) -> bool:
    """Whether shares have standard errors: the published model has none without refits."""
    return bool(notes["z"].notna().any())


def _returns(result: FitResult, summary: pd.DataFrame) -> list[str]:
    paid = summary[summary["roi"].notna() & (summary["spend"] > 0)].sort_values("roi", ascending=False)
    if not len(paid):
        return ["No spend was given, so returns cannot be computed."]
    if len(paid) == 1:
        return []
    unit = "ROI" if result.panel.revenue_per_kpi is not None else f"{result.panel.kpi_name} per unit of spend:"
    best, worst = paid.iloc[0], paid.iloc[-1]
    return [
        f"Best return: {paid.index[0]} ({unit} {best['roi']:.3g}{interval(best, 'roi')}). Lowest return: "
        f"{paid.index[-1]} ({worst['roi']:.3g}{interval(worst, 'roi')})."
    ]


def _share(name: str, row: pd.Series) -> str:
    share = percent(float(row["pct_of_contribution"]))
    return f"{name} ({share}{percent_interval(row, 'pct_of_contribution')})"


def _certainty(result: FitResult, notes: pd.DataFrame) -> list[str]:
    told = [forecast_verdict(result.metrics)]
    if isinstance(result, Ensemble):
        told.append(_of_intervals(result))
    else:
        told.append(
            "This is a single fit: standard errors of shares take each channel's curve as known, so the true "
            "uncertainty is larger."
        )
    n_regions, effective = len(result.panel.regions), result.effective_regions
    if effective < _APART * n_regions:
        amount = f"{effective:.2g}"
        told.append(
            f"The {n_regions:,} regions move together: they carry as much information as {amount} independent "
            f"region{'' if amount == '1' else 's'}."
        )
    unclear = [str(name) for name in notes.index[~notes["distinguishable"]]]
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
        doubt = " The sampler has not converged: treat the ranges as rough, and draw more."
        told = f"Ranges are 90% intervals from {count} posterior draws, which vary everything the data leave open."
        told = told if bool(result.sampling()["trusted"]) else told + doubt
        return " ".join([told, *(f"{note.sentence.capitalize()}." for note in result.coverage_notes)])
    return (
        f"Ranges are 90% intervals from {count} bootstrap refits. On simulated panels with a known truth, such "
        "intervals contained it in 85 to 88% of cases, and in about 70% with fewer than eight regions."
    )


def forecast_verdict(metrics: pd.DataFrame) -> str:
    """The forecast error beside that of the best naive forecast, in a sentence."""
    if "holdout" not in metrics.index:
        return "No weeks were held out, so the forecast error is unknown."
    row = metrics.loc["holdout"]
    if pd.isna(row["skill"]):
        return "There is no naive forecast of the held-out weeks to compare with."
    word = "below" if row["skill"] > 0 else "above"
    return (
        f"In the held-out weeks the forecast error is {percent(100 * abs(float(row['skill'])), 0)} {word} that of the "
        f"best naive forecast ({NAIVE_NAMES[str(row['naive'])]}, chosen in hindsight)."
    )


def _next_steps(result: FitResult, summary: pd.DataFrame, notes: pd.DataFrame, plan: BudgetPlan | None) -> list[str]:
    told = [] if plan is None else plan_findings(plan, result.panel.kpi_name)
    clear = notes.index[notes["distinguishable"]]
    paid = summary[summary["mroi"].notna() & summary.index.isin(clear)].sort_values("mroi")
    if len(paid) > 1 and plan is None:
        least, most = paid.iloc[0], paid.iloc[-1]
        told.append(
            f"The next unit of spend earns most on {paid.index[-1]} (marginal ROI {most['mroi']:.3g}"
            f"{interval(most, 'mroi')}) and least on {paid.index[0]} ({least['mroi']:.3g}{interval(least, 'mroi')}): "
            "shift spend in small steps, and watch the outcome."
        )
    reached = result.today()["saturation"]
    full = [str(name) for name in reached.index[(reached > _NEAR_MAXIMUM) & reached.index.isin(clear)]]
    room = [str(name) for name in reached.index[(reached < _FAR_FROM_MAXIMUM) & reached.index.isin(clear)]]
    if full:
        told.append(f"More exposure of {listed(few(full))} would add little: saturation is close.")
    if room:
        told.append(f"{listed(few(room))} {'has' if len(room) == 1 else 'have'} room to grow before returns diminish.")
    told.append(_experiment(notes))
    if result.status == FitStatus.EPOCH_LIMIT:
        told.append("Training stopped before it converged; raise max_epochs before acting on small differences.")
    if not isinstance(result, Ensemble):
        told.append("Run bootstrap for intervals before moving money.")
    return told


def _experiment(notes: pd.DataFrame) -> str:
    error = notes["share_error"]
    if error.notna().any():
        name = str(error.idxmax())
        share = float(notes["share"][name])
        return (
            f"An experiment on {name} would be the most informative: its share of {percent(share)} "
            f"has the largest standard error, {error.max():.1f} percentage points."
        )
    return f"An experiment on {notes['share'].idxmax()}, the largest channel, would be the most informative."


def _caveats(result: FitResult, summary: pd.DataFrame, notes: pd.DataFrame) -> list[str]:
    told = [
        "These are estimates from observed data, not from an experiment: a cause that moves with media and is not "
        "among the controls is credited to media."
    ]
    told += result.panel_notes()["note"].tolist()[:_NAMED_NOTES]
    if isinstance(result, Ensemble):
        told += _caveats_of_draws(result, summary, notes)
    told += channel_sentences(result.panel.channels, result.channel_trust.notes, result.panel.kpi_name)
    priors = result.priors()
    apart = priors[priors["sds_apart"].abs() > 2] if len(priors) else priors
    told += [f"The data contradict the stated {row.quantity} of {row.name}." for row in apart.itertuples(index=False)]
    if not result.family.has_exposure_levels:
        told.append(
            "In the published model the prior sets the media share, and curves run over shares of voice, so the size "
            "of the total budget has no effect."
        )
    return told


def channel_sentences(channels: Sequence[str], notes: Sequence[Sequence[ChannelNote]], kpi: str) -> list[str]:
    """One sentence a note, with all channels that it applies to; that an effect is unclear is said elsewhere.

    Args:
        channels: names.
        notes: of each channel.
        kpi: name of the KPI.
    """
    concerned: dict[str, tuple[ChannelNote, list[str]]] = {}  # by sentence: numbers that print alike are alike
    for channel, own in zip(channels, notes, strict=True):
        for note in own:
            if note.kind in _PREDICATES:
                concerned.setdefault(note.sentence, (note, []))[1].append(str(channel))
    told = []
    for note, named in list(concerned.values())[:_MOST_CHANNEL_NOTES]:
        predicate = _PREDICATES[note.kind][len(named) > 1]
        text = predicate.format(names=", ".join(note.names), value=note.value, kpi=kpi)
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
    names = [str(name) for name in outside.index[outside]]
    if names:
        several = len(names) > 1
        told.append(
            f"The estimate{'s' if several else ''} for {listed(few(names))} {'lie' if several else 'lies'} outside "
            f"{'their' if several else 'its'} own interval{'s' if several else ''}: the fit had not converged, or the "
            "refits drift away from it. Train longer before relying on either."
        )
    return told
