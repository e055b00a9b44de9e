"""Forecast state: what trend and season become after the last training week."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.axes import Variables

# Names in saved fits, which must not change, where they differ from the fields.
_SAVED = {
    "national_ar1": "national_swing",
    "regional_ar1": "regional_swing",
    "national_time_scale": "national_memory",
    "regional_time_scale": "regional_memory",
    "national_log_ratios": "national_scales",
    "regional_log_ratios": "regional_scales",
    "national_scales": "national_sizes",
    "regional_scales": "regional_sizes",
}


class ForecastValues(NamedTuple):
    """Filtered state after the last training week, and the scales it was filtered with; shares of the mean KPI."""

    level: Array  # [region], held
    national_ar1: Array  # [], AR(1) component of the national level
    regional_ar1: Array  # [region], of the deviations from it
    season: Array  # [region, term], coefficients
    national_time_scale: Array  # [], weeks after which e^-1 of the AR(1) component is left
    regional_time_scale: Array  # []
    national_log_ratios: Array  # [5], logs of the scales over their prior medians: `training.forecast_state.LogRatios`
    regional_log_ratios: Array  # [5]
    national_scales: Array  # [3], of trend (a quarter), AR(1) component and season
    regional_scales: Array  # [3]

    @classmethod
    def blank(cls, n_regions: int, n_terms: int) -> Self:
        """Values before training has ended."""
        regions, zero, one = jnp.zeros(n_regions), jnp.zeros(()), jnp.ones(())
        season, ratios, scales = jnp.zeros((n_regions, n_terms)), jnp.zeros(5), jnp.zeros(3)
        return cls(regions, zero, regions, season, one, one, ratios, ratios, scales, scales)

    @classmethod
    def of(cls, variables: Variables) -> Self:
        """From the variables of a fitted model."""
        return cls.from_saved(variables["fitted"]["present"]["state"])

    @classmethod
    def from_saved(cls, saved: Mapping[str, Array]) -> Self:
        """From the names in saved fits."""
        return cls(*(saved[_SAVED.get(name, name)] for name in cls._fields))

    def as_saved(self) -> dict[str, Array]:
        """Under the names in saved fits."""
        return {_SAVED.get(name, name): value for name, value in self._asdict().items()}

    def placed_in(self, variables: Variables) -> Variables:
        """The variables of a model with this state."""
        return {**variables, "fitted": {**variables["fitted"], "present": {"state": self.as_saved()}}}


class ForecastState(nn.Module):
    r"""Trend and season after training: a held level, AR(1) components that fade, and the season's coefficients.

    $l_r + a\, e^{-h/\tau} + a_r e^{-h/\tau_r} + B_t s_r$, h weeks ahead. The objective trains nothing here; see
    `training.forecast_state` for how the values are estimated when training has ended.

    Attributes:
        n_regions: number of regions.
        n_terms: number of seasonal terms.
    """

    n_regions: int
    n_terms: int

    @nn.compact
    def __call__(self, ahead: Array, season_basis: Array) -> tuple[Array, Array]:
        """Level with AR(1) components, and season, as shares of the mean KPI, `[week, region]` each.

        Args:
            ahead: `[week]`, weeks after the last training week.
            season_basis: `[week, term]`.
        """
        saved = self.variable("fitted", "state", lambda: ForecastValues.blank(self.n_regions, self.n_terms).as_saved())
        state = ForecastValues.from_saved(saved.value)
        national = state.national_ar1 * jnp.exp(-ahead / state.national_time_scale)
        regional = state.regional_ar1 * jnp.exp(-ahead / state.regional_time_scale)[:, None]
        return state.level + national[:, None] + regional, season_basis @ state.season.T
