"""What a plan's outcome is computed from, prepared once: inputs, prices, and what the weeks before the plan left."""

from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.io.on_device import on_device, single
from deepcausalmmm_jax.io.quick_compile import jit_kept
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.model.link import residual_variance, without_media
from deepcausalmmm_jax.model.windows import from_week
from deepcausalmmm_jax.planning.cells import Cells
from deepcausalmmm_jax.training.families import additive_pass, model_for

_BATCH = 4_000_000  # media values held at once: replicates are run in batches of this size
_BATCH_ON_CPU = 100_000  # fits the caches: three times as fast as all at once


class Stage(NamedTuple):
    """Everything but the plan, as the model reads it."""

    inputs: AnyInputs  # from the plan's first week on; all weeks in a model without memory
    unit: Array  # [region, plan week, channel], scaled exposure per unit of spend
    offset: Array  # [region, plan week, channel], scaled exposure
    cell: Array  # [region, plan week, channel]
    weights: Array  # [value, region, week], KPI and revenue of one scaled unit; 0 where the outcome does not count
    memory: Any  # of each replicate; None in a model without memory, and where no week is before the plan's
    base: Array | None  # [replicate, region, week], KPI without media, scaled, under a log link; else None


class Shape(NamedTuple):
    """Static arguments of the compiled program."""

    design: AnyDesign
    first: int  # the plan's first week within the stage's inputs
    batch: int  # replicates run at once, at most


def staged(
    fit: FittedPanel,
    variables: Variables,
    horizon: Horizon,
    cells: Cells,
    worth: np.ndarray | None,
) -> tuple[Stage, Shape]:
    """The stage of a plan, and its sizes.

    Args:
        fit: the fit on its own panel.
        variables: sets of parameters, with a leading axis.
        horizon: weeks, prices and what counts.
        cells: of the plan.
        worth: `[value, region, week from start]`, what a KPI unit is worth in each figure; KPI and revenue when None.
    """
    design, inputs = fit.design, fit.on(horizon.panel).inputs
    worth = np.stack([np.ones(horizon.worth.shape), horizon.worth]) if worth is None else worth
    weights = fit.scales.kpi[:, None] * np.where(horizon.counted, worth, 0.0)
    memory, first = None, horizon.start
    if not fit.family.has_memory:
        weights = np.pad(weights, ((0, 0), (0, 0), (horizon.start, 0)))
    else:
        assert isinstance(inputs, Inputs)
        memory = _memories(variables, from_week(inputs, 0, horizon.start), design) if horizon.start else None
        if memory is not None and horizon.start >= fit.n_training_weeks:
            memory = memory._replace(coefficient=memory.coefficient._replace(hidden=None))
        inputs, first = from_week(inputs, horizon.start), 0
    base = _bases(variables, fit.on(horizon.panel).inputs, design)[:, :, horizon.start :] if fit.has_log_link else None
    stage = Stage(
        inputs=inputs,
        unit=single(cells.unit / fit.scales.exposure[:, None, :]),
        offset=single(cells.offset / fit.scales.exposure[:, None, :]),
        cell=on_device(np.asarray(cells.cell, np.int32)),
        weights=single(weights),
        memory=memory,
        base=base,
    )
    return stage, Shape(design, first, _batch(inputs.exposure.size))


def _batch(size: int) -> int:
    """Replicates run at once, at most."""
    values = _BATCH_ON_CPU if jax.default_backend() == "cpu" else _BATCH
    return max(1, values // max(size, 1))


@jit_kept("design")
def _memories(variables: Variables, before: Inputs[Array], design: AnyDesign) -> Any:
    return jax.lax.map(lambda own: model_for(design).apply(own, before, method="memory"), variables)


@jit_kept("design")
def _bases(variables: Variables, inputs: AnyInputs, design: AnyDesign) -> Array:
    """Expected KPI without any media, `[replicate, region, week]`, scaled; of a log link."""

    def one(own: Variables) -> Array:
        terms, inside = additive_pass(own, inputs, design)
        return without_media(terms, residual_variance(inside))

    bases: Array = jax.lax.map(one, variables)
    return bases
