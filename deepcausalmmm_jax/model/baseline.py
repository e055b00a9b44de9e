"""Baseline: what the KPI would be without media, by level, trend, season and controls."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array


class Level(nn.Module):
    r"""Baseline of each region: its mean prediction less what media add, $\mu_r - \overline{\mathrm{media}}_r$.

    The trained number is the mean mu, which the data fix at once whatever media do; trained itself, the baseline
    would have to follow each move of every coefficient, and the descent would crawl.

    Attributes:
        n_regions: number of regions.
    """

    n_regions: int

    @nn.compact
    def __call__(self, media: Array, weights: Array | None) -> Array:
        """Baseline as a share of the mean KPI.

        Args:
            media: `[week, region]`, contribution of all channels.
            weights: `[week, region]` of the training weeks, over which media are averaged; None to use the baseline
                found at the end of training.

        Returns:
            `[region]`.
        """
        mean = self.param("mean", nn.initializers.ones, (self.n_regions,))
        baseline = self.variable("fitted", "baseline", jnp.zeros, (self.n_regions,))
        if weights is not None:
            used = (weights > 0).astype(media.dtype)
            baseline.value = mean - (media * used).sum(axis=0) / jnp.maximum(used.sum(axis=0), 1.0)
        return baseline.value


class PooledTerms(nn.Module):
    r"""Linear terms with a shared coefficient and a penalised deviation a region, $(b_k + d_{rk}) f_{rtk}$.

    Attributes:
        n_regions: number of regions.
        n_terms: number of terms k.
    """

    n_regions: int
    n_terms: int

    @nn.compact
    def __call__(self) -> Array:
        """Coefficients, `[region, term]`."""
        shared = self.param("shared", nn.initializers.zeros, (self.n_terms,))
        region = self.param("region", nn.initializers.zeros, (self.n_regions, self.n_terms))
        return shared + region


class Trend(nn.Module):
    """National path of the KPI and each region's slower deviation from it, by their values at knots.

    Attributes:
        n_regions: number of regions.
        n_knots: knots of the national path.
        n_region_knots: knots of the deviations.
    """

    n_regions: int
    n_knots: int
    n_region_knots: int

    @nn.compact
    def __call__(self, basis: Array, region_basis: Array) -> Array:
        """Trend as a share of the mean KPI.

        Args:
            basis: `[week, knot]`.
            region_basis: `[week, region_knot]`.

        Returns:
            `[week, region]`.
        """
        shared = self.param("shared", nn.initializers.zeros, (self.n_knots,))
        region = self.param("region", nn.initializers.zeros, (self.n_regions, self.n_region_knots))
        return (basis @ shared)[:, None] + region_basis @ region.T


class Present(nn.Module):
    r"""What trend and season become after the last training week: held level, fading swing, season as far as known.

    $l_r + a\, e^{-h/\tau} + a_r e^{-h/\tau_r} + B_t s_r$, h weeks ahead. Nothing here is trained by the objective; see
    `training.forecast_state` for how the numbers are found when training has ended.

    Attributes:
        n_regions: number of regions.
        n_terms: number of seasonal terms.
    """

    n_regions: int
    n_terms: int

    @nn.compact
    def __call__(self, ahead: Array, season_basis: Array) -> tuple[Array, Array]:
        """Level with swing, and season, as shares of the mean KPI, `[week, region]` each.

        Args:
            ahead: `[week]`, weeks after the last training week.
            season_basis: `[week, term]`.
        """

        def blank() -> dict[str, Array]:
            regions, zero, one = jnp.zeros(self.n_regions), jnp.zeros(()), jnp.ones(())
            return {
                "level": regions,
                "national_swing": zero,
                "regional_swing": regions,
                "season": jnp.zeros((self.n_regions, self.n_terms)),
                "national_memory": one,
                "regional_memory": one,
                "national_scales": jnp.zeros(5),
                "regional_scales": jnp.zeros(5),
                "national_sizes": jnp.zeros(3),
                "regional_sizes": jnp.zeros(3),
            }

        state = self.variable("fitted", "state", blank).value
        national = state["national_swing"] * jnp.exp(-ahead / state["national_memory"])
        regional = state["regional_swing"] * jnp.exp(-ahead / state["regional_memory"])[:, None]
        return state["level"] + national[:, None] + regional, season_basis @ state["season"].T
