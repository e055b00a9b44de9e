"""Channel graph: which channel's exposure drives which other's, and how much of an effect works through another."""

from typing import NamedTuple

import chex
import flax.linen as nn
import jax
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


class LinkTerms(NamedTuple):
    """Edges between channels by the weeks after which they act."""

    within: Array  # [channel, channel], in the same week, entry [i, j] for i -> j
    lagged: Array  # [lag, channel, channel], one week later, two weeks later, ...

    def stacked(self) -> Array:
        """`[1 + lag, channel, channel]`."""
        return jnp.concatenate([self.within[None], self.lagged])


class Rows(NamedTuple):
    """Innovations of one kind, regional or national, in long rows, on which a processor works at full width."""

    now: Array  # [channel, column]; a column is a region-week, or a week
    before: Array  # [lag x channel, column], one week earlier, two weeks earlier, ...
    weight: Array  # [channel or 1, column]
    follows: Array  # [channel or 1, column], 1 where the week before has a residual too


class InnovationRows(NamedTuple):
    """Innovations of the channels as the likelihood reads them; see `innovation_rows`."""

    regional: Rows
    national: Rows
    observations: Array  # [], observations of one channel


class ChannelGraph(nn.Module):
    r"""Edges between channels, with what they mean for exposure and for the KPI.

    $x_j = \mathrm{own}_j + \sum_i B_{ij} x_i$ holds for exposure (see `ExposureEquations`), and
    $Z_j = H_j + m_j \sum_i W_{ij} (H_i - H_j)$ blends the activity that reaches the KPI, with
    $W_{ij} = B^+_{ij} / (1 + \sum_k B^+_{kj})$ for the positive part of B. B has no self-loops; the `triangular`
    graph is acyclic by its mask; the others by a penalty during training and by pruning, after which `kept` holds the
    edges that are left.

    Edges that act later, $x_{jt} = \mathrm{own}_{jt} + \sum_i B_{ij} x_{it} + \sum_l \sum_i B^{(l)}_{ij} x_{i,t-l}$,
    may be cyclic, since time orders them (Pamfil et al. 2020, DYNOTEARS). They have no part in the blend.

    Attributes:
        n_channels: number of channels.
        kind: how the graph is kept acyclic; `none` passes activity through.
        link_lags: longest lag of an edge, in weeks.
    """

    n_channels: int
    kind: GraphKind
    link_lags: int = 0

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
        if self.link_lags:
            by_lag = (self.link_lags, *shape)
            self.lagged = self.param("lagged", nn.initializers.zeros, by_lag)
            self.lagged_kept = self.variable("fitted", "lagged_kept", jnp.zeros, by_lag)
            self.lagged_fixed = self.variable("fitted", "lagged_fixed", jnp.zeros, by_lag)

    def links(self) -> LinkTerms:
        """All edges, in standard deviations of the exposure innovations."""
        return LinkTerms(self.edges(), self.lagged_edges())

    def relative_links(self) -> LinkTerms:
        """All edges in mean weeks: what one mean training week of channel i adds to channel j, in j's mean weeks."""
        found = self.links()
        if self.kind == "none":
            return found
        return LinkTerms(*(part * self.unit.value / self.unit.value[:, None] for part in found))

    def edges(self) -> Array:
        """B in standard deviations of the exposure innovations, `[channel, channel]`, entry [i, j] for i -> j."""
        if self.kind == "none":
            return jnp.zeros((self.n_channels, self.n_channels))
        return self.edge * self.kept.value + self.fixed.value

    def lagged_edges(self) -> Array:
        """$B^{(l)}$ in the same unit, `[lag, channel, channel]`."""
        if self.kind == "none" or not self.link_lags:
            return jnp.zeros((0, self.n_channels, self.n_channels))
        return self.lagged * self.lagged_kept.value + self.lagged_fixed.value

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
    where correlations cannot (Shimizu et al. 2006, LiNGAM). Every channel has a scale of its own, so that units do not
    decide on the graph.

    With lags, $z_{jt} = \sum_i B_{ij} z_{it} + \sum_l \sum_i B^{(l)}_{ij} z_{i,t-l} + e_{jt}$, and what is left of a
    channel's own persistence is taken out of its equation, $e_{jt} - \rho_j e_{j,t-1}$: a channel that persists is
    otherwise predicted by what it drove the week before, which would look like a lagged link back.

    Attributes:
        n_channels: number of channels.
        link_lags: longest lag of an edge, in weeks.
    """

    n_channels: int
    link_lags: int = 0

    def setup(self) -> None:
        """Declare the noise of each channel."""
        shape = (2, self.n_channels)
        self.location = self.param("location", nn.initializers.zeros, shape)
        self.scale = self.param("scale", nn.initializers.constant(-0.7), shape)
        self.log_skew = self.param("log_skew", nn.initializers.zeros, shape)
        self.memory = self.param("persistence", nn.initializers.zeros, shape) if self.link_lags else None

    def noise(self) -> ExposureNoise:
        """The noise parameters as the likelihood reads them."""
        return ExposureNoise(self.location, jnp.log(to_above(self.scale, _LEAST_SCALE)), self.log_skew)

    def persistence(self) -> Array:
        r"""$\rho$, `[2, channel]`, rows as in `ExposureNoise`; 0 without lags."""
        return jnp.zeros((2, self.n_channels)) if self.memory is None else jnp.tanh(self.memory)

    def __call__(self, links: LinkTerms, innovations: InnovationRows) -> Array:
        """Negative log-likelihood of the innovations, summed over region-weeks.

        Args:
            links: in standard deviations.
            innovations: of the training weeks.

        Returns:
            Nats, scalar.
        """
        chex.assert_shape(links.within, (self.n_channels, self.n_channels))
        chex.assert_shape(links.lagged, (self.link_lags, self.n_channels, self.n_channels))
        chex.assert_equal_shape([innovations.regional.now, innovations.regional.weight])
        chex.assert_shape([innovations.regional.now, innovations.national.now], (self.n_channels, None))
        own = jnp.eye(self.n_channels) - links.within
        regional, national = (
            jnp.sum(rows.weight * self._loss(own, links.lagged, rows, row))
            for row, rows in enumerate((innovations.regional, innovations.national))
        )
        _, log_determinant = jnp.linalg.slogdet(own)
        return regional + national - innovations.observations * log_determinant

    def _loss(self, own: Array, lagged: Array, rows: Rows, row: int) -> Array:
        """Nats, `[channel, column]`, of the part of the innovations that the parents do not explain."""
        rest = own.T @ rows.now
        if self.link_lags:
            rest -= lagged.reshape(-1, self.n_channels).T @ rows.before
            rest -= self.persistence()[row, :, None] * rows.follows * jnp.roll(rest, 1, axis=1)
        return skewed_logistic_loss(rest, *(part[row, :, None] for part in self.noise()))


def innovation_rows(innovations: ExposureInnovations[Array], weights: Array, link_lags: int) -> InnovationRows:
    """Innovations and their weights in the layout of the likelihood.

    Args:
        innovations: of the panel.
        weights: `[region, week]`, 0 or more.
        link_lags: longest lag of an edge, in weeks.
    """

    def rows(array: Array) -> Array:
        return array.reshape(-1, array.shape[-1]).T

    def before(array: Array, axis: int) -> Array:
        lags = [rows(later(array, lag, axis)) for lag in range(1, link_lags + 1)]
        return jnp.concatenate(lags) if lags else jnp.zeros((0, array[..., 0].size))

    weighted = innovation_weights(innovations, weights, link_lags)
    regional, national = rows(weighted.regional), rows(weighted.national)
    count = regional.sum(axis=1).mean() + national.sum()
    return InnovationRows(
        Rows(rows(innovations.regional), before(innovations.regional, 1), regional, rows(weighted.regional_follows)),
        Rows(rows(innovations.national), before(innovations.national, 0), national, rows(weighted.national_follows)),
        count,
    )


def later(array: Array, weeks: int, axis: int) -> Array:
    """Values of some weeks earlier, 0 where there is no such week: entry t holds that of t less `weeks`."""
    if weeks == 0:
        return array
    weeks = min(weeks, array.shape[axis])
    widths = [(weeks, 0) if a == axis else (0, 0) for a in range(array.ndim)]
    return jnp.pad(jax.lax.slice_in_dim(array, 0, array.shape[axis] - weeks, axis=axis), widths)


class InnovationWeights(NamedTuple):
    """Weights of the equations, and whether the residual of the week before may be subtracted (1) or not (0)."""

    regional: Array  # [region, week, channel]
    national: Array  # [week, 1]
    regional_follows: Array  # [region, week, channel]
    national_follows: Array  # [week, 1]


def innovation_weights(innovations: ExposureInnovations[Array], weights: Array, link_lags: int) -> InnovationWeights:
    """Weights of the regional deviations and of the national weeks.

    The deviations of n regions from their mean hold n - 1 observations and the mean holds one, so both together weigh
    as much as the region-weeks. A channel that is off air in every region is not driven by others in those weeks; they
    are no evidence against an edge. (Only the deviations may be selected like this. The weeks in which a channel is on
    air are often the weeks in which its parents are, so selecting national weeks would hide the edge.) With lags, a
    region-week counts where those weeks before it can be learned from too.

    Args:
        innovations: of the panel.
        weights: `[region, week]`, 0 or more.
        link_lags: longest lag of an edge, in weeks.
    """
    chex.assert_equal_shape([weights, innovations.trained])
    complete = innovations.trained
    for lag in range(1, link_lags + 1):
        complete = complete * later(innovations.trained, lag, 1)
    count = jnp.maximum(complete.sum(axis=0), 1.0)
    weight = weights * complete
    before = later(complete, 1, 1)
    return InnovationWeights(
        regional=(weight * (1.0 - 1.0 / count))[:, :, None] * innovations.on_air,
        national=(weight.sum(axis=0) / count)[:, None],
        regional_follows=before[:, :, None] * later(innovations.on_air, 1, 0),
        national_follows=(before.sum(axis=0) > 0).astype(before.dtype)[:, None],
    )


def initial_graph(constraints: GraphConstraints[Array], unit: Array) -> dict[str, Array]:
    """Variables of the graph that the objective does not train: allowed edges, fixed edges, the channels' units.

    Args:
        constraints: what the user states about the edges.
        unit: `[channel]`, standard deviation of the innovations in mean weeks.
    """
    chex.assert_shape(constraints, (None, unit.shape[0], unit.shape[0]))
    free, fixed = constraints.free, constraints.fixed * unit[:, None] / unit
    variables = {"kept": free[0], "fixed": fixed[0], "unit": unit}
    if free.shape[0] > 1:
        variables |= {"lagged_kept": free[1:], "lagged_fixed": fixed[1:]}
    return variables
