"""The first page: what was spent and earned, one verdict, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtr

from deepcausalmmm_jax.attribution.share_basis import share_basis
from deepcausalmmm_jax.io.grades import Grade
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.plots.report.plan_findings import SLIGHT, plan_findings
from deepcausalmmm_jax.plots.report.wording import few, in_labels, interval, listed
from deepcausalmmm_jax.plots.theme import bare_names, compact, money, percent
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.trust.estimate_checks import total_roi
from deepcausalmmm_jax.trust.health_card import HealthCard, HealthCheck, Verdict

_NEAR_MAXIMUM = 0.8  # of the maximum effect: more exposure adds little
_FAR_FROM_MAXIMUM = 0.4
_FAR_BELOW_MEAN = 0.5  # of what a mean unit of spend brings
_ADVICE = 3
_REFITS = 200  # of a bootstrap by default
_REFIT_TIME = 0.14  # of a refit, checks from random starts included, over that of the fit: 40 regions x 156 weeks
_ERRORS_IN_90 = 1.645  # standard errors from the middle of a 90% interval to its end
_SURE = 0.95  # of the draws in which one channel's next unit earns more than another's


@dataclass(frozen=True)
class Decision:
    """What a reader in a hurry needs.

    Attributes:
        verdict: of the health card, in words.
        css: of the verdict, as a class name.
        reason: of the verdict, one sentence.
        tiles: a number with a phrase below it, each.
        actions: what to do, a sentence each.
    """

    verdict: str
    css: str
    reason: str
    tiles: list[tuple[str, str]]
    actions: list[str]


def decision(result: FitResult, card: HealthCard, plan: BudgetPlan | None, currency: str | None) -> Decision:
    """Everything above the fold.

    Args:
        result: the fit.
        card: its health card.
        plan: a budget plan; None for none.
        currency: such as EUR; None where it is unknown, and then no sign is shown.
    """
    return Decision(
        verdict=card.verdict.value,
        css=card.verdict.value.replace(" ", "-"),
        reason=in_labels(card.reason, result.panel.channels),
        tiles=_tiles(result, card, currency),
        actions=_actions(result, card, plan, currency),
    )


def _tiles(result: FitResult, card: HealthCard, currency: str | None) -> list[tuple[str, str]]:
    summary, kpi = result.media_summary(), result.panel.kpi_label
    paid = summary["spend"] > 0
    tiles: list[tuple[str, str]] = []
    total = total_roi(result)
    if total is not None:
        spend = float(summary.loc[paid, "spend"].sum())
        tiles.append((money(spend, currency), "spent on media" + ("" if currency else ", in the currency of the data")))
        tiles += _earned(total, spend, kpi, currency if result.panel.revenue_per_kpi is not None else None, result)
    share = float(summary["pct_of_contribution"].sum())
    tiles.append((percent(share, 0), f"of {share_basis(result.fitted_panel)} is attributed to media"))
    notes = result.channel_trust.table
    if notes["z"].notna().any():
        clear = notes["distinguishable"] & ~notes.index.isin(card.doubted)
        beyond_doubt = " that no check puts in doubt" if card.doubted else ""
        tiles.append((f"{int(clear.sum())} of {len(notes)}", f"channels show a clear effect{beyond_doubt}"))
    return tiles


def _earned(
    total: tuple[float, float, float], spend: float, kpi: str, currency: str | None, result: FitResult
) -> list[tuple[str, str]]:
    roi, low, high = total
    known = not np.isnan(low)
    in_revenue = result.panel.revenue_per_kpi is not None
    outcome = f"{money(roi * spend, currency)}" if in_revenue else compact(roi * spend)
    ends = f" (90% range: {compact(low * spend)} to {compact(high * spend)})" if known else ""
    rate = f" (90% range: {compact(low)} to {compact(high)})" if known else ""
    what = "revenue from paid media" if in_revenue else f"{kpi} from paid media"
    unit = "ROI: revenue per unit of spend" if in_revenue else f"{kpi} per unit of spend"
    return [(outcome, what + ends), (compact(roi), unit + rate)]


def _actions(result: FitResult, card: HealthCard, plan: BudgetPlan | None, currency: str | None) -> list[str]:
    if card.verdict is Verdict.DO_NOT_USE:
        mend = [row.advice for row in card.rows if row.grade is Grade.FAIL and row.advice]
        return ["Do not move budget on these figures.", *dict.fromkeys(mend[:_ADVICE])]
    drawn = isinstance(result, Ensemble)
    told = [] if plan is None or not drawn else plan_findings(plan, result.panel.kpi_label, currency)
    if plan is not None and plan.advised and drawn and card.verdict is Verdict.TEST_FIRST:
        told.insert(0, "Settle what the verdict names before the plan is carried out: its gains rest on it.")
    if not drawn:
        told += [_get_intervals(result), *([] if plan is None else [_undecided(plan)])]
    if result.panel.spend is None:
        told.append("Add the spend of each channel: without it no return, and no plan in money, can be computed.")
    shift = _shifts(result, card) if plan is None else _Shifts([])
    told += [*shift.told, *_by_channel(result, card, plan, shift.most)]
    open_points = {row.check for row in card.rows if row.decides and row.grade is Grade.LOOK}
    if open_points - {HealthCheck.RETURNS}:  # without spend, data are missing, not a test
        told.append(_experiment(result, card.doubted))
    if card.verdict is Verdict.ACT and plan is None and result.panel.spend is not None and drawn:
        told.append("Make a plan with optimize_budget, carry it out in small steps, and watch the outcome.")
    return told


def _get_intervals(result: FitResult) -> str:
    """The command that gives intervals, and how long it takes where the fit's own time is known."""
    seconds = result.fitted.record.seconds * _REFITS * _REFIT_TIME
    takes = "" if not seconds > 0 else f", about {_in_minutes(seconds)} on the computer of the fit"
    return (
        f"First get intervals: deepcausalmmm-jax bootstrap RUN --out DRAWS ({_REFITS} refits{takes}), then the plan "
        "and this report from DRAWS. Move no money before."
    )


