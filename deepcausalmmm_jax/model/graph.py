"""Channel graph: which channel's exposure drives which other's, and how much of an effect works through another."""

from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config.settings import GraphKind
from deepcausalmmm_jax.model.inputs import ActivityInputs, EdgeMasks
from deepcausalmmm_jax.ops.bijectors import to_above, to_unit
from deepcausalmmm_jax.ops.layout import over_weeks
from deepcausalmmm_jax.ops.logistic import skewed_logistic_loss

_START_MIX = -4.0  # logit: 2 % of a channel's activity
# Least noise, in standard deviations of the news: a channel that copies another must not win without bound.
_LEAST_SCALE = 0.05


class ExposureNoise(NamedTuple):
    """Noise of the channels' equations, `[2, channel]` each: row 0 for regional deviations, row 1 for the nation."""

    location: Array
    log_scale: Array
    log_skew: Array


class News(NamedTuple):
    """Weekly news of the channels in long rows, on which a processor works at full width; see `laid_out`."""

    regional: Array  # [channel, region x week]
    regional_weight: Array  # [channel, region x week]
    national: Array  # [channel, week]
    national_weight: Array  # [1, week]
    observations: Array  # [], a channel


class ChannelGraph(nn.Module):
    r"""Edges between channels, with what they mean for exposure and for the KPI.

    $x_j = \mathrm{own}_j + \sum_i B_{ij} x_i$ holds for exposure (see `ExposureEquations`), and
    $Z_j = H_j + m_j \sum_i W_{ij} (H_i - H_j)$ blends the activity that reaches the KPI, with
    $W_{ij} = B^+_{ij} / (1 + \sum_k B^+_{kj})$ for the positive part of B. B has no self-loops; the `triangular`
    graph is acyclic by its mask, the others by a penalty during training and a cut at its end, kept as `kept`.

    Attributes:
        n_channels: number of channels.
        kind: how the graph is kept acyclic; `none` passes activity through.
    """

    n_channels: int
    kind: GraphKind

    def setup(self) -> None:
        """Declare edges and mixes, and what training and the user say of them."""
        if self.kind == "none":
            return
        shape = (self.n_channels, self.n_channels)
        self.edge = self.param("edge", nn.initializers.zeros, shape)
        self.mix = self.param("mix", nn.initializers.constant(_START_MIX), shape[1:])
        self.kept = self.variable("fitted", "kept", lambda: 1.0 - jnp.eye(self.n_channels))
        self.fixed = self.variable("fitted", "fixed", jnp.zeros, shape)
        self.unit = self.variable("fitted", "unit", jnp.ones, shape[1:])

    def edges(self) -> Array:
        """B in standard deviations of the channels' weekly news, `[channel, channel]`, entry [i, j] for i -> j."""
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
        if self.kind == "none":
            return activity
        blend, drawn = self.blend(), activity if source is None else source
        return (1.0 - blend.sum(axis=0))[:, None] * activity + over_weeks(blend.T, drawn)


class ExposureEquations(nn.Module):
    r"""How likely the channels' weekly news are under a graph: one equation a channel, with bursts as its noise.

    $z_j = \sum_i B_{ij} z_i + e_j$ with skewed logistic e, apart for the nation and for regional deviations, and
    $-\log |\det(I - B)|$ for graphs that still have cycles (Ng et al. 2020, GOLEM, equation 4). Since budgets come in
    bursts and not in bell curves, the likelihood tells cause from effect where correlations cannot (Shimizu et al.
    2006, LiNGAM).

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
        """The noise in the form of the likelihood."""
        return ExposureNoise(self.location, jnp.log(to_above(self.scale, _LEAST_SCALE)), self.log_skew)

    def __call__(self, edges: Array, news: News) -> Array:
        """Negative log-likelihood of the news, summed over region-weeks.

        Args:
            edges: B, `[channel, channel]`, in standard deviations.
            news: of the weeks that are learned from.

        Returns:
            Nats, scalar.
        """
        own = jnp.eye(self.n_channels) - edges
        loss = jnp.sum(news.regional_weight * self._loss(own.T @ news.regional, 0))
        loss += jnp.sum(news.national_weight * self._loss(own.T @ news.national, 1))
        _, log_determinant = jnp.linalg.slogdet(own)
        return loss - news.observations * log_determinant

    def _loss(self, value: Array, row: int) -> Array:
        """Nats `[channel, row]` of what the parents do not explain."""
        return skewed_logistic_loss(value, *(part[row, :, None] for part in self.noise()))


def laid_out(activity: ActivityInputs, weights: Array) -> News:
    """News and their weights as the likelihood reads them.

    Args:
        activity: the news.
        weights: `[region, week]`, 0 or more.
    """

    def rows(array: Array) -> Array:
        return array.reshape(-1, array.shape[-1]).T

    regional, national = (rows(part) for part in activity_weights(activity, weights))
    count = regional.sum(axis=1).mean() + national.sum()
    return News(rows(activity.regional), regional, rows(activity.national), national, count)


def residuals(edges: Array, activity: ActivityInputs) -> tuple[Array, Array]:
    """What the parents do not explain: `[region, week, channel]` and, for the nation, `[week, channel]`."""
    return activity.regional - activity.regional @ edges, activity.national - activity.national @ edges


def activity_weights(activity: ActivityInputs, weights: Array) -> tuple[Array, Array]:
    """Weights of the regional deviations `[region, week, channel]` and of the national weeks `[week, 1]`.

    The deviations of n regions from their mean hold n - 1 observations and the mean holds one, so that both together
    weigh as much as the region-weeks. A channel that is off the air everywhere is not driven by others in those
    weeks: they do not speak against an edge. (Only the deviations may be chosen so. Weeks in which the channel is on
    are often weeks in which its parents are, and a choice among national weeks would hide the edge.)
    """
    count = jnp.maximum(activity.known.sum(axis=0), 1.0)
    used = weights * activity.known
    return (used * (1.0 - 1.0 / count))[:, :, None] * activity.on, (used.sum(axis=0) / count)[:, None]


def starting_links(links: EdgeMasks, unit: Array) -> dict[str, Array]:
    """The graph's untrained variables: where edges may be, those that the user fixed, and the channels' units."""
    return {"kept": links.free, "fixed": links.fixed * unit[:, None] / unit, "unit": unit}
