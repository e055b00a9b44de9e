"""What the model predicts when exposure or controls are changed in some regions and weeks."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.attribution.by_replicate import in_runs
from deepcausalmmm_jax.attribution.credited import Baselines
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.forward import difference
from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.attribution.intervals import interval, require_level
from deepcausalmmm_jax.attribution.planned_frequency import at_frequency
from deepcausalmmm_jax.attribution.reachable import refuse_more_than_everyone
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.checks import did_you_mean, shown
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.regions import nearly, region_positions
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.io.quick_compile import jit_once
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs, without_demand
from deepcausalmmm_jax.training.families import forward_pass
from deepcausalmmm_jax.training.fitted import Replicates

_DAY_OR_MONTH = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")  # of which pandas takes the first for the month


@dataclass(frozen=True)
class Change:
    """One change of a scenario: multiply by `factor`, or set `to` a value.

    Attributes:
        name: of a channel, whose exposure (and spend) is changed, or of a control, treatment or event.
        factor: that both are multiplied by; 1.2 is 20% more, and costs 20% of what was spent.
        to: new value of the exposure, in its units, or of the control; `baseline` for a treatment at its baseline, or
            for an event that does not take place; None to multiply. Exposure that was free stays free, and exposure
            beyond it has the mean price of its region: as from today's, whatever changes come before.
        regions: labels of the regions that are changed; all when None.
        weeks: labels of the first and last week that are changed; all when None.
    """

    name: str
    factor: float = 1.0
    to: float | Literal["baseline"] | None = None
    regions: Sequence[object] | None = None
    weeks: tuple[object, object] | None = None


def scenario_table(
    fit: FittedPanel,
    replicates: Replicates | None,
    horizon: Horizon,
    changes: Sequence[Change],
    frequency: Mapping[str, float],
    level: float,
) -> pd.DataFrame:
    """Table of a scenario; see `deepcausalmmm_jax.scenario`."""
    if not changes and not frequency:
        raise ConfigError("The scenario changes nothing; give at least one Change, or a frequency.")
    require_level(level)
    for change in changes:
        _refuse_bad_change(change)
    bought = _Bought(horizon.panel, np.nan_to_num(horizon.spend))
    for change in changes:
        bought = _changed(bought, change, horizon, fit.baselines)
    after = at_frequency(fit, dataclasses.replace(horizon, panel=bought.panel), frequency)
    refuse_more_than_everyone(fit, horizon, after)
    variables: Variables = jax.tree.map(lambda a: np.asarray(a)[None], fit.variables)
    if replicates is not None:
        variables = jax.tree.map(lambda a, b: np.concatenate([a, np.asarray(b)]), variables, replicates.variables)
    before = fit.on(horizon.panel)
    outcome = in_runs(lambda members: gained_by(before, members, horizon, after.panel), variables)
    base = _predicted(before, horizon)
    spend = (bought.spend - np.nan_to_num(horizon.spend)).sum(axis=2)
    if not horizon.in_currency:  # without any price they are exposure, which costs nothing known
        spend = np.zeros_like(spend)
    return _tidy(horizon, outcome, base, spend, replicates is not None, level)


def _refuse_bad_change(change: object) -> None:
    if not isinstance(change, Change):
        raise ConfigError(f"A scenario is made of Change(name, factor), got {change!r}.")
    for name, value in (("factor", change.factor), ("to", change.to)):
        is_real = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not (is_real or (name == "to" and (value is None or value == "baseline"))):
            raise ConfigError(f"{name} of the change of {change.name} must be a number, got {value!r}.")
    if change.to is not None and change.factor != 1.0:
        raise ConfigError(f"The change of {change.name} has both a factor and a value; give one of them.")
    weeks: object = change.weeks
    if weeks is not None and not (isinstance(weeks, tuple | list | np.ndarray | pd.Index) and len(weeks) == 2):
        raise ConfigError(
            f"weeks of the change of {change.name} must be the first and the last one, such as ('2024-01-01', "
            f"'2024-01-29'), got {shown(weeks)}; for one alone, name it twice."
        )


def gained_by(before: FittedPanel, variables: Variables, horizon: Horizon, after: Panel) -> np.ndarray:
    """Gain in KPI when exposure and controls change.

    Plans and scenarios both use this function, so that the same question has the same answer to the last digit.

    Args:
        before: the fit on the horizon's panel, with exposure and controls as they were.
        variables: sets of parameters, with a leading axis.
        horizon: weeks that count.
        after: the same panel with those that are changed.

    Returns:
        `[replicate, region, week from start]`, KPI units; 0 where the outcome does not count.
    """
    was, would_be = (without_demand(inputs) for inputs in (before.inputs, before.on(after).inputs))
    gained = _gained(variables, was, would_be, before.design)
    outcome = np.asarray(gained, np.float64)[:, :, horizon.start :] * before.scales.kpi[:, None]
    return np.asarray(np.where(horizon.counted, outcome, 0.0))


def with_exposure(horizon: Horizon, exposure: np.ndarray) -> Panel:
    """The horizon's panel with exposure `[region, plan week, channel]` replaced in the plan's weeks."""
    whole = horizon.panel.exposure.copy()
    whole[:, horizon.start : horizon.stop] = exposure
    return dataclasses.replace(horizon.panel, exposure=whole)


class _Bought(NamedTuple):
    """A panel with changed exposure and controls, and its spend."""

    panel: Panel
    spend: np.ndarray  # [region, plan week, channel]; 0 for a channel without a price


def _changed(bought: _Bought, change: Change, horizon: Horizon, baselines: Baselines) -> _Bought:
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
            credited = kind == "control" and bool(baselines.credited[at])
            to = _new_values(values, change, baselines.value[:, at] if credited else None)
            if change.to is not None and kind == "exposure" and change.name in panel.national:
                assert panel.national_weights is not None  # the figure is the country's, as in the table
                to = to * panel.national_weights[:, None]
            if not np.isfinite(to).all() or (kind == "exposure" and (to < 0).any()):
                what = "finite exposure of 0 or more" if kind == "exposure" else "finite values"
                raise ConfigError(f"The change of {change.name} must give {what}.")
            if kind == "exposure":
                spend = spend.copy()
                plan = slice(horizon.start, horizon.stop)
                paid = spend[:, :, at] * change.factor if change.to is None else _paid(horizon, at, to[:, plan])
                spend[:, :, at] = np.where(where[:, plan], paid, spend[:, :, at])
            array[:, :, at] = np.where(where, to, values)
            return _Bought(dataclasses.replace(panel, **{kind: array}), spend)
    known = [*panel.channels, *panel.controls]
    hint = did_you_mean(change.name, known, f"; known are {', '.join(known)}.")
    raise ConfigError(f"The scenario changes {change.name!r}, which is neither a channel nor a control{hint}")


def _new_values(values: np.ndarray, change: Change, baseline: np.ndarray | None) -> np.ndarray:
    """Exposure or control as changed, `[region, week]`, from what it was and its baseline `[region]`, if it has one."""
    if change.to is None:
        return values * change.factor
    if not isinstance(change.to, str):
        return np.full(values.shape, float(change.to))
    if baseline is None:
        raise ConfigError(
            f"{change.name} has no baseline, since it is neither a treatment nor an event; give the value that it "
            "changes to."
        )
    return np.asarray(np.broadcast_to(baseline[:, None], values.shape))


def _paid(horizon: Horizon, at: int, to: np.ndarray) -> np.ndarray:
    """Spend of a channel whose exposure is set, `[region, plan week]`, by that of today, whatever was changed before.

    What was free stays free, and exposure beyond it has its price: reckoned from an earlier change, exposure set back
    to what it was would still cost something.
    """
    spend, was = np.nan_to_num(horizon.spend[:, :, at]), horizon.exposure[:, :, at]
    more = np.nan_to_num(np.maximum(to - was, 0.0) * horizon.price[:, :, at])
    return np.asarray(np.where(spend > 0, spend * to / np.where(was > 0, was, 1.0), more))


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
    first, last = (step_at(panel, week, f"The change of {change.name} names") for week in change.weeks)
    unit = panel.cadence.unit
    if first < 0 or last < 0:
        weeks = f"{panel.week_label(horizon.start)} to {panel.week_label(horizon.stop - 1)}"
        raise ConfigError(
            f"The change of {change.name} names {unit}s {change.weeks!r}, which are not among those of the scenario, "
            f"{weeks}; weeks= asks for others, such as planned ones."
        )
    if not horizon.start <= first <= last < horizon.stop:
        raise ConfigError(
            f"The {unit}s {change.weeks!r} of {change.name} must lie within the scenario's {unit}s, the earlier one "
            "first."
        )
    return first, last + 1


def step_at(panel: Panel, week: object, who: str) -> int:
    """Position of a week of the panel, -1 where it has none such.

    Args:
        panel: with its weeks.
        week: label.
        who: names it, for messages: `The change of tv names`.

    Raises:
        ConfigError: a date whose day and month may be taken for one another.
    """
    if isinstance(week, str) and isinstance(panel.weeks, pd.DatetimeIndex) and _DAY_OR_MONTH.match(week.strip()):
        raise ConfigError(f"{who} {week!r}, whose day and month may be taken for one another; write it as 2024-01-29.")
    try:
        return int(_steps_of(panel, pd.Index([type(panel.weeks[0])(week)]))[0])
    except (ValueError, TypeError):
        return -1


def _steps_of(panel: Panel, labels: pd.Index) -> np.ndarray:
    """Positions of labels, -1 for what the panel does not have; months and quarters are found by any of their days."""
    if panel.cadence not in (Cadence.MONTHLY, Cadence.QUARTERLY) or not isinstance(labels, pd.DatetimeIndex):
        return panel.weeks.get_indexer(labels)
    after = panel.cadence.later(panel.weeks, 1)[0]
    found = panel.weeks.searchsorted(labels, side="right") - 1
    return np.where(labels < after, found, -1)


def _predicted(fit: FittedPanel, horizon: Horizon) -> np.ndarray:
    """Prediction of a fit on the horizon's panel, `[region, week from start]`, KPI units."""
    scaled = _prediction(fit.variables, fit.inputs, fit.design)
    base = np.asarray(scaled, np.float64)[:, horizon.start :] * fit.scales.kpi[:, None]
    return np.asarray(np.where(horizon.counted, base, 0.0))


