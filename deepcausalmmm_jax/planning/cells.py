"""The cells that a budget is split over, and the exposure that spend in each of them buys."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.axes import CHANNEL, REGION, TIME
from deepcausalmmm_jax.errors import DataError

Split = Literal["channel", "channel_region", "channel_week", "channel_region_week"]
SPLITS: tuple[Split, ...] = ("channel", "channel_region", "channel_week", "channel_region_week")
WHOLE = -1  # a cell that spans all regions, or all weeks
_UNCHANGED = 1e-9  # share of a cell's spend by which it may differ from today's and count as unchanged


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of a budget; exposure of a region-week is `offset + unit * spend[cell]`.

    Attributes:
        split: what the budget is split over.
        channel: `[cell]`, position of its channel.
        region: `[cell]`, position of its region; -1 for all regions.
        week: `[cell]`, position of its week within the plan; -1 for all weeks.
        cell: `[region, plan week, channel]`, its cell; the number of cells where nothing can be bought.
        unit: `[region, plan week, channel]`, exposure per unit of spend.
        offset: `[region, plan week, channel]`, exposure that costs nothing.
        today: `[cell]`, spend without a plan.
        typical: `[cell]`, spend in which steps of the solvers are measured, above 0.
    """

    split: Split
    channel: np.ndarray
    region: np.ndarray
    week: np.ndarray
    cell: np.ndarray
    unit: np.ndarray
    offset: np.ndarray
    today: np.ndarray
    typical: np.ndarray

    def __len__(self) -> int:
        """Number of cells."""
        return len(self.channel)

    def labels(self, horizon: Horizon) -> pd.DataFrame:
        """Channel, and region and week where the budget is split by them; a row per cell."""
        panel = horizon.panel
        columns: dict[str, object] = {CHANNEL: np.asarray(panel.channels, dtype=object)[self.channel]}
        if (self.region != WHOLE).any():
            columns[REGION] = panel.regions[self.region]
        if (self.week != WHOLE).any():
            columns[TIME] = horizon.weeks[self.week]
        return pd.DataFrame(columns)

    def names(self, horizon: Horizon) -> list[str]:
        """Names of the cells, for messages and tables."""
        return [", ".join(_shown(part) for part in row) for row in self.labels(horizon).itertuples(index=False)]


def _shown(part: object) -> str:
    return f"{part:%Y-%m-%d}" if isinstance(part, pd.Timestamp) else str(part)


def cells_of(horizon: Horizon, split: Split, typical_exposure: np.ndarray) -> Cells:
    """Cells of a horizon; channels without spend have none and stay as they were.

    Spend of a cell that spans several region-weeks is divided among them in today's proportions; where nothing is spent
    today, evenly: the same share of each region's mean week. Exposure that was not paid for stays as it was.

    Args:
        horizon: weeks, prices and what is bought today.
        split: what the budget is split over.
        typical_exposure: `[region, channel]`, exposure of a mean week.

    Raises:
        DataError: no channel can be bought.
    """
    bought = ~np.isnan(horizon.price) & ~np.isnan(horizon.spend) & horizon.present[:, :, None]
    if not bought.any():
        raise DataError("No channel has spend, so there is no budget to plan; give spend, or cost per exposure unit.")
    shape = horizon.exposure.shape
    row = np.broadcast_to(np.arange(shape[0])[:, None, None], shape)
    week = np.broadcast_to(np.arange(shape[1])[None, :, None], shape)
    channel = np.broadcast_to(np.arange(shape[2]), shape)
    by_region, by_week = "region" in split, "week" in split
    region_key = row if by_region else np.full(shape, WHOLE)
    week_key = week if by_week else np.full(shape, WHOLE)
    code = (channel * (shape[0] + 1) + region_key + 1) * (shape[1] + 1) + week_key + 1
    codes, first, cell_of = np.unique(code[bought], return_index=True, return_inverse=True)
    n = len(codes)
    cell = np.full(shape, n)
    cell[bought] = cell_of
    spend = np.where(bought, np.nan_to_num(horizon.spend), 0.0)
    price = np.where(bought, horizon.price, 1.0)
    even = np.where(bought, np.broadcast_to(typical_exposure[:, None, :], shape), 0.0)
    today = _summed(spend, cell, n)
    full_price = _summed(even * price, cell, n)
    # Paid exposure is proportional to spend; free exposure stays, and money buys more on top of it.
    free = np.zeros(shape) if horizon.free is None else horizon.free
    pattern = np.where(np.append(today, 1.0)[cell] > 0, np.where(spend > 0, horizon.exposure - free, 0.0), even)
    unit = np.where(bought, pattern / np.append(np.where(today > 0, today, full_price), 1.0)[cell], 0.0)
    return Cells(
        split=split,
        channel=channel[bought][first],
        region=region_key[bought][first],
        week=week_key[bought][first],
        cell=cell,
        unit=unit,
        offset=np.where(bought & (spend > 0), free, horizon.exposure),
        today=today,
        typical=np.maximum(today, 0.05 * full_price),
    )


def _summed(values: np.ndarray, cell: np.ndarray, n: int) -> np.ndarray:
    """`[cell]`, sums of values by region, week and channel."""
    return np.bincount(cell.ravel(), weights=values.ravel(), minlength=n + 1)[:n]


def exposure_of(cells: Cells, horizon: Horizon, spend: np.ndarray) -> np.ndarray:
    """Exposure `[region, plan week, channel]`, channel units, from spend `[cell]`.

    Where spend is unchanged, exposure is exactly what ran; computing it from spend would differ by rounding.
    """
    bought = cells.offset + cells.unit * np.append(spend, 0.0)[cells.cell]
    unchanged = np.append(np.abs(spend - cells.today) <= _UNCHANGED * cells.today, True)[cells.cell]
    return np.where(unchanged, horizon.exposure, bought)
