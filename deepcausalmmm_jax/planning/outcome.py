"""Outcome of a plan: one compiled, differentiable function from spend to outcome, through the model."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.io.on_device import on_device, single
from deepcausalmmm_jax.io.quick_compile import jit_kept
from deepcausalmmm_jax.model.family import AnyDesign, AnyInputs
from deepcausalmmm_jax.model.link import residual_variance, slope_of, without_media
from deepcausalmmm_jax.model.windows import from_week
from deepcausalmmm_jax.parallel.side_by_side import side_by_side, threads_for
from deepcausalmmm_jax.planning.cells import Cells
from deepcausalmmm_jax.training.families import additive_pass, family_for, model_for

KPI, REVENUE = 0, 1
_PLANS = 8  # of one run of the compiled program, which serves any number of them
_BATCH = 4_000_000  # media values held at once: replicates are run in batches of this size
_BATCH_ON_CPU = 100_000  # fits the caches: three times as fast as all at once
_LITTLE = 200_000  # exposures, over all replicates, that one thread runs through the model in milliseconds
_FEW = 4  # replicates that are not worth a thread of their own
_Drawn = tuple[Variables, Any, Any]  # parameters, memory and base of a replicate, see `Stage`


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
    batch: int  # replicates run at once


class Outcome:
    """Outcome of plans under every set of parameters: the refits of an ensemble, or the fit alone without any.

    Attributes:
        n_replicates: number of sets of parameters.
        n_cells: number of cells of a plan.
        n_channels: number of channels of the model.
    """

    def __init__(
        self,
        fit: FittedPanel,
        variables: Variables | None,
        horizon: Horizon,
        cells: Cells,
        worth: np.ndarray | None = None,
    ) -> None:
        """Prepare the weeks before the plan once.

        Args:
            fit: the fit on its own panel.
            variables: sets of parameters, with a leading axis; None for the fit's own.
            horizon: weeks, prices and what counts.
            cells: of the plans.
            worth: `[value, region, week from start]`, what a KPI unit is worth in each figure of the outcome; KPI and
                revenue when None.
        """
        own = jax.tree.map(lambda a: np.asarray(a)[None], fit.variables)
        self._variables = on_device(own if variables is None else variables)
        self.n_replicates = len(jax.tree.leaves(self._variables)[0])
        self.n_cells, self.n_channels = len(cells), len(horizon.panel.channels)
        self._stage, self._shape = _staged(fit, self._variables, horizon, cells, self.n_replicates, worth)
        self._pieces: list[_Drawn] = []  # replicates by thread, once gradients are asked for
        self._compiled: set[str] = set()  # programs that have run

    def values(self, plans: np.ndarray, on_air: np.ndarray | None = None) -> np.ndarray:
        """KPI and revenue that depend on exposure, `[plan, replicate, value, region]`, from spend `[plan, cell]`.

        Args:
            plans: spend, `[plan, cell]`.
            on_air: `[plan, channel]`, 0 to take a channel off the air in the plan's weeks, exposure that was free
                included; 1 everywhere when None.
        """
        return self._values(plans, on_air, is_shown=False)

    def values_in_turn(self, plans: np.ndarray, on_air: np.ndarray | None = None) -> np.ndarray:
        """`values` of many plans, which say how far the wait has come."""
        return self._values(plans, on_air, is_shown=True)

    def _values(self, plans: np.ndarray, on_air: np.ndarray | None, *, is_shown: bool) -> np.ndarray:
        on = np.ones((len(plans), self.n_channels)) if on_air is None else on_air
        each = min(_PLANS, -(-len(plans) // self._threads(len(plans))))

        def of_some(at: int) -> np.ndarray:
            some, on_of_some = plans[at : at + each], on[at : at + each]
            short = ((0, _PLANS - len(some)), (0, 0))
            found = _values(
                single(np.pad(some, short)),
                single(np.pad(on_of_some, short)),
                on_device(np.int32(len(some))),
                self._variables,
                self._stage,
                shape=self._shape,
            )
            return np.asarray(found, np.float64)[: len(some)]

        starts, is_compiled = range(0, len(plans), each), "values" in self._compiled
        found = side_by_side(of_some, starts, is_compiled=is_compiled, is_shown=is_shown)
        self._compiled.add("values")
        return np.concatenate(found)

    def _threads(self, most: int) -> int:
        """Threads that are worth their start: none beside the own for what takes a few milliseconds."""
        return threads_for(most) if self.n_replicates * self._stage.inputs.exposure.size > _LITTLE else 1

    def by_channel(self, plans: np.ndarray) -> np.ndarray:
        """Each channel's own term, `[plan, replicate, value, channel]`, from spend `[plan, cell]`.

        Terms of controls that follow exposure are left out.
        """
        found = _by_channel(single(plans), self._variables, self._stage, shape=self._shape)
        return np.asarray(found, np.float64)

    def values_and_slopes(self, plan: np.ndarray, value: int) -> tuple[np.ndarray, np.ndarray]:
        """Outcome of one plan by replicate, `[replicate, 2, region]`, and its gradient, `[replicate, cell]`.

        Args:
            plan: spend, `[cell]`.
            value: what the gradient is of, `KPI` or `REVENUE`, summed over regions.
        """
        if not self._pieces:
            drawn = (self._variables, self._stage.memory, self._stage.base)
            self._pieces = _split(drawn, self.n_replicates, self._threads(max(self.n_replicates // _FEW, 1)))
        stage, placed = self._stage._replace(memory=None, base=None), single(plan)

        def of_some(piece: _Drawn) -> tuple[np.ndarray, np.ndarray]:
            values, slopes = _slopes(placed, piece, stage, shape=self._shape, value=value)
            return np.asarray(values, np.float64), np.asarray(slopes)  # of many cells, too many numbers to double

        found = side_by_side(of_some, self._pieces, is_compiled="slopes" in self._compiled)
        self._compiled.add("slopes")
        values, slopes = (np.concatenate(part)[: self.n_replicates] for part in zip(*found, strict=True))
        return values, slopes


def _split(drawn: _Drawn, n_replicates: int, n_parts: int) -> list[_Drawn]:
    """The replicates in parts of one size, one a thread; the last is filled up with the last replicate."""
    size = -(-n_replicates // n_parts)
    rows = np.minimum(np.arange(n_parts * size), n_replicates - 1).reshape(n_parts, size)
    return [
        jax.tree.map(lambda a, own=own: a if n_parts == 1 else on_device(np.asarray(a)[own]), drawn) for own in rows
    ]


def _staged(
    fit: FittedPanel,
    variables: Variables,
    horizon: Horizon,
    cells: Cells,
    n_replicates: int,
    worth: np.ndarray | None,
) -> tuple[Stage, Shape]:
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
    return stage, Shape(design, first, _batch(inputs.exposure.size, n_replicates))


def _batch(size: int, n_replicates: int) -> int:
    """Replicates run at once; a divisor of their number, so that no remainder needs a program of its own."""
    values = _BATCH_ON_CPU if jax.default_backend() == "cpu" else _BATCH
    most = int(np.clip(values // max(size, 1), 1, n_replicates))
    return max(n for n in range(1, most + 1) if n_replicates % n == 0)


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


def _outcome(plan: Array, on_air: Array, own: _Drawn, stage: Stage, shape: Shape) -> Array:
    """`[value, region]`: media (and controls, where they follow exposure) summed over the weeks that count."""
    media, control = _terms(plan, on_air, own, stage, shape)
    driven = media.sum(axis=-1)
    if control is not None:
        driven = driven + control.sum(axis=-1)
    weighted: Array = jnp.einsum("rt,vrt->vr", driven, stage.weights)
    return weighted


def _terms(plan: Array, on_air: Array, drawn: _Drawn, stage: Stage, shape: Shape) -> tuple[Array, Array | None]:
    """Terms of the channels, and of the controls where they follow exposure, `[region, week, term]`, scaled.

    Under a log link the channels' terms are their parts of what all media add to the KPI without them.
    """
    own, memory, base = drawn
    media, control = _additive_terms(plan, on_air, own, memory, stage, shape)
    if base is not None:
        media = media * (base * slope_of(media.sum(axis=-1)))[:, :, None]
    return media, control


def _additive_terms(
    plan: Array, on_air: Array, own: Variables, memory: Any, stage: Stage, shape: Shape
) -> tuple[Array, Array | None]:
    """The same as the model adds them up."""
    exposure = on_air * (stage.offset + stage.unit * jnp.append(plan, 0.0)[stage.cell])
    inputs = stage.inputs
    whole = jax.lax.dynamic_update_slice_in_dim(inputs.exposure, exposure, shape.first, axis=1)
    inputs, model = inputs._replace(exposure=whole), model_for(shape.design)
    if memory is not None:
        media: Array = model.apply(own, inputs, memory, method="media_after")  # type: ignore[assignment]
        return media, None
    terms: Any = model.apply(own, inputs)[0]
    return terms.media, terms.control if family_for(shape.design).controls_follow_exposure else None


def _by_replicate(plan: Array, on_air: Array, variables: Variables, stage: Stage, shape: Shape) -> Array:
    """`[replicate, value, region]`."""
    drawn = (variables, stage.memory, stage.base)
    outcomes: Array = jax.lax.map(lambda own: _outcome(plan, on_air, own, stage, shape), drawn, batch_size=shape.batch)
    return outcomes


@jit_kept("shape")
def _by_channel(plans: Array, variables: Variables, stage: Stage, *, shape: Shape) -> Array:
    """`[plan, replicate, value, channel]`."""

    def one(plan: Array) -> Array:
        def own_terms(own: _Drawn) -> Array:
            media, _ = _terms(plan, jnp.ones(stage.offset.shape[-1]), own, stage, shape)
            return jnp.einsum("rtc,vrt->vc", media, stage.weights)

        terms: Array = jax.lax.map(own_terms, (variables, stage.memory, stage.base), batch_size=shape.batch)
        return terms

    outcomes: Array = jax.lax.map(one, plans)
    return outcomes


@jit_kept("shape")
def _values(plans: Array, on_air: Array, count: Array, variables: Variables, stage: Stage, *, shape: Shape) -> Array:
    """`[plan, replicate, value, region]` of the first `count` plans, zeros after them."""

    def one(at: Array, found: Array) -> Array:
        return found.at[at].set(_by_replicate(plans[at], on_air[at], variables, stage, shape))

    n_replicates, (n_values, n_regions, _) = len(jax.tree.leaves(variables)[0]), stage.weights.shape
    outcomes: Array = jax.lax.fori_loop(0, count, one, jnp.zeros((len(plans), n_replicates, n_values, n_regions)))
    return outcomes


@jit_kept("shape", "value")
def _slopes(plan: Array, drawn: _Drawn, stage: Stage, *, shape: Shape, value: int) -> tuple[Array, Array]:
    """Outcome `[replicate, value, region]` and its gradient `[replicate, cell]`."""

    def one(own: _Drawn) -> tuple[Array, Array]:
        def total(x: Array) -> tuple[Array, Array]:
            values = _outcome(x, jnp.ones(stage.offset.shape[-1]), own, stage, shape)
            return values[value].sum(), values

        slope, values = jax.grad(total, has_aux=True)(plan)
        return values, slope

    n_replicates = len(jax.tree.leaves(drawn)[0])
    batch = max(n for n in range(1, shape.batch + 1) if n_replicates % n == 0)
    found: tuple[Array, Array] = jax.lax.map(one, drawn, batch_size=batch)
    return found
