"""Sizes and branches of the model, which decide the shapes of its arrays and its program."""

from dataclasses import dataclass
from typing import Self

from deepcausalmmm_jax.config.curves import CurveKinds
from deepcausalmmm_jax.config.kpi_link import LinkKind
from deepcausalmmm_jax.config.settings import Config, GraphKind
from deepcausalmmm_jax.data.inputs import knot_weeks
from deepcausalmmm_jax.data.link_groups import stated_groups
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.reach import curve_kinds
from deepcausalmmm_jax.data.season import n_season_terms


@dataclass(frozen=True)
class Design:
    """Everything that decides a shape or a program, and nothing else; a static argument of compiled functions."""

    n_regions: int
    n_channels: int
    n_controls: int
    n_knots: int
    n_region_knots: int
    n_season_terms: int
    kinds: CurveKinds  # of the channels' curves
    min_slope: float
    graph: GraphKind
    link_lags: int
    hidden_size: int
    link: LinkKind = "identity"
    counts: bool = False
    hidden_demand: bool = False  # whether lift tests tell it from the effect of media
    link_groups: int = 1  # groups of regions, each with a graph of its own

    @property
    def step_weeks(self) -> float:
        """Length of a step of the panel, weeks."""
        return self.kinds.step_weeks

    @classmethod
    def of(cls, panel: Panel, config: Config, n_training_weeks: int) -> Self:
        """Design for a panel whose first `n_training_weeks` weeks are the training weeks."""
        (n_regions, _, n_channels, n_controls), cadence = panel.shape, panel.cadence
        return cls(
            n_regions=n_regions,
            n_channels=n_channels,
            n_controls=n_controls,
            n_knots=len(knot_weeks(n_training_weeks, cadence.steps(config.knot_spacing))),
            n_region_knots=len(knot_weeks(n_training_weeks, cadence.steps(config.region_knot_spacing))),
            n_season_terms=n_season_terms(cadence, config),
            kinds=curve_kinds(panel, config),
            min_slope=config.min_slope,
            graph=config.graph if n_channels > 1 else "none",
            link_lags=config.link_lags if n_channels > 1 else 0,
            hidden_size=config.hidden_size,
            link=config.link,
            counts=config.counts,
            hidden_demand=bool(config.experiments),
            link_groups=max(1, len(stated_groups(panel, config))),
        )
