"""Minimum flights: in each week a channel is either off, or spends at least its minimum."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import scipy.sparse as sp

from deepcausalmmm_jax.checks import amount, is_number
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.planning.cells import Cells
from deepcausalmmm_jax.planning.limits import refuse_unknown_channel
from deepcausalmmm_jax.planning.optimizer.polytope import TOLERANCE
from deepcausalmmm_jax.planning.optimizer.problem import Problem
from deepcausalmmm_jax.planning.optimizer.search import Found, Search, best_for_total
from deepcausalmmm_jax.steps import parts, uncounted

_SWITCHED = 8  # flights, the closest to half their minimum, that are tried the other way round


def check_minimum(minimum: Mapping[str, float], cells: Cells, channels: tuple[str, ...]) -> None:
    """Refuse a minimum for an unknown channel, or one that is not above zero.

    Args:
        minimum: by channel.
        cells: of the plan.
        channels: names of the model's channels.

    Raises:
        ConfigError: naming the channel.
    """
    for name, least in minimum.items():
        refuse_unknown_channel(channels, name, "minimum")
        if not (cells.channel == channels.index(name)).any():
            raise ConfigError(f"minimum names {name!r}, which has no spend and so no budget; it stays as it was.")
        if not (is_number(least) and least > 0):
            raise ConfigError(f"The minimum of {name} must be above 0, got {least!r}.")


def with_flights(
    found: Found,
    problem: Problem,
    cells: Cells,
    minimum: Mapping[str, float],
    channels: tuple[str, ...],
    search: Search,
) -> Found:
    """The plan with every flight either off or at its minimum at least.

    Flights that the plan without minima gives less than half their minimum are switched off, the others are held at
    their minimum at least. Then the flights closest to that threshold are switched one by one, and stay switched where
    that is better.

    Args:
        found: the plan without minima.
        problem: limits without the total.
        cells: of the plan.
        minimum: by channel.
        channels: names of the model's channels.
        search: method, starts, steps.

    Raises:
        ConfigError: a minimum above what the other limits allow where they require spend, or no plan of that total
            meets the minima.
    """
    if not minimum:
        return found
    rows, least = _flights(cells, minimum, channels)
    total, spent = float(found.x.sum()), rows @ found.x
    must = (rows @ problem.polytope.low) > 0
    _refuse_low_ceiling(problem, cells, rows, least, must, channels)
    on = (spent >= 0.5 * least) | must
    quick = dataclasses.replace(search, starts=1)
    best = _solved(problem, cells, rows, least, on, total, quick, found.x)
    for i in np.argsort(spent / least, kind="stable"):
        if best is not None:
            break
        on[i] = must[i]
        best = _solved(problem, cells, rows, least, on, total, quick, found.x)
    if best is None:
        raise ConfigError(
            f"No plan of the total {amount(total)} was found that meets the minimum flights together with the other "
            "limits; lower the minima, widen the limits, or change the total."
        )
    for i in parts(list(np.argsort(np.abs(spent / least - 0.5))[:_SWITCHED])):
        switched = np.where(np.arange(len(on)) == i, ~on, on) | must
        if (switched != on).any():
            other = _solved(problem, cells, rows, least, switched, total, quick, best.x)
            if other is not None and other.value > best.value:
                best, on = other, switched
    return best._replace(starts=found.starts)


def keeps_flights(x: np.ndarray, cells: Cells, minimum: Mapping[str, float], channels: tuple[str, ...]) -> bool:
    """Whether every flight of a plan `[cell]` is off or at its minimum at least."""
    if not minimum:
        return True
    rows, least = _flights(cells, minimum, channels)
    spent = rows @ x
    return bool(((spent <= TOLERANCE * least) | (spent >= least * (1 - TOLERANCE))).all())


def _flights(cells: Cells, minimum: Mapping[str, float], channels: tuple[str, ...]) -> tuple[sp.csr_matrix, np.ndarray]:
    """Cells of each flight, `[flight, cell]`, and its least spend, `[flight]`."""
    names = np.asarray(channels, dtype=object)[cells.channel]
    here = np.flatnonzero([name in minimum for name in names])
    keys = cells.channel[here] * (cells.week.max() + 2) + cells.week[here]
    codes, first, flight = np.unique(keys, return_index=True, return_inverse=True)
    rows = sp.csr_matrix((np.ones(len(here)), (flight, here)), shape=(len(codes), len(cells)))
    return rows, np.array([minimum[name] for name in names[here[first]]])


def _refuse_low_ceiling(
    problem: Problem,
    cells: Cells,
    rows: sp.csr_matrix,
    least: np.ndarray,
    must: np.ndarray,
    channels: tuple[str, ...],
) -> None:
    """Refuse flights that other limits require to be on and forbid to reach their minimum; no total would help."""
    ceiling = rows @ problem.polytope.high
    clash = must & (ceiling < least * (1 - TOLERANCE))
    if clash.any():
        i = int(np.flatnonzero(clash)[0])
        name = channels[cells.channel[rows[i].indices[0]]]
        raise ConfigError(
            f"The minimum of {name} is {amount(least[i])}, but its limits require spend there and allow at most "
            f"{amount(ceiling[i])}; lower the minimum or widen the limits of {name}."
        )


def _solved(
    problem: Problem,
    cells: Cells,
    rows: sp.csr_matrix,
    least: np.ndarray,
    on: np.ndarray,
    total: float,
    search: Search,
    warm: np.ndarray,
) -> Found | None:
    """The best plan with some flights on and the others off; None where there is none."""
    off = np.asarray(rows[~on].sum(axis=0)).ravel() > 0
    single = np.asarray(rows.sum(axis=1)).ravel() == 1
    alone = rows[on & single]
    polytope = problem.polytope.with_box(alone.T @ least[on & single], np.where(off, 0.0, np.inf))
    several = on & ~single
    if several.any():
        n = int(several.sum())
        polytope = polytope.with_sums(rows[several], least[several], np.full(n, np.inf), ("a minimum flight",) * n)
    if (polytope.low > polytope.high).any():
        return None
    try:
        with uncounted():
            return best_for_total(problem.within(polytope), cells.today, total, search, warm)
    except ConfigError:
        return None
