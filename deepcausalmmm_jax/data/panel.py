"""Panel: KPI, exposure and controls of regions and weeks, as named arrays."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, get_args

import numpy as np
import pandas as pd

from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.data.cadence import Cadence, cadence_named
from deepcausalmmm_jax.data.calendar import day_numbers, week_text
from deepcausalmmm_jax.data.event_columns import with_events
from deepcausalmmm_jax.data.events import Events, events_from
from deepcausalmmm_jax.data.kpi_per_head import with_total_kpi
from deepcausalmmm_jax.data.panel_summary import panel_line, panel_summary
from deepcausalmmm_jax.data.panel_table import panel_table
from deepcausalmmm_jax.data.readers.column_roles import ColumnRoles
from deepcausalmmm_jax.data.readers.frames import as_pandas
from deepcausalmmm_jax.data.readers.national import adding_up, paid_shares, undivided
from deepcausalmmm_jax.data.readers.table import arrays_from_table
from deepcausalmmm_jax.data.regions import chosen_regions
from deepcausalmmm_jax.data.treatments import Treatment, TreatmentBaseline
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.io.html_tables import html_tables

if TYPE_CHECKING:
    from deepcausalmmm_jax.data.diagnosis.diagnosis import Diagnosis

MissingKpi = Literal["error", "mask"]
TrailingZeros = Literal["ask", "keep"]


@dataclass(frozen=True, eq=False)
class Panel:
    """A KPI with the exposure and controls that may explain it; all regions share one time grid.

    Build one with `Panel.from_dataframe`. Steps are days, weeks, months or quarters, see `cadence`; where attributes
    and arguments say week, they mean a step. A region-week without a row has weight 0 and no exposure.

    Attributes:
        regions: labels, sorted.
        weeks: dates, or whole numbers, one step apart; a month or a quarter is named by its first day.
        channels: names of the media channels.
        controls: names of the controls.
        kpi: `[region, week]`, KPI units; 0 where it is not observed.
        weights: `[region, week]`, how much each observation counts; 0 where the KPI is not observed.
        present: `[region, week]`, whether the table had a row.
        exposure: `[region, week, channel]`, 0 or more, in the unit of the channel (impressions, GRPs, spend).
        control: `[region, week, control]`.
        spend: `[region, week, channel]`, currency; NaN for a channel without spend data. None: no spend data.
        revenue_per_kpi: `[region, week]`, currency per KPI unit. None: unknown.
        population: `[region]`. None: unknown.
        kpi_name: column of the KPI; `kpi_label` is what figures name it.
        region_name: column of the regions.
        time_name: column of the weeks.
        trailing_zeros: whether a fit refuses a KPI that drops to 0 at the end (`ask`) or treats it as real (`keep`).
        cadence: how far apart the steps are.
        treatments: the controls that are credited against a baseline.
        organic: the channels that are not paid for.
        national: channels and controls with one value a week for all regions.
        national_weights: `[region]`, share of a national channel's exposure and spend. None: no national channel.
        events: calendar of the controls that are events. None: no events.
        frequency: `[region, week, channel]`, contacts per person reached, 0 where nobody is; NaN for a channel whose
            reach is not known. Exposure is then reach times frequency. None: no channel with reach and frequency.
        kpi_per: heads that the KPI of the table is per; `kpi` is in totals all the same. None: the table has totals.
        population_moves: whether the population differed between the weeks of a region, so that it is their mean.
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
    cadence: Cadence = Cadence.WEEKLY
    treatments: tuple[Treatment, ...] = ()
    organic: tuple[str, ...] = ()
    national: tuple[str, ...] = ()
    national_weights: np.ndarray | None = None
    events: Events | None = None
    frequency: np.ndarray | None = None
    kpi_per: float | None = None
    population_moves: bool = False

    @classmethod
    def from_dataframe(
        cls,
        df: object,
        *,
        time: str,
        kpi: str | None,
        media: str | Sequence[str] | pd.Index | np.ndarray,
        region: str | None = None,
        spend: Mapping[str, str] | str | Sequence[str] | pd.Index | np.ndarray | None = None,
        controls: str | Sequence[str] | pd.Index | np.ndarray | None = (),
        revenue_per_kpi: str | float | None = None,
        population: str | None = None,
        missing_kpi: MissingKpi = "error",
        trailing_zeros: TrailingZeros = "ask",
        cadence: str | None = None,
        treatments: Sequence[str | Treatment] | Mapping[str, TreatmentBaseline] | None = (),
        organic: Sequence[str] | pd.Index | np.ndarray | None = (),
        national: Sequence[str] | pd.Index | np.ndarray | None = (),
        national_weights: Mapping[object, float] | None = None,
        events: object = None,
        reach: Mapping[str, str] | None = None,
        frequency: Mapping[str, str] | None = None,
        kpi_per: float | None = None,
    ) -> Self:
        """Panel from a long table with one row per region and week, in any order.

        Args:
            df: the table, of pandas; one of Polars, PyArrow or another library that Narwhals reads is copied.
            time: column of steps: days, weeks (7 days apart, on any weekday), months or quarters, or whole numbers. A
                time with an offset from UTC counts as the written day; local midnight converted to UTC counts as the
                day that it begins.
            kpi: column of the KPI; None for a panel of future weeks that is only predicted.
            media: columns of exposure, one per channel; names, or globs such as `impressions_*`.
            region: column of regions, whole numbers or text, kept as written; None for a national table.
            spend: column of spend by channel, or columns in the order of `media` (refused where a name says another),
                or a glob such as `spend_*`, which pairs by what the wildcard matches; it only prices the channels. Each
                channel has its own column, which may be that of its exposure.
            controls: columns of everything else that affects the KPI; names or globs.
            revenue_per_kpi: column, or one number, with the revenue per KPI unit.
            population: column with the population of each region, which makes exposure comparable between regions. Its
                mean over the weeks is used; one that varies by more than a fifth is refused.
            missing_kpi: whether a row without a KPI is an error or, with "mask", gets weight 0. Rows before the first
                KPI of a region are always allowed: their exposure is history for the adstock. So are rows after the
                last KPI of any region: they are planned weeks.
            trailing_zeros: with "ask", a fit refuses a KPI that drops to 0 in all regions at the end, as when sales are
                not loaded yet, and warns if it does so in some; "keep" states that these zeros are real.
            cadence: `daily`, `weekly`, `monthly` or `quarterly`; None to infer it from the dates. Whole numbers are
                weeks unless it is given.
            treatments: further columns that affect the KPI and are credited for it, such as price or promotion; see
                `Treatment` for their baselines.
            organic: further columns of exposure that is not paid for, such as newsletters: credited, never budgeted.
            national: those of the channels, controls and treatments whose column holds one figure per week for the
                whole country, repeated in every region. Exposure and spend of such a channel are divided among the
                regions.
            national_weights: share of national channels that each region gets, summing to 1; by population when None.
            events: `holidays(...)`, `Events`, or a table of the columns name and date, and of region, before and after
                where it has them; each event becomes a control, the share of its days that fall in the week.
            reach: column of the people reached at least once in a week, by the name of a further channel.
            frequency: column of the contacts per person reached, by the same names. The exposure of such a channel is
                reach times frequency, its effect is proportional to reach and saturates with frequency; spend, organic
                and national may name it.
            kpi_per: number of people that a KPI per head is per, such as 1000, which `population` then makes totals of,
                with that of each week where it differs from week to week.

        Returns:
            The panel, with sorted regions, each on all weeks from the first to the last.

        Raises:
            DataError: the table is invalid; the message names the column, region or week, and a remedy.
        """
        df = as_pandas(df)
        roles = ColumnRoles.checked(
            df,
            region,
            time,
            kpi,
            media,
            spend,
            controls,
            revenue_per_kpi,
            population,
            missing_kpi,
            treatments,
            organic,
            national,
            national_weights,
            reach,
            frequency,
        )
        if not isinstance(trailing_zeros, str) or trailing_zeros not in get_args(TrailingZeros):
            raise DataError(f"trailing_zeros must be 'ask' or 'keep', got {trailing_zeros!r}.")
        known = None if cadence is None else cadence_named(cadence)
        calendar = events_from(events)
        fields = arrays_from_table(df, roles, known)._asdict()
        people = fields.pop("people")
        panel = cls(**fields, trailing_zeros=trailing_zeros)
        return with_total_kpi(panel if calendar is None else with_events(panel, calendar), kpi_per, people)

    def __repr__(self) -> str:
        return f"Panel({panel_line(self)})"

    def _repr_html_(self) -> str:
        return html_tables({"Columns": self.summary()}, "Panel", f"{panel_line(self)}.")

    def summary(self) -> pd.DataFrame:
        """By column: role, total, mean, range, spend, percent on air and missing; see `data.panel_summary`."""
        return panel_summary(self)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Numbers of regions, weeks, channels and controls."""
        return len(self.regions), len(self.weeks), len(self.channels), len(self.controls)

    @property
    def kpi_label(self) -> str:
        """The KPI as figures name it; its column where the table has totals."""
        return self.kpi_name if self.kpi_per is None else f"{self.kpi_name} (total)"

    @property
    def has_kpi(self) -> np.ndarray:
        """`[week]`, whether any region's KPI is observed."""
        return np.asarray((self.weights > 0).any(axis=0))

    @property
    def n_past_weeks(self) -> int:
        """Number of weeks up to the last with a KPI in any region; later ones are planned weeks. 0 without a KPI."""
        return weeks_up_to_last(self.weights)

    @property
    def past(self) -> np.ndarray:
        """`[region, week]`, whether the table had a row, up to the last week with a KPI."""
        return self.present & (np.arange(len(self.weeks)) < self.n_past_weeks)

    @property
    def has_reach(self) -> tuple[bool, ...]:
        """By channel, whether its exposure is known as reach and frequency."""
        if self.frequency is None:
            return (False,) * len(self.channels)
        return tuple(bool(known) for known in ~np.isnan(self.frequency).all(axis=(0, 1)))

    @property
    def event_names(self) -> tuple[str, ...]:
        """The controls that are events."""
        return () if self.events is None else tuple(name for name in self.controls if name in set(self.events.names))

    def diagnose(self) -> "Diagnosis":
        """Check the panel before it is fitted: gaps, outliers, copies, prices, spend, and reverse causation.

        Returns:
            The findings, each with a grade, where it is, why it matters and what to do; `Diagnosis.table` lists them.

        Raises:
            DataError: no week of the panel has a KPI.
        """
        from deepcausalmmm_jax.data.diagnosis.diagnose import diagnose  # its checks read panels themselves

        return diagnose(self)

    def until_last_kpi(self) -> Self:
        """The panel without planned weeks: those after the last one with a KPI."""
        return self.select(weeks=slice(0, self.n_past_weeks))

    @property
    def week_numbers(self) -> np.ndarray:
        """`[week]`, position of each step on a calendar that all panels share, in weeks."""
        if isinstance(self.weeks, pd.DatetimeIndex):
            return day_numbers(self.weeks) / 7.0
        return self.weeks.to_numpy(dtype=np.float64) * self.cadence.weeks

    def week_label(self, position: int) -> str:
        """Label of the week at `position`, as text."""
        return week_text(self.weeks, position, self.cadence)

    def select(self, *, weeks: slice | None = None, regions: Sequence[object] | None = None) -> Self:
        """The panel restricted to a range of week positions, or to some regions in the given order.

        Raises:
            DataError: weeks that are no slice, a region that the panel does not have, or one that is named twice.
        """
        if not isinstance(weeks, slice | None):
            raise DataError(f"weeks must be a slice of positions, such as slice(0, 52), got {shown(weeks)}.")
        week = weeks if weeks is not None else slice(None)
        rows = np.arange(len(self.regions)) if regions is None else chosen_regions(self.regions, regions)

        def cut(array: np.ndarray) -> np.ndarray:
            return array[rows][:, week]

        return dataclasses.replace(
            self,
            regions=self.regions[rows],
            weeks=self.weeks[week],
            kpi=cut(self.kpi),
            weights=cut(self.weights),
            present=cut(self.present),
            exposure=cut(self.exposure),
            control=cut(self.control),
            spend=None if self.spend is None else cut(self.spend),
            frequency=None if self.frequency is None else cut(self.frequency),
            revenue_per_kpi=None if self.revenue_per_kpi is None else cut(self.revenue_per_kpi),
            population=None if self.population is None else self.population[rows],
            national_weights=None if self.national_weights is None else adding_up(self.national_weights[rows]),
        )

    def to_dataframe(self) -> pd.DataFrame:
        """The long table with one row per region and week that had one; the inverse of `from_dataframe`.

        National channels have their national figures in every row. A channel `tv` of reach and frequency has the
        columns `tv_reach` and `tv_frequency`. Events have a column each, which `from_dataframe`
        does not need: it makes them from `Panel.events`. A KPI per head is per head again, which `kpi_per` says: of the
        region's mean population, as the population beside it is, where that differed from week to week.

        Raises:
            DataError: two columns of one name, as where a control is called like the spend of a channel, `tv_spend`.
        """
        return panel_table(self)

    def national_figures(self, values: np.ndarray, kind: Literal["exposure", "spend"]) -> np.ndarray:
        """Exposure or spend `[region, week, channel]` as the table had it: national figures in every row."""
        if self.national_weights is None:
            return values
        values, weights = values.copy(), self.national_weights
        shares = weights if kind == "exposure" else paid_shares(weights, self.present)
        for i, name in enumerate(self.channels):
            if name in self.national:
                values[:, :, i] = undivided(values[:, :, i], shares, self.present)
        return values


def weeks_up_to_last(weights: np.ndarray) -> int:
    """Number of weeks up to the last in which any region has weight, from `[region, week]`; 0 without weight."""
    return int(np.flatnonzero((weights > 0).any(axis=0)).max(initial=-1)) + 1
