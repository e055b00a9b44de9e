"""FitResult: a fitted model and everything that can be read from it."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import jax
import networkx as nx
import numpy as np
import pandas as pd
import xarray as xr

from deepcausalmmm_jax.attribution.accuracy import accuracy_table
from deepcausalmmm_jax.attribution.carry_over import carry_over
from deepcausalmmm_jax.attribution.contributions import contribution_table, contributions, prediction_from
from deepcausalmmm_jax.attribution.curve_bands import today
from deepcausalmmm_jax.attribution.curve_evidence import evidence_table
from deepcausalmmm_jax.attribution.curves import adjacency, adstock_decay, channel_graph, curve_parameters, hill_curves
from deepcausalmmm_jax.attribution.diagnostics import channel_trust
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.forecast_intervals import forecast_draws, forecast_table
from deepcausalmmm_jax.attribution.forecasts import autocorrelation, national_forecasts, regional_forecasts
from deepcausalmmm_jax.attribution.frequency import frequency_curves, frequency_table
from deepcausalmmm_jax.attribution.learned_settings import prior_table, tuning_table
from deepcausalmmm_jax.attribution.lift_tests import lift_table
from deepcausalmmm_jax.attribution.link_evidence import link_table
from deepcausalmmm_jax.attribution.links import links
from deepcausalmmm_jax.attribution.main_figures import main_figures
from deepcausalmmm_jax.attribution.media_summary import media_summary
from deepcausalmmm_jax.attribution.mediation import effects
from deepcausalmmm_jax.attribution.notes import ChannelTrust
from deepcausalmmm_jax.attribution.over_time import coefficients, weekly_coefficients, weekly_contributions
from deepcausalmmm_jax.attribution.regional_summary import regional_summary
from deepcausalmmm_jax.attribution.response import curves_to_draw
from deepcausalmmm_jax.attribution.treatments import event_table, treatment_table
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.panel_notes import note_table, panel_notes
from deepcausalmmm_jax.data.panel_summary import panel_line
from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.io.html_tables import html_tables
from deepcausalmmm_jax.model.family import AnyInputs
from deepcausalmmm_jax.results import checkpoint
from deepcausalmmm_jax.results.computed_once import computed_once
from deepcausalmmm_jax.results.provenance import Provenance
from deepcausalmmm_jax.training.family import ModelFamily
from deepcausalmmm_jax.training.fitted import Fitted

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
    from deepcausalmmm_jax.trust.refutations.refutation import Refutation


_DRAWS = 400  # of forecasts


class FitResult:
    """What `fit` returns and `load` reads. Every table is computed when it is first asked for; nothing here trains.

    What takes arguments is a method. What takes none is computed once: a property gives the table itself, a method
    without arguments a copy that the caller may change.

    Attributes:
        fitted: parameters, panel, scales, settings and the record of the training.
    """

    def __init__(self, fitted: Fitted, prepared: AnyInputs | None = None) -> None:
        self.fitted = fitted
        self._prepared = prepared  # its panel as the model reads it, where there is one already

    def __repr__(self) -> str:
        regions, weeks, channels, controls = self.panel.shape
        return (
            f"FitResult({regions} regions x {self.panel.cadence.several(weeks)}, {channels} channels, "
            f"{controls} controls, "
            f"holdout {self.holdout}, {self.status.name.lower()} after {len(self.fitted.record.objective)} epochs)"
        )

    def _repr_html_(self) -> str:
        tables = {"Channels": self.summary(), "Accuracy": self.metrics[["rmse", "rmse_naive", "skill"]]}
        return html_tables(tables, type(self).__name__, f"{panel_line(self.panel)}. {self.status.sentence}")

    @property
    def panel(self) -> Panel:
        """The panel of the fit, held-out weeks included."""
        return self.fitted.panel

    @property
    def config(self) -> Config:
        """Settings of the fit."""
        return self.fitted.config

    @cached_property
    def provenance(self) -> Provenance:
        """Where the result comes from: data, settings, seed, versions, machine, command and time."""
        return Provenance.of(self.fitted)

    @property
    def family(self) -> ModelFamily:
        """Which answers the model has, and in which units; see `training.family.ModelFamily`."""
        return self.fitted_panel.family

    @cached_property
    def fitted_panel(self) -> FittedPanel:
        """The fit on its own panel, prepared and run once; all tables and plans read it."""
        return FittedPanel(self.fitted, self.fitted.panel, self._prepared)

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
        """The weeks held out, without planned weeks after them and weeks without a KPI among them."""
        start = self.fitted.n_training_weeks
        return self.panel.weeks[start:][self.panel.has_kpi[start:]]

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Accuracy on the `train` and `holdout` weeks beside the naive forecasts; see `accuracy_table`."""
        panel, prediction = self.panel, self.fitted_panel.prediction
        trained, held = self.fitted.n_training_weeks, self.holdout > 0
        return accuracy_table(panel.kpi, prediction, panel.weights, trained, held, panel.cadence)

    @cached_property
    def contributions(self) -> xr.DataArray:
        """`(region, time, component)` in KPI units; sums over components to the prediction."""
        return contributions(self.fitted_panel)

    def predict(self, panel: Panel | None = None) -> xr.DataArray:
        """Prediction `(region, time)` in KPI units, continuing from the training weeks.

        Args:
            panel: regions and weeks wanted, with their exposure and controls; its KPI is not read. It may hold the
                training weeks or begin after them. The panel of the fit when None.

        Raises:
            DataError: the panel's columns, regions or weeks do not connect with the fit.
        """
        return prediction_from(self.contributions if panel is None else contributions(self.fitted_panel, panel))

    def forecast_draws(self, panel: Panel | None = None, draws: int = _DRAWS, seed: int = 0) -> np.ndarray:
        """Draws of the KPI `[draw, region, week]`, KPI units; arguments and errors as for `forecast_intervals`."""
        if panel is None and (draws, seed) == (_DRAWS, 0):
            return self._forecast_draws.copy()
        return forecast_draws(self.fitted_panel, self._variable_sets(), panel, draws, seed)

    @cached_property
    def _forecast_draws(self) -> np.ndarray:
        return forecast_draws(self.fitted_panel, self._variable_sets(), None, _DRAWS, 0)

    def forecast_intervals(
        self,
        panel: Panel | None = None,
        level: float = 0.9,
        *,
        by_region: bool = False,
        draws: int = _DRAWS,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Forecasts with prediction intervals of the KPI: from state, process noise, shocks, noise and parameter draws.

        The intervals do not cover what has no draws: parameters where the fit has none, and future exposure and
        controls, which are taken as given.

        Args:
            panel: weeks that continue the fit's, with exposure and controls; None for the fit's own weeks after its
                training weeks, held out or planned.
            level: of the intervals.
            by_region: one row per region and week, or one row per week for all regions together.
            draws: number of draws.
            seed: of the draws.

        Returns:
            Columns region (where asked for), time, `kpi` (empty where it is not observed), `prediction`, `low`, `high`.

        Raises:
            ConfigError: the paper's model, too few draws, or a level that is not between 0 and 1.
            DataError: no week after training, or a panel that does not connect with the fit.
        """
        drawn = self.forecast_draws(panel, draws, seed)
        if panel is not None:
            return forecast_table(self.predict(panel).values, drawn, panel, level, by_region)
        later = slice(self.fitted.n_training_weeks, None)
        prediction = self.fitted_panel.prediction[:, later]
        return forecast_table(prediction, drawn, self.panel.select(weeks=later), level, by_region)

    def _variable_sets(self) -> Variables:
        """Sets of the model's variables with a leading axis; here only the estimate."""
        sets: Variables = jax.tree.map(lambda array: np.asarray(array)[None], self.fitted.variables)
        return sets

    def contributions_of(self, panel: Panel) -> xr.DataArray:
        """`contributions` for another panel; see `predict` for which ones fit.

        Raises:
            DataError: the panel's columns, regions or weeks do not connect with the fit.
        """
        return contributions(self.fitted_panel, panel)

    @computed_once
    def contribution_table(self) -> pd.DataFrame:
        """`contributions` as a table, one row per region and week, with KPI and prediction."""
        return contribution_table(self.contributions, self.panel)

    def media_summary(self, *, planned: bool = False) -> pd.DataFrame:
        """By channel: exposure, spend, incremental_outcome, pct_of_contribution, roi, mroi, cpik, effectiveness.

        Args:
            planned: whether weeks after the last one with a KPI count too.
        """
        return media_summary(self.fitted_panel, planned=True) if planned else self._media_summary.copy()

    @cached_property
    def _media_summary(self) -> pd.DataFrame:
        return media_summary(self.fitted_panel)

    def summary(self) -> pd.DataFrame:
        """What to read first, by channel and for all media: spend, revenue, roi; see `attribution.main_figures`."""
        return main_figures(self.fitted_panel, self.media_summary(), None, 0.9)

    def plot(self, figure: str | None = None, **options: Any) -> "go.Figure":
        """A figure of `dcm.plots` by name; without one, the returns of the channels, or without spend their outcomes.

        Args:
            figure: such as `contribution_over_time`.
            options: arguments of the figure besides the result, such as `top=5`.

        Returns:
            A `plotly.graph_objects.Figure`.

        Raises:
            ConfigError: an unknown figure, or one that is not drawn from a fit.
        """
        from deepcausalmmm_jax.plots.of_result import figure_of  # a floor above, and plotly

        return figure_of(self, figure, options)

    def treatments(self, level: float = 0.9) -> pd.DataFrame:
        """What each treatment contributed against its baseline; see `attribution.treatments.treatment_table`.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        return treatment_table(self.fitted_panel, self._members, level)

    def events(self, level: float = 0.9) -> pd.DataFrame:
        """What each event contributed against weeks without it; see `attribution.treatments.event_table`.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        return event_table(self.fitted_panel, self._members, level)

    def frequency(self, level: float = 0.9) -> pd.DataFrame:
        """Frequency of channels with reach and frequency, and the best one; see `attribution.frequency`.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        return frequency_table(self.fitted_panel, self._members, level, self.media_summary())

    def frequency_curves(self, level: float = 0.9) -> pd.DataFrame:
        """Effect of a contact against frequency; see `attribution.frequency.frequency_curves`.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        return frequency_curves(self.fitted_panel, self._members, level)

    @property
    def _members(self) -> Variables | None:
        """Sets of variables for intervals; None where there are none."""
        return None

    @computed_once
    def carry_over(self) -> pd.DataFrame:
        """By channel, immediate and carried effect and weeks to payback; see `attribution.carry_over`."""
        return carry_over(self.fitted_panel)

    @property
    def effective_regions(self) -> float:
        """Number of independent regions that the panel is worth; small where regions move together.

        Against the priors the data carry as much information as that many independent regions
        (`ops.effective_sample`). The paper's model counts every region.
        """
        share = float(self.fitted.variables["fitted"].get("effective", 1.0))
        return share * len(self.panel.regions)

    def forecasts(self, *, by_region: bool = False) -> pd.DataFrame:
        """KPI, prediction, residual and naive forecasts by week, or by region and week; see `attribution.forecasts`."""
        return (self._regional_forecasts if by_region else self._national_forecasts).copy()

    @cached_property
    def _regional_forecasts(self) -> pd.DataFrame:
        return regional_forecasts(self.panel, self.fitted_panel.prediction, self.fitted.n_training_weeks)

    @cached_property
    def _national_forecasts(self) -> pd.DataFrame:
        return national_forecasts(self._regional_forecasts, self.panel)

    @computed_once
    def residual_autocorrelation(self) -> pd.DataFrame:
        """By lag in weeks: region, national, bound; see `attribution.forecasts.autocorrelation`."""
        return autocorrelation(self.panel, self.fitted_panel.prediction, self.fitted.n_training_weeks)

    def regional_summary(self, top: int | None = None) -> pd.DataFrame:
        """By region and channel: spend, incremental_outcome, pct_of_contribution, roi; the rest beyond `top` summed."""
        return regional_summary(self.fitted_panel, top)

    @computed_once
    def weekly_contributions(self) -> pd.DataFrame:
        """`contributions` of all regions together, week x component, KPI units."""
        return weekly_contributions(self.contributions, self.panel)

    @computed_once
    def weekly_coefficients(self) -> pd.DataFrame:
        """`coefficients` of all regions together, week x channel, in the same unit."""
        return weekly_coefficients(self.fitted_panel)

    @computed_once
    def today(self) -> pd.DataFrame:
        """By channel, position of the last eight weeks on the Hill curve: relative_exposure, saturation, headroom."""
        return today(self.fitted_panel)

    @cached_property
    def tuning(self) -> pd.DataFrame:
        """By prior scale: set, learned, factor, evidence in nats; see `attribution.learned_settings`."""
        return tuning_table(self.fitted_panel)

    @computed_once
    def priors(self) -> pd.DataFrame:
        """Stated priors beside the estimates; see `attribution.learned_settings.prior_table`."""
        return prior_table(self.fitted_panel)

    def notes(self) -> pd.DataFrame:
        """By channel: share, share_error, z, distinguishable, note; see `attribution.diagnostics.channel_trust`."""
        return self.channel_trust.shown()

    @cached_property
    def channel_trust(self) -> ChannelTrust:
        """What `notes` shows, with the notes as kinds and numbers in place of sentences."""
        return channel_trust(self.fitted_panel)

    @computed_once
    def panel_notes(self) -> pd.DataFrame:
        """Warnings of `fit`, one row each: kind, names (of regions, weeks, channels or controls) and the sentence."""
        return note_table(panel_notes(self.panel, self.fitted.weights))

    @computed_once
    def lift_tests(self) -> pd.DataFrame:
        """One row per lift test: measured, model before and after, z, conflict; see `attribution.lift_tests`."""
        return lift_table(self.fitted_panel.until_last_kpi, self._variable_sets())

    @computed_once
    def effects(self) -> pd.DataFrame:
        """By channel: direct, mediated and total effect on the KPI; see `attribution.mediation.effects`."""
        return effects(self.fitted_panel)

    def links(self, level: float = 0.9) -> pd.DataFrame:
        """One row per link: source, target, lag, weight and its interval; see `attribution.links`.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        return links(self.fitted_panel, level)

    @cached_property
    def adjacency(self) -> pd.DataFrame:
        """Channel x channel: mean weeks that the column's exposure gains in that week per mean week of the row's."""
        return adjacency(self.fitted_panel)

    @computed_once
    def graph(self) -> nx.DiGraph:
        """The channel graph of `adjacency` as a networkx graph with edge weights."""
        return channel_graph(self.fitted_panel)

    @cached_property
    def curve_parameters(self) -> pd.DataFrame:
        """By channel: decay, delay, slope, half_saturation, coefficient."""
        return curve_parameters(self.fitted_panel)

    @computed_once
    def curve_evidence(self) -> pd.DataFrame:
        """Log evidence of each kind of saturation, of a fit that chose among them; see `attribution.curve_evidence`."""
        return evidence_table(self.fitted)

    @computed_once
    def link_evidence(self) -> pd.DataFrame:
        """Log evidence of each link, of a fit that chose between them; see `attribution.link_evidence`."""
        return link_table(self.fitted)

    @computed_once
    def adstock_decay(self) -> pd.DataFrame:
        """Share of an exposure's effect by weeks after it; one column per channel."""
        return adstock_decay(self.fitted_panel)

    @computed_once
    def hill_curves(self) -> pd.DataFrame:
        """Saturation against exposure, by channel."""
        return hill_curves(self.fitted_panel)

    @computed_once
    def coefficients(self) -> xr.DataArray:
        """`(region, time, channel)`: KPI of a week per full activity; see `attribution.over_time` for its unit."""
        return coefficients(self.fitted_panel)

    @cached_property
    def history(self) -> pd.DataFrame:
        """Course of the training by epoch: objective, acyclicity, learning rate, and every term of the objective."""
        return self.fitted.record.table()

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

    @computed_once
    def spend_response(self) -> pd.DataFrame:
        """By channel and `multiplier` of today's spend, nine of them from 0 to 2; see `response_curves` for more."""
        return curves_to_draw(self.fitted_panel, None)

    def report(
        self,
        path: str | Path,
        *,
        plan: "BudgetPlan | None" = None,
        currency: str | None = None,
        refutations: "Refutation | None" = None,
        previous: "FitResult | None" = None,
    ) -> Path:
        """Write one self-contained HTML page; arguments and errors as for `deepcausalmmm_jax.report`."""
        from deepcausalmmm_jax.plots.report.write import report  # a floor above: loaded only when something is drawn

        return report(self, path, plan=plan, currency=currency, refutations=refutations, previous=previous)
