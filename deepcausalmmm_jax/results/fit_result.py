"""FitResult: a fitted model and all that can be read off it."""

from functools import cached_property
from pathlib import Path
from typing import Any, Self

import jax
import networkx as nx
import numpy as np
import pandas as pd
import xarray as xr

from deepcausalmmm_jax.attribution.accuracy import accuracy_table
from deepcausalmmm_jax.attribution.contributions import contribution_table, contributions, prediction_from
from deepcausalmmm_jax.attribution.curve_bands import today
from deepcausalmmm_jax.attribution.curves import adjacency, adstock_decay, channel_graph, curve_parameters, hill_curves
from deepcausalmmm_jax.attribution.diagnostics import channel_notes
from deepcausalmmm_jax.attribution.forecast_intervals import forecast_draws, forecast_table
from deepcausalmmm_jax.attribution.forecasts import autocorrelation, national_forecasts, regional_forecasts
from deepcausalmmm_jax.attribution.forward import internals, media_outcome
from deepcausalmmm_jax.attribution.learned_settings import prior_table, tuning_table
from deepcausalmmm_jax.attribution.media_summary import media_summary
from deepcausalmmm_jax.attribution.mediation import effects
from deepcausalmmm_jax.attribution.over_time import weekly_coefficients, weekly_contributions
from deepcausalmmm_jax.attribution.regional_summary import regional_summary
from deepcausalmmm_jax.attribution.response import curves_to_draw
from deepcausalmmm_jax.axes import CHANNEL, REGION, TIME
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.panel_notes import note_table, panel_notes
from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.plots.protocols import PlanAnswers
from deepcausalmmm_jax.results import checkpoint
from deepcausalmmm_jax.training.fitted import Fitted


