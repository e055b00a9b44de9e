"""The report's table of a budget plan: spend, returns and marginal returns by channel, with a row for the total."""

import pandas as pd

from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.plots.report.tables import Table, signed
from deepcausalmmm_jax.plots.theme import compact, percent

_NEEDED = ("roi_today", "roi_plan", "mroi_today", "mroi_plan")  # plans saved before have no marginal returns
_MOST_ACTIVE = 8


def plan_tables(plan: BudgetPlan | None, currency: str | None = None) -> list[Table]:
    """Tables of the plan's section; none without a plan, and none of a plan that lacks the columns.

    Args:
        plan: the plan; None for none.
        currency: of spend; None where it is unknown.
    """
    if plan is None:
        return []
    found = [_channels(plan, currency)] if set(_NEEDED) <= set(plan.channels.columns) else []
    return [*found, *([_active(plan)] if len(plan.binding) else [])]


def _channels(plan: BudgetPlan, currency: str | None) -> Table:
    rows = [
        [str(name), *_spend(row["spend_today"], row["spend_plan"]), *_returns(row)]
        for name, row in plan.channels.sort_values("spend_plan", ascending=False).iterrows()
    ]
    today, planned = (float(plan.summary[column].loc["spend"]) for column in ("today", "plan"))
    returns = pd.Series(
        {
            f"{figure}_{column}": plan.summary[column].get(figure)
            for figure in ("roi", "mroi")
            for column in plan.summary.columns
            if not column.startswith("change")
        },
        dtype=float,
    )
    rows.append(["total", *_spend(today, planned), *_returns(returns)])
    header = ["channel", "today", "plan", "change", "ROI today", "ROI planned", "mROI today", "mROI planned"]
    spend = f"spend in {currency}" if currency else plan.units.spend
    note = (
        f"{plan.period}; {spend}; {plan.units.roi}. mROI: return of 1% more spend; where it is below "
        "break-even, the last unit does not earn what it costs."
    )
    return Table("plan-channels", "The plan by channel", header, rows, " ".join([note, plan.doubt, plan.on_the_total]))


def _spend(today: float, planned: float) -> list[str]:
    change = planned - today
    if not abs(change) > 1e-9 * today:
        return [compact(today), compact(planned), "as today"]
    share = f" ({percent(100 * change / today, 0)})" if today > 0 else " (off today)"
    sign = "+" if change > 0 else ""
    return [compact(today), compact(planned), f"{sign}{compact(change)}{share}"]


def _returns(row: pd.Series) -> list[str]:
    return [_with_range(row, f"{figure}_{when}") for figure in ("roi", "mroi") for when in ("today", "plan")]


def _with_range(row: pd.Series, name: str) -> str:
    value = row.get(name)
    if value is None or pd.isna(value):
        return "–"
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    known = low is not None and not pd.isna(low)
    return compact(float(value)) + (
        f" ({compact(float(str(low)))}\u00a0to\u00a0{compact(float(str(high)))})" if known else ""
    )


def _active(plan: BudgetPlan) -> Table:
    rows = [
        [str(row["limit"]), str(row["end"]), compact(float(row["value"])), signed(float(row["shadow_price"]), 3)]
        for _, row in plan.binding.head(_MOST_ACTIVE).iterrows()
    ]
    header = ["limit", "end", "spend", "gain of one unit more"]
    return Table("plan-limits", plan.on_the_limits, header, rows)
