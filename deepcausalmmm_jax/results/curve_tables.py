"""What a result tells of curves, coefficients and the channel graph."""

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from deepcausalmmm_jax.attribution.curve_bands import today
from deepcausalmmm_jax.attribution.curve_evidence import evidence_table
from deepcausalmmm_jax.attribution.curves import adjacency, adstock_decay, channel_graph, curve_parameters, hill_curves
from deepcausalmmm_jax.attribution.curves_to_draw import curves_to_draw
from deepcausalmmm_jax.attribution.link_evidence import link_table
from deepcausalmmm_jax.attribution.links import links
from deepcausalmmm_jax.attribution.mediation import effects
from deepcausalmmm_jax.attribution.over_time import coefficients, weekly_coefficients
from deepcausalmmm_jax.data.link_groups import group_of_regions
from deepcausalmmm_jax.results.computed_once import computed_once
from deepcausalmmm_jax.results.fit_base import FitBase

if TYPE_CHECKING:
    import networkx as nx


class CurveTables(FitBase):
    """Curves, coefficients, evidence and the channel graph."""

    @cached_property
    def adjacency(self) -> pd.DataFrame:
        """Channel x channel: same-week rise in the column's exposure per unit of the row's, both in mean weeks.

        Where regions have graphs by group, rows are `(group, channel)`; `adjacency.loc["north"]` is that of one group.
        """
        return adjacency(self.fitted_panel)

    def graph(self, group: str | None = None) -> "nx.DiGraph":
        """The channel graph of `adjacency` as a networkx graph with edge weights.

        Args:
            group: of regions, where they have graphs by group.

        Raises:
            ConfigError: a group that the fit does not have, or none where it has several.
        """
        return channel_graph(self.fitted_panel, group)

    @property
    def link_groups(self) -> pd.Series:
        """Group of each region, by region; missing where all regions have one graph."""
        return group_of_regions(self.panel, self.config)

    def links(self, level: float = 0.9) -> pd.DataFrame:
        """One row per link: source, target, lag, weight and its interval; see `attribution.links`.

        With graphs by group, `group` is the first column.

        Raises:
            ConfigError: a level that is not between 0 and 1.
        """
        return links(self.fitted_panel, level)

    @computed_once
    def effects(self) -> pd.DataFrame:
        """By channel: direct, mediated and total effect on the KPI; see `attribution.mediation.effects`."""
        return effects(self.fitted_panel)

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
    def link_group_evidence(self) -> pd.DataFrame:
        """By number of `groups` of regions: criterion and chosen, of a fit that looked for them.

        The criterion is twice the negative log-likelihood of exposure plus penalties, less its lowest value. Where the
        best number has groups of fewer than four regions, these are given up, and a smaller number is chosen.
        """
        numbers, criterion = self.fitted.link_group_evidence or ((), np.zeros(0))
        index = pd.Index(numbers, name="groups", dtype=int)
        chosen = max(1, self.link_groups.nunique())
        return pd.DataFrame({"criterion": criterion, "chosen": np.asarray(numbers, int) == chosen}, index)

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

    @computed_once
    def weekly_coefficients(self) -> pd.DataFrame:
        """`coefficients` of all regions together, week x channel, in the same unit."""
        return weekly_coefficients(self.fitted_panel)

    @computed_once
    def today(self) -> pd.DataFrame:
        """By channel, position of the last eight weeks on the Hill curve: relative_exposure, saturation, headroom."""
        return today(self.fitted_panel)

    @computed_once
    def spend_response(self) -> pd.DataFrame:
        """By channel and `multiplier` of today's spend from 0 to 2, to be drawn; see `response_curves` for more."""
        return curves_to_draw(self.fitted_panel, None)
