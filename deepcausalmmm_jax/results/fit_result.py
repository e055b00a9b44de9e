"""FitResult: a fitted model and everything that can be read from it."""

from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from deepcausalmmm_jax.attribution.carry_over import carry_over
from deepcausalmmm_jax.attribution.contributions import contribution_table
from deepcausalmmm_jax.attribution.diagnostics import channel_trust
from deepcausalmmm_jax.attribution.frequency import frequency_curves, frequency_table
from deepcausalmmm_jax.attribution.learned_settings import prior_table, tuning_table
from deepcausalmmm_jax.attribution.lift_tests import lift_table
from deepcausalmmm_jax.attribution.main_figures import main_figures
from deepcausalmmm_jax.attribution.media_summary import media_summary
from deepcausalmmm_jax.attribution.notes import ChannelTrust
from deepcausalmmm_jax.attribution.over_time import weekly_contributions
from deepcausalmmm_jax.attribution.regional_summary import regional_summary
from deepcausalmmm_jax.attribution.treatments import event_table, treatment_table
from deepcausalmmm_jax.checks import whole_number
from deepcausalmmm_jax.data.panel_notes import note_table, panel_notes
from deepcausalmmm_jax.data.panel_summary import columns_line, panel_line
from deepcausalmmm_jax.io.html_tables import html_tables
from deepcausalmmm_jax.results import checkpoint
from deepcausalmmm_jax.results.computed_once import computed_once
from deepcausalmmm_jax.results.curve_tables import CurveTables
from deepcausalmmm_jax.results.forecast_tables import ForecastTables

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
    from deepcausalmmm_jax.trust.refutations.refutation import Refutation


class FitResult(ForecastTables, CurveTables):
    """What `fit` returns and `load` reads. Every table is computed when it is first asked for; nothing here trains.

    What takes arguments is a method. What takes none is computed once: a property gives the table itself, a method
    without arguments a copy that the caller may change.

    Attributes:
        fitted: parameters, panel, scales, settings and the record of the training.
    """

    def __repr__(self) -> str:
        regions, weeks = self.panel.shape[:2]
        return (
            f"FitResult({regions} region{'s' * (regions != 1)} x {self.panel.cadence.several(weeks)}, "
            f"{columns_line(self.panel)}, "
            f"holdout {self.holdout}, {self.status.name.lower()} after {len(self.fitted.record.objective)} epochs)"
        )

    def _repr_html_(self) -> str:
        tables = {"Channels": self.summary(), "Accuracy": self.metrics[["rmse", "rmse_naive", "skill"]]}
        return html_tables(tables, type(self).__name__, f"{panel_line(self.panel)}. {self.status.sentence}")

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

        Where there are intervals, a column `note` says what is to be known of them, here and in the next two tables.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        return self._told(partial(treatment_table, self.fitted_panel, self._members), level)

    def events(self, level: float = 0.9) -> pd.DataFrame:
        """What each event contributed against weeks without it; see `attribution.treatments.event_table`.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        return self._told(partial(event_table, self.fitted_panel, self._members), level)

    def frequency(self, level: float = 0.9) -> pd.DataFrame:
        """Frequency of channels with reach and frequency, and the best one; see `attribution.frequency`.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        made = partial(frequency_table, self.fitted_panel, self._members, media=FitResult.media_summary(self))
        return self._told(made, level)

    def frequency_curves(self, level: float = 0.9) -> pd.DataFrame:
        """Effect of a contact against frequency; see `attribution.frequency.frequency_curves`.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        return frequency_curves(self.fitted_panel, self._members, level)

    @computed_once
    def carry_over(self) -> pd.DataFrame:
        """By channel, immediate and carried effect and weeks to payback; see `attribution.carry_over`."""
        return carry_over(self.fitted_panel)

    @property
    def effective_regions(self) -> float:
        r"""Number of independent regions with as much information as the panel; small where regions move together.

        $R^* / (1 + (R^* - 1) \rho)$ with the correlation $\rho$ of two regions' noise by shocks that all of them
        share (`ops.shared_shock`), and R* regions that are independent but for those (`ops.effective_sample`). It is of
        what moves all regions at once; what differs between them is known as well as from R* regions. The paper's model
        counts every region.
        """
        found = self.fitted.variables["fitted"]
        shared = float(found.get("shared", 0.0))
        besides, correlation = float(found.get("effective", 1.0)) * len(self.panel.regions), shared / (1.0 + shared)
        return besides / (1.0 + max(besides - 1.0, 0.0) * correlation)

    def regional_summary(self, top: int | None = None) -> pd.DataFrame:
        """By region and channel: spend, incremental_outcome, pct_of_contribution, roi; the rest beyond `top` summed.

        Raises:
            ConfigError: `top` is not a whole number of 1 or more.
        """
        if top is None:
            return self._regional_summary()
        return regional_summary(self.fitted_panel, whole_number("top", top))

    @computed_once
    def _regional_summary(self) -> pd.DataFrame:
        return regional_summary(self.fitted_panel)

    @computed_once
    def weekly_contributions(self) -> pd.DataFrame:
        """`contributions` of all regions together, week x component, KPI units."""
        return weekly_contributions(self.contributions, self.panel)

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
