"""What a plan means, as tables: the allocation, each channel's outcome, and the whole beside today's."""

from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.attribution.intervals import bounds
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.planning.cells import Cells, exposure_of
from deepcausalmmm_jax.planning.outcome import KPI, REVENUE, Outcome
from deepcausalmmm_jax.planning.what_if import gained_by, with_exposure
from deepcausalmmm_jax.training.fitted import Fitted


class Effects(NamedTuple):
    """Incremental outcome of one plan, KPI units and revenue."""

    whole: np.ndarray  # [replicate, 2]
    channel: np.ndarray  # [replicate, 2, channel]; the channel at zero, the others as planned


def effects_of(
    fitted: Fitted, variables: Any, horizon: Horizon, cells: Cells, outcome: Outcome, x: np.ndarray
) -> Effects:
    """Incremental outcome of a plan, whole and by channel; what was free counts with what was paid for.

    Args:
        fitted: the model.
        variables: sets of parameters, with a leading axis; the first is the point estimate.
        horizon: weeks and prices.
        cells: of the plan.
        outcome: of plans, by the same sets of parameters.
        x: spend, `[cell]`.
    """
    channels = np.arange(len(horizon.panel.channels))
    bought = np.isin(channels, cells.channel)
    silenced = [bought, *np.eye(len(channels), dtype=bool)]
    heard = np.stack([np.ones(len(channels)), *(~silent for silent in silenced)]).astype(np.float64)
    values = outcome.values(np.broadcast_to(x, (len(heard), len(x))), heard).sum(axis=-1)
    lost = values[0] - values[1:]  # [silenced, replicate, 2]
    planned, point = exposure_of(cells, horizon, x), jax.tree.map(lambda a: a[:1], variables)
    before = with_exposure(horizon, planned)
    for i, silent in enumerate(silenced):  # the estimate itself as scenarios have it, to the last digit
        after = with_exposure(horizon, np.where(silent, 0.0, planned))
        gained = -gained_by(fitted, point, horizon, before, after)
        lost[i, 0] = gained.sum(), (gained * horizon.worth).sum()
    return Effects(lost[0], np.moveaxis(lost[1:], 0, -1))


def allocation(fitted: Fitted, horizon: Horizon, cells: Cells, x: np.ndarray) -> pd.DataFrame:
    """A row a cell: spend and exposure today and as planned, and whether the plan leaves what was seen in training."""
    table = cells.labels(horizon)
    change = x - cells.today
    table["spend_today"], table["spend_plan"], table["change"] = cells.today, x, change
    table["change_pct"] = 100.0 * change / np.where(cells.today > 0, cells.today, np.nan)
    planned = exposure_of(cells, horizon, x)
    largest = fitted.panel.exposure[:, : fitted.n_training_weeks].max(axis=1)
    beyond = planned > largest[:, None, :] * (1 + 1e-6)
    if cells.split != "channel_region_week":  # a pattern's peaks are history's: judged by the mean week
        weeks = np.maximum(horizon.present.sum(axis=1), 1)[:, None]
        by_week = (np.where(horizon.present[:, :, None], planned, 0.0).sum(axis=1) / weeks)[:, None, :]
        beyond = np.broadcast_to(by_week > largest[:, None, :] * (1 + 1e-6), planned.shape)

    def by_cell(values: np.ndarray) -> np.ndarray:
        return np.bincount(cells.cell.ravel(), weights=values.ravel(), minlength=len(cells) + 1)[: len(cells)]

    table["exposure_today"], table["exposure_plan"] = by_cell(horizon.exposure), by_cell(planned)
    table["extrapolation"] = by_cell(beyond.astype(np.float64)) > 0
    return table


def channel_table(
    horizon: Horizon, cells: Cells, x: np.ndarray, today: Effects, plan: Effects, point: bool, level: float
) -> pd.DataFrame:
    """By channel: spend, incremental outcome and ROI, today and as planned, with intervals where there are refits.

    Args:
        horizon: weeks and prices.
        cells: of the plan.
        x: the plan, `[cell]`.
        today: effects of today's spend; the first replicate is the point estimate.
        plan: effects of the plan, likewise.
        point: whether there is nothing but the point estimate.
        level: of the intervals.
    """
    bought = np.unique(cells.channel)
    table = pd.DataFrame(index=pd.Index([horizon.panel.channels[i] for i in bought], name=CHANNEL))
    for name, spend, effects in (("today", cells.today, today), ("plan", x, plan)):
        paid = np.bincount(cells.channel, weights=spend, minlength=bought.max() + 1)[bought]
        outcome, revenue = effects.channel[:, KPI][:, bought], effects.channel[:, REVENUE][:, bought]
        table[f"spend_{name}"] = paid
        columns = {"incremental_outcome": outcome, "roi": revenue / np.where(paid > 0, paid, np.nan)}
        for column, values in columns.items():
            table[f"{column}_{name}"] = values[0]
            if not point:
                table[f"{column}_{name}_low"], table[f"{column}_{name}_high"] = bounds(values[1:], level)
    table["roi_change"] = table["roi_plan"] - table["roi_today"]
    return table


def summary_table(
    spend: tuple[float, float],
    today: Effects,
    plan: Effects,
    point: bool,
    level: float,
    margin: float | None,
    has_revenue: bool,
) -> pd.DataFrame:
    """The whole, a row a figure, columns `today`, `plan` and `change`, with intervals where there are refits.

    Figures: `spend`, `incremental_outcome` (KPI units), `revenue`, `roi`, `cpik`, and with a margin `profit`: margin
    times revenue less spend.
    """
    paid = np.array(spend)
    outcome = np.stack([today.whole[:, KPI], plan.whole[:, KPI]])  # [2, replicate]
    revenue = np.stack([today.whole[:, REVENUE], plan.whole[:, REVENUE]])
    spent = np.where(paid > 0, paid, np.nan)[:, None]
    figures = {"spend": np.broadcast_to(paid[:, None], outcome.shape), "incremental_outcome": outcome}
    if has_revenue:
        figures["revenue"] = revenue
    figures["roi"] = revenue / spent
    figures["cpik"] = spent / np.where(outcome > 0, outcome, np.nan)
    if margin is not None:
        figures["profit"] = margin * revenue - paid[:, None]
    rows = {}
    for name, values in figures.items():
        change = values[1] - values[0]
        row = {"today": values[0, 0], "plan": values[1, 0], "change": change[0]}
        if not point:
            for column, drawn in (("today", values[0]), ("plan", values[1]), ("change", change)):
                row[f"{column}_low"], row[f"{column}_high"] = bounds(drawn[1:], level)
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("figure")
