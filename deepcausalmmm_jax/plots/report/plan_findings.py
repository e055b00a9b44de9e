"""What a budget plan changes, in plain words."""

import pandas as pd

from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.plots.report.wording import listed
from deepcausalmmm_jax.plots.theme import bare_names, compact, money, percent

_NAMED = 3
_SMALL_GAIN = 0.01
SLIGHT = 0.005  # of a channel's spend: a change below it is not worth mentioning
_MOST_PERCENT = 10.0  # times today's outcome: a percentage beyond that says little


def plan_findings(plan: BudgetPlan, kpi: str, currency: str | None = None) -> list[str]:
    """Where the plan moves spend, what it is expected to bring, and how sure that is; no shift where no gain is sure.

    Args:
        plan: the plan.
        kpi: name of the KPI.
        currency: of spend; None where it is unknown.
    """
    ends, too_much = plan.gain_interval, [plan.on_the_total] if plan.on_the_total else []
    if ends == (0.0, 0.0):
        return [_moves(plan, currency), *too_much]
    if ends is not None and not plan.advised:
        more = "loss" if ends[1] < 0 else "gain"
        low, high = (money(end, currency if plan.gain_in_money else None) for end in ends)
        certain = "so it loses" if ends[1] < 0 else "so it may well lose"
        return [
            f"The plan ({plan.period}) is not advised: its {more} over today's spend ranges from {low} to {high} "
            f"({plan.level:.0%} range), {certain}.",
            *too_much,
        ]
    told = [_moves(plan, currency)]
    if "incremental_outcome" in plan.summary.index:
        row = plan.summary.loc[["incremental_outcome"]].iloc[0]
        known = "change_low" in row and bool(pd.notna(row["change_low"]))
        ends = (float(row["change_low"]), float(row["change_high"])) if known else None
        told.append(gain(float(row["today"]), float(row["plan"]), kpi, ends, plan.level))
    if ends is None:
        told.append("Its gain has no interval, so it is unknown whether it is more than chance.")
    if pd.notna(plan.chance_better):
        told.append(f"It beats today's budget in {percent(100 * plan.chance_better, 0)} of the draws.")
    return told + too_much


def _moves(plan: BudgetPlan, currency: str | None) -> str:
    today = plan.channels["spend_today"]
    change = (plan.channels["spend_plan"] - today).sort_values()
    change = change[change.abs() > SLIGHT * today.reindex(change.index)]  # a solver's last steps are no moves
    up, down = change[change > 0].index[::-1][:_NAMED], change[change < 0].index[:_NAMED]
    bare, parts = bare_names(list(plan.channels.index)), []
    if len(up):
        parts.append("more on " + listed([f"{bare[name]} (by {money(float(change[name]), currency)})" for name in up]))
    if len(down):
        parts.append(
            "less on " + listed([f"{bare[name]} (by {money(float(-change[name]), currency)})" for name in down])
        )
    start = f"The plan ({plan.period})"
    return f"{start} spends {'; '.join(parts)}." if parts else f"{start} leaves the budget unchanged."


def gain(today: float, planned: float, kpi: str, ends: tuple[float, float] | None = None, level: float = 0.9) -> str:
    """The outcome of a plan beside that of today's budget; a small gain is called one.

    Args:
        today: incremental outcome of today's budget, KPI units.
        planned: of the plan.
        kpi: name of the KPI.
        ends: interval of the difference, KPI units.
        level: of the interval.
    """
    difference = planned - today
    share = abs(difference / today) if today else float("inf")
    remarks = [_as_percent(share)] if share < _MOST_PERCENT else []
    if ends is not None:
        remarks.append(f"{level:.0%} range: {compact(ends[0])} to {compact(ends[1])}")
    text = (
        f"It is expected to bring {compact(planned)} {kpi}, {compact(abs(difference))} "
        f"{'more' if difference > 0 else 'less'} than today's budget"
    ) + (f" ({'; '.join(remarks)})" if remarks else "")
    most = max(abs(difference), *(abs(end) for end in ends or (0.0, 0.0)))
    return text + (": moving money gains little." if most < _SMALL_GAIN * today else ".")


def _as_percent(share: float) -> str:
    """Two significant digits below 100%, whole percents above."""
    return f"{100 * share:.2g}%" if share < 0.995 else percent(100 * share, 0)
