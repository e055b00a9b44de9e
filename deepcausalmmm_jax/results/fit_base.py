"""A fit on its own panel: what every table of a result reads."""

from collections.abc import Callable
from functools import cached_property

import jax
import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.model.family import AnyInputs
from deepcausalmmm_jax.results.provenance import Provenance
from deepcausalmmm_jax.training.family import ModelFamily
from deepcausalmmm_jax.training.fitted import Fitted


class FitBase:
    """A fit, prepared and run once on its own panel.

    Attributes:
        fitted: parameters, panel, scales, settings and the record of the training.
    """

    def __init__(self, fitted: Fitted, prepared: AnyInputs | None = None) -> None:
        self.fitted = fitted
        self._prepared = prepared  # its panel as the model reads it, where there is one already

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
        """Which tables the model offers, and in which units; see `training.family.ModelFamily`."""
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

    def _variable_sets(self) -> Variables:
        """Sets of the model's variables with a leading axis: the members, or where there are none the estimate."""
        if self._members is not None:
            return self._members
        sets: Variables = jax.tree.map(lambda array: np.asarray(array)[None], self.fitted.variables)
        return sets

    def _told(self, made: Callable[[float], pd.DataFrame], level: float) -> pd.DataFrame:
        """A table that has intervals of its own at a level, with what is to be known of them where there are any."""
        return made(level)

    @property
    def _members(self) -> Variables | None:
        """Sets of variables for intervals; None where there are none."""
        return None