@jit_once("design")
def _prediction(variables: Variables, inputs: AnyInputs, design: AnyDesign) -> Array:
    return forward_pass(variables, inputs, design)[0].prediction()


@jit_once("design")
def _gained(variables: Variables, before: AnyInputs, after: AnyInputs, design: AnyDesign) -> Array:
    """Gain in the prediction, `[replicate, region, week]`, scaled."""
    both = jax.tree.map(lambda *arrays: jnp.stack(arrays), before, after)

    def one(own: Variables) -> Array:
        # One body of a loop computes both, so that they round alike and what is not changed gains exactly nothing.
        terms = jax.lax.map(lambda inputs: forward_pass(own, inputs, design)[0], both)
        was, would_be = (jax.tree.map(lambda array, at=at: array[at], terms) for at in (0, 1))
        return difference(would_be, was)

    gained: Array = jax.lax.map(one, jax.tree.map(jnp.asarray, variables))
    return gained


def _tidy(
    horizon: Horizon, outcome: np.ndarray, base: np.ndarray, spend: np.ndarray, drawn: bool, level: float
) -> pd.DataFrame:
    """Rows for the total, each region, and each week."""
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
            columns["change_low"], columns["change_high"] = interval(gained[1:], level)
        columns["change_pct"] = 100.0 * gained[0] / np.where(base_sum == 0, np.nan, base_sum)
        columns["spend_change"] = paid
        if horizon.has_revenue:
            columns["revenue_change"] = revenue[0]
            if drawn:
                columns["revenue_change_low"], columns["revenue_change_high"] = interval(revenue[1:], level)
        frame = pd.DataFrame(columns)
        is_empty = np.ravel(~horizon.counted.any(axis=axes))  # 0 would say that nothing is sold there
        frame.loc[is_empty, [name for name in columns if name not in ("by", "label", "spend_change")]] = np.nan
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)
