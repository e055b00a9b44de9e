"""A budget problem by the fitted model: outcome and utility of plans, in units of today's."""

import dataclasses
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.planning.cells import Cells
from deepcausalmmm_jax.planning.optimizer.polytope import Polytope
from deepcausalmmm_jax.planning.optimizer.problem import Problem
from deepcausalmmm_jax.planning.optimizer.utility import Objective, utility_of
from deepcausalmmm_jax.planning.outcome import Outcome
from deepcausalmmm_jax.training.fitted import Replicates


class Aim(NamedTuple):
    """What is maximised, and how the plan is reported."""

    objective: Objective
    risk: float | None
    value: int  # `outcome.KPI` or `outcome.REVENUE`
    margin: float | None
    level: float


def budget_problem(
    fit: FittedPanel,
    replicates: Replicates | None,
    horizon: Horizon,
    cells: Cells,
    polytope: Polytope,
    aim: Aim,
    *,
    has_target: bool,
) -> Problem:
    """The problem of a plan.

    Args:
        fit: the fit on its own panel.
        replicates: members of an ensemble, which the utility is taken over; None for the estimate alone.
        horizon: weeks and prices of the plan.
        cells: of the plan.
        polytope: limits.
        aim: what is maximised.
        has_target: whether a figure decides the total. Where the utility is the mean over the members, the estimate
            judges it, since tables show its figures; a quantile or worst case is asked for to be met as it is.
    """
    problem = _problem(fit, None if replicates is None else replicates.variables, horizon, cells, polytope, aim)
    if replicates is None or not has_target or aim.objective != "mean":
        return problem
    alone = _problem(fit, None, horizon, cells, polytope, aim)
    return dataclasses.replace(problem, estimate=dataclasses.replace(alone, unit=problem.unit))


def _problem(
    fit: FittedPanel, variables: Variables | None, horizon: Horizon, cells: Cells, polytope: Polytope, aim: Aim
) -> Problem:
    outcome = Outcome(fit, variables, horizon, cells)
    bought = np.isin(np.arange(outcome.n_channels), cells.channel)
    on_air = np.stack([np.where(bought, 0.0, 1.0), np.ones(len(bought))])
    ends = outcome.values(np.stack([np.zeros(len(cells)), cells.typical]), on_air)[:, :, aim.value].sum(axis=-1)
    unit = max(abs(float((ends[1] - ends[0]).mean())), 1e-300)
    utility = utility_of(aim.objective, outcome.n_replicates, unit, aim.risk)
    problem = Problem(
        outcome=outcome,
        utility=utility,
        value=aim.value,
        nothing=ends[0],
        polytope=polytope,
        typical=cells.typical,
        unit=unit,
        separable="week" not in cells.split,
    )
    few = outcome.few() if utility.is_mean else None  # the mean of a few is near that of all; their worst may not be
    if few is None:
        return problem
    mean = utility_of("mean", len(few.rows), unit, None)
    rough = dataclasses.replace(problem, outcome=few, utility=mean, nothing=ends[0][few.rows])
    return dataclasses.replace(problem, rough=rough)
