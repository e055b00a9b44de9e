"""Tables of each channel's outcome at increasing spend, for planning without a model at hand: in a browser."""

from dataclasses import dataclass

import jax
import numpy as np
from scipy.interpolate import PchipInterpolator

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.planning.cells import Cells, cells_of
from deepcausalmmm_jax.planning.outcome import KPI, REVENUE, Outcome
from deepcausalmmm_jax.training.fitted import Replicates

_LEVELS = np.array(
    [0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.45, 1.6, 1.8, 2.0]
)  # of today's spend: dense where a curve may bend most, and within the usual limits of a plan
_NOW = int(np.flatnonzero(_LEVELS == 1.0)[0])
_MOST_DRAWS = 100
_MOST_WORK = 1.5e8  # exposures run through the model: 3 to 8 seconds on two cores
_FEWEST_DRAWS = 20
_CHECKED_DRAWS = 4  # beside the estimate, when tables are compared with the model
_CHECKED_PLANS = 16
_ALONE = 0.002  # share of today's outcome by which a channel's own term may miss what changing it alone does


@dataclass(frozen=True, eq=False)
class SpendTables:
    """Outcome of each channel at multiples of its spend.

    Attributes:
        channels: names of those that have a budget.
        today: `[channel]`, spend without a plan.
        base: `[channel]`, spend at multiple 1: today's, or that of mean weeks where nothing is spent today.
        levels: `[level]`, multiples.
        values: `[set, channel, level]`, outcome beyond that of no spend on the channel, revenue or KPI units; the
            estimate first, then draws.
        whole: `[set]`, outcome of today's spend, against all these channels off the air.
        free: `[channel]`, outcome of exposure that was free by the estimate: what a channel brings without any spend
            against this channel off the air.
        error: largest difference between the sum of the tables and the model over random plans from nothing to twice
            today's spend, as a share of the outcome of today's.
        in_currency: whether spend is money.
        has_revenue: whether the outcome is revenue; else KPI units.
        period: the weeks, in words.
        notes: assumptions on spend and prices.
    """

    channels: tuple[str, ...]
    today: np.ndarray
    base: np.ndarray
    levels: np.ndarray
    values: np.ndarray
    whole: np.ndarray
    free: np.ndarray
    error: float
    in_currency: bool
    has_revenue: bool
    period: str
    notes: tuple[str, ...]


def spend_tables(fit: FittedPanel, replicates: Replicates | None, horizon: Horizon) -> SpendTables:
    """Tables of the channels with a budget over the weeks of a horizon; draws are thinned where there are many.

    Args:
        fit: a fit on its own panel.
        replicates: draws or refits; None for the estimate alone.
        horizon: weeks, prices and what counts.

    Raises:
        DataError: no channel has spend.
    """
    cells = cells_of(horizon, "channel", fit.scales.exposure)
    base = np.where(cells.today > 0, cells.today, 20.0 * cells.typical)
    variables = _sets(fit, replicates, horizon.panel.exposure.size * len(_LEVELS))
    outcome = Outcome(fit, variables, horizon, cells)
    value = REVENUE if horizon.has_revenue else KPI
    terms = outcome.by_channel(_LEVELS[:, None] * base)[:, :, value][:, :, cells.channel]
    few = Outcome(fit, jax.tree.map(lambda a: a[: 1 + _CHECKED_DRAWS], variables), horizon, cells)
    values = np.moveaxis(terms - terms[:1], 0, -1)
    if _missed_alone(few, values, cells.today, base, value) > _ALONE:
        values = _one_by_one(outcome, base, cells.today, value)
    bought = np.isin(np.arange(outcome.n_channels), cells.channel)
    on_air = np.stack([np.ones(len(bought)), np.where(bought, 0.0, 1.0)])
    ends = outcome.values(np.stack([cells.today, cells.today]), on_air)[:, :, value].sum(axis=-1)
    weeks = f"{horizon.panel.week_label(horizon.start)} to {horizon.panel.week_label(horizon.stop - 1)}"
    return SpendTables(
        channels=tuple(horizon.panel.channels[i] for i in cells.channel),
        today=cells.today,
        base=base,
        levels=_LEVELS,
        values=values,
        whole=ends[0] - ends[1],
        free=_free(few, values[0], cells, value),
        error=_missed(few, values, cells, base, value),
        in_currency=horizon.in_currency,
        has_revenue=horizon.has_revenue,
        period=f"{horizon.panel.cadence.several(horizon.stop - horizon.start)}, {weeks}",
        notes=horizon.notes,
    )


