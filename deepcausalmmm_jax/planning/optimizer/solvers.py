"""Solvers by name; each goes from one plan to a better one within the limits, and ends with a projection."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.optimize import BFGS, Bounds, LinearConstraint, differential_evolution, minimize

from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.planning.optimizer.problem import Problem

Method = Literal["auto", "SLSQP", "trust-constr", "differential_evolution", "hybrid", "projected"]
METHODS: tuple[Method, ...] = ("auto", "SLSQP", "trust-constr", "differential_evolution", "hybrid", "projected")
_MOST_CELLS_FOR_SLSQP = 80  # its steps cost the cube of the cells
_MEMORY = 8  # values that a step may fall short of (Grippo, Lampariello & Lucidi 1986)


class Solved(NamedTuple):
    """A plan and its utility."""

    x: np.ndarray
    value: float


Solver = Callable[[Problem, np.ndarray, int, int], Solved]


def solver_for(method: Method, n_cells: int) -> tuple[str, Solver]:
    """The solver by its name; `auto` by the number of cells.

    Raises:
        ConfigError: an unknown name.
    """
    require(method in METHODS, "method", method, "one of " + ", ".join(METHODS))
    name = method
    if method == "auto":
        name = "SLSQP" if n_cells <= _MOST_CELLS_FOR_SLSQP else "projected"
    return name, _SOLVERS[name]


def projected(problem: Problem, start: np.ndarray, steps: int, seed: int) -> Solved:
    """Spectral projected gradient (Birgin, Martinez & Raydan 2000), in units in which cells are alike.

    A cell's returns bend in proportion to what it spends, so steps are measured by the root of that.
    """
    weight = problem.typical
    x = problem.projected(start)
    value, slope = problem.value_and_slope(x)
    best, recent = Solved(x, value), [value]
    scale = max(float((weight * slope * slope).sum()), 1e-300)
    length = float(np.sqrt((x * x / weight).sum() / scale)) or 1.0
    checked = value
    for step in range(1, steps + 1):
        move = problem.projected(x + length * weight * slope) - x
        gain = float(slope @ move)
        if gain <= 1e-9 * max(abs(value), 1e-12):
            break
        share = 1.0
        new = value_new, slope_new = problem.value_and_slope(x + move)
        while new[0] < min(recent[-_MEMORY:]) + 1e-4 * share * gain and share > 1e-4:
            share *= 0.5
            new = value_new, slope_new = problem.value_and_slope(x + share * move)
        change, bend = share * move, slope - slope_new
        x, value, slope = x + change, value_new, slope_new
        recent.append(value)
        if value > best.value:
            best = Solved(x, value)
        curved = float(change @ bend)
        length = (
            float(np.clip((change * change / weight).sum() / curved, 1e-10 * length, 1e10 * length))
            if curved > 0
            else 10 * length
        )
        if step % 20 == 0:
            if best.value - checked < 2e-6 * abs(best.value):
                break
            checked = best.value
    return best


def slsqp(problem: Problem, start: np.ndarray, steps: int, seed: int) -> Solved:
    """Sequential quadratic programming (Kraft 1988) by scipy, then a few projected steps."""
    unit = problem.typical
    rows, least, most = _scaled_rows(problem)
    equal = least == most
    sums: list[dict[str, Any]] = [
        {"type": "eq", "fun": lambda z: rows[equal] @ z - least[equal], "jac": lambda z: rows[equal]}
    ]
    for chosen, sign, ends in ((np.isfinite(least) & ~equal, 1.0, least), (np.isfinite(most) & ~equal, -1.0, most)):
        if chosen.any():
            side, end = sign * rows[chosen], sign * ends[chosen]
            sums.append({"type": "ineq", "fun": lambda z, a=side, b=end: a @ z - b, "jac": lambda z, a=side: a})
    found = minimize(
        _falling(problem, unit),
        start / unit,
        jac=True,
        method="SLSQP",
        bounds=Bounds(problem.plan.low / unit, problem.plan.high / unit),
        constraints=[entry for entry in sums if np.size(entry["fun"](start / unit))],
        options={"maxiter": steps, "ftol": 1e-8},
    )
    return _polished(problem, found.x * unit, start)


def trust_constr(problem: Problem, start: np.ndarray, steps: int, seed: int) -> Solved:
    """Interior-point trust region (Byrd, Hribar & Nocedal 1999) by scipy, then a few projected steps."""
    unit = problem.typical
    rows, least, most = _scaled_rows(problem)
    found = minimize(
        _falling(problem, unit),
        start / unit,
        jac=True,
        hess=BFGS(),
        method="trust-constr",
        bounds=Bounds(problem.plan.low / unit, problem.plan.high / unit),
        constraints=LinearConstraint(rows, least, most),
        options={"maxiter": steps, "gtol": 1e-6, "xtol": 1e-8},
    )
    return _polished(problem, found.x * unit, start)


def evolution(problem: Problem, start: np.ndarray, steps: int, seed: int) -> Solved:
    """Differential evolution (Storn & Price 1997) by scipy, every candidate brought within the limits first."""
    unit = problem.typical
    reach = float(problem.plan.most[-1])
    high = np.minimum(problem.plan.high, reach) / unit

    def falling(z: np.ndarray) -> np.ndarray:
        plans = np.stack([problem.projected(column * unit) for column in np.atleast_2d(z.T)])
        return -problem.utilities(plans)

    low = problem.plan.low / unit
    found = differential_evolution(
        falling,
        Bounds(low, np.maximum(high, low)),
        x0=np.clip(start / unit, low, np.maximum(high, low)),
        maxiter=steps,
        popsize=8,
        tol=1e-7,
        polish=False,
        vectorized=True,
        updating="deferred",
        rng=seed,
    )
    return _better(problem, problem.projected(found.x * unit), start)


def hybrid(problem: Problem, start: np.ndarray, steps: int, seed: int) -> Solved:
    """A short differential evolution, then SLSQP from where it ended."""
    return slsqp(problem, evolution(problem, start, max(steps // 4, 20), seed).x, steps, seed)


_SOLVERS: dict[str, Solver] = {
    "SLSQP": slsqp,
    "trust-constr": trust_constr,
    "differential_evolution": evolution,
    "hybrid": hybrid,
    "projected": projected,
}


def _falling(problem: Problem, unit: np.ndarray) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    def falling(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = problem.value_and_slope(np.maximum(z, 0.0) * unit)
        return -value, -slope * unit

    return falling


def _scaled_rows(problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums in units of themselves."""
    rows = problem.plan.rows.toarray() * problem.typical
    size = np.maximum(np.abs(rows).sum(axis=1), 1e-300)
    return rows / size[:, None], problem.plan.least / size, problem.plan.most / size


def _polished(problem: Problem, x: np.ndarray, start: np.ndarray) -> Solved:
    safe = np.where(np.isfinite(x), x, start)
    return max(projected(problem, safe, 15, 0), _better(problem, problem.projected(safe), start), key=lambda s: s.value)


def _better(problem: Problem, x: np.ndarray, start: np.ndarray) -> Solved:
    values = problem.utilities(np.stack([x, start]))
    return Solved(x, float(values[0])) if values[0] >= values[1] else Solved(start, float(values[1]))
