"""What if: exposure or controls changed in some regions and weeks, and what the model then predicts."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.attribution.forward import difference
from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.attribution.intervals import bounds
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.regions import nearly, region_positions
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.model.family import AnyDesign
from deepcausalmmm_jax.training.estimate import model_for
from deepcausalmmm_jax.training.fitted import Fitted, Replicates
from deepcausalmmm_jax.training.prepare import design_of, inputs_of


@dataclass(frozen=True)
class Change:
    """One change of a scenario: `factor` times what was, or `to` a value.

    Attributes:
        name: a channel, whose exposure (and spend) is changed, or a control.
        factor: what both are multiplied by; 1.2 is 20 % more, and costs 20 % of what was spent.
        to: value that replaces exposure, in its units, or a control's own; None to multiply. Exposure that was free
            stays so, and more than that has the mean price of its region.
        regions: labels; all when None.
        weeks: first and last week, labels as the panel has them; all when None.
    """

    name: str
    factor: float = 1.0
    to: float | None = None
    regions: Sequence[object] | None = None
    weeks: tuple[object, object] | None = None


def scenario_table(
    fitted: Fitted, replicates: Replicates | None, horizon: Horizon, changes: Sequence[Change], level: float
) -> pd.DataFrame:
    """See `deepcausalmmm_jax.scenario`."""
    if not changes:
        raise ConfigError("The scenario changes nothing; give at least one Change.")
    bounds(np.zeros(1), level)
    for change in changes:
        _refuse_senseless(change)
    bought = _Bought(horizon.panel, np.nan_to_num(horizon.spend))
    for change in changes:
        bought = _changed(bought, change, horizon)
    variables: Any = jax.tree.map(lambda a: np.asarray(a)[None], fitted.variables)
    if replicates is not None:
        variables = jax.tree.map(lambda a, b: np.concatenate([a, np.asarray(b)]), variables, replicates.variables)
    outcome = gained_by(fitted, variables, horizon, horizon.panel, bought.panel)
    base = _predicted(fitted, horizon)
    spend = (bought.spend - np.nan_to_num(horizon.spend)).sum(axis=2)
    return _tidy(horizon, outcome, base, spend, replicates is not None, level)


def _refuse_senseless(change: object) -> None:
    if not isinstance(change, Change):
        raise ConfigError(f"A scenario is made of Change(name, factor), got {change!r}.")
    for name, value in (("factor", change.factor), ("to", change.to)):
        is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not (is_number or (name == "to" and value is None)):
            raise ConfigError(f"{name} of the change of {change.name} must be a number, got {value!r}.")
    if change.to is not None and change.factor != 1.0:
        raise ConfigError(f"The change of {change.name} has both a factor and a value; give one of them.")


def gained_by(fitted: Fitted, variables: Any, horizon: Horizon, before: Panel, after: Panel) -> np.ndarray:
    """What the KPI gains from one course of things to another.

    Plans and scenarios both ask here, so that what is the same question has the same answer to the last digit.

    Args:
        fitted: the model.
        variables: sets of parameters, with a leading axis.
        horizon: weeks that count.
        before: the horizon's panel, with exposure and controls of one course of things.
        after: with those of the other.

    Returns:
        `[replicate, region, week from start]`, KPI units; 0 where it does not count.
    """
    gained = _gained(variables, inputs_of(fitted, before), inputs_of(fitted, after), design_of(fitted))
    outcome = np.asarray(gained, np.float64)[:, :, horizon.start :] * fitted.scales.kpi[:, None]
    return np.where(horizon.counted, outcome, 0.0)


def with_exposure(horizon: Horizon, exposure: np.ndarray) -> Panel:
    """The horizon's panel with other exposure `[region, plan week, channel]` in the plan's weeks."""
    whole = horizon.panel.exposure.copy()
    whole[:, horizon.start : horizon.stop] = exposure
    return dataclasses.replace(horizon.panel, exposure=whole)


class _Bought(NamedTuple):
    """A course of things, and what it costs."""

    panel: Panel
    spend: np.ndarray  # [region, plan week, channel]; 0 for a channel that money does not buy


def _changed(bought: _Bought, change: Change, horizon: Horizon) -> _Bought:
    panel, spend = bought
    where = np.zeros(panel.present.shape, bool)
    start, stop = _weeks(panel, change, horizon)
    rows = _rows(panel, change)
    where[rows, start:stop] = panel.present[rows, start:stop]
    for kind, names in (("exposure", panel.channels), ("control", panel.controls)):
        if change.name in names:
            at = names.index(change.name)
            array = getattr(panel, kind).copy()
            values = array[:, :, at]
            to = values * change.factor if change.to is None else np.full(values.shape, float(change.to))
            if not np.isfinite(to).all() or (kind == "exposure" and (to < 0).any()):
                raise ConfigError(f"The change of {change.name} must give finite exposure of 0 or more.")
            if kind == "exposure":
                spend = spend.copy()
                plan = slice(horizon.start, horizon.stop)
                paid = _paid(spend[:, :, at], values[:, plan], to[:, plan], horizon.price[:, :, at], change)
                spend[:, :, at] = np.where(where[:, plan], paid, spend[:, :, at])
            array[:, :, at] = np.where(where, to, values)
            return _Bought(dataclasses.replace(panel, **{kind: array}), spend)
    known = ", ".join([*panel.channels, *panel.controls])
    raise ConfigError(f"The scenario changes {change.name!r}, which is no channel and no control; known are {known}.")


def _paid(spend: np.ndarray, was: np.ndarray, to: np.ndarray, price: np.ndarray, change: Change) -> np.ndarray:
    """Spend of a changed channel `[region, plan week]`: a factor multiplies it; a value costs what it has more.

    What was free stays free as far as it goes: beyond it exposure has its price.
    """
    if change.to is None:
        return spend * change.factor
    more = np.nan_to_num(np.maximum(to - was, 0.0) * price)
    return np.where(spend > 0, spend * to / np.where(was > 0, was, 1.0), more)


def _rows(panel: Panel, change: Change) -> np.ndarray:
    if change.regions is None:
        return np.arange(len(panel.regions))
    several = isinstance(change.regions, Sequence | np.ndarray | pd.Index) and not isinstance(change.regions, str)
    wanted = list(change.regions) if several else [change.regions]
    if not wanted:
        raise ConfigError(f"The change of {change.name} names no region; leave regions out to change all.")
    rows = region_positions(panel.regions, wanted)
    for region in np.asarray(wanted, dtype=object)[rows < 0]:
        hint = nearly(panel.regions, region) or "."
        raise ConfigError(
            f"The change of {change.name} names the region {region!r}, which the model does not have{hint}"
        )
    return rows


def _weeks(panel: Panel, change: Change, horizon: Horizon) -> tuple[int, int]:
    if change.weeks is None:
        return horizon.start, horizon.stop
    try:
        labels = pd.Index([type(panel.weeks[0])(week) for week in change.weeks])
        first, last = (int(at) for at in panel.weeks.get_indexer(labels))
    except (ValueError, TypeError):
        first = last = -1
    if first < 0 or last < 0:
        raise ConfigError(f"The change of {change.name} names weeks {change.weeks!r} that are not all there.")
    if not horizon.start <= first <= last < horizon.stop:
        raise ConfigError(
            f"The weeks {change.weeks!r} of {change.name} do not lie within the scenario's weeks, in order."
        )
    return first, last + 1


def _predicted(fitted: Fitted, horizon: Horizon) -> np.ndarray:
    """`[region, week from start]`, KPI units, without the changes."""
    terms: Any = _prediction(fitted.variables, inputs_of(fitted, horizon.panel), design_of(fitted))
    base = np.asarray(terms, np.float64)[:, horizon.start :] * fitted.scales.kpi[:, None]
    return np.where(horizon.counted, base, 0.0)


@partial(jax.jit, static_argnames="design")
def _prediction(variables: Any, inputs: Any, design: AnyDesign) -> Array:
    outcome: Any = model_for(design).apply(variables, inputs)
    return outcome[0].prediction()


@partial(jax.jit, static_argnames="design")
def _gained(variables: Any, before: Any, after: Any, design: AnyDesign) -> Array:
    """`[replicate, region, week]`, scaled."""

    def one(own: Any) -> Array:
        was: Any = model_for(design).apply(own, before)
        would_be: Any = model_for(design).apply(own, after)
        return difference(would_be[0], was[0])

    return jax.lax.map(one, jax.tree.map(jnp.asarray, variables))


def _tidy(
    horizon: Horizon, outcome: np.ndarray, base: np.ndarray, spend: np.ndarray, drawn: bool, level: float
) -> pd.DataFrame:
    """Rows for the whole, each region, and each week."""
    longer = np.pad(spend, ((0, 0), (0, base.shape[1] - spend.shape[1])))
    worth, weeks = outcome * horizon.worth, horizon.panel.weeks[horizon.start :]
    cuts: tuple[tuple[str, list[object], tuple[int, ...]], ...] = (
        ("all", ["all"], (0, 1)),
        ("region", list(horizon.panel.regions), (1,)),
        ("time", list(weeks), (0,)),
    )
    frames = []
    for by, labels, axes in cuts:
        over = tuple(axis + 1 for axis in axes)
        gained, revenue = (part.sum(axis=over).reshape(len(outcome), -1) for part in (outcome, worth))
        base_sum, paid = base.sum(axis=axes).ravel(), longer.sum(axis=axes).ravel()
        columns: dict[str, object] = {"by": by, "label": labels, "prediction": base_sum, "change": gained[0]}
        if drawn:
            columns["change_low"], columns["change_high"] = bounds(gained[1:], level)
        columns["change_pct"] = 100.0 * gained[0] / np.where(base_sum == 0, np.nan, base_sum)
        columns["spend_change"] = paid
        if horizon.has_revenue:
            columns["revenue_change"] = revenue[0]
            if drawn:
                columns["revenue_change_low"], columns["revenue_change_high"] = bounds(revenue[1:], level)
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)
