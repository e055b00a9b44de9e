"""Tables of a plan: the allocation, the outcome of each channel, and the totals beside today's."""

from typing import NamedTuple

import jax
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.fitted_panel import MORE, FittedPanel
from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.attribution.intervals import interval
from deepcausalmmm_jax.attribution.planned_frequency import contacts_and_people, contacts_per_person
from deepcausalmmm_jax.axes import CHANNEL, Variables
from deepcausalmmm_jax.planning.cells import Cells, exposure_of
from deepcausalmmm_jax.planning.outcome import KPI, REVENUE, Outcome
from deepcausalmmm_jax.planning.what_if import gained_by, with_exposure

_SAME_TOTAL = 1e-9  # of today's spend
_ROUNDING = 1e-4  # of the outcome; single precision leaves less than a hundredth of a change of this size to chance


class Effects(NamedTuple):
    """Incremental outcome of one plan, KPI units and revenue."""

    whole: np.ndarray  # [replicate, 2]
    channel: np.ndarray  # [replicate, 2, channel]; against the channel at zero, the others as planned
    more: np.ndarray  # [replicate, 2, channel]; of `MORE` of the channel's spend on top
    more_whole: np.ndarray  # [replicate, 2]; of `MORE` of all spend on top


def effects_of(
    fit: FittedPanel, variables: Variables, horizon: Horizon, cells: Cells, outcome: Outcome, x: np.ndarray
) -> Effects:
    """Incremental outcome of a plan, in total and by channel; exposure that was free counts too.

    Args:
        fit: the fit on its own panel.
        variables: sets of parameters, with a leading axis; the first is the point estimate.
        horizon: weeks and prices.
        cells: of the plan.
        outcome: of plans, under the same sets of parameters.
        x: spend, `[cell]`.
    """
    channels = np.arange(len(horizon.panel.channels))
    bought = np.isin(channels, cells.channel)
    off_air = [bought, *np.eye(len(channels), dtype=bool)]
    on_air = np.stack([np.ones(len(channels)), *(~off for off in off_air)]).astype(np.float64)
    more = np.where(cells.channel == channels[:, None], (1.0 + MORE) * x, x)
    plans = np.concatenate([np.broadcast_to(x, (len(on_air), len(x))), more, (1.0 + MORE) * x[None]])
    on_air = np.concatenate([on_air, np.ones((len(more) + 1, len(channels)))])
    values = outcome.values(plans, on_air).sum(axis=-1)
    n_off = len(off_air)
    lost = values[0] - values[1 : 1 + n_off]  # [case, replicate, 2]
    gained = values[1 + n_off :] - values[0]
    _by_slopes(outcome, (1.0 + 0.5 * MORE) * x, more - x, gained[:-1], values[0])
    planned = exposure_of(cells, horizon, x)
    before = fit.on(with_exposure(horizon, planned))
    for i, off in enumerate(off_air):  # the point estimate as `scenario` computes it, equal to the last digit
        after, single = with_exposure(horizon, np.where(off, 0.0, planned)), _is_rounding(lost[i], values[0]).any()
        members = jax.tree.map(lambda a, every=bool(single): a if every else a[:1], variables)
        missing = -gained_by(before, members, horizon, after)
        figures = np.stack([missing.sum(axis=(1, 2)), (missing * horizon.worth).sum(axis=(1, 2))], axis=-1)
        lost[i, : len(figures)] = figures
    return Effects(lost[0], np.moveaxis(lost[1:], 0, -1), np.moveaxis(gained[:-1], 0, -1), gained[-1])


