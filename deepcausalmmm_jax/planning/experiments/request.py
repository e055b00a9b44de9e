"""What `plan_experiments` is asked, checked before anything is computed."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.intervals import require_level
from deepcausalmmm_jax.attribution.prices import priced, unpriced
from deepcausalmmm_jax.checks import did_you_mean, is_number, require, seed_number, shown, whole_number
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError, DataError
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.results.asked import require_draws, require_result
from deepcausalmmm_jax.results.ensemble import Ensemble

_LONGEST = 26  # weeks of a test
_MOST_SHARE = 0.25  # of the history that a test may last
_LARGEST_RISE = 4.0
_LAST_YEAR, _LAST_QUARTER = 52, 13  # weeks
_LENGTHS = (4, 8)  # of a test, weeks


@dataclass(frozen=True)
class Request:
    """What candidates are made of.

    Attributes:
        channels: positions of the channels to test.
        changes: shares by which spend is changed.
        weeks: lengths of a test.
        effect: ROI at which the power is stated; None for what the model expects of each channel.
        horizon: weeks for which the budget plan is made.
        margin: profit as a share of revenue; 1 counts revenue itself.
        level: of the intervals and of the test.
        seed: of the sets of regions and of the simulated measurements.
    """

    channels: np.ndarray
    changes: tuple[float, ...]
    weeks: tuple[int, ...]
    effect: float | None
    horizon: int
    margin: float
    level: float
    seed: int


def requested(
    result: object,
    channels: Sequence[str] | None,
    changes: object,
    weeks: object,
    effect: float | None,
    horizon: int | None,
    margin: float | None,
    level: float,
    seed: int,
) -> Request:
    """The request, or one sentence about what is wrong with it; whether there are draws is asked by `enough_draws`.

    Raises:
        ConfigError: a setting out of range, or an unknown channel.
        DataError: no channel that can be tested has spend.
    """
    require_level(level)
    panel = require_result(result, "plan_experiments").panel
    cadence = panel.cadence
    if effect is not None and not (is_number(effect) and effect > 0):
        raise ConfigError(f"effect must be an ROI above 0, got {shown(effect)}.")
    if margin is not None and not (is_number(margin) and 0 < margin <= 1):
        raise ConfigError(
            f"margin is a share of revenue, above 0 and at most 1, got {shown(margin)}; 35% is margin=0.35."
        )
    return Request(
        channels=_channels(panel, channels),
        changes=_changes(changes),
        weeks=_weeks(tuple(map(cadence.steps, _LENGTHS)) if weeks is None else weeks, panel.n_past_weeks, cadence),
        effect=effect,
        horizon=whole_number("horizon", cadence.steps(_LAST_YEAR) if horizon is None else horizon),
        margin=1.0 if margin is None else float(margin),
        level=level,
        seed=seed_number(seed),
    )


def enough_draws(ensemble: object, level: float) -> Ensemble:
    """The ensemble, whose draws suffice to plan tests. What is asked is checked before, since refits take long.

    Raises:
        ConfigError: no draws, too few, or some under a log link.
    """
    ensemble = require_draws(ensemble, "plan_experiments")
    if ensemble.config.link == "log":
        raise ConfigError('plan_experiments needs link="identity": a lift test cannot be used where effects multiply.')
    least = math.ceil(round(2.0 / (1.0 - level), 6))  # one draw beyond each end, on average
    if len(ensemble.replicates) < least:
        raise ConfigError(
            f"The {len(ensemble.replicates)} draws are too few for an interval at level {level:g}, whose ends take "
            f"{least} or more; bootstrap with more replicates, or lower the level."
        )
    return ensemble


def with_costs(result: Ensemble, plan: BudgetPlan | None) -> Ensemble:
    """The result with spend for the channels that a budget plan prices by their cost; without such, as it is."""
    if not (isinstance(result, Ensemble) and isinstance(plan, BudgetPlan) and plan.cost):
        return result
    panel = result.panel
    spend = np.full(panel.exposure.shape, np.nan) if panel.spend is None else panel.spend.copy()
    for name, cost in unpriced(panel, plan.cost).items():
        if name in panel.channels:  # else the plan is of another panel, which is told where its channels are read
            at = panel.channels.index(name)
            spend[:, :, at] = cost * panel.exposure[:, :, at]
    return Ensemble(
        dataclasses.replace(result.fitted, panel=dataclasses.replace(panel, spend=spend)), result.replicates
    )


def multiples(panel: Panel, plan: BudgetPlan | None) -> np.ndarray:
    """Spend of a budget plan by channel, in multiples of the spend that it replaces, `[channel]`; 1 without a plan.

    A channel that has no spend today in the weeks of the plan has none in the test where the plan gives it none. Where
    it is given some, that is as much beside the mean week as beside all spend that the plan replaces.

    Raises:
        ConfigError: not a plan.
        DataError: the plan has other channels than the panel.
    """
    base = np.ones(len(panel.channels))
    if plan is None:
        return base
    require(isinstance(plan, BudgetPlan), "budget_plan", plan, "what optimize_budget returns, or None")
    for name in plan.channels.index:
        if name not in panel.channels:
            raise DataError(
                f"The budget plan has a channel {str(name)!r}, which this panel does not have; use a plan that was "
                "made from the same fit."
            )
    spend = _spend(panel)
    missing = [name for i, name in enumerate(panel.channels) if spend[i] > 0 and name not in plan.channels.index]
    if missing:
        raise DataError(
            f"The budget plan has no channel {missing[0]!r}, which this panel has; use a plan that was made from the "
            "same fit."
        )
    replaced = float(plan.channels["spend_today"].sum())
    for name, row in plan.channels.iterrows():
        at = panel.channels.index(str(name))
        if row["spend_today"] > 0:
            base[at] = row["spend_plan"] / row["spend_today"]
        elif spend[at] > 0:
            base[at] = row["spend_plan"] / replaced * spend.sum() / spend[at] if replaced > 0 else 0.0
    return base


def _channels(panel: Panel, names: Sequence[str] | None) -> np.ndarray:
    if panel.spend is None:
        raise DataError("The panel has no spend, so what a test costs is unknown; give spend in Panel.from_dataframe.")
    spend, national = _spend(panel), countrys(panel)
    if names is None:
        found = np.flatnonzero((spend > 0) & ~np.isin(panel.channels, national))
        if not len(found):
            had = "but national ones " if national else ""
            raise DataError(f"No channel {had}had spend in the last year of the panel, so there is nothing to test.")
        return found
    several = isinstance(names, Sequence | np.ndarray | pd.Index)
    asked = [names] if isinstance(names, str) else list(names) if several else []
    require(len(asked) > 0, "channels", names, "a list of one or more channels, or None")
    for name in asked:
        if name not in panel.channels:
            known = f"; the model has {', '.join(panel.channels)}."
            raise ConfigError(f"channels names {name!r}{did_you_mean(name, panel.channels, known)}")
        if not spend[panel.channels.index(name)] > 0:
            raise DataError(
                f"Channel {name!r} had no spend in the last year of the panel, so a share of it cannot be tested; "
                "leave it out of channels."
            )
        if name in national:
            raise ConfigError(
                f"channels names {name!r}, which is national: nobody can change it in some regions to compare them "
                "with the others; leave it out, or plan its test on a fit of the country's totals."
            )
    return np.unique([panel.channels.index(name) for name in asked])


def countrys(panel: Panel) -> list[str]:
    """Channels of a panel of regions that are bought for the country as a whole."""
    return [name for name in panel.channels if name in panel.national] if len(panel.regions) > 1 else []


def stopped(panel: Panel) -> tuple[list[str], str]:
    """Channels with spend in the last year with a KPI but none in its last quarter, and that quarter in words."""
    ran, runs = _spend(panel) > 0, _spend(panel, _LAST_QUARTER) > 0
    quarter = panel.cadence.several(panel.cadence.steps(_LAST_QUARTER))
    return [name for i, name in enumerate(panel.channels) if ran[i] and not runs[i]], quarter


def _spend(panel: Panel, weeks: int = _LAST_YEAR) -> np.ndarray:
    """Spend of the last weeks with a KPI, of a year unless told otherwise, `[channel]`; 0 for a channel without."""
    past = panel.until_last_kpi()
    recent = np.where(past.present[:, :, None], np.nan_to_num(priced(past, None).spend), 0.0)
    return np.asarray(recent[:, -past.cadence.steps(weeks) :].sum(axis=(0, 1)))


def _changes(changes: object) -> tuple[float, ...]:
    given = (changes,) if is_number(changes) else changes
    right = isinstance(given, Sequence | np.ndarray) and not isinstance(given, str) and len(given) > 0
    values = list(given) if right else []  # type: ignore[call-overload]
    fits = all(is_number(value) and -1 <= value <= _LARGEST_RISE and value != 0 for value in values)
    if not (right and fits):
        raise ConfigError(
            f"changes must be shares of spend from -1 (off the air) to {_LARGEST_RISE:g}, without 0, got "
            f"{shown(changes)}; 0.5 is half as much again."
        )
    return tuple(sorted({float(value) for value in values}))


def _weeks(weeks: object, n_past: int, cadence: Cadence) -> tuple[int, ...]:
    given = (weeks,) if is_number(weeks) else weeks
    right = isinstance(given, Sequence | np.ndarray) and not isinstance(given, str) and len(given) > 0
    require(right, "weeks", weeks, "a number of weeks, or several")
    asked = tuple(sorted({whole_number("weeks", value) for value in given}))  # type: ignore[attr-defined]
    most, unit = min(cadence.steps(_LONGEST), int(n_past * _MOST_SHARE)), cadence.unit
    if asked[-1] > most:
        raise ConfigError(
            f"A test of {asked[-1]} {unit}s is too long for a panel of {n_past} {unit}s: give weeks up to {most}, so "
            f"that the {unit}s before it can show the error of such a measurement."
        )
    return asked
