"""What figures and a report may ask of a result, and of a plan."""

from typing import Protocol, TypeGuard

import pandas as pd
import xarray as xr

from deepcausalmmm_jax.attribution.units import Units
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import FitStatus


class Answers(Protocol):
    """The accessors that a result has, and anything else that is to be shown like one."""

    @property
    def panel(self) -> Panel:
        """The panel of the fit."""
        ...

    @property
    def config(self) -> Config:
        """Settings."""
        ...

    @property
    def status(self) -> FitStatus:
        """How training ended."""
        ...

    @property
    def holdout(self) -> int:
        """Number of weeks held out."""
        ...

    @property
    def holdout_weeks(self) -> pd.Index:
        """The weeks held out."""
        ...

    @property
    def effective_regions(self) -> float:
        """Number of independent regions that the panel's amount to."""
        ...

    @property
    def metrics(self) -> pd.DataFrame:
        """Accuracy beside naive forecasts."""
        ...

    @property
    def contributions(self) -> xr.DataArray:
        """`(region, time, component)`, KPI units."""
        ...

    @property
    def adjacency(self) -> pd.DataFrame:
        """Channel x channel."""
        ...

    @property
    def history(self) -> pd.DataFrame:
        """By epoch."""
        ...

    @property
    def curve_parameters(self) -> pd.DataFrame:
        """By channel."""
        ...

    def contribution_table(self) -> pd.DataFrame:
        """A row per region and week."""
        ...

    def media_summary(self, *, planned: bool = False) -> pd.DataFrame:
        """By channel."""
        ...

    @property
    def tuning(self) -> pd.DataFrame:
        """By size of a penalty."""
        ...

    def priors(self) -> pd.DataFrame:
        """Stated priors beside what was found."""
        ...

    def notes(self) -> pd.DataFrame:
        """By channel: how far its share can be trusted."""
        ...

    def panel_notes(self) -> pd.DataFrame:
        """What should be known of the panel: kind, names, note."""
        ...

    def effects(self) -> pd.DataFrame:
        """By channel: direct, mediated, total."""
        ...

    def adstock_decay(self) -> pd.DataFrame:
        """By lag, a column a channel."""
        ...

    def hill_curves(self) -> pd.DataFrame:
        """Rows by channel and exposure."""
        ...

    def forecasts(self, *, by_region: bool = False) -> pd.DataFrame:
        """KPI, prediction, residual and naive forecasts by week."""
        ...

    def forecast_intervals(self, *, by_region: bool = False) -> pd.DataFrame:
        """Forecasts of weeks after training with their intervals."""
        ...

    def residual_autocorrelation(self) -> pd.DataFrame:
        """By lag."""
        ...

    def regional_summary(self, top: int | None = None) -> pd.DataFrame:
        """By region and channel."""
        ...

    def weekly_contributions(self) -> pd.DataFrame:
        """Week x component, KPI units."""
        ...

    def weekly_coefficients(self) -> pd.DataFrame:
        """Week x channel."""
        ...

    def today(self) -> pd.DataFrame:
        """By channel: where it stands on its Hill curve."""
        ...

    def spend_response(self) -> pd.DataFrame:
        """By channel and multiple of today's spend; bounds where there are refits enough to afford."""
        ...


class RefittedAnswers(Answers, Protocol):
    """What an ensemble answers beyond that; `media_summary` and `notes` then have `_low` and `_high` columns."""

    def share_draws(self) -> pd.DataFrame:
        """Refit x channel, percent of the KPI."""
        ...

    def draws(self, column: str = "pct_of_contribution") -> pd.DataFrame:
        """Refit x channel, a column of `media_summary`."""
        ...

    def contribution_intervals(self, level: float = 0.9) -> xr.DataArray:
        """`(bound, time, component)`."""
        ...

    def hill_intervals(self, level: float = 0.9) -> pd.DataFrame:
        """`hill_curves` with bounds."""
        ...

    def curve_intervals(self, level: float = 0.9) -> pd.DataFrame:
        """`curve_parameters` with bounds."""
        ...

    @property
    def from_posterior(self) -> bool:
        """Whether these are draws from the posterior, which all have the graph of the training."""
        ...

    def sampling(self) -> pd.Series:
        """How far draws from the posterior can be trusted."""
        ...

    @property
    def edge_frequency(self) -> pd.DataFrame:
        """Channel x channel, share of the refits."""
        ...


class PlanAnswers(Protocol):
    """What a report asks of a budget plan."""

    @property
    def channels(self) -> pd.DataFrame:
        """By channel: `spend_today` and `spend_plan`, currency; `incremental_outcome_today` and `_plan`, KPI units."""
        ...

    @property
    def summary(self) -> pd.DataFrame:
        """By figure, e.g. `spend`, `incremental_outcome`: `today`, `plan`."""
        ...

    @property
    def units(self) -> Units:
        """What spend and outcome are counted in."""
        ...

    @property
    def period(self) -> str:
        """The weeks planned, in words."""
        ...

    @property
    def chance_better(self) -> float:
        """Share of the refits in which the plan brings more than today's spend; missing without refits."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What had to be assumed."""
        ...


def edge_frequency(result: Answers) -> pd.DataFrame | None:
    """How often refits find each edge; None where there are none, or draws that never look at the graph again."""
    return result.edge_frequency if has_refits(result) and not result.from_posterior else None


def has_refits(result: Answers) -> TypeGuard[RefittedAnswers]:
    """Whether a result brings refits, and with them intervals."""
    return hasattr(result, "replicates")
