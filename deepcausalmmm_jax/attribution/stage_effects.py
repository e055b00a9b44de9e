"""Effects of media by way of an earlier stage of the KPI, such as visits that lead to sales."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.attribution.credited import control_effects
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.forward import parts_of_channels
from deepcausalmmm_jax.attribution.intervals import require_level, with_interval
from deepcausalmmm_jax.axes import CHANNEL, Variables
from deepcausalmmm_jax.io.on_device import on_device, single
from deepcausalmmm_jax.io.quick_compile import jit_once
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs

_ORDER = 20  # seed of the orders in which members are paired


class StageNote(StrEnum):
    """What is to be known of a row; the value is the sentence, without a full stop."""

    MORE_THAN_ALL = (
        "the total is smaller than the part through {stages}: a common cause of the stages that no column contains "
        "makes the split wrong, but not the total"
    )


class Fit(NamedTuple):
    """A fit on its own panel, and the variables of its draws or refits, with a leading axis; None without any."""

    panel: FittedPanel
    members: Variables | None


class Outcome(NamedTuple):
    """Outcome of each channel, KPI units."""

    estimate: np.ndarray  # [channel]
    drawn: np.ndarray | None  # [member, channel]; None without draws


def mediated(stages: Sequence[Fit], given: Fit, counted: np.ndarray) -> Outcome:
    """Outcome of each channel by way of the stages, of the channels of `given`.

    A channel's effect on a stage, times the effect of a unit of the stage on the KPI where media and all earlier
    stages are held. Members of each fit are taken in an order of their own: fits of one seed draw by the same random
    numbers, so that members of the same number are alike, and paired as they come would not be independent.

    Args:
        stages: fits of the stages to media, in their order.
        given: the fit of the KPI with the stages as its last controls, in the same order; its link is the identity.
        counted: `[region, week]`, weeks that count.

    Returns:
        KPI units.
    """
    n_stages, fit = len(stages), given.panel
    n_controls = len(fit.panel.controls)
    at = range(n_controls - n_stages, n_controls)
    estimate = np.zeros(len(fit.panel.channels))
    drawn = None
    if given.members is not None and all(stage.members is not None for stage in stages):
        count = min(_count(one.members) for one in (*stages, given))
        drawn = np.zeros((count, len(estimate)))
    for number, (stage, control) in enumerate(zip(stages, at, strict=True), 1):
        own = stage.panel
        to = [fit.panel.channels.index(channel) for channel in own.panel.channels]
        single_set: Variables = jax.tree.map(lambda array: np.asarray(array)[None], own.variables)
        estimate[to] += _through(_lost(own, single_set, counted), _slopes(fit, fit.variables, control))[0]
        if drawn is not None:
            members, its = _some(stage.members, len(drawn), number), _some(given.members, len(drawn), 0)
            drawn[:, to] += _through(_lost(own, members, counted), _slopes(fit, its, control))
    return Outcome(estimate, drawn)


def stage_table(
    channels: Sequence[str], total: Outcome, by_way: Outcome, stages: Sequence[str], level: float
) -> pd.DataFrame:
    """Direct, mediated and total effects.

    Args:
        channels: their names.
        total: of the KPI by media alone.
        by_way: the part that goes through the stages.
        stages: their names.
        level: of the intervals.

    Returns:
        By channel, KPI units: `direct`, `mediated`, `total`, `pct_mediated`, with `_low` and `_high` where there are
        draws of both; `through`, the stages; and `note`.

    Raises:
        ConfigError: a level that is not between 0 and 1.
    """
    require_level(level)
    found = _figures(total.estimate, by_way.estimate)
    table = pd.DataFrame(found, index=pd.Index(channels, name=CHANNEL)).assign(through=", ".join(stages))
    clearly_less = found["direct"] < 0
    if total.drawn is not None and by_way.drawn is not None:
        count = min(len(total.drawn), len(by_way.drawn))
        table = with_interval(table, _figures(total.drawn[:count], by_way.drawn[:count]), level)
        clearly_less = table["direct_high"].to_numpy() < 0
    note = StageNote.MORE_THAN_ALL.format(stages=" and ".join(stages))
    return table.assign(note=[note if less else "" for less in clearly_less])


def _figures(total: np.ndarray, by_way: np.ndarray) -> dict[str, np.ndarray]:
    share = 100.0 * by_way / np.where(total == 0, np.nan, total)
    return {"direct": total - by_way, "mediated": by_way, "total": total, "pct_mediated": share}


def _count(members: Variables | None) -> int:
    return len(jax.tree.leaves(members)[0])


def _some(members: Variables | None, count: int, number: int) -> Variables:
    """So many of the members, in an order that goes with the number of the fit."""
    order = np.random.default_rng([_ORDER, number]).permutation(_count(members))[:count]
    some: Variables = jax.tree.map(lambda array: np.asarray(array)[order], members)
    return some


def _slopes(fit: FittedPanel, variables: Variables, control: int) -> np.ndarray:
    """KPI that one more unit of the control brings, `[..., region]`, KPI units."""
    per_unit = control_effects(variables, fit.control_sign) / fit.scales.control_scale
    return np.asarray(per_unit[..., control] * fit.scales.kpi)


def _through(lost: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """`[member, channel]` from `[member, channel, region]` and `[member, region]` or `[region]`."""
    return np.asarray((lost * np.atleast_2d(slopes)[:, None, :]).sum(axis=-1))


def _lost(fit: FittedPanel, variables: Variables, counted: np.ndarray) -> np.ndarray:
    """What is lost without each channel, `[member, channel, region]`, KPI units."""
    shown = single(counted * fit.scales.kpi[:, None])
    return np.asarray(_lost_by_region(on_device(variables), fit.inputs, shown, fit.design), np.float64)


@jit_once("design")
def _lost_by_region(variables: Variables, inputs: AnyInputs, counted: Array, design: AnyDesign) -> Array:
    def one(own: Variables) -> Array:
        return jnp.sum(parts_of_channels(own, inputs, design)[1] * counted, axis=-1)

    by_member: Array = jax.lax.map(one, variables)
    return by_member