def _in_minutes(seconds: float) -> str:
    minutes = max(round(seconds / 60.0), 1)
    return f"{minutes} minute{'s' if minutes > 1 else ''}" if minutes < 2 * 60 else f"{seconds / 3600:.0f} hours"


def _undecided(plan: BudgetPlan) -> str:
    return (
        f"The plan ({plan.period}) is not to be carried out yet: without intervals it is unknown whether its gain is "
        "more than chance."
    )


class _Shifts(NamedTuple):
    """Sentences on the next unit of spend, and the channel that they say earns most with it."""

    told: list[str]
    most: str = ""


def _shifts(result: FitResult, card: HealthCard) -> _Shifts:
    """Where the next unit of spend earns most and least, where the draws are sure of it and no check is in doubt.

    Of the channels with a clear effect: an unclear one may have any return.
    """
    summary, bare = result.media_summary(), bare_names(result.panel.channels)
    clear = result.channel_trust.table["distinguishable"] & ~summary.index.isin(card.doubted)
    paid = summary[summary["mroi"].notna() & clear].sort_values("mroi")
    if len(paid) < 2 or not isinstance(result, Ensemble):
        return _Shifts([])
    least, most = paid.iloc[0], paid.iloc[-1]
    low, high = bare[paid.index[0]], bare[paid.index[-1]]
    if result.panel.revenue_per_kpi is not None and paid["mroi_high"].max() < 1:
        told = (
            f"The next unit of spend returns less than it costs on every channel with a clear effect, at most "
            f"{compact(most['mroi'])} on {high}: reduce the total."
        )
        return _Shifts([told])
    if _chance_of_order(result, least, most) < _SURE:
        told = (
            "Which channel earns most with the next unit of spend is open: ranges of those with a clear effect overlap."
        )
        return _Shifts([told])
    do = (
        "shift spend in small steps" if card.verdict is Verdict.ACT else "confirm it with a test before you shift spend"
    )
    among = "the next unit of spend"
    if len(paid) < summary["mroi"].notna().sum():  # others may have a higher figure, but an uncertain one
        among = f"among channels with a clear effect{' that no check doubts' if card.doubted else ''}, {among}"
    told = (
        f"{among[0].upper()}{among[1:]} earns most on {high} (marginal ROI {compact(most['mroi'])}"
        f"{interval(most, 'mroi')}) and least on {low} ({compact(least['mroi'])}{interval(least, 'mroi')}): {do}."
    )
    return _Shifts([told], str(most.name))


def _chance_of_order(result: Ensemble, least: pd.Series, most: pd.Series) -> float:
    """How likely the next unit of spend earns more in one row of `media_summary` than in another.

    Refits do not show how far the curves may be off, so theirs is no more than what the widths of the intervals leave.
    """
    drawn = result.draws("mroi")
    chance = float((drawn[most.name] > drawn[least.name]).mean())
    if result.from_posterior:
        return chance
    error = np.hypot(*((row["mroi_high"] - row["mroi_low"]) / (2.0 * _ERRORS_IN_90) for row in (least, most)))
    return min(chance, float(ndtr((most["mroi"] - least["mroi"]) / error))) if error > 0 else chance


