"""Budgets in worlds that do not follow the model: levels, flights, and what budgets respond to."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.data.simulation.media import HISTORY
from deepcausalmmm_jax.data.simulation.request import YEAR, autoregressive

_MONTH = 4  # weeks
_PATTERNS = ("steady", "flights", "pulses", "pauses")


class Surroundings(NamedTuple):
    """What budgets may respond to, including the history."""

    season: np.ndarray  # [week], of the KPI, mean 0 and variance 1
    control: np.ndarray  # [region, week, control]
    demand: np.ndarray | None  # [region, week], not among the controls, mean 0 and variance 1


class Plan(NamedTuple):
    """Decisions of advertisers, including the history."""

    log_level: np.ndarray  # [region, week, channel], if the channel were always on air
    on: np.ndarray  # [week, channel], whether the channel is on air
    power: np.ndarray  # [channel], exponent of last month's KPI in the budget of a week
    flighted: np.ndarray  # [channel]
    late: np.ndarray  # [channel], starts in the last third
    stopped: np.ndarray  # [channel], off air after the first third
    confounded: np.ndarray  # [channel], follows the first control or unobserved demand


def draw_plan(rng: np.random.Generator, rule: str, around: Surroundings, n_channels: int) -> Plan:
    """Budgets by one of the rules in `RULES`."""
    plan = RULES[rule](rng, around, n_channels)
    silent = ~plan.on[HISTORY:].any(axis=0)  # only in panels of very few weeks
    return plan._replace(on=plan.on | silent)


def exposure(plan: Plan, kpi: np.ndarray) -> np.ndarray:
    """Exposure `[region, week, channel]` in mean weeks on air of the region, given the KPI `[region, week]`."""
    month = np.log(last_month(kpi))[:, :, None]
    level = plan.on * np.exp(plan.log_level + plan.power * (month - month.mean(axis=1, keepdims=True)))
    mean_on_air = level[:, HISTORY:].sum(axis=1, keepdims=True) / plan.on[HISTORY:].sum(axis=0)
    return np.asarray(level / mean_on_air)


def last_month(kpi: np.ndarray) -> np.ndarray:
    """Mean KPI of the four weeks before each week, `[region, week]`; for the first four weeks the overall mean."""
    total = np.cumsum(kpi, axis=1)
    total[:, _MONTH:] -= total[:, :-_MONTH].copy()
    before = np.empty_like(kpi)
    before[:, :_MONTH] = kpi.mean(axis=1, keepdims=True)
    before[:, _MONTH:] = total[:, _MONTH - 1 : -1] / _MONTH
    return before


def _planned(rng: np.random.Generator, around: Surroundings, n_channels: int) -> Plan:
    """Every channel has its own pattern; with probability one half the last one follows the first control."""
    n_regions, n_weeks, n_controls = around.control.shape
    log_level = rng.uniform(0.15, 0.5, n_channels) * _national_variation(rng, n_weeks, n_channels)
    log_level = log_level + rng.uniform(0.1, 0.3) * autoregressive(rng, (n_regions, n_weeks, n_channels), 0.5)
    phase, height = rng.uniform(0.0, 2.0 * np.pi, n_channels), rng.uniform(0.0, 0.4, n_channels)
    log_level = log_level + height * np.sin(2.0 * np.pi * np.arange(n_weeks)[:, None] / YEAR + phase)
    follows = (np.arange(n_channels) == n_channels - 1) & (rng.random() < 0.5) & (n_controls > 0)
    if n_controls:
        log_level = log_level + rng.uniform(0.2, 0.5) * follows * around.control[:, :, :1]
    pattern = rng.choice(len(_PATTERNS), n_channels, p=(0.4, 0.25, 0.15, 0.2))
    on = np.stack([_on_air(rng, _PATTERNS[which], n_weeks) for which in pattern], axis=1)
    plan = _always(log_level)._replace(on=on, confounded=follows, flighted=np.isin(pattern, (1, 2)))
    return plan if around.demand is None else _with_demand(rng, plan, around.demand)


def _with_demand(rng: np.random.Generator, plan: Plan, demand: np.ndarray) -> Plan:
    """About half of the channels, at least one, follow unobserved demand."""
    n_channels = len(plan.power)
    follows = np.isin(np.arange(n_channels), rng.permutation(n_channels)[: (n_channels + 1) // 2])
    strength = rng.uniform(0.3, 0.6, n_channels) * follows
    return plan._replace(log_level=plan.log_level + strength * demand[:, :, None], confounded=plan.confounded | follows)


def _follows_sales(rng: np.random.Generator, around: Surroundings, n_channels: int) -> Plan:
    log_level = rng.uniform(0.05, 0.2, n_channels) * rng.normal(size=(*around.control.shape[:2], n_channels))
    return _always(log_level)._replace(power=rng.uniform(0.7, 1.5, n_channels))


def _follows_season(rng: np.random.Generator, around: Surroundings, n_channels: int) -> Plan:
    log_level = rng.uniform(0.4, 0.9, n_channels) * around.season[:, None]
    own = autoregressive(rng, (*around.control.shape[:2], n_channels), 0.5)
    return _always(log_level + rng.uniform(0.1, 0.25, n_channels) * own)


def _always_on(rng: np.random.Generator, around: Surroundings, n_channels: int) -> Plan:
    own = autoregressive(rng, (*around.control.shape[:2], n_channels), 0.5)
    return _always(rng.uniform(0.02, 0.05, n_channels) * own)


def _bursts(rng: np.random.Generator, around: Surroundings, n_channels: int) -> Plan:
    n_weeks = around.control.shape[1]
    on = np.zeros((n_weeks, n_channels), dtype=bool)
    for m in range(n_channels):
        # The first burst is in the first four fifths, so that not all are in the last weeks, which may be held out.
        ends = np.where(np.arange(rng.integers(1, 5)) == 0, 0.8, 1.0)
        for first in HISTORY + rng.uniform(0.0, ends) * (n_weeks - HISTORY):
            on[int(first) : int(first) + rng.integers(2, 7), m] = True
    return _always(0.2 * rng.normal(size=(*around.control.shape[:2], n_channels)))._replace(on=on)


def _new_and_stopped(rng: np.random.Generator, around: Surroundings, n_channels: int) -> Plan:
    """One third of the channels starts late, one third stops early; at least one of each if there are two."""
    plan, week = _planned(rng, around, n_channels), np.arange(around.control.shape[1])
    third, some = (len(week) - HISTORY) / 3.0, max(1, n_channels // 3)
    order = rng.permutation(n_channels)
    late, stopped = np.isin(np.arange(n_channels), order[:some]), np.isin(np.arange(n_channels), order[some : 2 * some])
    start = HISTORY + third * rng.uniform(2.0, 2.4, n_channels)
    stop = HISTORY + third * rng.uniform(0.5, 1.0, n_channels)
    on = np.where(late, week[:, None] >= start, plan.on)
    on = np.where(stopped, week[:, None] < stop, on)
    return plan._replace(on=on, late=late, stopped=stopped, flighted=plan.flighted & ~late & ~stopped)


def _collinear(rng: np.random.Generator, around: Surroundings, n_channels: int) -> Plan:
    """The exposure of the second channel is almost proportional to that of the first."""
    plan = _planned(rng, around, n_channels)
    if n_channels < 2:
        return plan
    own = autoregressive(rng, around.control.shape[:2], 0.5)
    first = plan.log_level[:, :, 0]
    centred = first - first.mean(axis=1, keepdims=True)
    log_level, on = plan.log_level.copy(), plan.on.copy()
    # A correlation of 0.955 between logs gives about 0.95 between exposures.
    log_level[:, :, 1] = centred + centred.std() * np.sqrt(0.955**-2 - 1.0) * own
    on[:, :2] = True
    flighted, confounded = plan.flighted.copy(), plan.confounded.copy()
    flighted[:2], confounded[1] = False, confounded[0]
    return plan._replace(log_level=log_level, on=on, flighted=flighted, confounded=confounded)


RULES: dict[str, Callable[[np.random.Generator, Surroundings, int], Plan]] = {
    "planned": _planned,
    "follows_sales": _follows_sales,
    "follows_season": _follows_season,
    "always_on": _always_on,
    "bursts": _bursts,
    "new_and_stopped": _new_and_stopped,
    "collinear": _collinear,
}


def _always(log_level: np.ndarray) -> Plan:
    """A plan with all channels always on air that responds to nothing."""
    _, n_weeks, n_channels = log_level.shape
    none = np.zeros(n_channels, dtype=bool)
    return Plan(log_level, np.ones((n_weeks, n_channels), dtype=bool), np.zeros(n_channels), none, none, none, none)


def _national_variation(rng: np.random.Generator, n_weeks: int, n_channels: int) -> np.ndarray:
    """`[1, week, channel]`, national variation, fast in some channels and slow in others."""
    memories = rng.uniform(0.2, 0.9, n_channels)
    return np.concatenate([autoregressive(rng, (1, n_weeks, 1), memory) for memory in memories], axis=2)


def _on_air(rng: np.random.Generator, pattern: str, n_weeks: int) -> np.ndarray:
    """`[week]`, whether a channel of a pattern is on air."""
    week = np.arange(n_weeks)
    if pattern == "flights":
        on, off = rng.integers(3, 9), rng.integers(2, 9)
        return (week + rng.integers(on + off)) % (on + off) < on
    if pattern == "pulses":
        period, length = rng.integers(6, 14), rng.integers(1, 4)
        begins = np.arange(0, n_weeks, period) + rng.integers(0, period - length + 1, -(-n_weeks // period))
        return np.isin(week, (begins[:, None] + np.arange(length)).ravel())
    if pattern == "pauses":
        pauses = rng.integers(0, n_weeks, max(1, n_weeks // 52))
        return ~np.isin(week, (pauses[:, None] + np.arange(rng.integers(4, 11))).ravel())
    return np.ones(n_weeks, dtype=bool)
