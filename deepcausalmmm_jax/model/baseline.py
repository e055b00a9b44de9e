"""Baseline: what the KPI would be without media, by level, trend, season and controls."""

import chex
import flax.linen as nn
import jax.numpy as jnp
from jax import Array


class Level(nn.Module):
    r"""Baseline of each region: its mean prediction less its mean media, $\mu_r - \overline{\mathrm{media}}_r$.

    The trained number is the mean mu, which the data determine at once whatever media do. A baseline that was trained
    itself would have to follow every change of every coefficient, and optimisation would be slow.

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
        chex.assert_shape(media, (None, self.n_regions))
        mean = self.param("mean", nn.initializers.ones, (self.n_regions,))
        baseline = self.variable("fitted", "baseline", jnp.zeros, (self.n_regions,))
        if weights is not None:
            chex.assert_equal_shape([media, weights])
            trained = (weights > 0).astype(media.dtype)
            baseline.value = mean - (media * trained).sum(axis=0) / jnp.maximum(trained.sum(axis=0), 1.0)
        return baseline.value


class PooledTerms(nn.Module):
    r"""Linear terms with a shared coefficient and a penalised deviation in each region, $(b_k + d_{rk}) f_{rtk}$.

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
    """National trend of the KPI and each region's smoother deviation from it, by their values at knots.

    Attributes:
        n_regions: number of regions.
        n_knots: knots of the national trend.
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
        chex.assert_shape(basis, (None, self.n_knots))
        chex.assert_shape(region_basis, (basis.shape[0], self.n_region_knots))
        shared = self.param("shared", nn.initializers.zeros, (self.n_knots,))
        region = self.param("region", nn.initializers.zeros, (self.n_regions, self.n_region_knots))
        return (basis @ shared)[:, None] + region_basis @ region.T
