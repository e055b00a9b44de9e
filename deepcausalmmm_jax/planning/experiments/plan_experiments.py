"""`plan_experiments`: which test to run next, by what it would add to the budget plan."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.horizon import even_weeks
from deepcausalmmm_jax.attribution.planned_frequency import planned_frequency
from deepcausalmmm_jax.attribution.units import units_of
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.data.wording import Wording
from deepcausalmmm_jax.errors import ConfigError, DataError
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.planning.experiments.candidates import (
    Candidate,
    Returns,
    candidate_table,
    candidates_of,
    national_forecast,
)
from deepcausalmmm_jax.planning.experiments.designs import Design, asked_sets, chosen_sets, design_of, history_of
from deepcausalmmm_jax.planning.experiments.experiment_plan import ExperimentPlan
from deepcausalmmm_jax.planning.experiments.library import Library, library_of, plan_steps
from deepcausalmmm_jax.planning.experiments.preposterior import FEWEST, perfect
from deepcausalmmm_jax.planning.experiments.request import (
    Request,
    countrys,
    enough_draws,
    multiples,
    requested,
    stopped,
    with_costs,
)
from deepcausalmmm_jax.planning.experiments.responses import treatments
from deepcausalmmm_jax.planning.limit_files import by_channel
from deepcausalmmm_jax.planning.limits import Key, Limits, Range
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.own_notes import sentences_on_all
from deepcausalmmm_jax.steps import Steps, parts

_MOST_DRAWS = 400  # more change no figure by more than its own error
_RANGE = (0.7, 1.3)  # of a channel's spend, within which plans are free unless limits are given
_SHARES = {"matching regions": 1.0, "plans": 15.0, "tests": 43.0, "value of information": 4.0}  # of the wait, seconds
_LIKELY = 0.5  # power below which a test is more likely to miss the expected effect than to find it
_FILLED = 0.005  # share of region-weeks with a prediction in place of the KPI from which on it is said


def plan_experiments(
    ensemble: Ensemble,
    budget_plan: BudgetPlan | None = None,
    *,
    channels: Sequence[str] | None = None,
    regions: Sequence[Sequence[object]] | None = None,
    weeks: int | Sequence[int] | None = None,
    changes: float | Sequence[float] = (-1.0, -0.5, 0.5, 1.0),
    limits: Limits | None = None,
    effect: float | None = None,
    horizon: int | None = None,
    margin: float | None = None,
    level: float = 0.9,
    seed: int = 0,
) -> ExperimentPlan:
    """Candidates for the next test, ranked by what they would add to the budget plan less what they cost.

    A candidate changes the spend of one channel in some regions for some weeks after the panel. What it would show is
    the model's own counterfactual under every draw, carry-over included. How precisely it can be measured is taken from
    the panel's history: the regions under test against a weighted match of the others, over placebo windows of the same
    length; on a national panel, against the error of the model's forecast. What would be learned from it is computed by
    simulating its result from the draws and reweighting them: how much narrower the channel's ROI becomes, and how much
    better the budget plan (value of information). A test is worth running where that exceeds its cost.

    The value counts only the uncertainty that the draws express. What no draw contains, such as a confounder that moves
    all of them alike, is not in it.

    Args:
        ensemble: a fit with draws: what `bootstrap` or `sample_posterior` returns.
        budget_plan: the plan that will be in place; its spend by channel, relative to the spend that it replaces, its
            total, its limits by channel, its frequencies and its costs of channels without spend are kept. None for the
            mean week of the last year.
        channels: to test; all with spend in the last year when None.
        regions: sets of regions to test, such as `[["north", "south"], ["east"]]`; None for the best matched sets of a
            quarter and of half of the regions.
        weeks: lengths of a test, in steps of the panel; None for 4 and 8 weeks, or as many days or months.
        changes: shares by which spend changes: -1 is off the air, 0.5 half as much again.
        limits: of the plans that may be chosen after the test, see `Limits`, by channel; amounts are for 13 weeks, and
            multiples are of the mean week of the last year. None for those of the budget plan, or without one for 70 to
            130% of each channel's spend.
        effect: ROI for which the power is stated; None for the effect that the model expects.
        horizon: steps of the panel for which the budget plan is used once the test is read; None for a year.
        margin: profit as a share of revenue, above 0 and at most 1; None counts revenue itself.
        level: of the intervals; 1 - level is the level of the two-sided test.
        seed: of the sets of regions and of the simulated measurements.

    Returns:
        The candidates; see `ExperimentPlan`.

    Raises:
        ConfigError: a fit without draws or with too few for the level, an unknown channel or region, a setting out of
            range, or limits that no plan meets.
        DataError: no spend, too few weeks or regions, or a plan of another panel.

    Example:
        ```python
        plan = dcm.plan_experiments(dcm.bootstrap(result))
        plan.table, plan.best, plan.matches()
        test = plan.best.lift_test(lift=1200.0, standard_error=300.0)
        ```
    """
    ensemble = with_costs(ensemble, budget_plan)
    asked = requested(ensemble, channels, changes, weeks, effect, horizon, margin, level, seed)
    enough_draws(ensemble, level)
    with Steps("plan_experiments", _SHARES) as wait:
        study = studied(ensemble, asked, budget_plan, regions, limits, wait.step)
        fit, library = ensemble.fitted_panel, study.library
        wait.step("value of information")
        table = candidate_table(study.candidates, study.designs, fit.panel, study.returns, library, asked)
    names = [fit.panel.channels[i] for i in library.cells.channel]
    plans = pd.DataFrame(library.plans / plan_steps(fit.panel), columns=names)
    found = ExperimentPlan(
        table=table.drop(columns=["design", "position"]),
        perfect_information=asked.margin * asked.horizon * perfect(library.outcomes),
        plans=plans.assign(outcome=asked.margin * library.outcomes.mean(axis=0)).rename_axis("plan"),
        level=level,
        horizon=asked.horizon,
        units=units_of(fit.panel, True, fit.panel.revenue_per_kpi is not None),
        notes=(),
        _panel=fit.until_last_kpi.panel,
        _designs=tuple(study.designs),
        _design_of=tuple(int(at) for at in table["design"]),
    )
    return dataclasses.replace(found, notes=_notes(ensemble, found, asked, study))


class Study(NamedTuple):
    """What the table is made of."""

    candidates: list[Candidate]
    designs: list[Design | None]  # None: all regions at once
    library: Library
    returns: Returns
    filled: float  # share of region-weeks without a KPI
    dropped: tuple[str, ...]  # limits of the budget plan that a plan by channel cannot keep
    planned: bool  # whether tests start from a budget plan


def studied(
    ensemble: Ensemble,
    asked: Request,
    budget_plan: BudgetPlan | None,
    regions: Sequence[Sequence[object]] | None,
    limits: Limits | None,
    step: Callable[[str], None],
) -> Study:
    """Everything that is computed with the model and the panel's history; arguments and errors as above."""
    fit = ensemble.fitted_panel
    base, national = multiples(fit.panel, budget_plan), len(fit.panel.regions) == 1
    if national and regions is not None:
        raise ConfigError(
            "regions needs a panel of two or more regions; this one is national, where a test runs everywhere and is "
            "measured against the forecast: leave regions out."
        )
    frequency = {} if budget_plan is None else planned_frequency(fit, budget_plan.frequency)
    none: list[Design | None] = [None]
    step("matching regions")
    designs, filled = (none, 0.0) if national else _designs(fit.until_last_kpi, regions, asked.seed)
    kept = _kept(ensemble)
    variables: Variables = jax.tree.map(lambda array: np.asarray(array)[kept], ensemble.replicates.variables)
    step("plans")
    own, dropped = _limits(fit, limits, budget_plan)
    library = library_of(fit, variables, own, base, frequency)
    step("tests")
    candidates: list[Candidate] = []
    for length in parts(asked.weeks):
        found, horizon = treatments(fit, variables, asked.channels, asked.changes, length, base, frequency)
        forecast = national_forecast(fit, variables, horizon, asked.seed) if national else None
        candidates += candidates_of(fit, found, horizon, designs, forecast, asked.level)
    if not candidates:
        raise DataError("No channel that may be tested has spend in the regions and the plan asked about.")
    returns = Returns(ensemble.draws("roi").to_numpy()[kept], _money(ensemble))
    return Study(candidates, designs, library, returns, filled, dropped, budget_plan is not None)


