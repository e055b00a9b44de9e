"""What a report may ask of a result."""

from typing import Protocol

import pandas as pd
import xarray as xr

from deepcausalmmm_jax.config import Config
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
        """Weeks held out."""
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

    def media_summary(self) -> pd.DataFrame:
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

    def effects(self) -> pd.DataFrame:
        """By channel: direct, mediated, total."""
        ...

    def adstock_decay(self) -> pd.DataFrame:
        """By lag, a column a channel."""
        ...

    def hill_curves(self) -> pd.DataFrame:
        """Rows by channel and exposure."""
        ...
