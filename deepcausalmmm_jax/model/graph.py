"""Channel graph: which channel's exposure drives which other's, and how much of an effect works through another."""

from typing import NamedTuple

import chex
import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config.settings import GraphKind
from deepcausalmmm_jax.data.exposure_innovations import ExposureInnovations
from deepcausalmmm_jax.data.graph_constraints import GraphConstraints
from deepcausalmmm_jax.ops.bijectors import to_above, to_unit
from deepcausalmmm_jax.ops.layout import over_weeks
from deepcausalmmm_jax.ops.logistic import skewed_logistic_loss

_START_MIX = -4.0  # logit: 2 % of a channel's activity
# Least noise, in standard deviations of the innovations: it bounds the likelihood of a channel that copies another.
_LEAST_SCALE = 0.05


class ExposureNoise(NamedTuple):
    """Noise of the channels' equations, `[2, channel]` each: regional deviations in row 0, national means in row 1."""

    location: Array
    log_scale: Array
    log_skew: Array


class InnovationRows(NamedTuple):
    """Innovations of the channels in long rows, on which a processor works at full width; see `innovation_rows`."""

    regional: Array  # [channel, region x week]
    regional_weight: Array  # [channel, region x week]
    national: Array  # [channel, week]
    national_weight: Array  # [1, week]
    observations: Array  # [], observations of one channel


class ChannelGraph(nn.Module):
    r"""Edges between channels, with what they mean for exposure and for the KPI.

    $x_j = \mathrm{own}_j + \sum_i B_{ij} x_i$ holds for exposure (see `ExposureEquations`), and
    $Z_j = H_j + m_j \sum_i W_{ij} (H_i - H_j)$ blends the activity that reaches the KPI, with
    $W_{ij} = B^+_{ij} / (1 + \sum_k B^+_{kj})$ for the positive part of B. B has no self-loops; the `triangular`
    graph is acyclic by its mask; the others by a penalty during training and by pruning, after which `kept` holds the
    edges that are left.

    Attributes:
        n_channels: number of channels.
        kind: how the graph is kept acyclic; `none` passes activity through.
    """

    n_channels: int
    kind: GraphKind

    def setup(self) -> None:
        """Declare edges and mixes, and the edges that training keeps and the user fixes."""
        if self.kind == "none":
            return
        shape = (self.n_channels, self.n_channels)
        self.edge = self.param("edge", nn.initializers.zeros, shape)
        self.mix = self.param("mix", nn.initializers.constant(_START_MIX), shape[1:])
        self.kept = self.variable("fitted", "kept", lambda: 1.0 - jnp.eye(self.n_channels))
        self.fixed = self.variable("fitted", "fixed", jnp.zeros, shape)
        self.unit = self.variable("fitted", "unit", jnp.ones, shape[1:])

    def edges(self) -> Array:
        """B in standard deviations of the exposure innovations, `[channel, channel]`, entry [i, j] for i -> j."""
        if self.kind == "none":
            return jnp.zeros((self.n_channels, self.n_channels))
        return self.edge * self.kept.value + self.fixed.value

    def relative_edges(self) -> Array:
        """B in mean weeks: what one mean training week of channel i adds to channel j, in j's mean weeks."""
        if self.kind == "none":
            return self.edges()
        return self.edges() * self.unit.value / self.unit.value[:, None]

    def blend(self) -> Array:
        """$m_j W_{ij}$: the share of channel j's activity that is taken from channel i."""
        if self.kind == "none":
            return self.edges()
        positive = jnp.maximum(self.edges(), 0.0)
        return to_unit(self.mix) * positive / (1.0 + positive.sum(axis=0))

    def __call__(self, activity: Array, source: Array | None = None) -> Array:
        """Blended activity.

        Args:
            activity: H, `[week, channel, region]`.
            source: what edges draw on where it is not `activity` itself, for what-if questions; same shape.

        Returns:
            Z, `[week, channel, region]`.
        """
        chex.assert_shape(activity, (None, self.n_channels, None))
        if source is not None:
            chex.assert_equal_shape([activity, source])
        if self.kind == "none":
            return activity
        blend, drawn = self.blend(), activity if source is None else source
        return (1.0 - blend.sum(axis=0))[:, None] * activity + over_weeks(blend.T, drawn)


