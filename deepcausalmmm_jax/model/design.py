"""Sizes and branches of the model, which decide the shapes of its arrays and its program."""

from dataclasses import dataclass
from typing import Self

from deepcausalmmm_jax.config.settings import AdstockKind, Config, GraphKind
from deepcausalmmm_jax.data.inputs import knot_weeks
from deepcausalmmm_jax.data.panel import Panel


@dataclass(frozen=True)
class Design:
    """Everything that decides a shape or a program, and nothing else; a static argument of compiled functions."""

    n_regions: int
    n_channels: int
    n_controls: int
    n_knots: int
    n_region_knots: int
    n_season_terms: int
    adstock: AdstockKind
    max_lag: int
    min_slope: float
    graph: GraphKind
    link_lags: int
    hidden_size: int

    @classmethod
    def of(cls, panel: Panel, config: Config, n_training_weeks: int) -> Self:
        """Design for a panel whose first `n_training_weeks` weeks are the training weeks."""
        n_regions, _, n_channels, n_controls = panel.shape
        return cls(
            n_regions=n_regions,
            n_channels=n_channels,
            n_controls=n_controls,
            n_knots=len(knot_weeks(n_training_weeks, config.knot_spacing)),
            n_region_knots=len(knot_weeks(n_training_weeks, config.region_knot_spacing)),
            n_season_terms=2 * config.harmonics,
            adstock=config.adstock,
            max_lag=config.max_lag,
            min_slope=config.min_slope,
            graph=config.graph if n_channels > 1 else "none",
            link_lags=config.link_lags if n_channels > 1 else 0,
            hidden_size=config.hidden_size,
        )
