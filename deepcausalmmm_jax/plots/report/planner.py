"""The section in which a reader plans: tables of each channel's outcome, which the page's script adds up."""

import base64
import shlex
from dataclasses import dataclass

import numpy as np

from deepcausalmmm_jax.attribution.horizon import Horizon, future_weeks, past_weeks
from deepcausalmmm_jax.attribution.planned_frequency import at_frequency, planned_frequency
from deepcausalmmm_jax.attribution.prices import unpriced
from deepcausalmmm_jax.errors import DeepCausalMMMError
from deepcausalmmm_jax.io.plain_numbers import plain_number
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.planning.next_weeks import next_weeks
from deepcausalmmm_jax.planning.spend_tables import SpendTables, spend_tables
from deepcausalmmm_jax.planning.usual_limit import USUAL
from deepcausalmmm_jax.plots.annotations import need
from deepcausalmmm_jax.plots.report.payload import Json
from deepcausalmmm_jax.plots.theme import bare_names
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult

KEY = "planner"
TITLE = "What would another budget bring?"
_LEVEL = 0.9
_ADDS_UP = 0.01  # share of today's outcome by which the sum of the tables may miss the model


@dataclass(frozen=True)
class Planner:
    """What the section shows.

    Attributes:
        data: tables and names, as the script reads them.
        sentences: which weeks and spend the figures are of, and what they assume.
        options: of `optimize`, in front of `--bounds`, that plan the same weeks at the same frequency and costs; None
            where the command has none for these weeks.
    """

    data: dict[str, Json]
    sentences: list[str]
    options: str | None


def planner(result: FitResult, plan: BudgetPlan | None, currency: str | None) -> tuple[Planner | None, str]:
    """The section; where it cannot be, None and the reason.

    Args:
        result: the fit.
        plan: a budget plan, whose weeks are planned where they are known; else all weeks of the panel are. Gains are
            profit at its margin, if it has one.
        currency: of spend and revenue; None where it is unknown.
    """
    try:
        is_priced = result.panel.spend is not None or (plan is not None and bool(plan.cost))
        need(is_priced, "spend", "give the panel its spend columns")
        replicates = result.replicates if isinstance(result, Ensemble) else None
        tables = spend_tables(result.fitted_panel, replicates, _horizon(result, plan))
        need(tables.today.sum() > 0, "spend in these weeks", "all spend in them is zero")
    except DeepCausalMMMError as reason:
        return None, str(reason)
    if tables.error > _ADDS_UP:
        return None, (
            "Channels of this model act on each other, so their outcomes do not add up (by up to "
            f"{plain_number(100 * tables.error, 2)}% of the outcome); plan with optimize_budget, which runs the model."
        )
    margin = None if plan is None else plan.margin
    data = _data(result, tables, currency, margin)
    return Planner(data, _sentences(tables, result, currency), options_of(result, plan)), ""


def _horizon(result: FitResult, plan: BudgetPlan | None) -> Horizon:
    fit = result.fitted_panel
    if plan is not None and plan.next_weeks is not None:
        coming = next_weeks(fit.panel, plan.next_weeks)
        weeks = future_weeks(fit, coming.panel, plan.cost, coming.bookings)
    elif plan is None:
        weeks = past_weeks(fit)
    elif isinstance(plan.weeks, str):  # weeks of a panel that the page does not have
        weeks = past_weeks(fit, cost=unpriced(fit.panel, plan.cost))
    else:
        weeks = past_weeks(fit, plan.weeks, plan.cost)
    return weeks if plan is None else at_frequency(fit, weeks, planned_frequency(fit, plan.frequency))


def options_of(result: FitResult, plan: BudgetPlan | None) -> str | None:
    """As `Planner.options`, each followed by a space.

    Args:
        result: the fit.
        plan: as `planner` takes it.
    """
    if plan is None:
        return ""
    wanted = []
    if plan.next_weeks is not None:
        wanted += ["--next-weeks", str(plan.next_weeks)]
    elif plan.weeks is not None and not isinstance(plan.weeks, str):
        n_weeks = len(result.panel.weeks)
        first, end = plan.weeks if isinstance(plan.weeks, tuple | list) else (n_weeks - plan.weeks, n_weeks)
        if end != n_weeks:
            return None
        wanted += ["--weeks", str(n_weeks - first)]
    for name, contacts in plan.frequency.items():
        wanted += ["--at-frequency", f"{name}={contacts!r}"]
    # The page has the past weeks where the plan has a panel of its own, whose channels may lack other prices.
    cost = unpriced(result.panel, plan.cost) if isinstance(plan.weeks, str) else plan.cost
    for name, price in cost.items():
        wanted += ["--cost", f"{name}={price!r}"]
    return "".join(f"{shlex.quote(part)} " for part in wanted)


def _data(result: FitResult, tables: SpendTables, currency: str | None, margin: float | None) -> dict[str, Json]:
    bare = bare_names(list(result.panel.channels))
    n_sets = len(tables.values)
    return {
        "channels": list(tables.channels),
        "labels": [bare[name] for name in tables.channels],
        "today": tables.today.tolist(),
        "base": tables.base.tolist(),
        "levels": tables.levels.tolist(),
        "sets": n_sets,
        "values": _packed(tables.values),
        "whole": tables.whole.tolist(),
        "free": tables.free.tolist(),
        "limit": USUAL,
        "level": _LEVEL,
        "currency": currency or "",
        "unit": "revenue" if tables.has_revenue else result.panel.kpi_label,
        "in_revenue": tables.has_revenue,
        "margin": margin if tables.has_revenue else None,
        "refits": isinstance(result, Ensemble) and not result.from_posterior,
    }


def _packed(values: np.ndarray) -> str:
    """`[set, channel, level]` as 32-bit floats in base64."""
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


def _ranges(drawn: int, result: Ensemble) -> str:
    """What the ranges of so many of the draws or refits are, beside those of the first page, which are of all."""
    thinned = drawn < len(result.replicates)
    number = f"{drawn} of {len(result.replicates)}" if thinned else f"{drawn}"
    if not result.from_posterior:
        return (
            f"Ranges are {_LEVEL:.0%} intervals from {number} refits alone. They are too narrow: how far the curves "
            "may be off, which counts in the ranges of the first page, is not in them."
        )
    beside = (
        ", so that their ends may differ from those of the first page by a tenth of their width or more"
        if thinned
        else ""
    )
    return f"Ranges are {_LEVEL:.0%} intervals from {number} draws{beside}."


def _sentences(tables: SpendTables, result: FitResult, currency: str | None) -> list[str]:
    drawn = len(tables.values) - 1
    unit = currency or "the currency of the data"
    regions = "all regions together; " if len(result.panel.regions) > 1 else ""
    ranges = (
        _ranges(drawn, result) if drawn > 1 and isinstance(result, Ensemble) else "Without draws, no range is known."
    )
    check = (
        "Channels are taken to add up: over random plans their sum was within "
        f"{plain_number(max(100 * tables.error, 0.01), 2)}% of the model's own outcome."
    )
    return [f"{tables.period}; {regions}spend in {unit}. {ranges} {check}", *tables.notes]
