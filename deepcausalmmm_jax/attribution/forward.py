"""Compiled runs of a fitted model, in scaled units."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.io.quick_compile import jit_briefly, jit_once
from deepcausalmmm_jax.model import curve_prior
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.model.link import added_up, kpi_per_effect, residual_variance
from deepcausalmmm_jax.model.outputs import Components, Internals
from deepcausalmmm_jax.model.parameters import Parameters
from deepcausalmmm_jax.model.prior_scales import PriorScales
from deepcausalmmm_jax.ops.batches import map_in_batches
from deepcausalmmm_jax.ops.weekly_loop import scan_weeks
from deepcausalmmm_jax.parallel.memory import counterfactuals_at_once
from deepcausalmmm_jax.training.families import additive_pass, family_for, forward_pass, has_log_link


@jit_briefly("design")
def run(variables: Variables, inputs: AnyInputs, design: AnyDesign) -> tuple[Components, Internals]:
    """One forward pass, its terms as the model adds them up."""
    return additive_pass(variables, inputs, design)


@jit_once("design")
def curve_precisions(
    parameters: Parameters, inputs: Inputs[Array], scales: PriorScales, design: Design
) -> dict[str, Array]:
    """See `model.curve_prior`."""
    return curve_prior.curve_precisions(parameters, inputs, scales, design)


@jit_once("design")
def changes(variables: Variables, inputs: AnyInputs, factor: Array, design: AnyDesign) -> Array:
    """Prediction as it was less that with one channel's exposure times `factor`, `[channel, region, week]`.

    The factor holds for all weeks, or is given by week, `[week, 1]`.
    """
    return changes_from(as_it_was(variables, inputs, design), variables, inputs, factor, design)


class AsItWas(NamedTuple):
    """What counterfactuals are compared with."""

    activity: Array  # [week, channel, region], see `ModelFamily.activity`
    driven: Array  # [week, term, region], see `ModelFamily.driven`
    kpi: Array | None  # [region, week], the prediction, scaled; only needed under a log link


def as_it_was(variables: Variables, inputs: AnyInputs, design: AnyDesign) -> AsItWas:
    """The panel's own exposure, as the model reads it."""
    family = family_for(design)
    activity = family.activity(variables, inputs, design)
    kpi = forward_pass(variables, inputs, design)[0].prediction() if has_log_link(design) else None
    return AsItWas(activity, family.driven(activity, variables, inputs, design), kpi)


def changes_from(was: AsItWas, variables: Variables, inputs: AnyInputs, factor: Array, design: AnyDesign) -> Array:
    """`changes` where what they are compared with is known already."""
    lost = _lost_effects(was, variables, inputs, factor, design)
    return lost if was.kpi is None else -was.kpi * jnp.expm1(-lost)


def _lost_effects(was: AsItWas, variables: Variables, inputs: AnyInputs, factor: Array, design: AnyDesign) -> Array:
    """`[channel, region, week]`; under a log link, of the log of the KPI."""
    family = family_for(design)
    would_be = family.activity(variables, inputs._replace(exposure=inputs.exposure * factor), design)

    def lost(channel: Array) -> Array:
        is_changed = (jnp.arange(design.n_channels) == channel)[:, None]
        driven = family.driven(jnp.where(is_changed, would_be, was.activity), variables, inputs, design)
        # Term by term: the difference of two sums would lose small effects to rounding.
        return jnp.sum(was.driven - driven, axis=1).T

    together = counterfactuals_at_once(inputs.exposure.size, design.n_channels)
    return map_in_batches(lost, jnp.arange(design.n_channels), together)


@jit_once("design")
def predictions(variables: Variables, inputs: AnyInputs, design: AnyDesign) -> Array:
    """The prediction of each set of variables, `[set, region, week]`."""
    by_set: Array = jax.lax.map(lambda own: forward_pass(own, inputs, design)[0].prediction(), variables)
    return by_set


@jit_once("design")
def incremental(variables: Variables, inputs: AnyInputs, design: AnyDesign) -> Array:
    """What each channel adds to the prediction, `[channel, region, week]`; see `parts_of_channels`."""
    return parts_of_channels(variables, inputs, design)[1]


def parts_of_channels(variables: Variables, inputs: AnyInputs, design: AnyDesign) -> tuple[Components, Array]:
    """The terms of `forward_pass`, and what each channel adds to their sum, `[channel, region, week]`.

    That is what is lost with the channel alone at zero. Under a log link it is that loss on the log of the KPI, times
    what all media add per unit of their effect on the log: the losses of one channel at a time would add up to more
    than is lost without any media, since each would count what the others multiply.
    """
    terms, inside = additive_pass(variables, inputs, design)
    was = as_it_was(variables, inputs, design)
    lost = _lost_effects(was, variables, inputs, jnp.float32(0.0), design)
    if not has_log_link(design):
        return terms, lost
    variance = residual_variance(inside)
    return added_up(terms, variance), lost * kpi_per_effect(terms, variance)


@jit_once("design")
def effects(variables: Variables, inputs: AnyInputs, design: AnyDesign) -> Array:
    """Direct and total loss of prediction with one channel at zero, `[channel, 2, region, week]`."""
    was, inside = forward_pass(variables, inputs, design)

    def lost(channel: Array) -> Array:
        direct = _lost_directly(was, variables, inputs, design, channel)
        return jnp.stack([direct, _lost_in_all(was, variables, inputs, design, channel, inside)])

    both: Array = jax.lax.map(lost, jnp.arange(design.n_channels))
    return both


