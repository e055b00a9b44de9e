"""Checks of the estimates: a baseline that makes sense, plausible returns, effects that the data give."""

import numpy as np

from deepcausalmmm_jax.attribution.leads import follow_kpi
from deepcausalmmm_jax.attribution.notes import NoteKind
from deepcausalmmm_jax.attribution.share_basis import share_basis
from deepcausalmmm_jax.axes import ALL_MEDIA, PAID_MEDIA
from deepcausalmmm_jax.data.diagnosis.findings import several
from deepcausalmmm_jax.io.grades import Grade
from deepcausalmmm_jax.io.plain_numbers import plain_number
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.trust.health_card import HealthCheck, HealthRow

_NEGATIVE, _OFTEN_NEGATIVE = 0.01, 0.1  # of the region-weeks
_LARGE_SHARE, _HUGE_SHARE = 0.4, 0.6  # of the predicted KPI
_HIGH_ROI, _SURELY_HIGH_ROI = 20.0, 10.0  # the estimate, and the lower end of its interval
_MOST = 0.5  # of the channels
_NAMED = 3


def baseline_row(result: FitResult) -> HealthRow:
    """Predicted KPI without any media: how often it is below zero where the KPI never is."""
    check, panel, fit = HealthCheck.BASELINE, result.panel, result.fitted_panel
    known = panel.weights > 0
    positive = ~np.asarray(((panel.kpi < 0) & known).any(axis=1))
    base = fit.prediction - fit.components.media.sum(axis=2)
    counted = panel.past & positive[:, None]
    if not counted.any():
        why = f"{panel.kpi_name} itself is below zero at times in every region, so a baseline below zero shows nothing"
        return HealthRow(check, Grade.NOT_RUN, why)
    share = float((base[counted] < 0).mean())
    figure = f"below zero in {share:.1%} of the region-weeks"
    if not positive.all():
        figure += f" of the {several(int(positive.sum()), 'region')} of {len(positive)} whose KPI never is"
    if isinstance(result, Ensemble) and positive.all():
        chance = float((result.baseline_draws() < 0).mean())
        figure += f", in total in {chance:.0%} of the draws"
        share = max(share, chance)
    limit = f"up to {_NEGATIVE:.0%}"
    if share <= _NEGATIVE:
        return HealthRow(check, Grade.PASS, figure, limit)
    advice = "Media are credited with more than was sold: add controls, or state how much media can contribute."
    reason = "media are credited with more than was sold in some weeks"
    grade = Grade.FAIL if share > _OFTEN_NEGATIVE else Grade.LOOK
    return HealthRow(check, grade, figure, limit, advice, grade is Grade.FAIL, reason)


def media_share_row(result: FitResult) -> HealthRow:
    """Share of the predicted KPI, or of its size, that is credited to media."""
    check = HealthCheck.MEDIA_SHARE
    share = float(result.media_summary()["pct_of_contribution"].sum()) / 100.0
    of = share_basis(result.fitted_panel)
    figure, limit = f"{share:.0%} of {of}", f"up to {_LARGE_SHARE:.0%}"
    if share <= _LARGE_SHARE:
        return HealthRow(check, Grade.PASS, figure, limit)
    advice = (
        "Ask whether that much would really be lost without media; if not, look for a control that moves with them."
    )
    reason = f"{share:.0%} of {of} is credited to media, more than is plausible"
    grade = Grade.FAIL if share > _HUGE_SHARE else Grade.LOOK
    return HealthRow(check, grade, figure, limit, advice, grade is Grade.FAIL, reason)


def returns_row(result: FitResult) -> HealthRow:
    """Returns that no business earns."""
    check, summary = HealthCheck.RETURNS, result.media_summary()
    if result.panel.spend is None or not (summary["spend"] > 0).any():
        reason = "no spend was given, so returns are unknown"
        advice = "Add the spend of each channel."
        return HealthRow(check, Grade.LOOK, "no spend given", f"ROI up to {_HIGH_ROI:g}", advice, True, reason)
    if result.panel.revenue_per_kpi is None:
        return HealthRow(check, Grade.NOT_RUN, "no revenue per KPI given")
    roi = summary["roi"].dropna()
    high = roi > _HIGH_ROI
    if "roi_low" in summary:
        high |= summary.loc[roi.index, "roi_low"] > _SURELY_HIGH_ROI
    limit = f"ROI up to {_HIGH_ROI:g}, interval not wholly above {_SURELY_HIGH_ROI:g}"
    if not high.any():
        return HealthRow(check, Grade.PASS, f"largest ROI {plain_number(float(roi.max()), 3)} ({roi.idxmax()})", limit)
    named = [str(name) for name in roi[high].sort_values(ascending=False).index[:_NAMED]]
    advice = "Check units of spend and revenue, and whether the channel follows demand (brand search does)."
    found = plain_number(float(roi[named[0]]), 3)
    reason = f"an ROI of {found} ({', '.join(named)}) is implausible"
    return HealthRow(check, Grade.FAIL, f"{named[0]}: ROI {found}", limit, advice, True, reason)