def _is_rounding(change: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Whether changes of outcomes, which are sums in single precision, are too small to be told from their rounding."""
    return np.asarray(np.abs(change) < _ROUNDING * np.abs(values))


def _by_slopes(outcome: Outcome, middle: np.ndarray, steps: np.ndarray, gained: np.ndarray, values: np.ndarray) -> None:
    """Put derivatives in the place of gains that are rounding, as those of a channel with next to no spend.

    Args:
        outcome: of plans.
        middle: plan halfway along the steps, `[cell]`.
        steps: spend that is added, `[case, cell]`.
        gained: outcome that it adds, `[case, replicate, value]`; changed in place.
        values: outcome of the plan, `[replicate, value]`.
    """
    tiny = _is_rounding(gained, values).any(axis=(1, 2)) & (steps > 0).any(axis=1)
    if tiny.any():
        for value in (KPI, REVENUE):
            slopes = outcome.values_and_slopes(middle, value)[1].astype(np.float64)
            gained[tiny, :, value] = steps[tiny] @ slopes.T


def last_unit(
    outcome: Outcome, x: np.ndarray, free: np.ndarray, value: int, level: float
) -> tuple[float, float, float]:
    """What the last unit of spend brings by the estimate, and the ends of its interval over the other sets.

    Ends are missing where there is no other set of parameters, and all three where nothing can be spent.

    Args:
        outcome: of plans, under the estimate and the refits.
        x: the plan, `[cell]`.
        free: `[cell]`, whether a cell may spend more and less; more spend goes to these, in proportion to theirs.
        value: what is counted, `KPI` or `REVENUE`.
        level: of the interval.
    """
    added = MORE * np.where(free, x, 0.0)
    if not added.sum() > 0:
        return np.nan, np.nan, np.nan
    values = outcome.values(np.stack([x - 0.5 * added, x + 0.5 * added]))[:, :, value].sum(axis=-1)
    gained = values[1] - values[0]
    if _is_rounding(gained, values[0]).any():
        gained = outcome.values_and_slopes(x, value)[1].astype(np.float64) @ added
    each = gained / added.sum()
    low, high = interval(each[1:], level) if len(each) > 1 else (np.nan, np.nan)
    return float(each[0]), float(low), float(high)


def allocation(fit: FittedPanel, today: Horizon, horizon: Horizon, cells: Cells, x: np.ndarray) -> pd.DataFrame:
    """A row a cell: spend and exposure today and as planned, and whether exposure is beyond that of training.

    Frequencies too where the panel has any, see `with_frequencies`.

    Args:
        fit: the fit on its own panel.
        today: the weeks as they are without a plan.
        horizon: the same weeks at the plan's frequency.
        cells: of the plan.
        x: the plan, `[cell]`.
    """
    table = cells.labels(horizon)
    change = x - cells.today
    table["spend_today"], table["spend_plan"], table["change"] = cells.today, x, change
    table["change_pct"] = 100.0 * change / np.where(cells.today > 0, cells.today, np.nan)
    planned = exposure_of(cells, horizon, x)
    largest = fit.panel.exposure[:, : fit.n_training_weeks].max(axis=1)
    beyond = planned > largest[:, None, :] * (1 + 1e-6)
    if cells.split != "channel_region_week":  # the pattern over weeks is history's: judged by the mean week
        weeks = np.maximum(horizon.present.sum(axis=1), 1)[:, None]
        by_week = (np.where(horizon.present[:, :, None], planned, 0.0).sum(axis=1) / weeks)[:, None, :]
        beyond = np.broadcast_to(by_week > largest[:, None, :] * (1 + 1e-6), planned.shape)

    def by_cell(values: np.ndarray) -> np.ndarray:
        return np.bincount(cells.cell.ravel(), weights=values.ravel(), minlength=len(cells) + 1)[: len(cells)]

    table["exposure_today"], table["exposure_plan"] = by_cell(horizon.exposure), by_cell(planned)
    if horizon.panel.frequency is not None:
        for name, weeks, exposure in (("today", today, horizon.exposure), ("plan", horizon, planned)):
            contacts, people = (by_cell(part) for part in contacts_and_people(weeks, exposure))
            table[f"frequency_{name}"] = contacts / np.where(people > 0, people, np.nan)
    table["extrapolation"] = by_cell(beyond.astype(np.float64)) > 0
    return table


def with_frequencies(
    table: pd.DataFrame, today: Horizon, horizon: Horizon, cells: Cells, x: np.ndarray
) -> pd.DataFrame:
    """A table by channel with contacts per person reached, `frequency_today` and `frequency_plan`.

    As it was where no channel has reach and frequency; missing for a channel without them.
    """
    if horizon.panel.frequency is None:
        return table
    bought, planned = np.unique(cells.channel), exposure_of(cells, horizon, x)
    return table.assign(
        frequency_today=contacts_per_person(today, today.exposure)[bought],
        frequency_plan=contacts_per_person(horizon, planned)[bought],
    )


def channel_table(
    horizon: Horizon, cells: Cells, x: np.ndarray, today: Effects, plan: Effects, point: bool, level: float
) -> pd.DataFrame:
    """Spend, incremental outcome, ROI and marginal ROI by channel, today and as planned, with intervals of refits.

    Args:
        horizon: weeks and prices.
        cells: of the plan.
        x: the plan, `[cell]`.
        today: effects of today's spend; the first replicate is the point estimate.
        plan: effects of the plan, likewise.
        point: whether there is only the point estimate, no refits.
        level: of the intervals.
    """
    bought = np.unique(cells.channel)
    table = pd.DataFrame(index=pd.Index([horizon.panel.channels[i] for i in bought], name=CHANNEL))
    for name, spend, effects in (("today", cells.today, today), ("plan", x, plan)):
        paid = np.bincount(cells.channel, weights=spend, minlength=bought.max() + 1)[bought]
        outcome, revenue = effects.channel[:, KPI][:, bought], effects.channel[:, REVENUE][:, bought]
        table[f"spend_{name}"] = paid
        spent = np.where(paid > 0, paid, np.nan)
        marginal = effects.more[:, REVENUE][:, bought] / (MORE * spent)
        columns = {"incremental_outcome": outcome, "roi": revenue / spent, "mroi": marginal}
        for column, values in columns.items():
            table[f"{column}_{name}"] = values[0]
            if not point:
                table[f"{column}_{name}_low"], table[f"{column}_{name}_high"] = interval(values[1:], level)
    table["roi_change"] = table["roi_plan"] - table["roi_today"]
    return table


def gains(
    spend: tuple[float, float], today: Effects, plan: Effects, margin: float | None, horizon: Horizon
) -> np.ndarray:
    """What a plan gains over today's spend, `[replicate]`, counted as in `BudgetPlan.gain_interval`.

    Args:
        spend: today's, and the plan's.
        today: effects of today's spend.
        plan: effects of the plan.
        margin: profit as a share of revenue; None for no profit.
        horizon: of the plan, which says whether revenue is known and spend is money.
    """
    paid, change = spend[1] - spend[0], plan.whole - today.whole
    if margin is not None:
        return np.asarray(margin * change[:, REVENUE] - paid)
    if not horizon.has_revenue:
        return np.asarray(change[:, KPI])
    return np.asarray(change[:, REVENUE] - (paid if horizon.in_currency else 0.0))


def without_rounding(today: float, plan: float) -> float:
    """The spend of a plan; today's where both are one total, added up in another order.

    A plan of today's total would otherwise be shown to spend 4e-9 more.
    """
    return today if abs(plan - today) <= _SAME_TOTAL * abs(today) else plan


def summary_table(
    spend: tuple[float, float],
    today: Effects,
    plan: Effects,
    point: bool,
    level: float,
    margin: float | None,
    has_revenue: bool,
) -> pd.DataFrame:
    """Totals, a row per figure, columns `today`, `plan` and `change`, with intervals where there are refits.

    Figures: `spend`, `incremental_outcome` (KPI units), `revenue`, `roi`, `mroi` (return of 1% more of all spend),
    `cpik`, and with a margin `profit`: margin times revenue less spend.

    Args:
        spend: today's, and the plan's.
        today: effects of today's spend; the first replicate is the point estimate.
        plan: effects of the plan, likewise.
        point: whether there is only the point estimate, no refits.
        level: of the intervals.
        margin: profit as a share of revenue; None for no profit.
        has_revenue: whether revenue per KPI is known.
    """
    paid = np.array([spend[0], without_rounding(*spend)])
    outcome = np.stack([today.whole[:, KPI], plan.whole[:, KPI]])  # [2, replicate]
    revenue = np.stack([today.whole[:, REVENUE], plan.whole[:, REVENUE]])
    spent = np.where(paid > 0, paid, np.nan)[:, None]
    figures = {"spend": np.broadcast_to(paid[:, None], outcome.shape), "incremental_outcome": outcome}
    if has_revenue:
        figures["revenue"] = revenue
    figures["roi"] = revenue / spent
    figures["mroi"] = np.stack([today.more_whole[:, REVENUE], plan.more_whole[:, REVENUE]]) / (MORE * spent)
    figures["cpik"] = spent / np.where(outcome > 0, outcome, np.nan)
    if margin is not None:
        figures["profit"] = margin * revenue - paid[:, None]
    rows = {}
    for name, values in figures.items():
        change = values[1] - values[0]
        row = {"today": values[0, 0], "plan": values[1, 0], "change": change[0]}
        if not point:
            for column, drawn in (("today", values[0]), ("plan", values[1]), ("change", change)):
                row[f"{column}_low"], row[f"{column}_high"] = interval(drawn[1:], level)
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("figure")
