"""Channel graph: which channel's exposure drives which other's, and how much of an effect works through another."""

from typing import NamedTuple

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.config.settings import GraphKind
from deepcausalmmm_jax.data.graph_constraints import GraphConstraints
from deepcausalmmm_jax.model.innovation_rows import InnovationRows, Rows
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
    """Edges between channels by the weeks after which they act; of graphs by group, with a leading axis `[group]`."""

    within: Array  # [channel, channel], in the same week, entry [i, j] for i -> j
    lagged: Array  # [lag, channel, channel], one week later, two weeks later, ...

    def stacked(self) -> Array:
        """`[1 + lag, channel, channel]`, of one graph."""
        return jnp.concatenate([self.within[None], self.lagged])


class ChannelGraph(nn.Module):
    r"""Edges between channels, with what they mean for exposure and for the KPI.

    $x_j = \mathrm{own}_j + \sum_i B_{ij} x_i$ holds for exposure (see `ExposureEquations`), and
    $Z_j = H_j + m_j \sum_i W_{ij} (H_i - H_j)$ blends the activity that reaches the KPI, with
    $W_{ij} = B^+_{ij} / (1 + \sum_k B^+_{kj})$ for the positive part of B. B has no self-loops; the `triangular`
    graph is acyclic by its mask; the others by a penalty during training and by pruning, after which `kept` holds the
    edges that are left.

    Edges that act later, $x_{jt} = \mathrm{own}_{jt} + \sum_i B_{ij} x_{it} + \sum_l \sum_i B^{(l)}_{ij} x_{i,t-l}$,
    may be cyclic, since time orders them (Pamfil et al. 2020, DYNOTEARS). They have no part in the blend.

    Regions may have graphs by group, each with edges and mixes of its own; they then have a leading axis `[group]`.

    Attributes:
        n_channels: number of channels.
        kind: how the graph is kept acyclic; `none` passes activity through.
        link_lags: longest lag of an edge, in weeks.
        groups: number of groups of regions.
    """

    n_channels: int
    kind: GraphKind
    link_lags: int = 0
    groups: int = 1

    def setup(self) -> None:
        """Declare edges and mixes, and the edges that training keeps and the user fixes."""
        if self.kind == "none":
            return
        by_group = () if self.groups == 1 else (self.groups,)
        shape = (*by_group, self.n_channels, self.n_channels)
        self.edge = self.param("edge", nn.initializers.zeros, shape)
        self.mix = self.param("mix", nn.initializers.constant(_START_MIX), shape[:-1])
        self.kept = self.variable("fitted", "kept", lambda: jnp.broadcast_to(1.0 - jnp.eye(self.n_channels), shape))
        self.fixed = self.variable("fitted", "fixed", jnp.zeros, shape)
        self.unit = self.variable("fitted", "unit", jnp.ones, shape[-1:])
        if self.link_lags:
            by_lag = (*by_group, self.link_lags, *shape[-2:])
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
        """B in standard deviations of the innovations, `[*group, channel, channel]`, entry [i, j] for i -> j."""
        if self.kind == "none":
            return jnp.zeros((self.n_channels, self.n_channels))
        return self.edge * self.kept.value + self.fixed.value

    def lagged_edges(self) -> Array:
        """$B^{(l)}$ in the same unit, `[*group, lag, channel, channel]`."""
        if self.kind == "none" or not self.link_lags:
            by_group = () if self.groups == 1 else (self.groups,)
            return jnp.zeros((*by_group, 0, self.n_channels, self.n_channels))
        return self.lagged * self.lagged_kept.value + self.lagged_fixed.value

    def blend(self) -> Array:
        """$m_j W_{ij}$: share of channel j's activity that is taken from channel i, `[*group, channel, channel]`."""
        if self.kind == "none":
            return self.edges()
        of_graph = _blend if self.groups == 1 else jax.vmap(_blend)
        return of_graph(self.mix, self.edges())

    def __call__(self, activity: Array, source: Array | None = None, in_group: Array | None = None) -> Array:
        """Blended activity.

        Args:
            activity: H, `[week, channel, region]`.
            source: what edges draw on where it is not `activity` itself, for what-if questions; same shape.
            in_group: `[group, region]`, 1 where the region is in the group; None where all regions have one graph.

        Returns:
            Z, `[week, channel, region]`.
        """
        chex.assert_shape(activity, (None, self.n_channels, None))
        if source is not None:
            chex.assert_equal_shape([activity, source])
        if self.kind == "none":
            return activity
        blend, drawn = self.blend(), activity if source is None else source
        if self.groups == 1:
            return _blended(blend, activity, drawn)
        chex.assert_shape(in_group, (self.groups, activity.shape[-1]))
        by_group = jax.vmap(_blended, (0, None, None))(blend, activity, drawn)
        return jnp.einsum("gr,gtmr->tmr", in_group, by_group)


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

    Where regions have graphs by group, each region-week and each week of a group's mean has the edges of its group; the
    noise is that of all groups.

    Attributes:
        n_channels: number of channels.
        link_lags: longest lag of an edge, in weeks.
        groups: number of groups of regions.
    """

    n_channels: int
    link_lags: int = 0
    groups: int = 1

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
        by_group = () if self.groups == 1 else (self.groups,)
        chex.assert_shape(links.within, (*by_group, self.n_channels, self.n_channels))
        chex.assert_shape(links.lagged, (*by_group, self.link_lags, self.n_channels, self.n_channels))
        chex.assert_equal_shape([innovations.regional.now, innovations.regional.weight])
        chex.assert_shape([innovations.regional.now, innovations.national.now], (self.n_channels, None))
        own = jnp.eye(self.n_channels) - links.within
        regional, national = (
            jnp.sum(rows.weight * self._loss(own, links.lagged, rows, row))
            for row, rows in enumerate((innovations.regional, innovations.national))
        )
        _, log_determinant = jnp.linalg.slogdet(own)
        unexplained, by_cycles = regional + national, innovations.observations * log_determinant
        return unexplained - (by_cycles if self.groups == 1 else by_cycles.sum())

    def _loss(self, own: Array, lagged: Array, rows: Rows, row: int) -> Array:
        """Nats, `[channel, column]`, of the part of the innovations that the parents do not explain."""
        if rows.in_group is None:
            rest = self._unexplained(own, lagged, rows)
        else:
            by_group = jax.vmap(self._unexplained, (0, 0, None))(own, lagged, rows)
            rest = jnp.einsum("gn,gmn->mn", rows.in_group, by_group)
        if self.link_lags:
            rest -= self.persistence()[row, :, None] * rows.follows * jnp.roll(rest, 1, axis=1)
        return skewed_logistic_loss(rest, *(part[row, :, None] for part in self.noise()))

    def _unexplained(self, own: Array, lagged: Array, rows: Rows) -> Array:
        """What the parents of one graph leave, `[channel, column]`."""
        rest = own.T @ rows.now
        if self.link_lags:
            rest -= lagged.reshape(-1, self.n_channels).T @ rows.before
        return rest


def _blend(mix: Array, edges: Array) -> Array:
    """Of one graph, `[channel, channel]`; `mix` is `[channel]`, a logit."""
    positive = jnp.maximum(edges, 0.0)
    return to_unit(mix) * positive / (1.0 + positive.sum(axis=0))


def _blended(blend: Array, activity: Array, drawn: Array) -> Array:
    return (1.0 - blend.sum(axis=0))[:, None] * activity + over_weeks(blend.T, drawn)


def blend_by_region(blend: Array, in_group: Array | None) -> Array:
    """Blend of each region, `[region, channel, channel]`; the one blend where all regions have one graph.

    Args:
        blend: `[*group, channel, channel]`.
        in_group: `[group, region]`, 1 or 0; None for one graph.
    """
    return blend if in_group is None else jnp.einsum("gr,gij->rij", in_group, blend)


def initial_graph(constraints: GraphConstraints[Array], unit: Array, groups: int = 1) -> dict[str, Array]:
    """Variables of the graph that the objective does not train: allowed edges, fixed edges, the channels' units.

    Args:
        constraints: what the user states about the edges.
        unit: `[channel]`, standard deviation of the innovations in mean weeks.
        groups: number of groups of regions; the constraints hold in each.
    """
    chex.assert_shape(constraints, (None, unit.shape[0], unit.shape[0]))
    free, fixed = constraints.free, constraints.fixed * unit[:, None] / unit
    variables = {"kept": free[0], "fixed": fixed[0], "unit": unit}
    if free.shape[0] > 1:
        variables |= {"lagged_kept": free[1:], "lagged_fixed": fixed[1:]}
    if groups > 1:
        by_group = {name: jnp.broadcast_to(part, (groups, *part.shape)) for name, part in variables.items()}
        variables = by_group | {"unit": unit}
    return variables