def timing_row(result: FitResult) -> HealthRow:
    """Channels that the KPI moves ahead of, as where their exposure follows demand."""
    check, trust = HealthCheck.TIMING, result.channel_trust
    early = {
        str(name): note.value
        for name, notes in zip(trust.table.index, trust.notes, strict=True)
        for note in notes
        if note.kind is NoteKind.FOLLOWS_KPI
    }
    limit = "no channel that the KPI moves ahead of"
    if not early:
        judged = int(np.isfinite(follow_kpi(result.fitted_panel)).sum())
        if not judged:
            return HealthRow(check, Grade.NOT_RUN, "the weeks do not tell, or the model has no innovations")
        some = f"none of the {judged} that the weeks tell of" if judged < len(trust.table) else "no channel"
        return HealthRow(check, Grade.PASS, some, limit)
    share = trust.table["share"]
    names = sorted(early, key=lambda name: early[name] * share[name], reverse=True)
    named = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    figure = f"the KPI moves ahead of {named}"
    reason = f"media may follow sales rather than drive them ({', '.join(names[:_NAMED])})"
    advice = "Add what their exposure follows as a control (demand, distribution), or test them with an experiment."
    return HealthRow(check, Grade.LOOK, figure, limit, advice, True, reason, tuple(names))


def clear_row(result: FitResult) -> HealthRow:
    """Channels whose effect is distinguishable from zero."""
    check, notes = HealthCheck.CLEAR, result.channel_trust.table
    clear, count = int(notes["distinguishable"].sum()), len(notes)
    figure, limit = (
        f"{clear} of {count} channels",
        "at least one clear channel; half of the media effect in clear channels",
    )
    share = float(notes.loc[notes["distinguishable"], "share"].sum() / max(float(notes["share"].sum()), 1e-12))
    advice = "Test the channels that matter with an experiment, or vary their budgets deliberately."
    if not clear:
        reason = "no channel has an effect that is distinguishable from zero"
        return HealthRow(check, Grade.LOOK, figure, limit, advice, True, reason)
    if share < _MOST:
        has = "has" if clear == 1 else "have"
        reason = f"only {clear} of {count} channels, with {share:.0%} of the media effect, {has} a clear effect"
        return HealthRow(check, Grade.LOOK, figure, limit, advice, True, reason)
    return HealthRow(check, Grade.PASS, figure, limit)


def prior_row(result: FitResult) -> HealthRow:
    """Channels whose share is hardly better known than from the prior alone."""
    check, trust = HealthCheck.PRIOR, result.channel_trust
    if not (isinstance(result, Ensemble) and result.from_posterior):
        return HealthRow(check, Grade.NOT_RUN, "no draws from the posterior")
    near = [
        str(name)
        for name, notes in zip(trust.table.index, trust.notes, strict=True)
        if any(note.kind is NoteKind.NEAR_PRIOR for note in notes)
    ]
    count = len(trust.table)
    limit = f"fewer than {_MOST:.0%} of the channels near their prior"
    if not near:
        return HealthRow(check, Grade.PASS, "no channel stays near its prior", limit)
    figure = (
        f"{len(near)} of {count} near their prior: {', '.join(near[:_NAMED])}{' ...' if len(near) > _NAMED else ''}"
    )
    many = len(near) >= _MOST * count
    reason = f"the data say little about {len(near)} of {count} channels" if many else ""
    return HealthRow(check, Grade.LOOK, figure, limit, "Test them, or state what you know as priors.", many, reason)


def strengths(result: FitResult) -> str:
    """What speaks for acting, one sentence."""
    notes, summary = result.channel_trust.table, result.media_summary()
    count = int(notes["distinguishable"].sum())
    has = "has a clear effect" if count == 1 else "have clear effects"
    clear = f"{count} of {len(notes)} channels {has}, and no check failed"
    total = total_roi(result)
    if total is None or result.panel.revenue_per_kpi is None or not len(summary):
        return f"{clear}."
    low, high = total[1:]
    if not np.isnan(high) and high < 1:
        return f"{clear}; media return less than they cost."
    return f"{clear}; media return more than they cost." if not np.isnan(low) and low > 1 else f"{clear}."


def total_roi(result: FitResult, level: float = 0.9) -> tuple[float, float, float] | None:
    """ROI of all channels with spend together, and its interval (missing without draws); None without spend."""
    summary = result.media_summary()
    paid = summary.index[(summary["spend"] > 0) & summary["roi"].notna()]
    spend = summary.loc[paid, "spend"]
    if not len(paid):
        return None
    roi = float((summary.loc[paid, "roi"] * spend).sum() / spend.sum())
    if not isinstance(result, Ensemble) or len(result.replicates) < 2:
        return roi, np.nan, np.nan
    figures = result.summary(level)
    total = PAID_MEDIA if PAID_MEDIA in figures.index else ALL_MEDIA
    low, high = (float(figures["roi" + end].loc[total]) for end in ("_low", "_high"))
    return roi, low, high