def _designs(
    past: FittedPanel, regions: Sequence[Sequence[object]] | None, seed: int
) -> tuple[list[Design | None], float]:
    """Matched sets of regions, and the share of region-weeks whose KPI is missing."""
    history = history_of(past.panel, past.prediction)
    sets = chosen_sets(history, seed) if regions is None else asked_sets(past.panel, history, regions)
    return [design_of(history, rows) for rows in parts(sets)], history.filled


def _limits(fit: FittedPanel, limits: Limits | None, budget_plan: BudgetPlan | None) -> tuple[Limits, tuple[str, ...]]:
    """Limits of the plans to choose from, and the names of those of the budget plan that they leave out."""
    if limits is not None:
        require(isinstance(limits, Limits), "limits", limits, "of class Limits, or None")
        kept, lost = by_channel(limits, 1.0, "channel")
        if lost:
            raise ConfigError(
                f"The plans to choose from are by channel, so limits cannot have {' and '.join(lost)} of regions "
                "or weeks; leave them out."
            )
        return kept, ()
    usual = Limits(relative_bounds=dict.fromkeys(_budgeted(fit), _RANGE))
    if budget_plan is None:
        return usual, ()
    today = budget_plan.channels["spend_today"]
    if budget_plan.limits is None:
        return _of_none(usual, today), ()
    week, whole = float(np.nansum(even_weeks(fit, plan_steps(fit.panel), settled=False).spend)), float(today.sum())
    kept, dropped = by_channel(budget_plan.limits, week / whole if whole > 0 else 1.0, budget_plan.split)
    return _of_none(kept, today), dropped


