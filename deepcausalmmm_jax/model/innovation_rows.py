"""Innovations of exposure as the likelihood of the channel graph reads them, for one graph or a graph each group."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import chex
import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.data.exposure_innovations import ExposureInnovations

_Found = TypeVar("_Found")


class Rows(NamedTuple):
    """Innovations of one kind, regional or national, in long rows, on which a processor works at full width."""

    now: Array  # [channel, column]; a column is a region-week, or a week
    before: Array  # [lag x channel, column], one week earlier, two weeks earlier, ...
    weight: Array  # [channel or 1, column]
    follows: Array  # [channel or 1, column], 1 where the week before has a residual too
    in_group: Array | None = None  # [group, column], 1 or 0; None where all regions have one graph


class InnovationRows(NamedTuple):
    """Innovations of the channels as the likelihood reads them; see `innovation_rows`."""

    regional: Rows
    national: Rows
    observations: Array  # [], observations of one channel; [group] where regions have graphs by group


def over_groups(function: Callable[..., _Found], innovations: ExposureInnovations[Array], *by_group: Any) -> _Found:
    """What a function of innovations and one graph says of each group of regions, with a leading axis `[group]`.

    Args:
        function: of the innovations of one group, in which the weeks of other regions count as not learned from, and of
            a group's part of `by_group`.
        innovations: of all groups.
        *by_group: arrays with a leading axis `[group]`.
    """

    def of_group(own: Array, national: Array, on_air: Array, *parts: Any) -> _Found:
        trained = innovations.trained * own[:, None]
        alone = innovations._replace(national=national, on_air=on_air, trained=trained, in_group=None)
        return function(alone, *parts)

    assert innovations.in_group is not None
    found: _Found = jax.vmap(of_group)(innovations.in_group, innovations.national, innovations.on_air, *by_group)
    return found


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
    by_region, by_mean, count = None, None, regional.sum(axis=1).mean() + national.sum()
    if innovations.in_group is not None:
        n_groups, n_weeks = innovations.national.shape[:2]
        by_region, by_mean = (jnp.repeat(own, n_weeks, axis=1) for own in (innovations.in_group, jnp.eye(n_groups)))
        count = (by_region @ regional.T + by_mean @ national.T).mean(axis=1)
    week = innovations.national.ndim - 2
    return InnovationRows(
        Rows(
            rows(innovations.regional),
            before(innovations.regional, 1),
            regional,
            rows(weighted.regional_follows),
            by_region,
        ),
        Rows(
            rows(innovations.national),
            before(innovations.national, week),
            national,
            rows(weighted.national_follows),
            by_mean,
        ),
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
    """Weights of the equations, and whether the residual of the week before may be subtracted (1) or not (0).

    Where regions have graphs by group, those of means have a leading axis `[group]`, and weights a column a channel.
    """

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
    region-week counts where those weeks before it can be learned from too. In a group of regions all this holds of the
    group's own regions and its own mean; a group of one region has no deviations. A channel that a group never has says
    nothing of the noise that the groups share.

    Args:
        innovations: of the panel.
        weights: `[region, week]`, 0 or more.
        link_lags: longest lag of an edge, in weeks.
    """
    chex.assert_equal_shape([weights, innovations.trained])
    if innovations.in_group is not None:
        found = over_groups(lambda own: innovation_weights(own, weights, link_lags), innovations)
        regional, follows = found.regional.sum(axis=0), found.regional_follows.sum(axis=0)
        ever_on_air = innovations.on_air.max(axis=1)[:, None]  # [group, 1, channel]
        return found._replace(regional=regional, regional_follows=follows, national=found.national * ever_on_air)
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
