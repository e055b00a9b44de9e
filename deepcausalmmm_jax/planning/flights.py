"""Minimum flights: a channel is off in a week, or spends at least a given sum."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import scipy.sparse as sp

from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.cells import Cells
from deepcausalmmm_jax.planning.limits import Feasible
from deepcausalmmm_jax.planning.optimizer.problem import Problem
from deepcausalmmm_jax.planning.optimizer.search import Found, Search, best_for_total

_MET = 1e-6  # of a minimum, by which it may be missed
_TURNS = 8  # flights that are tried the other way round


def check_minimum(minimum: Mapping[str, float], cells: Cells, horizon: Horizon) -> None:
    """Refuse a minimum for an unknown channel or below zero.

    Raises:
        ConfigError: naming the channel.
    """
    for name, least in minimum.items():
        if name not in horizon.panel.channels:
            raise ConfigError(f"minimum names the channel {name!r}; the model has {', '.join(horizon.panel.channels)}.")
        if not (cells.channel == horizon.panel.channels.index(name)).any():
            raise ConfigError(f"minimum names {name!r}, which has no spend and so no budget; it stays as it was.")
        if not (isinstance(least, int | float | np.number) and np.isfinite(least) and least > 0):
            raise ConfigError(f"The minimum of {name} must be above 0, got {least!r}.")


def with_flights(
    found: Found, problem: Problem, cells: Cells, minimum: Mapping[str, float], horizon: Horizon, how: Search
) -> Found:
    """The plan with every flight off or at its minimum at least.

    Flights of the plan without minima are switched off below half their minimum and held above it otherwise; then the
    ones nearest to that line are turned over one by one, and kept so where that brings more.

    Args:
        found: the plan without minima.
        problem: limits without the total.
        cells: of the plan.
        minimum: by channel.
        horizon: for the channels' names.
        how: to look.

    Raises:
        ConfigError: no plan of that total meets the minima.
    """
    if not minimum:
        return found
    rows, least = _flights(cells, minimum, horizon)
    total, spent = float(found.x.sum()), rows @ found.x
    must = (rows @ problem.plan.low) > 0
    on = (spent >= 0.5 * least) | must
    quick = how._replace(n_starts=1)
    best = _solved(problem, cells, rows, least, on, total, quick, found.x)
    for i in np.argsort(spent / least, kind="stable"):
        if best is not None:
            break
        on[i] = must[i]
        best = _solved(problem, cells, rows, least, on, total, quick, found.x)
    if best is None:
        raise ConfigError(
            f"No plan of the total {total:,.6g} meets the minimum flights; lower them or raise the total."
        )
    for i in np.argsort(np.abs(spent / least - 0.5))[:_TURNS]:
        turned = np.where(np.arange(len(on)) == i, ~on, on) | must
        if (turned != on).any():
            other = _solved(problem, cells, rows, least, turned, total, quick, best.x)
            if other is not None and other.value > best.value:
                best, on = other, turned
    return best._replace(starts=found.starts)


def keeps_flights(x: np.ndarray, cells: Cells, minimum: Mapping[str, float], horizon: Horizon) -> bool:
    """Whether every flight of a plan `[cell]` is off or at its minimum at least."""
    if not minimum:
        return True
    rows, least = _flights(cells, minimum, horizon)
    spent = rows @ x
    return bool(((spent <= _MET * least) | (spent >= least * (1 - _MET))).all())


def _flights(cells: Cells, minimum: Mapping[str, float], horizon: Horizon) -> tuple[sp.csr_matrix, np.ndarray]:
    """Cells of each flight, `[flight, cell]`, and its least spend."""
    names = np.asarray(horizon.panel.channels, dtype=object)[cells.channel]
    here = np.flatnonzero([name in minimum for name in names])
    keys = cells.channel[here] * (cells.week.max() + 2) + cells.week[here]
    codes, first, flight = np.unique(keys, return_index=True, return_inverse=True)
    rows = sp.csr_matrix((np.ones(len(here)), (flight, here)), shape=(len(codes), len(cells)))
    return rows, np.array([minimum[name] for name in names[here[first]]])


def _solved(
    problem: Problem,
    cells: Cells,
    rows: sp.csr_matrix,
    least: np.ndarray,
    on: np.ndarray,
    total: float,
    how: Search,
    warm: np.ndarray,
) -> Found | None:
    """The best plan with some flights on and the others off; None where there is none."""
    off = np.asarray(rows[~on].sum(axis=0)).ravel() > 0
    plan = dataclasses.replace(problem.plan, high=np.where(off, 0.0, problem.plan.high))
    single = np.asarray(rows.sum(axis=1)).ravel() == 1
    alone = rows[on & single]
    plan = dataclasses.replace(plan, low=np.maximum(plan.low, alone.T @ least[on & single]))
    several = on & ~single
    if several.any():
        plan = _with_sums(plan, rows[several], least[several])
    if (plan.low > plan.high).any():
        return None
    try:
        return best_for_total(problem.within(plan), cells.today, total, how, warm)
    except ConfigError:
        return None


def _with_sums(plan: Feasible, rows: sp.csr_matrix, least: np.ndarray) -> Feasible:
    return dataclasses.replace(
        plan,
        rows=sp.vstack([plan.rows, rows], format="csr"),
        least=np.concatenate([plan.least, least]),
        most=np.concatenate([plan.most, np.full(len(least), np.inf)]),
        names=(*plan.names, *["a minimum flight"] * len(least)),
    )
