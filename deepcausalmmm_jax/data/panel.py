"""Panel: regions x weeks of a KPI, exposure and controls, as named arrays."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
import pandas as pd

from deepcausalmmm_jax.data.calendar import day_numbers, week_text
from deepcausalmmm_jax.data.readers.column_roles import ColumnRoles
from deepcausalmmm_jax.data.readers.table import arrays_from_table
from deepcausalmmm_jax.data.regions import region_positions
from deepcausalmmm_jax.errors import DataError

MissingKpi = Literal["error", "mask"]
TrailingZeros = Literal["ask", "keep"]


@dataclass(frozen=True, eq=False)
class Panel:
    """A KPI with the exposure and controls that may explain it; every region on the same weekly grid.

    Build one with `Panel.from_dataframe`. A region-week without a row has weight 0 and no exposure.

    Attributes:
        regions: labels, sorted.
        weeks: dates, or whole numbers, one step apart.
        channels: names of the media channels.
        controls: names of the controls.
        kpi: `[region, week]`, KPI units; 0 where it is not observed.
        weights: `[region, week]`, how much each observation counts; 0 where the KPI is not observed.
        present: `[region, week]`, whether the table had a row.
        exposure: `[region, week, channel]`, 0 or more, in the channel's own unit (impressions, GRPs, spend).
        control: `[region, week, control]`.
        spend: `[region, week, channel]`, currency; NaN for a channel without spend. None: no spend at all.
        revenue_per_kpi: `[region, week]`, currency per KPI unit. None: unknown.
        population: `[region]`. None: unknown.
        kpi_name: the KPI's column, for labels.
        region_name: the regions' column.
        time_name: the weeks' column.
        trailing_zeros: whether a KPI that turns to 0 at the end is asked about before a fit, or kept as real.
    """

    regions: pd.Index
    weeks: pd.Index
    channels: tuple[str, ...]
    controls: tuple[str, ...]
    kpi: np.ndarray
    weights: np.ndarray
    present: np.ndarray
    exposure: np.ndarray
    control: np.ndarray
    spend: np.ndarray | None = None
    revenue_per_kpi: np.ndarray | None = None
    population: np.ndarray | None = None
    kpi_name: str = "kpi"
    region_name: str = "region"
    time_name: str = "time"
    trailing_zeros: TrailingZeros = "ask"

    @classmethod
    def from_dataframe(
        cls,
        df: pd.DataFrame,
        *,
        time: str,
        kpi: str | None,
        media: Sequence[str],
        region: str | None = None,
        spend: Mapping[str, str] | Sequence[str] | None = None,
        controls: Sequence[str] = (),
        revenue_per_kpi: str | float | None = None,
        population: str | None = None,
        missing_kpi: MissingKpi = "error",
        trailing_zeros: TrailingZeros = "ask",
    ) -> Self:
        """Arrange a long table, one row per region and week in any order, as a Panel.

        Args:
            df: the table.
            time: column of weeks: dates 7 days apart, or whole numbers. Times with an offset from UTC count as the day
                that is written; local midnights told in UTC as the day whose midnight it is.
            kpi: column of the KPI; None for a panel of future weeks that is only to be predicted.
            media: columns of exposure, one a channel.
            region: column of regions, whole numbers or text, which stays as it is written; None for a national table.
            spend: column of spend by channel, or columns in the order of `media`; only prices the channels. Each has a
                column of its own, which may be its exposure.
            controls: columns of everything else that moves the KPI.
            revenue_per_kpi: column, or one number, with the worth of a KPI unit.
            population: column with a region's inhabitants, which makes exposure comparable between regions.
            missing_kpi: a row without a KPI is an error, or, with "mask", gets weight 0. Rows before a region's first
                KPI are always welcome: their exposure is history for the adstock.
            trailing_zeros: with "ask", a fit refuses a KPI that turns to 0 in all regions at the end, as where sales
                are not loaded yet, and warns where that is so in some; "keep" states that these zeros are real.

        Returns:
            The panel, regions sorted, every region on all weeks between the first and the last.

        Raises:
            DataError: naming the column, region or week that does not fit, and the way out.
        """
        roles = ColumnRoles.checked(
            df, region, time, kpi, media, spend, controls, revenue_per_kpi, population, missing_kpi
        )
        if trailing_zeros not in get_args(TrailingZeros):
            raise DataError(f"trailing_zeros must be 'ask' or 'keep', got {trailing_zeros!r}.")
        return cls(**arrays_from_table(df, roles), trailing_zeros=trailing_zeros)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Numbers of regions, weeks, channels and controls."""
        return len(self.regions), len(self.weeks), len(self.channels), len(self.controls)

    @property
    def has_kpi(self) -> np.ndarray:
        """`[week]`, whether any region's KPI is observed."""
        return np.asarray((self.weights > 0).any(axis=0))

    @property
    def n_past_weeks(self) -> int:
        """Number of weeks up to the last one with a KPI in any region; those after it are planned. 0 without a KPI."""
        return weeks_up_to_last(self.weights)

    @property
    def past(self) -> np.ndarray:
        """`[region, week]`, whether the table had a row, of weeks up to the last one with a KPI."""
        return self.present & (np.arange(len(self.weeks)) < self.n_past_weeks)

    def until_last_kpi(self) -> Self:
        """The panel without planned weeks: those after the last one with a KPI."""
        return self.select(weeks=slice(0, self.n_past_weeks))

    @property
    def week_numbers(self) -> np.ndarray:
        """`[week]`, position of each week on an endless calendar, in weeks; in phase from panel to panel."""
        if isinstance(self.weeks, pd.DatetimeIndex):
            return day_numbers(self.weeks) / 7.0
        return self.weeks.to_numpy(dtype=np.float64)

    def week_label(self, position: int) -> str:
        """The week at `position` as people write it."""
        return week_text(self.weeks, position)

    def select(self, *, weeks: slice | None = None, regions: Sequence[object] | None = None) -> Self:
        """The panel cut to a range of week positions, or to some regions in the order given.

        Raises:
            DataError: a region that the panel does not have.
        """
        week = weeks if weeks is not None else slice(None)
        rows = np.arange(len(self.regions)) if regions is None else self._positions(regions)

        def cut(array: np.ndarray | None) -> np.ndarray | None:
            return None if array is None else array[rows][:, week]

        arrays: dict[str, Any] = {name: cut(getattr(self, name)) for name in _REGION_WEEK_ARRAYS}
        return dataclasses.replace(
            self,
            regions=self.regions[rows],
            weeks=self.weeks[week],
            population=None if self.population is None else self.population[rows],
            **arrays,
        )

    def _positions(self, regions: Sequence[object]) -> np.ndarray:
        positions = region_positions(self.regions, regions)
        for region, position in zip(regions, positions, strict=True):
            if position < 0:
                raise DataError(f"The panel has no region {region!r}; it has {_shortened(self.regions)}.")
        return positions

    def to_dataframe(self) -> pd.DataFrame:
        """The long table again, one row per region and week that had one; the inverse of `from_dataframe`."""
        rows, columns = np.nonzero(self.present)
        kpi = np.where(self.weights > 0, self.kpi, np.nan)
        table: dict[str, object] = {
            self.region_name: self.regions[rows],
            self.time_name: self.weeks[columns],
            self.kpi_name: kpi[rows, columns],
        }
        table |= {name: self.exposure[rows, columns, i] for i, name in enumerate(self.channels)}
        if self.spend is not None:
            priced = ~np.isnan(self.spend).all(axis=(0, 1))
            table |= {
                f"{name}_spend": self.spend[rows, columns, i] for i, name in enumerate(self.channels) if priced[i]
            }
        table |= {name: self.control[rows, columns, i] for i, name in enumerate(self.controls)}
        if self.revenue_per_kpi is not None:
            table["revenue_per_kpi"] = self.revenue_per_kpi[rows, columns]
        if self.population is not None:
            table["population"] = self.population[rows]
        return pd.DataFrame(table)


def weeks_up_to_last(weights: np.ndarray) -> int:
    """Number of weeks up to the last one in which any region has weight, of `[region, week]`; 0 without weight."""
    return int(np.flatnonzero((weights > 0).any(axis=0)).max(initial=-1)) + 1


_REGION_WEEK_ARRAYS = ("kpi", "weights", "present", "exposure", "control", "spend", "revenue_per_kpi")


def _shortened(labels: pd.Index) -> str:
    shown = ", ".join(str(label) for label in labels[:5])
    return shown if len(labels) <= 5 else f"{shown} and {len(labels) - 5} more"
