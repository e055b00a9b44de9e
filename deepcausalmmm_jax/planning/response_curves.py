"""`response_curves`: the outcome of each channel at other levels of spend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.planned_frequency import Frequency
from deepcausalmmm_jax.attribution.response import ALL_REGIONS, Level, response_table
from deepcausalmmm_jax.attribution.units import Units
from deepcausalmmm_jax.axes import CHANNEL, REGION
from deepcausalmmm_jax.checks import did_you_mean
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.io.html_tables import html_tables
from deepcausalmmm_jax.results.asked import require_result
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.steps import Steps

if TYPE_CHECKING:
    import plotly.graph_objects as go

Measure = Literal["incremental_outcome", "roi", "mroi"]
_ENDS = ("", "_low", "_high")
_SHARES = {"curves": 1.0}  # of the wait


@dataclass(frozen=True, eq=False)
class ResponseCurves:
    """Incremental outcome against spend.

    Attributes:
        table: rows by channel, region (or `all`) and `multiplier` of today's spend, with `exposure`, `spend`,
            `incremental_outcome` (KPI units), `revenue`, `roi`, `mroi` (of the next 1% of today's spend), `_low` and
            `_high` beside the last four where there are refits, and `extrapolation`: whether the mean week on the curve
            exceeds the largest week of a region in training.
        today: the rows at multiplier 1, by channel and region.
        half_saturation: by channel and region, the weekly `exposure` and `spend` at which half the ceiling is reached,
            and `multiplier`, the same in today's mean weeks; of all regions together, those in which the channel runs.
            Missing in the paper's model, whose curves are functions of shares.
        units: of spend, outcome, revenue and ROI.
        period: the weeks that figures are sums over, in words.
    """

    table: pd.DataFrame
    today: pd.DataFrame
    half_saturation: pd.DataFrame
    units: Units
    period: str

    def __repr__(self) -> str:
        channels, regions = (self.table[column].nunique() for column in (CHANNEL, REGION))
        kind = "national" if regions == 1 else f"{regions} regions"
        return f"ResponseCurves({channels} channel{'s' * (channels != 1)}, {kind}, {self.period})"

    def summary(self) -> pd.DataFrame:
        """Today's point on each curve: spend, outcome, ROI and marginal ROI with intervals, and half-saturation.

        Returns:
            By channel, and by region where the curves are: columns of `today`, and `half_saturation`, the spend (the
            exposure where no spend is known) of a week at which half the ceiling is reached.
        """
        keys = [CHANNEL] if self.table[REGION].nunique() == 1 else [CHANNEL, REGION]
        wanted = [
            "spend",
            *(f"{name}{end}" for name in ("incremental_outcome", "revenue", "roi", "mroi") for end in _ENDS),
        ]
        own = "spend" if self.in_currency else "exposure"
        half = self.half_saturation.set_index(keys)[own].rename("half_saturation")
        today = self.today.set_index(keys)
        return today[[name for name in wanted if name in today]].join(half)

    def _repr_html_(self) -> str:
        return html_tables({"Today's point on the curves": self.summary()}, "Response curves", f"{self.period}.")

    def plot(self, region: object = None, measure: Measure = "incremental_outcome") -> "go.Figure":
        """Curves of all channels as a plotly figure: today's point, intervals, dotted where it is extrapolation.

        Args:
            region: whose curves are drawn; may be None where there is only one.
            measure: `incremental_outcome`, `roi` or `mroi`.

        Raises:
            ConfigError: an unknown measure, an unknown region, or no region where there are several.
        """
        from deepcausalmmm_jax.plots.response import response_curves as drawn  # plotly only when something is drawn

        table = self._of(region)
        if not self.in_currency:
            table = table.assign(spend=np.nan)  # drawn over exposure
        figure = drawn(table, self.units.outcome, measure)
        if measure != "incremental_outcome":
            figure.update_yaxes(title_text=f"{'ROI' if measure == 'roi' else 'marginal ROI'}, {self.units.roi}")
        return figure

    @property
    def in_currency(self) -> bool:
        """Whether spend is money rather than exposure."""
        return self.units.in_currency

    def _of(self, region: object) -> pd.DataFrame:
        known = [str(label) for label in self.table[REGION].unique()]
        if region is None and len(known) > 1:
            raise ConfigError(f"The curves are by region; name one of them, such as {', '.join(known[:5])}.")
        wanted = known[0] if region is None else str(region)
        if wanted not in known:
            national = '; the curves are national: ask for by="region".'
            hint = national if known == [ALL_REGIONS] else f"; there are curves of {', '.join(known[:5])}."
            raise ConfigError(f"There are no curves of region {region!r}{did_you_mean(wanted, known, hint)}")
        return self.table[self.table[REGION].astype(str) == wanted]


def response_curves(
    result: FitResult,
    *,
    weeks: int | Literal["steady"] | None = None,
    by: Level = "all",
    multipliers: Sequence[float] | None = None,
    frequency: Frequency = "today",
    level: float = 0.9,
) -> ResponseCurves:
    """Incremental outcome of each channel as a function of its spend, with all other channels as they were.

    A point is the prediction with the channel's exposure multiplied in the given weeks, less the prediction with it at
    zero there; adstock, saturation, graph and coefficients are recomputed. With reach, frequency and the population of
    regions a curve ends at the multiplier at which everyone of a region is reached in some week.

    Args:
        result: a fit, or an ensemble, whose refits give the intervals.
        weeks: None for the panel's own weeks: at multiplier 1 the curve equals the row of `media_summary`
            (not under a log link, where it is what is lost without the channel, and rows are parts of what all media
            add). A number for that many weeks after the panel with the last year's mean weekly exposure, carry-over
            after them included.
            "steady" for one week of constant spend once carry-over has settled, with coefficients at their constant
            part.
        by: `all` for the national level, `region` for a curve per region.
        multipliers: of today's spend; 0 and 1 are always added. When None, from 0 to 2 in steps of 0.1, and three below
            0.1, where curves bend the most.
        frequency: contacts per person reached of channels with reach and frequency, as `optimize_budget` takes it:
            `today`, `best`, or a mapping by channel.
        level: of the intervals.

    Raises:
        ConfigError: an option out of range, or a frequency at which there are not enough people for today's contacts.
    """
    require_result(result, "response_curves")
    replicates = result.replicates if isinstance(result, Ensemble) else None
    with Steps("response_curves", _SHARES) as wait:
        wait.step("curves")
        found = response_table(result.fitted_panel, replicates, weeks, by, multipliers, level, frequency)
    return ResponseCurves(*found)