def outcome_at(values: np.ndarray, multiples: np.ndarray) -> np.ndarray:
    """Outcome of plans by tables, beyond that of no spend, `[set, plan]`; between levels by monotone cubics.

    The cubics are those of Fritsch and Butland (1984), so that a table without a bump has none in between.

    Args:
        values: `[set, channel, level]`, as in `SpendTables`.
        multiples: `[plan, channel]`.
    """
    return sum((column(values[:, c], multiples[:, c]) for c in range(values.shape[1])), np.zeros(()))


def column(table: np.ndarray, multiples: np.ndarray) -> np.ndarray:
    """One channel's outcome `[set, point]` at multiples `[point]`, from its table `[set, level]`."""
    return np.asarray(PchipInterpolator(_LEVELS, table, axis=1)(multiples))


def _sets(fit: FittedPanel, replicates: Replicates | None, work: int) -> Variables:
    """The estimate, and draws that are evenly spread over all of them and affordable, with a leading axis."""
    own: Variables = jax.tree.map(lambda a: np.asarray(a)[None], fit.variables)
    if replicates is None:
        return own
    most = int(np.clip(_MOST_WORK // work, _FEWEST_DRAWS, _MOST_DRAWS))
    kept = np.unique(np.linspace(0, len(replicates) - 1, min(len(replicates), most)).astype(int))
    both: Variables = jax.tree.map(
        lambda a, drawn: np.concatenate([a, np.asarray(drawn)[kept]]), own, replicates.variables
    )
    return both


def _free(outcome: Outcome, own: np.ndarray, cells: Cells, value: int) -> np.ndarray:
    """Outcome `[channel]` of exposure that was free: what a channel brings today beyond what its spend does.

    Args:
        outcome: of plans, the estimate first.
        own: tables of the estimate, `[channel, level]`.
        cells: of the plans.
        value: what is counted.
    """
    on_air = np.ones((1 + len(cells), outcome.n_channels))
    on_air[1 + np.arange(len(cells)), cells.channel] = 0.0
    found = outcome.values(np.broadcast_to(cells.today, (len(on_air), len(cells))), on_air)[:, 0, value].sum(axis=-1)
    bought = np.where(cells.today > 0, own[:, _NOW], 0.0)
    has_free = (cells.offset[:, :, cells.channel] > 0).any(axis=(0, 1))
    return np.where(has_free, found[0] - found[1:] - bought, 0.0)


def _missed_alone(outcome: Outcome, values: np.ndarray, today: np.ndarray, base: np.ndarray, value: int) -> float:
    """How far channels' own terms, all spends multiplied at once, are from changing one channel alone.

    Own terms cost one run of the model for all channels, and are exact where no channel drives another.
    """
    n = len(base)
    plans = np.concatenate([today[None], *(np.where(np.eye(n, dtype=bool), m * base, today) for m in (0.0, 2.0))])
    found = outcome.values(plans)[:, :, value].sum(axis=-1)  # [plan, set]
    some = values[: found.shape[1]]
    now = np.where(today > 0, some[:, :, _NOW], 0.0)
    expected = np.concatenate([-now, some[:, :, -1] - now], axis=1).T
    size = np.maximum(np.abs(now.sum(axis=1)), 1e-12)
    return float((np.abs(found[1:] - found[0] - expected) / size).max())


def _one_by_one(outcome: Outcome, base: np.ndarray, today: np.ndarray, value: int) -> np.ndarray:
    """`[set, channel, level]` with one channel changed at a time, and all that follows from it."""
    tables = []
    for c in range(len(base)):
        plans = np.where(np.arange(len(base)) == c, _LEVELS[:, None] * base, today)
        found = outcome.values(plans)[:, :, value].sum(axis=-1)
        tables.append((found - found[0]).T)
    return np.stack(tables, axis=1)


def _missed(outcome: Outcome, values: np.ndarray, cells: Cells, base: np.ndarray, value: int) -> float:
    """Largest miss of the tables over random plans, as a share of the outcome of today's spend."""
    rng = np.random.default_rng(0)
    wide, near = rng.uniform(0.0, 2.0, (_CHECKED_PLANS // 2, len(base))), rng.uniform(0.7, 1.3, (8, len(base)))
    plans = np.concatenate([cells.today[None], wide * base, near * base])
    found = outcome.values(plans)[:, :, value].sum(axis=-1).T  # [set, plan]
    some = values[: len(found)]
    now = outcome_at(some, cells.today[None] / base)
    expected = outcome_at(some, plans[1:] / base) - now
    return float((np.abs(found[:, 1:] - found[:, :1] - expected) / np.maximum(np.abs(now), 1e-12)).max())