@jit_once("design")
def effects_by_member(
    variables: Variables, edges: Array, inputs: AnyInputs, weights: Array, drivers: Array, design: AnyDesign
) -> tuple[Array, Array]:
    """`effects` of each member, added up over regions and weeks.

    Args:
        variables: of the members, each array with a leading axis `[member]`.
        edges: that exposure follows, `[member, *group, 1 + lag, channel, channel]`, mean weeks.
        inputs: the panel.
        weights: `[region, week]`, what a unit of the scaled KPI counts.
        drivers: positions of the channels that drive others, `[driver]`.
        design: of the model.

    Returns:
        Direct loss, `[member, channel]`, and total loss of the drivers, `[member, driver]`.
    """

    def one(member: tuple[Variables, Array]) -> tuple[Array, Array]:
        own, links = member
        was, inside = forward_pass(own, inputs, design)
        followed = inside._replace(relative_edges=links[..., 0, :, :], relative_lagged_edges=links[..., 1:, :, :])

        def alone(channel: Array) -> Array:
            return jnp.sum(_lost_directly(was, own, inputs, design, channel) * weights)

        def in_all(channel: Array) -> Array:
            return jnp.sum(_lost_in_all(was, own, inputs, design, channel, followed) * weights)

        return jax.lax.map(alone, jnp.arange(design.n_channels)), jax.lax.map(in_all, drivers)

    by_member: tuple[Array, Array] = jax.lax.map(one, (variables, edges))
    return by_member


def _lost_directly(
    was: Components, variables: Variables, inputs: AnyInputs, design: AnyDesign, channel: Array
) -> Array:
    """Loss with one channel at zero and all other exposure as it was, `[region, week]`."""
    alone = jnp.where(jnp.arange(design.n_channels) == channel, 0.0, inputs.exposure)
    direct, _ = forward_pass(variables, inputs._replace(exposure=alone), design, inputs.exposure)
    return difference(was, direct)


def _lost_in_all(
    was: Components, variables: Variables, inputs: AnyInputs, design: AnyDesign, channel: Array, inside: Internals
) -> Array:
    """Loss with one channel at zero and without what it drove in others, by the edges of `inside`, `[region, week]`."""
    in_group = inputs.innovations.in_group if isinstance(inputs, Inputs) else None
    driven = _driven(inputs.exposure[:, :, channel], channel, inside, in_group)
    rest = jnp.maximum(inputs.exposure - driven, 0.0)
    followed = jnp.where(jnp.arange(design.n_channels) == channel, 0.0, rest)
    total, _ = forward_pass(variables, inputs._replace(exposure=followed), design)
    return difference(was, total)


def _driven(exposure: Array, channel: Array, inside: Internals, in_group: Array | None = None) -> Array:
    """What exposure of one channel adds to all channels by all paths, week by week, `[region, week, channel]`.

    Args:
        exposure: of the channel, `[region, week]`, mean weeks.
        channel: its position. Edges into it do not count, since its exposure is set by intervention.
        inside: for the edges.
        in_group: `[group, region]`, 1 where the region has the graph of the group; None for one graph.
    """
    within, lagged = inside.relative_edges, inside.relative_lagged_edges
    if in_group is None:
        return _driven_in(exposure, channel, within, lagged)
    by_group = jax.vmap(_driven_in, (None, None, 0, 0))(exposure, channel, within, lagged)
    return jnp.einsum("gr,grtm->rtm", in_group, by_group)


def _driven_in(exposure: Array, channel: Array, within: Array, lagged: Array) -> Array:
    """The same in one graph, with edges `[channel, channel]` and `[lag, channel, channel]`."""
    n_channels = within.shape[0]
    if not lagged.shape[0]:
        return exposure[:, :, None] * jnp.linalg.inv(jnp.eye(n_channels) - within)[channel]
    others = (jnp.arange(n_channels) != channel).astype(within.dtype)
    reach = jnp.linalg.inv(jnp.eye(n_channels) - within * others)  # of the same week

    def week(before: Array, now: Array) -> tuple[Array, Array]:
        """Args: `[lag, region, channel]`, the nearest week first; `[region]`."""
        received = jnp.einsum("lri,lij->rj", before, lagged) * others
        added = (received + now[:, None] * (1.0 - others)) @ reach
        return jnp.concatenate([added[None], before[:-1]]), added

    nothing = jnp.zeros((lagged.shape[0], exposure.shape[0], n_channels), within.dtype)
    _, by_week = scan_weeks(week, nothing, exposure.T)
    return jnp.moveaxis(by_week, 0, 1)


def difference(before: Components, after: Components) -> Array:
    """`[region, week]`, term by term: the difference of two sums would lose small effects to rounding."""
    parts = Components(*(_summed(a - b) for a, b in zip(before, after, strict=True)))
    total: Array = jax.tree.reduce(jnp.add, parts)
    return total


def _summed(term: Array) -> Array:
    """`[region, week]` from `[region, week]` or `[region, week, part]`."""
    return term if term.ndim == 2 else term.sum(axis=-1)
