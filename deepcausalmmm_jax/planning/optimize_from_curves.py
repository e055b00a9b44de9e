"""`optimize_budget_from_curves`: a plan from a table of Hill curves, without a model."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.units import Units
from deepcausalmmm_jax.axes import CHANNEL, REGION
from deepcausalmmm_jax.checks import grouped, is_number, require, shown
from deepcausalmmm_jax.data.readers.frames import as_pandas
from deepcausalmmm_jax.data.readers.numbers import as_numbers
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.planning.cells import WHOLE, Cells
from deepcausalmmm_jax.planning.curve_outcome import CurveOutcome
from deepcausalmmm_jax.planning.flights import check_minimum, keeps_flights, with_flights
from deepcausalmmm_jax.planning.limits import Key, Limits, Range, polytope_of
from deepcausalmmm_jax.planning.optimizer.polytope import Polytope
from deepcausalmmm_jax.planning.optimizer.problem import Problem
from deepcausalmmm_jax.planning.optimizer.search import Search, best_for_total
from deepcausalmmm_jax.planning.optimizer.shadow_prices import binding, total_price
from deepcausalmmm_jax.planning.optimizer.solvers import Method
from deepcausalmmm_jax.planning.optimizer.utility import utility_of
from deepcausalmmm_jax.planning.optimizer.verification import verified
from deepcausalmmm_jax.planning.outcome import KPI
from deepcausalmmm_jax.planning.tables import without_rounding

_NEEDED = (CHANNEL, "bottom", "top", "half_saturation", "slope")
_OPTIONAL = ("spend_today", "largest_x")
_STARTS = 8  # however many curves there are: they cost next to nothing
_UNITS = Units(
    "spend, unit of the curves",
    "outcome, unit of the curves",
    "outcome, unit of the curves",
    "outcome per unit of spend",
)


class _Names(NamedTuple):
    channels: tuple[str, ...]
    regions: pd.Index


def optimize_budget_from_curves(
    table: pd.DataFrame,
    total: float,
    *,
    periods: float = 1.0,
    limits: Limits | None = None,
    search: Search | None = None,
    bounds: Mapping[Key, Range] | None = None,
    region_bounds: Mapping[object, Range] | None = None,
    groups: Mapping[tuple[str, ...], Range] | None = None,
    fixed: Sequence[str] | None = None,
    method: Method | None = None,
    starts: int | None = None,
    max_steps: int | None = None,
    seed: int | None = None,
) -> BudgetPlan:
    """Split a budget by a table of curves, as `fit_hill` returns them.

    Args:
        table: a row per channel (or a channel and region): `channel`, `bottom`, `top`, `half_saturation`, `slope`, and
            optionally `region`, `spend_today` (over all periods, like the total) and `largest_x`, a period's spend
            beyond which the plan is extrapolation.
        total: spend of the plan, over all periods.
        periods: number of periods that the total is spread over evenly; curves are of one period's spend.
        limits: everything that the plan must keep to, over all periods; see `Limits`. Relative bounds need the column
            `spend_today`. Some of its fields can be given as keywords instead.
        search: solver, starts (8 unless given), steps and seed; see `Search`. Its fields can be given as keywords
            instead.
        bounds: as in `Limits`: least and most spend by channel, or by (channel, region).
        region_bounds: as in `Limits`.
        groups: as in `Limits`.
        fixed: as in `Limits`: channels that keep `spend_today`.
        method: as in `Search`; `auto` by default.
        starts: as in `Search`; 8 by default.
        max_steps: as in `Search`; 300 by default.
        seed: as in `Search`; 0 by default.

    Returns:
        The plan, without intervals.

    Raises:
        DataError: a missing column, or parameters that do not make a curve.
        ConfigError: limits that no plan meets, an unknown channel or option, or a setting given both by itself and in
            its group.
        PlanError: the plan that was found misses a limit by more than a millionth of it.

    Example:
        ```python
        plan = dcm.optimize_budget_from_curves(curves, 80.0, limits=dcm.Limits(bounds={"tv": (None, 50.0)}))
        ```
    """
    table = _checked(table)
    require(is_number(total), "total", total, "a number above 0")
    limits = grouped(Limits, limits, "limits", bounds=bounds, region_bounds=region_bounds, groups=groups, fixed=fixed)
    search = grouped(Search, search, "search", method=method, starts=starts, max_steps=max_steps, seed=seed)
    require(is_number(periods) and periods > 0, "periods", periods, "a number above 0")
    if (limits.relative_bounds or limits.each_cell) and "spend_today" not in table:
        raise DataError("Relative bounds need the column 'spend_today' in the table of curves.")
    names, cells = _cells(table, total)
    check_minimum(limits.minimum, cells, names.channels)
    outcome = CurveOutcome(table, periods)
    polytope = polytope_of(cells, names, limits)
    if limits.fixed and "spend_today" not in table:
        raise DataError("Fixed channels keep 'spend_today', a column that the table of curves lacks.")
    problem = _problem(outcome, cells, polytope)
    search = dataclasses.replace(search, starts=search.starts or _STARTS)
    found = best_for_total(problem, cells.today, float(total), search)
    found = with_flights(found, problem, cells, limits.minimum, names.channels, search)
    labels = [" in ".join(map(str, key)) for key in _keys(table)]
    found = verified(
        found, problem.polytope, cells.today, labels, lambda x: keeps_flights(x, cells, limits.minimum, names.channels)
    )
    both = np.stack([cells.today, found.x])
    gained = outcome.gained(both)
    shown = _shown(table, cells, found.x, gained, float(periods))
    summary = _summary(both.sum(axis=1), gained.sum(axis=1))
    return BudgetPlan(
        table=shown,
        channels=_channels(shown),
        summary=summary,
        binding=binding(found.problem, found.x, labels),
        starts=found.starts,
        draws=pd.DataFrame({"today": [], "plan": []}).rename_axis("replicate"),
        total=float(found.x.sum()),
        split=cells.split,
        objective="mean",
        method=found.method,
        chance_better=float("nan"),
        shadow_price=total_price(found.problem, found.x),
        level=0.9,
        period=f"{periods:g} periods of the curves",
        units=_UNITS,
        notes=(*limits.notes(cells, names), "From a table of curves: no model, so no interval and no carry-over."),
    )


def _problem(outcome: CurveOutcome, cells: Cells, polytope: Polytope) -> Problem:
    unit = float(outcome.gained(cells.typical[None]).sum()) or 1.0
    return Problem(
        outcome=outcome,
        utility=utility_of("mean", 1, unit, None),
        value=KPI,
        nothing=np.zeros(1),
        polytope=polytope,
        typical=cells.typical,
        unit=unit,
        separable=True,
    )


def _checked(given: pd.DataFrame) -> pd.DataFrame:
    """The table with numbers in the columns of numbers."""
    table = _with_numbers(as_pandas(given))
    for name in ("half_saturation", "slope"):
        bad = ~(table[name].to_numpy(np.float64) > 0)
        if bad.any():
            raise DataError(f"{name} of {table[CHANNEL].iloc[int(bad.argmax())]!r} must be above 0.")
    below = ~(table["top"].to_numpy(np.float64) >= table["bottom"].to_numpy(np.float64))
    if below.any():
        raise DataError(f"The top of {table[CHANNEL].iloc[int(below.argmax())]!r} lies below its bottom.")
    keys = _keys(table)
    if len(set(keys)) < len(keys):
        raise DataError("The table of curves has a channel (or a channel and region) twice; keep one row of each.")
    return table


def _with_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its numbers read; every row names what it is of."""
    for name in _NEEDED:
        if name not in table:
            raise DataError(f"The table of curves has no column {name!r}; it needs {', '.join(_NEEDED)}.")
    if not len(table):
        raise DataError("The table of curves has no rows.")
    for name in (column for column in (CHANNEL, REGION) if column in table):
        bad = [not pd.api.types.is_scalar(cell) or bool(pd.isna(cell)) for cell in table[name]]
        if any(bad):
            raise DataError(f"Row {bad.index(True) + 1} of the table of curves has no {name}; every row needs one.")
    read = table.copy()
    for name in (column for column in (*_NEEDED[1:], *_OPTIONAL) if column in table):
        read[name], unreadable = as_numbers(table[name])
        wrong = unreadable if name == "largest_x" else ~np.isfinite(read[name].to_numpy())
        if wrong.any():
            row = int(wrong.argmax())
            raise DataError(
                f"The {name} of {table[CHANNEL].iloc[row]!r} must be a number, got {shown(table[name].iloc[row])}."
            )
    return read


