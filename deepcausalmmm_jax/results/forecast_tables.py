"""What a result tells of predictions, their parts and their errors."""

from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr

from deepcausalmmm_jax.attribution.accuracy import accuracy_table
from deepcausalmmm_jax.attribution.contributions import contributions, prediction_from
from deepcausalmmm_jax.attribution.forecast_intervals import forecast_draws, forecast_table
from deepcausalmmm_jax.attribution.forecasts import autocorrelation, national_forecasts, regional_forecasts
from deepcausalmmm_jax.checks import seed_number, whole_number
from deepcausalmmm_jax.data.asked_panel import require_panel
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.results.computed_once import computed_once
from deepcausalmmm_jax.results.fit_base import FitBase

_DRAWS = 400  # of forecasts


class ForecastTables(FitBase):
    """Predictions, contributions, forecasts and their accuracy."""

    @cached_property
    def contributions(self) -> xr.DataArray:
        """`(region, time, component)` in KPI units; sums over components to the prediction.

        A region-week without a row has none.
        """
        return contributions(self.fitted_panel)

    def predict(self, panel: Panel | None = None) -> xr.DataArray:
        """Prediction `(region, time)` in KPI units, continuing from the training weeks; missing where there is no row.

        Of a fit with lift tests, hidden demand goes with the exposure of the panel asked about, since budgets follow
        it. What other exposure would have brought in the same weeks is `scenario`'s to say, which leaves demand alone.

        Args:
            panel: regions and weeks wanted, with their exposure and controls; its KPI is not read. It may hold the
                training weeks or begin after them. The panel of the fit when None.

        Raises:
            DataError: the panel's columns, regions or weeks do not match the fit.
        """
        if panel is None:
            return prediction_from(self.contributions)
        return prediction_from(contributions(self.fitted_panel, require_panel(panel, "predict")))

    def contributions_of(self, panel: Panel) -> xr.DataArray:
        """`contributions` for another panel; see `predict` for which ones fit.

        Raises:
            DataError: the panel's columns, regions or weeks do not match the fit.
        """
        return contributions(self.fitted_panel, require_panel(panel, "contributions_of"))

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Accuracy on the `train` and `holdout` weeks beside the naive forecasts; see `accuracy_table`."""
        panel, prediction = self.panel, self.fitted_panel.prediction
        trained, held = self.fitted.n_training_weeks, self.holdout > 0
        return accuracy_table(panel.kpi, prediction, panel.weights, trained, held, panel.cadence)

    def forecast_draws(self, panel: Panel | None = None, draws: int = _DRAWS, seed: int = 0) -> np.ndarray:
        """Draws of the KPI `[draw, region, week]`, KPI units; arguments and errors as for `forecast_intervals`.

        They are missing where that has no forecast, in a region-week without a row.
        """
        draws, seed = whole_number("draws", draws), seed_number(seed)
        if panel is None and (draws, seed) == (_DRAWS, 0):
            return self._forecast_draws.copy()
        if panel is not None:
            require_panel(panel, "forecast_draws")
        return self._drawn(panel, draws, seed)

    @cached_property
    def _forecast_draws(self) -> np.ndarray:
        return self._drawn(None, _DRAWS, 0)

    def _drawn(self, panel: Panel | None, draws: int, seed: int) -> np.ndarray:
        drawn = forecast_draws(self.fitted_panel, self._variable_sets(), panel, draws, seed)
        is_known = self.panel.present[:, self.fitted.n_training_weeks :] if panel is None else panel.present
        return np.where(is_known, drawn, np.nan)

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

        The intervals leave out what has no draws: parameters where the fit has none, and future exposure and controls,
        which are taken as given.

        Args:
            panel: weeks that continue the fit's, with exposure and controls; None for the fit's own weeks after its
                training weeks, held out or planned.
            level: of the intervals.
            by_region: one row per region and week, or one row per week for all regions together: those with a KPI in
                the week, or all that have a row where none has a KPI.
            draws: number of draws.
            seed: of the draws.

        Returns:
            Columns region (where asked for), time, `kpi` (empty where it is not observed), `prediction`, `low`, `high`;
            of counts, low and high are whole numbers, 0 or more. A region-week without a row, and a week without any,
            has no forecast.

        Raises:
            ConfigError: the paper's model, too few draws, or a level that is not between 0 and 1.
            DataError: no week after training, or a panel that does not match the fit.
        """
        if panel is not None:
            require_panel(panel, "forecast_intervals")
        drawn = self.forecast_draws(panel, draws, seed)
        if panel is not None:
            return forecast_table(self.predict(panel).values, drawn, panel, level, by_region, self.config.counts)
        later = slice(self.fitted.n_training_weeks, None)
        prediction = self.fitted_panel.prediction[:, later]
        return forecast_table(prediction, drawn, self.panel.select(weeks=later), level, by_region, self.config.counts)

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
