"""The best plan of a total, from many starts; and the settings of that search."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd

from deepcausalmmm_jax.checks import require, seed_number, whole_number
from deepcausalmmm_jax.planning.optimizer.polytope import refuse_total
from deepcausalmmm_jax.planning.optimizer.problem import Problem
from deepcausalmmm_jax.planning.optimizer.shadow_prices import total_price
from deepcausalmmm_jax.planning.optimizer.solvers import METHODS, Method, Solved, projected, solver_for
from deepcausalmmm_jax.planning.optimizer.starts import starts
from deepcausalmmm_jax.planning.optimizer.tabulated import Curves, separable, tabulated
from deepcausalmmm_jax.steps import parts, portion

FEW_CELLS = 80  # up to which many starts and totals cost little
_STARTS, _STARTS_OF_MANY = 8, 3
_SAME = 1e-4  # share of the best value within which a start counts as having found it
_NEAR = 0.01  # share of the spend by which two results on the curves may differ and count as one
_FEW_STEPS = 20  # of the model, from a plan that is the best on the curves
_NEARBY = "plan of a nearby total"
_Start = tuple[str, np.ndarray]  # a label, and a plan within the limits
_ROUGHLY = 0.4  # of the search by the model, where it begins with a few of the replicates
_FEW_STARTS = 4  # below which the model itself solves from one unchanged start instead of two


@dataclass(frozen=True)
class Search:
    """How `optimize_budget` looks for the best plan.

    Attributes:
        method: `SLSQP`, `trust-constr`, `differential_evolution`, `hybrid`, `projected`, or `auto`: SLSQP up to 80
            cells, the projected gradient beyond.
        starts: number of starting plans; None for 8 up to 80 cells and 3 beyond. Today's spend is always among them.
        max_steps: most steps of the solver from each start.
        seed: of the random starts.

    Raises:
        ConfigError: an unknown method, or a number that is not whole or too small.

    Example:
        >>> Search(method="projected", starts=3)
        Search(method='projected', starts=3, max_steps=300, seed=0)
    """

    method: Method = "auto"
    starts: int | None = None
    max_steps: int = 300
    seed: int = 0

    def __post_init__(self) -> None:
        known = isinstance(self.method, str) and self.method in METHODS
        require(known, "method", self.method, "one of " + ", ".join(METHODS))
        if self.starts is not None:
            whole_number("starts", self.starts)
        whole_number("max_steps", self.max_steps)
        seed_number(self.seed)

    def starts_for(self, n_cells: int) -> int:
        """Number of starting plans for a plan of so many cells."""
        return self.starts or (_STARTS if n_cells <= FEW_CELLS else _STARTS_OF_MANY)


class Found(NamedTuple):
    """The best plan of a search."""

    x: np.ndarray  # [cell], spend
    value: float  # utility, in the problem's unit
    method: str
    starts: pd.DataFrame  # by start: utility relative to the best, and whether it is the best
    problem: Problem  # with the total among its limits


class Finder(Protocol):
    """One way to find the best plan of a total."""

    def __call__(
        self,
        problem: Problem,
        today: np.ndarray,
        total: float,
        search: Search,
        warm: np.ndarray | None,
        curves: Curves,
    ) -> Found:
        """The plan; arguments as of `best_for_total`."""
        ...


def best_for_total(
    problem: Problem,
    today: np.ndarray,
    total: float,
    search: Search,
    warm: np.ndarray | None = None,
    curves: Curves | None = None,
) -> Found:
    """The best plan of a total.

    Where there are many replicates, a few of them say which starts lead to the same plan; under all of them only these
    plans are solved from.

    Args:
        problem: with all limits but the total.
        today: spend without a plan, `[cell]`.
        total: spend of the plan.
        search: method, starts, steps.
        warm: another plan to start from, `[cell]`.
        curves: return of each cell, up to this total at least; computed when None.

    Raises:
        ConfigError: no plan of that total meets the limits.
    """
    held = _with_total(problem, total)
    quick = held.quick()
    name, solve = solver_for(search.method, len(today))
    curves = tabulated(quick, total) if curves is None else curves
    begins = _begins(quick, today, total, search, warm, curves)
    keeps_population = name in ("differential_evolution", "hybrid")
    if keeps_population:  # one run, from the best start
        begins = [begins[int(np.argmax(held.utilities(np.stack([x for _, x in begins]))))]]
    elif by_curves(held, search):
        begins = _by_curves(quick, curves, begins, search)
    at_start = held.utilities(np.stack([x for _, x in begins]))
    met, which = [x for _, x in begins], list(range(len(begins)))
    is_rough = quick is not held and not keeps_population
    if is_rough:
        with portion(0.0, _ROUGHLY):
            met, which = _distinct([solve(quick, x, search.max_steps, search.seed).x for x in parts(met)])
    with portion(_ROUGHLY if is_rough else 0.0, 1.0):
        solved = [solve(held, x, search.max_steps, search.seed) for x in parts(met)]
    kept = [
        solved[own] if solved[own].value >= v else Solved(x, float(v))
        for own, (_, x), v in zip(which, begins, at_start, strict=True)
    ]
    best = max(kept, key=lambda end: end.value)
    return Found(best.x, best.value, name, _table(begins, at_start, kept, best), held)


def _with_total(problem: Problem, total: float) -> Problem:
    """The problem with a total among its limits."""
    refuse_total(problem.polytope, total)
    return problem.within(problem.polytope.with_total(total))


def _begins(
    problem: Problem, today: np.ndarray, total: float, search: Search, warm: np.ndarray | None, curves: Curves
) -> list[_Start]:
    """Named starting plans, the plan of a nearby total among them where there is one."""
    begins = starts(problem, today, total, curves, search.starts_for(len(today)), search.seed)
    return begins if warm is None else [*begins, (_NEARBY, problem.projected(warm))]


def _table(begins: list[_Start], at_start: np.ndarray, ended: list[Solved], best: Solved) -> pd.DataFrame:
    """What became of each start, as `Found.starts`."""
    values, size = np.array([end.value for end in ended]), abs(best.value) or 1.0
    return pd.DataFrame(
        {
            "start": [label for label, _ in begins],
            "value_at_start": at_start / size,
            "value": values / size,
            "best": values >= best.value - _SAME * size,
        }
    )


def by_curves(problem: Problem, search: Search) -> bool:
    """Whether plans are looked for on the cells' curves before the model is run."""
    keeps_population = search.method in ("differential_evolution", "hybrid")
    return problem.utility.is_mean and problem.separable and not keeps_population


