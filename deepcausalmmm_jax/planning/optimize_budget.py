"""`optimize_budget`: the best plan by the fitted model itself."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import jax
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.horizon import Horizon, future_weeks, past_weeks
from deepcausalmmm_jax.attribution.intervals import require_level
from deepcausalmmm_jax.attribution.planned_frequency import Frequency, at_frequency, planned_frequency
from deepcausalmmm_jax.attribution.units import units_of
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.checks import grouped, is_number, require
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.planning.budget_problem import Aim, budget_problem
from deepcausalmmm_jax.planning.cells import SPLITS, Cells, Split, cells_of
from deepcausalmmm_jax.planning.flights import check_minimum, keeps_flights, with_flights
from deepcausalmmm_jax.planning.limits import Key, Limits, Per, Range, polytope_of, refuse_no_mapping
from deepcausalmmm_jax.planning.next_weeks import next_weeks as next_weeks_of
from deepcausalmmm_jax.planning.optimizer.search import Found, Search
from deepcausalmmm_jax.planning.optimizer.shadow_prices import binding, total_price, with_room
from deepcausalmmm_jax.planning.optimizer.solvers import Method
from deepcausalmmm_jax.planning.optimizer.total_search import WIDEST
from deepcausalmmm_jax.planning.optimizer.utility import Objective
from deepcausalmmm_jax.planning.optimizer.verification import verified
from deepcausalmmm_jax.planning.outcome import KPI, REVENUE, Outcome
from deepcausalmmm_jax.planning.plan_notes import doubts_of_result, open_end, plan_notes
from deepcausalmmm_jax.planning.reach_limits import ReachLimits, reach_limits
from deepcausalmmm_jax.planning.tables import (
    allocation,
    channel_table,
    effects_of,
    gains,
    last_unit,
    summary_table,
    with_frequencies,
)
from deepcausalmmm_jax.planning.targets import Targets, best_plan
from deepcausalmmm_jax.planning.usual_limit import Limit, Limited, limited
from deepcausalmmm_jax.results.asked import require_result
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.steps import Steps
from deepcausalmmm_jax.training.fitted import Replicates

Maximize = Literal["auto", "revenue", "kpi"]
_SHARES = {"preparing": 1.7, "compiling": 4.3, "searching": 3.4, "comparing with today": 5.0}  # of the wait, seconds


class _Span(NamedTuple):
    """The weeks of a plan, and what is bought in them."""

    today: Horizon  # as they are without a plan
    planned: Horizon  # the same at the plan's frequency
    cells: Cells


def optimize_budget(
    result: FitResult,
    total: float | None = None,
    *,
    by: Split = "channel",
    weeks: int | tuple[int, int] | Panel | None = None,
    next_weeks: int | None = None,
    limit: Limit = "auto",
    frequency: Frequency = "today",
    limits: Limits | None = None,
    targets: Targets | None = None,
    search: Search | None = None,
    objective: Objective = "mean",
    risk: float | None = None,
    maximize: Maximize = "auto",
    cost: Mapping[str, float] | None = None,
    margin: float | None = None,
    level: float = 0.9,
    bounds: Mapping[Key, Range] | None = None,
    relative_bounds: Range | Mapping[Key, Range] | None = None,
    bounds_per: Per | None = None,
    region_bounds: Mapping[object, Range] | None = None,
    groups: Mapping[tuple[str, ...], Range] | None = None,
    fixed: Sequence[str] | None = None,
    minimum: Mapping[str, float] | None = None,
    target_roi: float | None = None,
    target_mroi: float | None = None,
    target_kpi: float | None = None,
    method: Method | None = None,
    starts: int | None = None,
    max_steps: int | None = None,
    seed: int | None = None,
) -> BudgetPlan:
    """Split a budget to maximise the outcome, by the model itself: adstock, Hill curves, graph and coefficients.

    Args:
        result: a fit; or an ensemble, whose refits the objective is taken over and which gives intervals.
        total: spend of the plan; today's when None and no target is given.
        by: what the budget is split over. What is not split is spent in today's proportions.
        weeks: None for all weeks of the panel, whose outcome counts as in `media_summary`; a number for the last weeks;
            positions (first, after the last); or a Panel that continues the fit's. With all but None, carry-over after
            the plan counts as well, until less than 1% of it is left.
        next_weeks: in place of `weeks`, this many weeks after the last one with a KPI, at most a year: planned ones as
            they are in the panel, the others with the flighting, spend and prices of the same weeks a year before.
        limit: the share of today's spend by which each cell of the plan may change, up and down: a number below 1, or a
            text such as `30%`, which a larger one has to be (`150%`). `auto`: 0.3 (30%),
            where the total is fixed and no limits other than `fixed` are given; around today's mix scaled to the total,
            where that is not today's. A channel that `bounds` or a mapping of `relative_bounds` names follows these
            alone. None: no such limit.
        frequency: contacts per person reached of channels with reach and frequency: `today`, as it ran; `best`, the
            estimate's best frequency of each channel, the same in every draw (`FitResult.frequency` shows the median of
            theirs); or a mapping by channel, such as `{"tv": 3.0}` or `{"tv": "best"}`, the others as they ran. The
            same spend buys the same contacts, of more people at a lower frequency; never of more people than live in a
            region, where its population is known.
        limits: everything that the plan must keep to; see `Limits`. Its fields can be given as keywords instead.
        targets: a figure that decides the total; see `Targets`. Its fields can be given as keywords instead.
        search: solver, starts, steps and seed; see `Search`. Its fields can be given as keywords instead.
        objective: `mean`, `quantile`, `cvar` or `mean_variance` of the outcome over the refits: the mean; the quantile
            `risk`; the mean of the worst share `risk`; the mean less `risk` times half the variance over today's
            outcome.
        risk: parameter of the objective; 0.1 for `quantile` and `cvar`, 1 for `mean_variance` when None.
        maximize: `revenue`, `kpi`, or `auto`: revenue where it is known. `target_kpi` always maximises the KPI.
        cost: currency per exposure unit of channels whose spend the panel does not have, or has as 0 throughout.
        margin: profit as a share of revenue, above 0 and at most 1, for the plan's `profit`; needs spend in currency.
        level: of the intervals; 0.9 for 90%.
        bounds: as in `Limits`: least and most spend by channel, or by (channel, region).
        relative_bounds: as in `Limits`: the same in multiples of today's spend, or one pair for every cell.
        bounds_per: as in `Limits`: `key` (default) or `cell`.
        region_bounds: as in `Limits`.
        groups: as in `Limits`.
        fixed: as in `Limits`: channels that keep today's spend.
        minimum: as in `Limits`: least spend of a week in which a channel is on the air.
        target_roi: as in `Targets`: the largest total whose ROI is at least this.
        target_mroi: as in `Targets`: the largest total whose last unit returns at least this.
        target_kpi: as in `Targets`: the least total that reaches this KPI.
        method: as in `Search`; `auto` by default.
        starts: as in `Search`.
        max_steps: as in `Search`; 300 by default.
        seed: as in `Search`; 0 by default.

    Returns:
        The plan; never worse than today's spend where that is within the limits.

    Raises:
        ConfigError: limits that no plan meets (the message says which, and by how much), a total or target out of reach
            (with the best that can be reached), an unknown channel, region or option, or a setting given both by itself
            and in its group.
        DataError: future weeks that do not continue the fit's, lack a control or have no cost.
        PlanError: the plan that was found misses a limit by more than a millionth of it.

    Example:
        ```python
        plan = dcm.optimize_budget(result, next_weeks=13)  # no channel moves by more than 30%
        within = dcm.Limits(relative_bounds=(0.5, 1.5), fixed=["tv"])
        plan = dcm.optimize_budget(result, weeks=8, limits=within, targets=dcm.Targets(target_roi=2.0))
        ```
    """
    require_result(result, "optimize_budget")
    limits = grouped(
        Limits,
        limits,
        "limits",
        bounds=bounds,
        relative_bounds=relative_bounds,
        bounds_per=bounds_per,
        region_bounds=region_bounds,
        groups=groups,
        fixed=fixed,
        minimum=minimum,
    )
    targets = grouped(
        Targets, targets, "targets", total=total, target_roi=target_roi, target_mroi=target_mroi, target_kpi=target_kpi
    )
    search = grouped(Search, search, "search", method=method, starts=starts, max_steps=max_steps, seed=seed)
    require(by in SPLITS, "by", by, "one of " + ", ".join(SPLITS))
    _refuse_bad_options(maximize, cost, margin, level)
    replicates = result.replicates if isinstance(result, Ensemble) else None
    fit = result.fitted_panel
    with Steps("plan", _SHARES) as wait:
        wait.step("preparing")
        horizon = _horizon(fit, weeks, next_weeks, cost)
        if margin is not None and not horizon.in_currency:
            raise ConfigError(
                "margin needs spend in currency, which the panel does not have; give cost= per exposure unit, or leave "
                "margin out."
            )
        cells = cells_of(horizon, by, fit.scales.exposure)
        stated = planned_frequency(fit, frequency, [fit.panel.channels[i] for i in np.unique(cells.channel)])
        span = _Span(horizon, at_frequency(fit, horizon, stated), cells)
        held = limited(limits, limit, targets, cells, horizon.panel)
        in_kpi = maximize == "kpi" or targets.target_kpi is not None or not horizon.has_revenue
        aim = Aim(objective, risk, KPI if in_kpi else REVENUE, margin, level)
        by_default = bool(held.notes) and limit == "auto"
        found, reach = _searched(fit, replicates, span, held.limits, by_default, targets, search, aim, wait.step)
        wait.step("comparing with today")
        plan = _plan(fit, replicates, span, held, found, aim, () if reach is None else reach.notes(found.x))
    beyond = open_end(plan.total, float(cells.today.sum()), WIDEST) if targets.searched else ()
    return dataclasses.replace(
        plan,
        notes=(*plan.notes, *beyond, *doubts_of_result(result)),
        weeks="panel" if isinstance(weeks, Panel) else weeks,
        next_weeks=next_weeks,
        frequency=stated,
        cost={name: float(each) for name, each in (cost or {}).items()},
    )


def _horizon(
    fit: FittedPanel,
    weeks: int | tuple[int, int] | Panel | None,
    next_weeks: int | None,
    cost: Mapping[str, float] | None,
) -> Horizon:
    """The weeks of the plan, one way or the other."""
    if next_weeks is not None:
        if weeks is not None:
            raise ConfigError("Give weeks or next_weeks, not both.")
        coming = next_weeks_of(fit.panel, next_weeks)
        horizon = future_weeks(fit, coming.panel, cost, coming.bookings)
        return dataclasses.replace(horizon, notes=(*coming.notes, *horizon.notes))
    return future_weeks(fit, weeks, cost) if isinstance(weeks, Panel) else past_weeks(fit, weeks, cost)


def _refuse_bad_options(
    maximize: Maximize, cost: Mapping[str, float] | None, margin: float | None, level: float
) -> None:
    require(maximize in ("auto", "revenue", "kpi"), "maximize", maximize, "auto, revenue or kpi")
    if margin is not None and not (is_number(margin) and 0 < margin <= 1):
        raise ConfigError(f"margin is a share of revenue, above 0 and at most 1, got {margin!r}; 35% is margin=0.35.")
    require_level(level)
    if cost is not None:
        refuse_no_mapping(cost, "cost")


def _searched(
    fit: FittedPanel,
    replicates: Replicates | None,
    span: _Span,
    limits: Limits,
    by_default: bool,
    targets: Targets,
    search: Search,
    aim: Aim,
    step: Callable[[str], None],
) -> tuple[Found, ReachLimits | None]:
    """The best plan, with minimum flights, checked against every limit; usual limits, by default, give way to reach."""
    cells, channels, minimum = span.cells, span.planned.panel.channels, limits.minimum
    fixed = [limits.fixed] if isinstance(limits.fixed, str) else list(limits.fixed)
    check_minimum(minimum, cells, channels)
    polytope, reach = polytope_of(cells, span.planned.panel, limits), reach_limits(fit, *span)
    stated = polytope.high
    if reach is not None:
        polytope, reach = reach.within(polytope, by_default & ~np.isin(channels, fixed)[cells.channel])
    step("compiling")
    problem = budget_problem(fit, replicates, span.planned, cells, polytope, aim, has_target=targets.searched)
    step("searching")
    try:
        found = best_plan(problem, cells.today, targets, search)
    except ConfigError as reason:
        why = "" if reach is None else reach.narrowing(stated)
        raise ConfigError(f"{reason} {why}".rstrip()) from None
    found = with_flights(found, problem, cells, minimum, channels, search)
    found = verified(
        found,
        problem.polytope,
        cells.today,
        cells.names(span.planned),
        lambda x: keeps_flights(x, cells, minimum, channels),
    )
    return found, reach


def _plan(
    fit: FittedPanel,
    replicates: Replicates | None,
    span: _Span,
    held: Limited,
    found: Found,
    aim: Aim,
    reach_notes: tuple[str, ...],
) -> BudgetPlan:
    x, variables, horizon, cells = found.x, _with_point(fit, replicates), span.planned, span.cells
    outcome = Outcome(fit, variables, horizon, cells)
    ran = outcome if horizon is span.today else Outcome(fit, variables, span.today, cells)
    today = effects_of(fit, variables, span.today, cells, ran, cells.today)
    plan = effects_of(fit, variables, horizon, cells, outcome, x)
    worth = REVENUE if horizon.has_revenue else KPI
    unit_more, low, high = last_unit(outcome, x, with_room(found.problem, x), worth, aim.level)
    point, table = replicates is None, allocation(fit, span.today, horizon, cells, x)
    drawn = np.stack([today.whole[1:, aim.value], plan.whole[1:, aim.value]], axis=1)
    spend = float(cells.today.sum()), float(x.sum())
    gained = gains(spend, today, plan, aim.margin, horizon)[1:]
    first, last = (horizon.panel.week_label(at) for at in (horizon.start, horizon.stop - 1))
    channels = channel_table(horizon, cells, x, today, plan, point, aim.level)
    made = BudgetPlan(
        table=table,
        channels=with_frequencies(channels, span.today, horizon, cells, x),
        summary=summary_table(spend, today, plan, point, aim.level, aim.margin, horizon.has_revenue),
        binding=binding(found.problem, x, cells.names(horizon)),
        starts=found.starts,
        draws=pd.DataFrame(drawn, columns=["today", "plan"]).rename_axis("replicate"),
        total=spend[1],
        split=cells.split,
        objective=aim.objective,
        method=found.method,
        chance_better=float((gained > 0).mean()) if len(gained) else float("nan"),
        shadow_price=total_price(found.problem, x),
        shadow_price_low=low,
        shadow_price_high=high,
        last_unit=unit_more,
        margin=aim.margin,
        level=aim.level,
        period=f"{fit.panel.cadence.several(horizon.stop - horizon.start)}, {first} to {last}",
        units=units_of(fit.panel, horizon.in_currency, horizon.has_revenue),
        notes=(
            *held.notes,
            *held.limits.notes(cells, horizon.panel, fit.panel.cadence.unit),
            *plan_notes(horizon, cells, bool(table["extrapolation"].any()), replicates),
            *reach_notes,
        ),
        limits=held.limits,
        maximised="revenue" if aim.value == REVENUE else "kpi",
        from_refits=replicates is not None and replicates.coordinates is None,
    )
    return made.with_advice()


def _with_point(fit: FittedPanel, replicates: Replicates | None) -> Variables:
    """Parameters of the point estimate, followed by those of the refits, with a leading axis."""
    own: Variables = jax.tree.map(lambda a: np.asarray(a)[None], fit.variables)
    if replicates is None:
        return own
    both: Variables = jax.tree.map(lambda a, drawn: np.concatenate([a, np.asarray(drawn)]), own, replicates.variables)
    return both
