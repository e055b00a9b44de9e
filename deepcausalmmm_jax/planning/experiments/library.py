"""Plans that could be chosen once more is known, and what each draw says that they bring."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.horizon import even_weeks
from deepcausalmmm_jax.attribution.planned_frequency import at_frequency
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.planning.cells import Cells, cells_of
from deepcausalmmm_jax.planning.limits import Limits, polytope_of
from deepcausalmmm_jax.planning.optimizer.polytope import TOLERANCE, Polytope
from deepcausalmmm_jax.planning.optimizer.search import Search, best_for_total
from deepcausalmmm_jax.planning.optimizer.tabulated import Curves, Separable
from deepcausalmmm_jax.planning.optimizer.utility import utility_of
from deepcausalmmm_jax.planning.outcome import REVENUE, Outcome

_PLAN_WEEKS = 13  # a quarter: what a plan brings in a week is its mean over them, carry-over included
_POINTS = 9  # levels of spend at which each channel's curve is computed: dense where it is small
_FIRST = 0.5  # share of a channel's present spend, about the size of the first step
_FINE = 33  # levels of the interpolated curves
_SINGLE = 24  # draws whose own best plan is in the library
_STARTS = 2
_DIGITS = 6  # of a channel's share of the total, up to which two plans are the same


@dataclass(frozen=True, eq=False)
class Library:
    """Plans by channel, and their outcome under every draw.

    Attributes:
        plans: `[plan, cell]`, spend of the plan's weeks.
        outcomes: `[draw, plan]`, revenue of a week (KPI units where no revenue per KPI is known), by the model; against
            all these channels off the air, as the incremental outcome of a budget plan.
        cells: of the plans.
        best: position of the plan that is best by the mean of the draws.
    """

    plans: np.ndarray
    outcomes: np.ndarray
    cells: Cells
    best: int


def plan_steps(panel: Panel) -> int:
    """Steps of the panel over which what a plan brings is averaged, a quarter."""
    return panel.cadence.steps(_PLAN_WEEKS)


def library_of(
    fit: FittedPanel, variables: Variables, limits: Limits, base: np.ndarray, frequency: Mapping[str, float]
) -> Library:
    """Plans of the present total within limits: the present one, and the best for groups of draws and single draws.

    Each channel's outcome is computed under every draw at a few levels of spend, with the other channels as they are;
    the best plan for any weighting of the draws is then found on these curves. What the plans of the library bring is
    computed with the model itself.

    Args:
        fit: the fit on its own panel.
        variables: sets of parameters, with a leading axis.
        limits: of the plans.
        base: `[channel]`, spend of the present plan, in multiples of the mean week of the last year.
        frequency: contacts per person reached, by channel that is planned at another one than its usual.

    Raises:
        ConfigError: limits that no plan of the total meets, or that name an unknown channel.
    """
    n_steps = plan_steps(fit.panel)
    horizon = at_frequency(fit, even_weeks(fit, n_steps, settled=False), frequency)
    cells = cells_of(horizon, "channel", fit.scales.exposure)
    outcome = Outcome(fit, variables, horizon, cells)
    present = cells.today * base[cells.channel]
    total = float(present.sum())
    polytope = polytope_of(cells, horizon.panel, limits)
    curves = _DrawnCurves.of(outcome, polytope, present, total)
    found = [curves.best_plan(polytope, present, total, chosen) for chosen in _groups(curves.heights)]
    plans = np.unique(np.round(np.stack(found) / total, _DIGITS), axis=0) * total
    if (polytope.with_total(total).violations(present) <= TOLERANCE).all():
        plans = np.concatenate([present[None], plans])
    outcomes = _brought(outcome, plans, cells) / n_steps
    return Library(plans, outcomes, cells, int(outcomes.mean(axis=0).argmax()))


def _brought(outcome: Outcome, plans: np.ndarray, cells: Cells) -> np.ndarray:
    """Revenue `[draw, plan]` that plans bring in all their weeks and after them.

    What runs after a plan's weeks, while its carry-over arrives, is no part of it.
    """
    budgeted = np.isin(np.arange(outcome.n_channels), cells.channel)
    on_air = np.ones((len(plans) + 1, len(budgeted)))
    on_air[-1] = ~budgeted
    values = outcome.values(np.concatenate([plans, plans[:1]]), on_air)[:, :, REVENUE].sum(axis=-1).T
    return np.asarray(values[:, :-1] - values[:, -1:])


@dataclass(frozen=True, eq=False)
class _DrawnCurves:
    """Outcome of each cell at several levels of its spend under every draw, less that of its lowest level.

    Attributes:
        levels: `[level, cell]`, spend.
        heights: `[draw, level, cell]`.
        outcome: that they were computed with.
    """

    levels: np.ndarray
    heights: np.ndarray
    outcome: Outcome

    @classmethod
    def of(cls, outcome: Outcome, polytope: Polytope, present: np.ndarray, total: float) -> "_DrawnCurves":
        """Curves between the least spend of each cell and the most that the total leaves it."""
        low = np.minimum(polytope.low, polytope.high)
        high = np.clip(low + max(total - low.sum(), 0.0), low, polytope.high)
        first = np.maximum(_FIRST * np.minimum(present, np.where(high > low, high - low, np.inf)), 1e-9 * total)
        at = np.linspace(0.0, 1.0, _POINTS)[:, None]
        levels = low + np.minimum(first * np.expm1(np.log1p((high - low) / first) * at), high - low)
        own = np.eye(len(present), dtype=bool)
        plans = np.where(own, levels[:, :, None], present).reshape(-1, len(present))
        values = outcome.values_in_turn(plans)[:, :, REVENUE].sum(axis=-1)  # [level x cell, draw]
        heights = np.moveaxis(values.reshape(_POINTS, len(present), -1), -1, 0)
        return cls(levels, heights - heights[:, :1], outcome)

    def at(self, plans: np.ndarray) -> np.ndarray:
        """Outcome of each cell at its spend in each plan, linear between levels, `[draw, plan, cell]`."""
        found = np.zeros((len(self.heights), *plans.shape))
        for i, (levels, spend) in enumerate(zip(self.levels.T, plans.T, strict=True)):
            above = np.clip(np.searchsorted(levels, spend), 1, len(levels) - 1)
            width = levels[above] - levels[above - 1]
            share = np.clip((spend - levels[above - 1]) / np.where(width > 0, width, 1.0), 0.0, 1.0)
            low, high = self.heights[:, above - 1, i], self.heights[:, above, i]
            found[:, :, i] = low + share * (high - low)
        return found

    def best_plan(self, polytope: Polytope, present: np.ndarray, total: float, chosen: np.ndarray) -> np.ndarray:
        """The plan that is best by the mean curves of some draws, `[cell]`."""
        curves = _smooth(self.levels, self.heights[chosen].mean(axis=0))
        problem = Separable(
            outcome=self.outcome,
            utility=utility_of("mean", self.outcome.n_replicates, 1.0, None),
            value=REVENUE,
            nothing=np.zeros(self.outcome.n_replicates),
            polytope=polytope,
            typical=np.maximum(present, 1e-3 * total / len(present)),
            unit=1.0,
            curves=curves,
        )
        return best_for_total(problem, present, total, Search(starts=_STARTS), curves=curves).x


def _smooth(levels: np.ndarray, heights: np.ndarray) -> Curves:
    """Curves through the points `[level, cell]` that rise and fall as they do (Fritsch & Carlson 1980)."""
    finer = np.linspace(levels[0], levels[-1], _FINE)
    unit = max(float(np.abs(heights).max()), 1e-300)
    slopes = np.zeros(finer.shape)
    for i in np.flatnonzero(levels[-1] > levels[0]):
        slopes[:, i] = PchipInterpolator(levels[:, i], heights[:, i] / unit).derivative()(finer[:, i])
    rises = 0.5 * (slopes[1:] + slopes[:-1]) * np.diff(finer, axis=0)
    return Curves(finer, slopes, np.concatenate([np.zeros((1, finer.shape[1])), np.cumsum(rises, axis=0)]))


def _groups(heights: np.ndarray) -> list[np.ndarray]:
    """Draws whose own best plan is worth knowing: all, the thirds in which a cell gains least and most, some alone."""
    n_draws = len(heights)
    order = np.argsort(heights[:, -1], axis=0, kind="stable")  # [draw, cell]
    third = max(n_draws // 3, 1)
    ends = [part for cell in order.T for part in (cell[:third], cell[-third:])]
    single = np.unique(np.linspace(0, n_draws - 1, min(_SINGLE, n_draws)).astype(int))
    return [np.arange(n_draws), *ends, *(np.array([draw]) for draw in single)]