def best_on_curves(
    problem: Problem,
    today: np.ndarray,
    total: float,
    search: Search,
    warm: np.ndarray | None,
    curves: Curves,
) -> Found:
    """The best plan of a total on the cells' curves alone, with its utility in the model.

    Arguments and errors are those of `best_for_total`.
    """
    held = _with_total(problem, total)
    interpolated = separable(held, curves)
    begins = _begins(interpolated, today, total, search, warm, curves)
    ended = [projected(interpolated, x, search.max_steps, search.seed) for _, x in begins]
    best = max(ended, key=lambda end: end.value)
    at_start = np.array([interpolated.value_and_slope(x)[0] for _, x in begins])
    value = float(held.utilities(best.x[None])[0])
    return Found(best.x, value, "projected", _table(begins, at_start, ended, best), held)


def best_near_curves(
    problem: Problem, today: np.ndarray, total: float, search: Search, warm: np.ndarray | None, curves: Curves
) -> Found:
    """The best plan of a total on the cells' curves, improved by a few steps on the model.

    Arguments and errors are those of `best_for_total`.
    """
    found = best_on_curves(problem, today, total, search, warm, curves)
    end = projected(found.problem, found.x, _FEW_STEPS, search.seed)
    return found._replace(x=end.x, value=end.value)


def _by_curves(problem: Problem, curves: Curves, begins: list[_Start], search: Search) -> list[_Start]:
    """Starts for the model: each distinct result of a search on the cells' curves, and two starts as they are.

    A search on the curves costs next to nothing. Starts that agree there agree only about the curves, so they count as
    one start. The two that the model solves from unchanged would reveal where the curves mislead.
    """
    interpolated = separable(problem, curves)
    met, which = _distinct([projected(interpolated, x, search.max_steps, search.seed).x for _, x in begins])
    labels: list[list[str]] = [[] for _ in met]
    for (label, _), own in zip(begins, which, strict=True):
        labels[own].append(label)
    unchanged = begins[:1] if len(begins) < _FEW_STARTS else [begins[0], begins[-1]]
    return [(f"on the curves, from {'; '.join(of)}", x) for of, x in zip(labels, met, strict=True)] + unchanged


def _distinct(plans: list[np.ndarray]) -> tuple[list[np.ndarray], list[int]]:
    """Plans that differ by more than a hundredth of the spend from those before them; and for each its own."""
    size = max(float(np.abs(plans[0]).sum()), 1e-300)
    met: list[np.ndarray] = []
    which = []
    for x in plans:
        near = [at for at, other in enumerate(met) if np.abs(other - x).sum() < _NEAR * size]
        which.append(near[0] if near else len(met))
        if not near:
            met.append(x)
    return met, which


def outcome_of(found: Found) -> float:
    """Outcome of a plan as targets are held against it, in the problem's unit."""
    judge = found.problem.judge()
    return found.value if judge is found.problem else float(judge.utilities(found.x[None])[0])


def mroi_of(found: Found) -> float:
    """Marginal return of a plan: outcome per unit of spend that is added to the total, as for `outcome_of`."""
    return total_price(found.problem.judge(), found.x)