def _keys(table: pd.DataFrame) -> list[tuple[object, ...]]:
    columns = [CHANNEL, REGION] if REGION in table else [CHANNEL]
    return list(table[columns].itertuples(index=False, name=None))


def _cells(table: pd.DataFrame, total: float) -> tuple[_Names, Cells]:
    channel, channels = pd.factorize(table[CHANNEL])
    region, regions = pd.factorize(table[REGION]) if REGION in table else (np.full(len(table), WHOLE), pd.Index([]))
    n = len(table)
    today = table["spend_today"].to_numpy(np.float64) if "spend_today" in table else np.zeros(n)
    none = np.zeros((1, 1, n))
    even = np.full(n, max(float(total), 0.0) / n)
    cells = Cells(
        split="channel_region" if REGION in table else "channel",
        channel=channel,
        region=region,
        week=np.full(n, WHOLE),
        cell=np.arange(n)[None, None],
        unit=none + 1.0,
        offset=none,
        today=today,
        typical=np.maximum(np.maximum(today, 0.1 * even), 1e-300),
    )
    return _Names(tuple(str(name) for name in channels), pd.Index(list(regions))), cells


def _shown(table: pd.DataFrame, cells: Cells, x: np.ndarray, gained: np.ndarray, periods: float) -> pd.DataFrame:
    shown = table[[name for name in (CHANNEL, REGION) if name in table]].reset_index(drop=True)
    shown["spend_today"], shown["spend_plan"], shown["change"] = cells.today, x, x - cells.today
    shown["incremental_outcome_today"], shown["incremental_outcome_plan"] = gained
    known = table["largest_x"].to_numpy(np.float64) if "largest_x" in table else np.full(len(x), np.inf)
    shown["extrapolation"] = x / periods > known * (1.0 + 1e-9)
    return shown


def _channels(shown: pd.DataFrame) -> pd.DataFrame:
    columns = ["spend_today", "spend_plan", "incremental_outcome_today", "incremental_outcome_plan"]
    grouped = shown.groupby(CHANNEL, sort=False)[columns].sum()
    for name in ("today", "plan"):
        paid = grouped[f"spend_{name}"]
        grouped[f"roi_{name}"] = grouped[f"incremental_outcome_{name}"] / paid.where(paid > 0)
    return grouped


def _summary(spend: np.ndarray, outcome: np.ndarray) -> pd.DataFrame:
    spend = np.array([spend[0], without_rounding(*spend)])
    figures = {"spend": spend, "incremental_outcome": outcome, "roi": outcome / np.where(spend > 0, spend, np.nan)}
    summary = pd.DataFrame.from_dict(figures, orient="index", columns=["today", "plan"]).rename_axis("figure")
    summary["change"] = summary["plan"] - summary["today"]
    return summary