class ExposureEquations(nn.Module):
    r"""Likelihood of the exposure innovations under a graph: one equation a channel, with heavy-tailed, skewed noise.

    $z_j = \sum_i B_{ij} z_i + e_j$ with skewed logistic e, whose scale and skew are one pair for national means
    and one for regional deviations, and $-\log |\det(I - B)|$ for graphs that still have cycles (Ng et al. 2020, GOLEM,
    equation 4). Because budgets come in bursts and are not Gaussian, the likelihood distinguishes cause from effect
    where correlations cannot (Shimizu et al. 2006, LiNGAM).

    Attributes:
        n_channels: number of channels.
    """

    n_channels: int

    def setup(self) -> None:
        """Declare the noise of each channel."""
        shape = (2, self.n_channels)
        self.location = self.param("location", nn.initializers.zeros, shape)
        self.scale = self.param("scale", nn.initializers.constant(-0.7), shape)
        self.log_skew = self.param("log_skew", nn.initializers.zeros, shape)

    def noise(self) -> ExposureNoise:
        """The noise parameters as the likelihood reads them."""
        return ExposureNoise(self.location, jnp.log(to_above(self.scale, _LEAST_SCALE)), self.log_skew)

    def __call__(self, edges: Array, innovations: InnovationRows) -> Array:
        """Negative log-likelihood of the innovations, summed over region-weeks.

        Args:
            edges: B, `[channel, channel]`, in standard deviations.
            innovations: of the training weeks.

        Returns:
            Nats, scalar.
        """
        chex.assert_shape(edges, (self.n_channels, self.n_channels))
        chex.assert_equal_shape([innovations.regional, innovations.regional_weight])
        chex.assert_shape([innovations.regional, innovations.national], (self.n_channels, None))
        own = jnp.eye(self.n_channels) - edges
        loss = jnp.sum(innovations.regional_weight * self._loss(own.T @ innovations.regional, 0))
        loss += jnp.sum(innovations.national_weight * self._loss(own.T @ innovations.national, 1))
        _, log_determinant = jnp.linalg.slogdet(own)
        return loss - innovations.observations * log_determinant

    def _loss(self, value: Array, row: int) -> Array:
        """Nats, `[channel, column]`, of the part of `value` that the parents do not explain."""
        return skewed_logistic_loss(value, *(part[row, :, None] for part in self.noise()))


def innovation_rows(innovations: ExposureInnovations[Array], weights: Array) -> InnovationRows:
    """Innovations and their weights in the layout of the likelihood.

    Args:
        innovations: of the panel.
        weights: `[region, week]`, 0 or more.
    """

    def rows(array: Array) -> Array:
        return array.reshape(-1, array.shape[-1]).T

    regional, national = (rows(part) for part in innovation_weights(innovations, weights))
    count = regional.sum(axis=1).mean() + national.sum()
    return InnovationRows(rows(innovations.regional), regional, rows(innovations.national), national, count)


def unexplained(edges: Array, innovations: ExposureInnovations[Array]) -> tuple[Array, Array]:
    """The part that the parents do not explain, regional `[region, week, channel]` and national `[week, channel]`."""
    regional, national = innovations.regional, innovations.national
    return regional - regional @ edges, national - national @ edges


def innovation_weights(innovations: ExposureInnovations[Array], weights: Array) -> tuple[Array, Array]:
    """Weights of the regional deviations, `[region, week, channel]`, and of the national weeks, `[week, 1]`.

    The deviations of n regions from their mean hold n - 1 observations and the mean holds one, so both together weigh
    as much as the region-weeks. A channel that is off air in every region is not driven by others in those weeks; they
    are no evidence against an edge. (Only the deviations may be selected like this. The weeks in which a channel is on
    air are often the weeks in which its parents are, so selecting national weeks would hide the edge.)
    """
    chex.assert_equal_shape([weights, innovations.trained])
    count = jnp.maximum(innovations.trained.sum(axis=0), 1.0)
    weight = weights * innovations.trained
    return (weight * (1.0 - 1.0 / count))[:, :, None] * innovations.on_air, (weight.sum(axis=0) / count)[:, None]


def initial_graph(constraints: GraphConstraints[Array], unit: Array) -> dict[str, Array]:
    """Variables of the graph that the objective does not train: allowed edges, fixed edges, the channels' units.

    Args:
        constraints: what the user states about the edges.
        unit: `[channel]`, standard deviation of the innovations in mean weeks.
    """
    chex.assert_shape(constraints, (unit.shape[0], unit.shape[0]))
    return {"kept": constraints.free, "fixed": constraints.fixed * unit[:, None] / unit, "unit": unit}
