"""Solvers by name: each improves a plan within the limits, and ends with a projection onto them."""

import warnings
from collections.abc import Callable
from typing import Literal, NamedTuple, TypedDict

import numpy as np
from scipy.optimize import BFGS, Bounds, LinearConstraint, differential_evolution, minimize

from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.planning.optimizer.problem import Problem

Method = Literal["auto", "SLSQP", "trust-constr", "differential_evolution", "hybrid", "projected"]
METHODS: tuple[Method, ...] = ("auto", "SLSQP", "trust-constr", "differential_evolution", "hybrid", "projected")
_MOST_CELLS_FOR_SLSQP = 80  # its steps cost the cube of the cells
_MEMORY = 8  # recent values, the lowest of which a step must exceed (Grippo, Lampariello & Lucidi 1986)


class _Constraint(TypedDict):
    """A constraint as `scipy.optimize.minimize` takes it."""

    type: str
    fun: Callable[[np.ndarray], np.ndarray]
    jac: Callable[[np.ndarray], np.ndarray]


class Solved(NamedTuple):
    """A plan and its utility."""

    x: np.ndarray
    value: float


Solver = Callable[[Problem, np.ndarray, int, int], Solved]  # problem, start, most steps, seed


def solver_for(method: Method, n_cells: int) -> tuple[str, Solver]:
    """The solver of a name; `auto` chooses by the number of cells.

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

    The curvature of a cell's return is inversely proportional to its spend, so steps are scaled by the root of that.
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
        change, slope_change = share * move, slope - slope_new
        x, value, slope = x + change, value_new, slope_new
        recent.append(value)
        if value > best.value:
            best = Solved(x, value)
        curvature = float(change @ slope_change)
        length = (
            float(np.clip((change * change / weight).sum() / curvature, 1e-10 * length, 1e10 * length))
            if curvature > 0
            else 10 * length
        )
        if step % 20 == 0:
            if best.value - checked < 2e-6 * abs(best.value):
                break
            checked = best.value
    return best


def slsqp(problem: Problem, start: np.ndarray, steps: int, seed: int) -> Solved:
    """Sequential quadratic programming (Kraft 1988) by SciPy, then a few projected steps."""
    unit = problem.typical
    rows, least, most = _scaled_rows(problem)
    equal = least == most
    cases = (
        ("eq", equal, 1.0, least),
        ("ineq", np.isfinite(least) & ~equal, 1.0, least),
        ("ineq", np.isfinite(most) & ~equal, -1.0, most),
    )
    found = minimize(
        _negative(problem, unit),
        start / unit,
        jac=True,
        method="SLSQP",
        bounds=Bounds(problem.polytope.low / unit, problem.polytope.high / unit),
        constraints=[_constraint(kind, sign * rows[of], sign * ends[of]) for kind, of, sign, ends in cases if of.any()],
        options={"maxiter": steps, "ftol": 1e-8},
    )
    return _polished(problem, found.x * unit, start)


def trust_constr(problem: Problem, start: np.ndarray, steps: int, seed: int) -> Solved:
    """Interior-point trust region (Byrd, Hribar & Nocedal 1999) by SciPy, then a few projected steps."""
    unit = problem.typical
    rows, least, most = _scaled_rows(problem)
    with warnings.catch_warnings():  # a start that is the best plan has no change of slope to learn a curvature from
        warnings.filterwarnings("ignore", "delta_grad == 0.0", UserWarning)
        found = minimize(
            _negative(problem, unit),
            start / unit,
            jac=True,
            hess=BFGS(),
            method="trust-constr",
            bounds=Bounds(problem.polytope.low / unit, problem.polytope.high / unit),
            constraints=LinearConstraint(rows, least, most),
            options={"maxiter": steps, "gtol": 1e-6, "xtol": 1e-8},
        )
    return _polished(problem, found.x * unit, start)


def evolution(problem: Problem, start: np.ndarray, steps: int, seed: int) -> Solved:
    """Differential evolution (Storn & Price 1997) by SciPy; every candidate is projected onto the limits first."""
    unit = problem.typical
    reach = float(problem.polytope.most[-1])
    high = np.minimum(problem.polytope.high, reach) / unit

    def negative(z: np.ndarray) -> np.ndarray:
        plans = np.stack([problem.projected(column * unit) for column in np.atleast_2d(z.T)])
        return -problem.utilities(plans)

    low = problem.polytope.low / unit
    found = differential_evolution(
        negative,
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
    """A short differential evolution, then SLSQP from its result."""
    return slsqp(problem, evolution(problem, start, max(steps // 4, 20), seed).x, steps, seed)


_SOLVERS: dict[str, Solver] = {
    "SLSQP": slsqp,
    "trust-constr": trust_constr,
    "differential_evolution": evolution,
    "hybrid": hybrid,
    "projected": projected,
}


def _negative(problem: Problem, unit: np.ndarray) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """Minus the utility and its gradient, as functions of spend in `unit`."""

    def negative(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = problem.value_and_slope(np.maximum(z, 0.0) * unit)
        return -value, -slope * unit

    return negative


def _constraint(kind: str, rows: np.ndarray, ends: np.ndarray) -> _Constraint:
    """Sums that equal their ends (`eq`), or are at least these (`ineq`)."""
    return {"type": kind, "fun": lambda z: rows @ z - ends, "jac": lambda z: rows}


def _scaled_rows(problem: Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums with their ends, each scaled to coefficients that add up to 1."""
    rows = problem.polytope.rows.toarray() * problem.typical
    size = np.maximum(np.abs(rows).sum(axis=1), 1e-300)
    return rows / size[:, None], problem.polytope.least / size, problem.polytope.most / size


def _polished(problem: Problem, x: np.ndarray, start: np.ndarray) -> Solved:
    """The better of a result projected onto the limits and the same after a few projected steps."""
    safe = np.where(np.isfinite(x), x, start)
    return max(projected(problem, safe, 15, 0), _better(problem, problem.projected(safe), start), key=lambda s: s.value)


def _better(problem: Problem, x: np.ndarray, start: np.ndarray) -> Solved:
    """The better of a result and the start."""
    values = problem.utilities(np.stack([x, start]))
    return Solved(x, float(values[0])) if values[0] >= values[1] else Solved(start, float(values[1]))
