"""`optimize_budget`: the plan that brings most, by the fitted model itself."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.horizon import Horizon, future_weeks, past_weeks
from deepcausalmmm_jax.attribution.intervals import bounds as interval
from deepcausalmmm_jax.attribution.units import units_of
from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.planning.cells import SPLITS, Cells, Split, cells_of
from deepcausalmmm_jax.planning.flights import check_minimum, keeps_flights, with_flights
from deepcausalmmm_jax.planning.limits import Ends, Limits, Per, feasible
from deepcausalmmm_jax.planning.optimizer.problem import Problem
from deepcausalmmm_jax.planning.optimizer.search import (
    Found,
    Search,
    best_for_total,
    mroi_of,
)
from deepcausalmmm_jax.planning.optimizer.shadow_prices import binding, total_price
from deepcausalmmm_jax.planning.optimizer.solvers import METHODS, Method
from deepcausalmmm_jax.planning.optimizer.targets import FEW_CELLS, largest_total, least_total
from deepcausalmmm_jax.planning.optimizer.utility import Objective, utility_of
from deepcausalmmm_jax.planning.optimizer.verification import verified
from deepcausalmmm_jax.planning.outcome import KPI, REVENUE, Outcome
from deepcausalmmm_jax.planning.tables import allocation, channel_table, effects_of, summary_table
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.training.fitted import Fitted, Replicates

Key = str | tuple[str, object]


class Targets(NamedTuple):
    """What decides the total; at most one of them."""

    total: float | None
    target_roi: float | None
    target_mroi: float | None
    target_kpi: float | None


def optimize_budget(
    result: FitResult,
    total: float | None = None,
    *,
    by: Split = "channel",
    weeks: int | tuple[int, int] | Panel | None = None,
    bounds: Mapping[Key, Ends] | None = None,
    relative_bounds: Ends | Mapping[Key, Ends] | None = None,
    bounds_per: Per = "key",
    region_bounds: Mapping[object, Ends] | None = None,
    groups: Mapping[tuple[str, ...], Ends] | None = None,
    fixed: Sequence[str] = (),
    minimum: Mapping[str, float] | None = None,
    target_roi: float | None = None,
    target_mroi: float | None = None,
    target_kpi: float | None = None,
    objective: Objective = "mean",
    risk: float | None = None,
    maximize: Literal["auto", "revenue", "kpi"] = "auto",
    cost: Mapping[str, float] | None = None,
    margin: float | None = None,
    method: Method = "auto",
    starts: int | None = None,
    max_steps: int = 300,
    seed: int = 0,
    level: float = 0.9,
) -> BudgetPlan:
    """Split a budget so that it brings most, by the model itself: adstock, Hill, graph and coefficients.

    Args:
        result: a fit, or an ensemble: then the objective is over its refits, and figures have intervals.
        total: spend of the plan; today's when None and no target is given.
        by: what the budget is split over. What is not split is spent in today's proportions.
        weeks: None for all weeks of the panel, whose outcome counts as in `media_summary`; a number for the last weeks,
            positions (first, after the last), or a Panel that continues the fit's. With all but None the carry-over
            after the plan counts, until less than 1 % of it is left.
        bounds: by channel or (channel, region), least and most spend over the plan's weeks; None is open.
        relative_bounds: the same as multiples of today's spend. One pair instead of a mapping holds for every cell of
            the split: each channel x region where it is by region, each week where it is by week.
        bounds_per: what bounds by key speak of: `key`, the sum of the cells of that channel (or channel and region), or
            `cell`, each of them, such as the most that a week may have.
        region_bounds: by region, least and most spend of all channels together.
        groups: by tuple of channels, least and most of their sum.
        fixed: channels that keep today's spend.
        minimum: by channel, least spend of a week in which it is on air; of the whole where the plan has no weeks. Off
            is always allowed. What is on is decided by rounding the plan without minima and by trying to turn the
            nearest ones over, so it is a good plan, and not for certain the best.
        target_roi: instead of a total: the largest total whose ROI is at least this.
        target_mroi: the largest total whose last unit brings at least this.
        target_kpi: the least total whose incremental outcome, in KPI units, is at least this.
        objective: `mean`, `quantile`, `cvar` or `mean_variance` over the refits; see `utility_of`.
        risk: the quantile, the share of worst outcomes, or the weight of the variance.
        maximize: `revenue`, `kpi`, or `auto`: revenue where it is known.
        cost: currency per exposure unit of channels whose spend the panel does not have.
        margin: profit share of revenue, between 0 and 1, for the plan's `profit`.
        method: `SLSQP`, `trust-constr`, `differential_evolution`, `hybrid`, `projected`, or `auto`: SLSQP up to 80
            cells, the projected gradient beyond.
        starts: starts of the solver; 8 up to 80 cells and 3 beyond when None. Today's spend is always among them.
        max_steps: of the solver, for each start.
        seed: of the random starts.
        level: of the intervals.

    Returns:
        The plan, never worse than today's spend where that is within the limits.

    Raises:
        ConfigError: limits that no plan meets (says which, and by how much), a total out of reach, a target that cannot
            be reached (says the best that can), an unknown channel, region or option.
        DataError: future weeks that do not connect with the fit, lack a control or have no cost.
        PlanError: the plan found misses a limit by more than a millionth of it.
    """
    targets = _checked(Targets(total, target_roi, target_mroi, target_kpi))
    require(by in SPLITS, "by", by, "one of " + ", ".join(SPLITS))
    require(method in METHODS, "method", method, "one of " + ", ".join(METHODS))
    require(maximize in ("auto", "revenue", "kpi"), "maximize", maximize, "auto, revenue or kpi")
    _refuse_bad_search(starts, max_steps)
    if margin is not None and not 0 < margin <= 1:
        raise ConfigError(f"margin is a share of revenue, above 0 and at most 1, got {margin!r}; 35 % is margin=0.35.")
    interval(np.zeros(1), level)
    _refuse_no_mapping(cost, "cost")
    limits = _limits(bounds, relative_bounds, bounds_per, region_bounds, groups, fixed, minimum)
    replicates = result.replicates if isinstance(result, Ensemble) else None
    fitted = result.fitted
    horizon = future_weeks(fitted, weeks, cost) if isinstance(weeks, Panel) else past_weeks(fitted, weeks, cost)
    cells = cells_of(horizon, by, fitted.scales.exposure)
    value = KPI if maximize == "kpi" or target_kpi is not None or not horizon.has_revenue else REVENUE
    check_minimum(limits.minimum, cells, horizon)
    problem = _problem(fitted, replicates, horizon, cells, limits, (objective, risk), value)
    few = len(cells) <= FEW_CELLS
    search = Search(method, starts or (8 if few else 3), max_steps, seed)
    found = with_flights(_searched(problem, cells, targets, search), problem, cells, limits.minimum, horizon, search)
    names = cells.names(horizon)
    found = verified(
        found, problem.plan, cells.today, names, lambda x: keeps_flights(x, cells, limits.minimum, horizon)
    )
    return _plan(fitted, replicates, horizon, cells, limits, found, value, objective, level, margin)


def _refuse_bad_search(starts: object, max_steps: object) -> None:
    for name, number in (("starts", starts), ("max_steps", max_steps)):
        whole = isinstance(number, int | np.integer) and not isinstance(number, bool) and bool(number >= 1)
        require(whole or (number is None and name == "starts"), name, number, "a whole number from 1 on")


def _refuse_no_mapping(given: object, name: str) -> None:
    require(given is None or isinstance(given, Mapping), name, given, "a mapping, such as {'tv': ...}")


def _limits(
    bounds: Mapping[Key, Ends] | None,
    relative_bounds: Ends | Mapping[Key, Ends] | None,
    bounds_per: Per,
    region_bounds: Mapping[object, Ends] | None,
    groups: Mapping[tuple[str, ...], Ends] | None,
    fixed: Sequence[str],
    minimum: Mapping[str, float] | None,
) -> Limits:
    """Limits as they were given; what is of another kind would be left out without a word."""
    mappings = {"bounds": bounds, "region_bounds": region_bounds, "groups": groups, "minimum": minimum}
    for name, given in mappings.items():
        _refuse_no_mapping(given, name)
    relative = relative_bounds
    if relative is not None and not isinstance(relative, Mapping):
        is_pair = isinstance(relative, Sequence | np.ndarray) and len(relative) == 2
        require(is_pair, "relative_bounds", relative, "a pair (least, most) or a mapping by channel")
        relative = (relative[0], relative[1])
    require(isinstance(fixed, str | Sequence), "fixed", fixed, "a list of channels")
    return Limits(bounds or {}, relative or {}, region_bounds or {}, groups or {}, fixed, minimum or {}, bounds_per)


def _checked(targets: Targets) -> Targets:
    given = [name for name, value in targets._asdict().items() if value is not None]
    if len(given) > 1:
        raise ConfigError(f"Give one of total, target_roi, target_mroi and target_kpi, got {' and '.join(given)}.")
    for name in given:
        value = getattr(targets, name)
        is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        require(is_number and np.isfinite(value) and value > 0, name, value, "a number above 0")
    return targets


def _problem(
    fitted: Fitted,
    replicates: Replicates | None,
    horizon: Horizon,
    cells: Cells,
    limits: Limits,
    aim: tuple[Objective, float | None],
    value: int,
) -> Problem:
    plan = feasible(cells, horizon.panel, limits)
    outcome = Outcome(fitted, None if replicates is None else replicates.variables, horizon, cells)
    bought = np.isin(np.arange(outcome.n_channels), cells.channel)
    heard = np.stack([np.where(bought, 0.0, 1.0), np.ones(len(bought))])
    ends = outcome.values(np.stack([np.zeros(len(cells)), cells.typical]), heard)[:, :, value].sum(axis=-1)
    unit = max(abs(float((ends[1] - ends[0]).mean())), 1e-300)
    utility = utility_of(aim[0], outcome.n_replicates, unit, aim[1])
    return Problem(outcome, utility, value, ends[0], plan, cells.typical, unit, separable="week" not in cells.split)


def _searched(problem: Problem, cells: Cells, targets: Targets, search: Search) -> Found:
    today = cells.today
    if targets.target_roi is not None:
        return largest_total(
            problem,
            today,
            search,
            lambda found: found.value * problem.unit / found.x.sum(),
            targets.target_roi,
            "ROI",
        )
    if targets.target_mroi is not None:
        return largest_total(problem, today, search, mroi_of, targets.target_mroi, "marginal ROI")
    if targets.target_kpi is not None:
        return least_total(problem, today, search, targets.target_kpi / problem.unit)
    total = float(today.sum()) if targets.total is None else float(targets.total)
    if total <= 0:
        raise ConfigError("Nothing is spent in these weeks today, so give the total to be planned.")
    return best_for_total(problem, today, total, search)


def _plan(
    fitted: Fitted,
    replicates: Replicates | None,
    horizon: Horizon,
    cells: Cells,
    limits: Limits,
    found: Found,
    value: int,
    objective: str,
    level: float,
    margin: float | None,
) -> BudgetPlan:
    x, variables = found.x, _with_point(fitted, replicates)
    outcome = Outcome(fitted, variables, horizon, cells)
    today, plan = (effects_of(fitted, variables, horizon, cells, outcome, spend) for spend in (cells.today, x))
    point, table = replicates is None, allocation(fitted, horizon, cells, x)
    drawn = np.stack([today.whole[1:, value], plan.whole[1:, value]], axis=1)
    first, last = (horizon.panel.week_label(at) for at in (horizon.start, horizon.stop - 1))
    return BudgetPlan(
        table=table,
        channels=channel_table(horizon, cells, x, today, plan, point, level),
        summary=summary_table(
            (float(cells.today.sum()), float(x.sum())), today, plan, point, level, margin, horizon.has_revenue
        ),
        binding=binding(found.problem, x, cells.names(horizon)),
        starts=found.starts,
        draws=pd.DataFrame(drawn, columns=["today", "plan"]).rename_axis("replicate"),
        total=float(x.sum()),
        split=cells.split,
        objective=objective,
        method=found.method,
        chance_better=float((drawn[:, 1] > drawn[:, 0]).mean()) if len(drawn) else float("nan"),
        shadow_price=total_price(found.problem, x),
        level=level,
        period=f"{horizon.stop - horizon.start} weeks, {first} to {last}",
        units=units_of(fitted.panel, horizon.in_currency, horizon.has_revenue),
        notes=(*limits.notes(cells, horizon.panel), *_notes(horizon, cells, bool(table["extrapolation"].any()))),
    )


def _with_point(fitted: Fitted, replicates: Replicates | None) -> Any:
    """Parameters of the point estimate, first, and of the refits behind it."""
    own = jax.tree.map(lambda a: np.asarray(a)[None], fitted.variables)
    if replicates is None:
        return own
    return jax.tree.map(lambda a, drawn: np.concatenate([a, np.asarray(drawn)]), own, replicates.variables)


def _notes(horizon: Horizon, cells: Cells, beyond: bool) -> tuple[str, ...]:
    notes = list(horizon.notes)
    if beyond:
        notes.append("The plan spends more in some cells than any week of training saw; see `extrapolation`.")
    kept = [name for i, name in enumerate(horizon.panel.channels) if i not in cells.channel]
    if kept:
        notes.append(f"Without spend and so without a budget, left as they were: {', '.join(kept)}.")
    if not horizon.in_currency:
        notes.append("No spend is known: budgets are in exposure units, added up over channels as they are.")
    if not horizon.has_revenue:
        notes.append("No revenue per KPI is known: ROI is in KPI units per unit of spend.")
    return tuple(notes)