def _of_none(limits: Limits, today: pd.Series) -> Limits:
    """Limits in which multiples of today's spend are of none where the plan replaces none, whatever the mean week.

    Args:
        limits: by channel.
        today: spend that the budget plan replaces, by channel.
    """
    off = [str(name) for name, spend in today.items() if not spend > 0]
    relative, kept = limits.relative_bounds, [limits.fixed] if isinstance(limits.fixed, str) else limits.fixed
    if not isinstance(relative, Mapping):
        relative = dict.fromkeys(map(str, today.index), relative)
    none: dict[Key, Range] = {name: (0.0, 0.0) for name in off if name in relative or name in kept}
    if not none:
        return limits
    fixed = [name for name in kept if name not in none]
    return dataclasses.replace(limits, relative_bounds={**relative, **none}, fixed=fixed)


def _kept(ensemble: Ensemble) -> np.ndarray:
    """Positions of the draws that are used, evenly spread where there are very many."""
    count = len(ensemble.replicates)
    return np.unique(np.linspace(0, count - 1, min(count, _MOST_DRAWS)).astype(int))


def _budgeted(fit: FittedPanel) -> list[str]:
    """Channels with a cost, over which a budget is split."""
    assert fit.panel.spend is not None
    return [name for i, name in enumerate(fit.panel.channels) if not np.isnan(fit.panel.spend[:, :, i]).all()]


def _money(ensemble: Ensemble) -> float:
    """What a unit of spend is worth: itself where revenue is known, else the KPI units that it brings on average."""
    if ensemble.panel.revenue_per_kpi is not None:
        return 1.0
    table = ensemble.media_summary()
    paid = table["spend"] > 0
    return float(table.loc[paid, "incremental_outcome"].sum() / table.loc[paid, "spend"].sum())


def _notes(ensemble: Ensemble, found: ExperimentPlan, asked: Request, study: Study) -> tuple[str, ...]:
    """How figures were found, and what to be careful with."""
    table = found.table
    start = "the budget plan's spend" if study.planned else "the mean week of the last year"
    span = ensemble.panel.cadence.several(asked.horizon)
    notes = [f"The gain of the plan is over {span}; every test starts from {start}."]
    if not found.worth_testing:
        notes.append(
            "No candidate is worth testing: from each the plan would gain next to nothing, or less than the test costs."
        )
    power = float(table["power"].iloc[0])
    if power < _LIKELY:
        notes.append(
            f"The first candidate would find its effect with a probability of only {power:.0%}. On simulated panels, "
            "plans made after such tests were no better: test longer, in more regions or with a larger change."
        )
    if len(ensemble.panel.regions) == 1:
        notes.append(
            "The panel is national, so a test runs everywhere and is measured against the model's forecast; with data "
            "by region, regions under test could be compared with the others."
        )
    tested = set(table["channel"])
    idle = [ensemble.panel.channels[i] for i in asked.channels if ensemble.panel.channels[i] not in tested]
    if idle:
        notes.append(f"Not tested, since the plan gives them no spend to change: {', '.join(idle)}.")
    ended, quarter = stopped(ensemble.panel)
    ended = [name for name in ended if name in tested]
    if ended and not study.planned:
        notes.append(
            f"Without spend in the last {quarter}: {', '.join(ended)}. Tests of such a channel suppose the mean week "
            "of the last year, in which it ran; if it stays off the air, leave it out of channels."
        )
    if national := countrys(ensemble.panel):
        notes.append(
            f"National, so that no regions can be compared with others: {', '.join(national)}; such a test runs in the "
            "whole country, and is planned on a fit of the country's totals."
        )
    return tuple(map(Wording(ensemble.panel), (*notes, *_notes_on_figures(ensemble, table, study))))


def _notes_on_figures(ensemble: Ensemble, table: pd.DataFrame, study: Study) -> tuple[str, ...]:
    """What the figures leave out, and what they assume."""
    filled, dropped, notes = study.filled, study.dropped, []
    if dropped:
        notes.append(
            f"Plans to choose from are by channel and cannot keep the budget plan's {', '.join(dropped)} of single "
            "regions or weeks."
        )
    if filled > _FILLED:
        notes.append(
            f"{filled:.1%} of the region-weeks have no KPI; the model's prediction is used for such weeks, in control "
            "regions and in placebo windows."
        )
    linear = int((table["method"] == "linear").sum())
    if linear:
        notes.append(
            f"For {linear} of {len(table)} candidates a result would leave fewer than {FEWEST:g} of the "
            f"{len(_kept(ensemble))} draws with weight; their value comes from the linear formula, and more draws "
            "would make it more accurate."
        )
    if table["extrapolation"].any():
        notes.append("Some tests raise exposure beyond that of any training week; see `extrapolation`.")
    if ensemble.panel.revenue_per_kpi is None:
        notes.append(
            "No revenue per KPI is known: costs and gains are in KPI units, and a unit of spend counts as the KPI "
            "units that spend brings on average."
        )
    return (*notes, *sentences_on_all(ensemble))