def _by_channel(result: FitResult, card: HealthCard, plan: BudgetPlan | None, most: str = "") -> list[str]:
    """Channels that lose money, that are saturated, and that have room; none of them twice, none without draws.

    Args:
        result: the fit.
        card: unless its verdict is to act, losses are to be confirmed first; doubted channels are not told to grow.
        plan: where it raises a channel that loses money, to keep its total, a smaller total is advised.
        most: the channel that is said to earn most with the next unit of spend; empty for none.
    """
    if not isinstance(result, Ensemble):
        return []
    summary, bare = result.media_summary(), bare_names(result.panel.channels)
    in_revenue = result.panel.revenue_per_kpi is not None
    losing = _below_one(summary, in_revenue)
    reached, clear = result.today()["saturation"], result.channel_trust.table["distinguishable"]
    advised = plan if plan is not None and plan.advised else None
    full = [name for name in reached.index if reached[name] > _NEAR_MAXIMUM and clear[name] and name not in losing]
    fed = {most, *(name for name in full if _earns(summary, name, in_revenue)), *_raised(advised, full)}
    full = [name for name in full if name not in fed and _adds_little(summary.loc[name])]
    room = [name for name in reached.index if reached[name] < _FAR_FROM_MAXIMUM and clear[name]]
    unfit = {*losing, *card.doubted}
    room = [name for name in room if name not in unfit and _earns(summary, name, in_revenue)]
    raised = _raised(advised, losing)
    told = [
        *_losses([name for name in losing if name not in raised], bare, card, False),
        *_losses(raised, bare, card, True),
    ]
    if full:
        are = "it is" if len(full) == 1 else "they are"
        told.append(f"More exposure of {listed(few([bare[name] for name in full]))} would add little: {are} saturated.")
    if room:
        has = "has" if len(room) == 1 else "have"
        told.append(f"{listed(few([bare[name] for name in room]))} {has} room to grow before returns diminish.")
    return told


def _losses(names: list[str], bare: Mapping[object, str], card: HealthCard, are_raised: bool) -> list[str]:
    """One sentence on channels that lose money, and what to do; none without any."""
    if not names:
        return []
    returns, cost, them = ("returns", "it costs", "it") if len(names) == 1 else ("return", "they cost", "them")
    if are_raised:
        do = "the plan spends more there only to keep its total; a smaller total loses less"
    elif card.verdict is Verdict.ACT:
        do = f"reduce {them} step by step"
    else:
        do = f"confirm that with a test before you cut {them}"
    whole = listed(few([bare[name] for name in names]))
    return [f"{whole} {returns} less than {cost}, over the whole 90% range: {do}."]


def _raised(plan: BudgetPlan | None, names: list[str]) -> list[str]:
    """Those of the channels on which the plan spends more; none without a plan."""
    if plan is None:
        return []
    today = plan.channels["spend_today"]
    change = (plan.channels["spend_plan"] - today) > SLIGHT * today
    return [name for name in names if bool(change.get(name, False))]


def _below_one(summary: pd.DataFrame, in_revenue: bool) -> list[str]:
    """Channels whose return is below break-even over the whole interval."""
    if not in_revenue or "roi_high" not in summary:
        return []
    return [str(name) for name in summary.index[(summary["roi_high"] < 1) & (summary["mroi"] < 1)]]


def _earns(summary: pd.DataFrame, name: str, in_revenue: bool) -> bool:
    """Whether more of a channel pays for itself; without revenue or spend nobody can say, and growth is not advised."""
    figure = "mroi_low" if "mroi_low" in summary else "mroi"
    return in_revenue and bool(summary[figure][name] > 1)


def _adds_little(row: pd.Series) -> bool:
    """Whether a channel's next unit of spend brings far less than a mean one, as far as spend is known.

    A curve at recent means does not show that: exposure that comes in bursts, or was lower before, has room.
    """
    return bool(pd.isna(row["mroi"]) or row["mroi"] < _FAR_BELOW_MEAN * row["roi"])


def _experiment(result: FitResult, doubted: tuple[str, ...]) -> str:
    notes, bare = result.channel_trust.table, bare_names(result.panel.channels)
    if doubted:
        its = "its effect is" if len(doubted) == 1 else "their effects are"
        names = listed(few([bare[name] for name in doubted]))
        return f"Test {names} with an experiment first: {its} in doubt, whatever the interval says."
    error = notes["share_error"]
    if error.notna().any():
        name = str(error.idxmax())
        return (
            f"Test {bare[name]} with an experiment first: its share of {percent(float(notes['share'][name]))} has the "
            f"largest standard error, {error.max():.1f} percentage points."
        )
    return f"Test {bare[str(notes['share'].idxmax())]}, the largest channel, with an experiment first."