class FitResult:
    """What `fit` returns and `load` reads; every table is computed when first asked for, none of it trains.

    Attributes:
        fitted: parameters, panel, scales, settings and the record of the training.
    """

    def __init__(self, fitted: Fitted) -> None:
        self.fitted = fitted

    def __repr__(self) -> str:
        regions, weeks, channels, controls = self.panel.shape
        return (
            f"FitResult({regions} regions x {weeks} weeks, {channels} channels, {controls} controls, "
            f"holdout {self.holdout}, {self.status.name.lower()} after {len(self.fitted.record.objective)} epochs)"
        )

    @property
    def panel(self) -> Panel:
        """The panel of the fit, held-out weeks included."""
        return self.fitted.panel

    @property
    def config(self) -> Config:
        """Settings of the fit."""
        return self.fitted.config

    @property
    def status(self) -> FitStatus:
        """How training ended; `status.sentence` says it in words."""
        return self.fitted.record.status

    @property
    def holdout(self) -> int:
        """Number of weeks held out: the last ones that have a KPI in any region."""
        return self.fitted.n_holdout_weeks

    @property
    def holdout_weeks(self) -> pd.Index:
        """The weeks held out; planned weeks behind them, and weeks without a KPI among them, are left out."""
        start = self.fitted.n_training_weeks
        return self.panel.weeks[start:][self.panel.has_kpi[start:]]

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Accuracy on the `train` and `holdout` weeks beside the naive forecasts; see `accuracy_table`."""
        return accuracy_table(
            self.panel.kpi, self._prediction, self.panel.weights, self.fitted.n_training_weeks, self.holdout > 0
        )

    @cached_property
    def contributions(self) -> xr.DataArray:
        """`(region, time, component)` in KPI units; sums over components to the prediction."""
        return contributions(self.fitted)

    def predict(self, panel: Panel | None = None) -> xr.DataArray:
        """Prediction `(region, time)` in KPI units, running on from the training weeks.

        Args:
            panel: regions and weeks wanted, with their exposure and controls; its KPI is not read. It may hold the
                training weeks or begin after them. The panel of the fit when None.

        Raises:
            DataError: the panel's columns, regions or weeks do not connect with the fit.
        """
        return prediction_from(self.contributions if panel is None else contributions(self.fitted, panel))

    def forecast_draws(self, panel: Panel | None = None, draws: int = 400, seed: int = 0) -> np.ndarray:
        """Draws of the KPI `[draw, region, week]`, KPI units; arguments and errors as for `forecast_intervals`."""
        return forecast_draws(self.fitted, self._variable_sets(), panel, draws, seed)

    def forecast_intervals(
        self,
        panel: Panel | None = None,
        level: float = 0.9,
        *,
        by_region: bool = False,
        draws: int = 400,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Forecasts with intervals for the KPI itself: state, movement, shocks and noise, and the parameters' draws.

        What no draw knows of is left out: parameters where the fit has none, exposure and controls other than given.

        Args:
            panel: weeks that continue the fit's, with exposure and controls; None for the fit's own weeks after its
                training weeks, held out or planned.
            level: of the intervals.
            by_region: a row a region and week, or a row a week for all regions together.
            draws: number.
            seed: of the draws.

        Returns:
            Columns region (where asked for), time, `kpi` (empty where none is known), `prediction`, `low`, `high`.

        Raises:
            ConfigError: the paper's model, too few draws, or a level that is not between 0 and 1.
            DataError: no week after training, or a panel that does not connect with the fit.
        """
        drawn = self.forecast_draws(panel, draws, seed)
        asked = self.panel.select(weeks=slice(self.fitted.n_training_weeks, None)) if panel is None else panel
        return forecast_table(self.predict(asked).values, drawn, asked, level, by_region)

    def _variable_sets(self) -> Any:
        """Sets of the model's variables with a leading axis: the estimate alone."""
        return jax.tree.map(lambda array: np.asarray(array)[None], self.fitted.variables)

    def contributions_of(self, panel: Panel) -> xr.DataArray:
        """`contributions` for another panel; see `predict` for which ones fit.

        Raises:
            DataError: the panel's columns, regions or weeks do not connect with the fit.
        """
        return contributions(self.fitted, panel)

    def contribution_table(self) -> pd.DataFrame:
        """`contributions` as a table, one row per region and week, with KPI and prediction."""
        return contribution_table(self.contributions, self.panel)

    def media_summary(self, *, planned: bool = False) -> pd.DataFrame:
        """By channel: exposure, spend, incremental_outcome, pct_of_contribution, roi, mroi, cpik, effectiveness.

        Args:
            planned: whether weeks after the last one with a KPI count too.
        """
        return media_summary(self.fitted, planned=True) if planned else self._media_summary.copy()

    @cached_property
    def _media_summary(self) -> pd.DataFrame:
        return media_summary(self.fitted)

    @property
    def effective_regions(self) -> float:
        """Number of independent regions that the panel's amount to; small where regions move together.

        The data weigh as much as that many regions against priors and penalties (`ops.effective_sample`). The paper's
        model knows no such thing and counts every region.
        """
        share = float(self.fitted.variables["fitted"].get("effective", 1.0))
        return share * len(self.panel.regions)

    def forecasts(self, *, by_region: bool = False) -> pd.DataFrame:
        """KPI, prediction, residual and naive forecasts by week, or by region and week; see `attribution.forecasts`."""
        return (self._regional_forecasts if by_region else self._national_forecasts).copy()

    @cached_property
    def _regional_forecasts(self) -> pd.DataFrame:
        return regional_forecasts(self.panel, self._prediction, self.fitted.n_training_weeks)

    @cached_property
    def _national_forecasts(self) -> pd.DataFrame:
        return national_forecasts(self._regional_forecasts, self.panel)

    @property
    def _prediction(self) -> np.ndarray:
        return self.contributions.values.sum(axis=-1)

    def residual_autocorrelation(self) -> pd.DataFrame:
        """By lag in weeks: region, national, bound; see `attribution.forecasts.autocorrelation`."""
        return autocorrelation(self.panel, self._prediction, self.fitted.n_training_weeks)

    def regional_summary(self, top: int | None = None) -> pd.DataFrame:
        """By region and channel: spend, incremental_outcome, pct_of_contribution, roi; the rest beyond `top` summed."""
        return regional_summary(self.fitted, self._incremental, top)

    @cached_property
    def _incremental(self) -> np.ndarray:
        return media_outcome(self.fitted, 0.0)

    def weekly_contributions(self) -> pd.DataFrame:
        """`contributions` of all regions together, week x component, KPI units."""
        return weekly_contributions(self.contributions, self.panel)

    def weekly_coefficients(self) -> pd.DataFrame:
        """`coefficients` of all regions together, week x channel, as a share of the mean KPI."""
        return weekly_coefficients(self.fitted)

    def today(self) -> pd.DataFrame:
        """By channel, where the last eight weeks stand on the Hill curve: relative_exposure, saturation, headroom."""
        return today(self.fitted)

    @cached_property
    def tuning(self) -> pd.DataFrame:
        """By size of a penalty: set, learned, factor, evidence in nats; see `attribution.learned_settings`."""
        return tuning_table(self.fitted)

    def priors(self) -> pd.DataFrame:
        """Stated priors beside what was found; see `attribution.learned_settings.prior_table`."""
        return prior_table(self.fitted)

    def notes(self) -> pd.DataFrame:
        """By channel: share, share_error, z, distinguishable, note; see `attribution.diagnostics.channel_notes`."""
        return self._channel_notes.copy()

    @cached_property
    def _channel_notes(self) -> pd.DataFrame:
        return channel_notes(self.fitted)

    def panel_notes(self) -> pd.DataFrame:
        """What `fit` warned of, a row a note: kind, names (regions, weeks, channels or controls) and the sentence."""
        return self._panel_notes.copy()

    @cached_property
    def _panel_notes(self) -> pd.DataFrame:
        return note_table(panel_notes(self.panel, self.fitted.weights))

    def effects(self) -> pd.DataFrame:
        """By channel: direct, mediated and total effect on the KPI; see `attribution.mediation.effects`."""
        return self._effects.copy()

    @cached_property
    def _effects(self) -> pd.DataFrame:
        return effects(self.fitted)

    @cached_property
    def adjacency(self) -> pd.DataFrame:
        """Channel x channel: mean weeks that the column's exposure gains per mean week of the row's; acyclic."""
        return adjacency(self.fitted)

    def graph(self) -> nx.DiGraph:
        """The channel graph as a networkx graph with edge weights."""
        return channel_graph(self.fitted)

    @cached_property
    def curve_parameters(self) -> pd.DataFrame:
        """By channel: decay, delay, slope, half_saturation, coefficient."""
        return curve_parameters(self.fitted)

    def adstock_decay(self) -> pd.DataFrame:
        """Share of an exposure's effect by weeks after it; a column a channel."""
        return adstock_decay(self.fitted)

    def hill_curves(self) -> pd.DataFrame:
        """Saturation against exposure, by channel."""
        return hill_curves(self.fitted)

    def coefficients(self) -> xr.DataArray:
        """`(region, time, channel)`: KPI of a week per full activity of a channel, as a share of the mean KPI."""
        return xr.DataArray(
            internals(self.fitted).coefficient.astype(np.float64),
            dims=(REGION, TIME, CHANNEL),
            coords={REGION: self.panel.regions, TIME: self.panel.weeks, CHANNEL: list(self.panel.channels)},
            name="coefficient",
        )

    @property
    def history(self) -> pd.DataFrame:
        """Course of the training by epoch: objective, acyclicity, learning rate, and every term of the objective."""
        record = self.fitted.record
        columns = {
            "objective": record.objective,
            "acyclicity_h": record.acyclicity,
            "learning_rate": record.learning_rate,
        }
        return pd.DataFrame(columns | record.terms, index=pd.RangeIndex(1, len(record.objective) + 1, name="epoch"))

    def save(self, path: str | Path) -> Path:
        """Write the fit to one file (`.npz`), to be read by `load`.

        Raises:
            OutputError: the file cannot be written.
        """
        return checkpoint.save(self.fitted, path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a fit that `save` wrote.

        Raises:
            OutputError: there is no such file, or it is not a saved fit.
        """
        return cls(checkpoint.read(path)[0])

    def spend_response(self) -> pd.DataFrame:
        """By channel and `multiplier` of today's spend, nine of them from 0 to 2; see `response_curves` for more."""
        return self._spend_response.copy()

    @cached_property
    def _spend_response(self) -> pd.DataFrame:
        return curves_to_draw(self.fitted, None)

    def report(self, path: str | Path, *, plan: PlanAnswers | None = None) -> Path:
        """Write one self-contained HTML page; see `deepcausalmmm_jax.report`."""
        return report(self, path, plan=plan)


def report(result: FitResult, path: str | Path, *, plan: PlanAnswers | None = None) -> Path:
    """Write one self-contained HTML page, which opens without a network.

    A first page in plain words, then contributions, returns, regions, curves, links, accuracy beside naive forecasts,
    the data and the training; what lacks its data is left out, and the page says why. A table and a CSV file stand
    behind every chart; regions and channels can be chosen.

    Args:
        result: the fit; an ensemble gives the page intervals.
        path: file to write; it appears whole or not at all.
        plan: a budget plan, which gets a chapter.

    Returns:
        The path written.

    Raises:
        DataError: a plan whose allocation lacks a column.
        OutputError: the file cannot be written.
    """
    from deepcausalmmm_jax.plots.report.page import write_report  # plotly is loaded only when something is drawn

    return write_report(result, path, plan)
