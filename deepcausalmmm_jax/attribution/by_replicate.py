"""What each member of an ensemble says: contributions, shares, incremental outcomes, curves and edges."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.attribution.credited import control_effects
from deepcausalmmm_jax.attribution.curves import curve_kinds, having
from deepcausalmmm_jax.attribution.fitted_panel import MORE, FittedPanel
from deepcausalmmm_jax.attribution.forward import as_it_was, changes_from, parts_of_channels
from deepcausalmmm_jax.axes import STRUCTURAL_COMPONENTS, Variables
from deepcausalmmm_jax.io.on_device import on_device, single
from deepcausalmmm_jax.io.quick_compile import jit_once
from deepcausalmmm_jax.model.curves import OPTIONAL
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.model.link import added_up, residual_variance
from deepcausalmmm_jax.model.outputs import Components, Internals
from deepcausalmmm_jax.parallel.side_by_side import side_by_side
from deepcausalmmm_jax.training.families import additive_pass, forward_pass

CURVES = ("decay", "slope", "half_saturation", *OPTIONAL)  # as far as some channel has them


Said = TypeVar("Said")
_RUNS = 10  # in which the members of an ensemble are run where the wait is to be known


def in_runs(say: Callable[[Variables], Said], variables: Variables, *, is_shown: bool = True) -> Said:
    """What each member says, found in a few runs of one program side by side, which tell how far the wait has come.

    Args:
        say: of a few members, one array `[member, ...]` or several, on the host.
        variables: of all members, with a leading axis.
        is_shown: whether the wait that is shown counts the runs.
    """
    count = len(jax.tree.leaves(variables)[0])
    size = -(-count // _RUNS)  # the last run is filled up with the last member, so that all share a program
    rows = list(np.minimum(np.arange(-(-count // size) * size), count - 1).reshape(-1, size))
    found = side_by_side(
        lambda run: say(jax.tree.map(lambda a: np.asarray(a)[run], variables)), rows, is_shown=is_shown
    )
    joined: Said = jax.tree.map(lambda *parts: np.concatenate(parts)[:count], *found)
    return joined


class Contributed(NamedTuple):
    """Contributions and curves by member; components in the order structural, controls, channels."""

    national: np.ndarray  # [replicate, week, component], KPI units, sum over regions; NaN in weeks without any row
    regional: np.ndarray  # [replicate, region, component], KPI units, sum over weeks with a row up to the last KPI
    share: np.ndarray  # [replicate, channel], of the KPI in the training weeks
    coefficient: np.ndarray  # [replicate, channel], share of the mean KPI at full activity
    curves: dict[str, np.ndarray]  # [replicate, channel] by name; NaN where a channel's kind has no such parameter
    edges: np.ndarray  # [replicate, *group, 1 + lag, channel, channel], mean weeks


class Earned(NamedTuple):
    """Outcome of each channel by member, `[replicate, channel]`."""

    incremental: np.ndarray  # KPI units
    revenue: np.ndarray  # currency, or KPI units where no revenue per KPI is known
    marginal_revenue: np.ndarray  # of `MORE` exposure
    prediction: np.ndarray  # [replicate], KPI units


def contributed(fit: FittedPanel, variables: Variables) -> Contributed:
    """Contributions, shares, curves and edges of each member on the panel of the fit, by one forward pass each.

    Args:
        fit: the fit on its own panel.
        variables: of the members, each array with a leading axis `[replicate]`.
    """
    unit, present = fit.scales.kpi, fit.panel.present
    trained = fit.weights * unit[:, None] / (fit.kpi_size[:, None] * fit.weights).sum()
    before, room = _before(fit, variables), fit.in_room
    learned = np.arange(present.shape[1]) < fit.n_training_weeks
    found = _contributed(
        room.variables(variables),
        before if fit.has_log_link else None,
        room.inputs,
        single(unit),
        room.by_week(present),
        room.by_week(fit.panel.past),
        room.by_week(trained),
        room.by_week(learned / (len(unit) * fit.n_training_weeks)),
        room.design,
    )
    by_member: Contributed = jax.tree.map(np.asarray, found)
    is_known = np.asarray(present.any(axis=0))[:, None]
    national = np.where(is_known, by_member.national[:, : room.n_weeks], np.nan)
    by_member = by_member._replace(national=national)
    kinds = curve_kinds(fit)
    by_member = by_member._replace(
        share=by_member.share.astype(np.float64),
        curves={name: having(kinds, name, values) for name, values in by_member.curves.items()},
    )
    return by_member if before is None or fit.has_log_link else _from_baselines(by_member, fit, before)


def weekly_contributions(
    fit: FittedPanel, variables: Variables, rows: Sequence[int], channels: Sequence[int]
) -> np.ndarray:
    """Contributions of some channels in some regions, week by week, `[replicate, row, week, channel]`, KPI units.

    Those of region-weeks without a row are missing.

    Args:
        fit: the fit on its own panel.
        variables: of the members, each array with a leading axis `[replicate]`.
        rows: positions of the regions.
        channels: positions of the channels.
    """
    before, room = _before(fit, variables) if fit.has_log_link else None, fit.in_room
    unit, present = single(fit.scales.kpi), room.by_week(fit.panel.present)
    chosen, kept = on_device(np.asarray(rows, np.int32)), on_device(np.asarray(channels, np.int32))
    found = _weekly(room.variables(variables), before, room.inputs, unit, present, chosen, kept, room.design)
    is_known = fit.panel.present[np.asarray(rows, int)][:, :, None]
    return np.where(is_known, np.asarray(found)[:, :, : room.n_weeks], np.nan)


def _before(fit: FittedPanel, variables: Variables) -> np.ndarray | None:
    """What treatments do at their baselines, `[replicate, region, control]`, scaled; None where nothing is credited."""
    if not fit.baselines.credited.any():
        return None
    return control_effects(variables, fit.control_sign) * fit.baselines.score


def _from_baselines(found: Contributed, fit: FittedPanel, scaled: np.ndarray) -> Contributed:
    """Treatments and events counted from their baselines, as `FittedPanel.scaled_terms` does it."""
    before = scaled * fit.scales.kpi[:, None]  # [replicate, region, control], KPI units in every week with a row
    present = fit.panel.present.astype(np.float64)
    n, n_controls = len(STRUCTURAL_COMPONENTS), before.shape[2]
    national, regional = found.national.astype(np.float64), found.regional.astype(np.float64)
    by_week, by_region = np.einsum("krc,rt->ktc", before, present), before * fit.panel.past.sum(axis=1)[:, None]
    for values, moved in ((national, by_week), (regional, by_region)):
        values[:, :, n : n + n_controls] -= moved
        values[:, :, 0] += moved.sum(axis=2)
    return found._replace(national=national, regional=regional)


def earned(fit: FittedPanel, variables: Variables, planned: bool = False) -> Earned:
    """Incremental outcomes of each member by the model's own counterfactuals, counted as `media_summary` counts them.

    Args:
        fit: the fit on its own panel.
        variables: of the members, each array with a leading axis `[replicate]`.
        planned: whether weeks after the last one with a KPI count too.
    """
    panel = fit.panel
    counted = panel.present if planned else panel.past
    unit, room = fit.scales.kpi[:, None] * counted, fit.in_room
    weights = room.by_week(np.stack([unit, unit * np.where(counted, fit.worth, 0.0)]))

    def say(members: Variables) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        lost, more, prediction = _earned(room.variables(members), room.inputs, weights, room.design)
        return np.asarray(lost, np.float64), np.asarray(more, np.float64), np.asarray(prediction, np.float64)

    lost, more, prediction = in_runs(say, variables, is_shown=False)
    added = np.where(counted, fit.size_over_mean()[:, None], 0.0).sum()
    return Earned(lost[:, :, 0], lost[:, :, 1], -more[:, :, 1], prediction + added)


@jit_once("design")
def _contributed(
    variables: Variables,
    before: np.ndarray | None,
    inputs: AnyInputs,
    unit: Array,
    present: Array,
    past: Array,
    trained: Array,
    learned: Array,
    design: AnyDesign,
) -> Contributed:
    def one(drawn: tuple[Variables, Array | None]) -> tuple[Array | dict[str, Array], ...]:
        own, at_baseline = drawn
        terms, inside = _terms(own, at_baseline, inputs, present, design)
        structural = jnp.stack([terms.baseline, terms.trend, terms.seasonality], axis=-1)
        stacked = jnp.concatenate([structural, terms.control, terms.media], axis=-1) * unit[:, None, None]
        stacked = stacked * present[:, :, None]
        return (
            stacked.sum(axis=0),
            (stacked * past[:, :, None]).sum(axis=1),
            jnp.einsum("rtm,rt->m", terms.media, trained),
            jnp.einsum("rtm,t->m", inside.coefficient, learned),
            {name: getattr(inside.curves, name) for name in CURVES if getattr(inside.curves, name) is not None},
            jnp.concatenate([inside.relative_edges[..., None, :, :], inside.relative_lagged_edges], axis=-3),
        )

    return Contributed(*jax.lax.map(one, (variables, before)))


def _terms(
    own: Variables, at_baseline: Array | None, inputs: AnyInputs, present: Array, design: AnyDesign
) -> tuple[Components, Internals]:
    """Terms that add up, of one member."""
    terms, inside = forward_pass(own, inputs, design) if at_baseline is None else additive_pass(own, inputs, design)
    if at_baseline is not None:  # under a log link: counted from there before the terms are made to add up
        moved = at_baseline[:, None, :] * present[:, :, None]
        terms = terms._replace(baseline=terms.baseline + moved.sum(axis=-1), control=terms.control - moved)
        terms = added_up(terms, residual_variance(inside))
    return terms, inside


@jit_once("design")
def _weekly(
    variables: Variables,
    before: np.ndarray | None,
    inputs: AnyInputs,
    unit: Array,
    present: Array,
    rows: Array,
    channels: Array,
    design: AnyDesign,
) -> Array:
    def one(drawn: tuple[Variables, Array | None]) -> Array:
        terms, _ = _terms(*drawn, inputs, present, design)
        media = terms.media * (unit[:, None] * present)[:, :, None]
        return media[rows][:, :, channels]

    by_member: Array = jax.lax.map(one, (variables, before))
    return by_member


@jit_once("design")
def _earned(variables: Variables, inputs: AnyInputs, weights: Array, design: AnyDesign) -> tuple[Array, Array, Array]:
    def one(own: Variables) -> tuple[Array, Array, Array]:
        was, parts = parts_of_channels(own, inputs, design)
        changed = changes_from(as_it_was(own, inputs, design), own, inputs, jnp.float32(1.0 + MORE), design)
        without, with_more = (jnp.einsum("mrt,vrt->mv", part, weights) for part in (parts, changed))
        return without, with_more, jnp.sum(was.prediction() * weights[0])

    by_member: tuple[Array, Array, Array] = jax.lax.map(one, variables)
    return by_member
