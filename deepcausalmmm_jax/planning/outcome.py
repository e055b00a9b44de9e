"""Outcome of a plan: one compiled, differentiable function from spend to outcome, through the model."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.horizon import Horizon
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.io.on_device import on_device, single
from deepcausalmmm_jax.io.quick_compile import jit_kept
from deepcausalmmm_jax.model.link import slope_of
from deepcausalmmm_jax.ops.batches import map_in_batches
from deepcausalmmm_jax.parallel.side_by_side import side_by_side, threads_for
from deepcausalmmm_jax.planning.cells import Cells
from deepcausalmmm_jax.planning.stage import Shape, Stage, staged
from deepcausalmmm_jax.training.families import family_for, model_for

KPI, REVENUE = 0, 1
_PLANS = 8  # of one run of the compiled program, which serves any number of them
_LITTLE = 200_000  # exposures, over all replicates, that one thread runs through the model in milliseconds
_FEW = 4  # replicates that are not worth a thread of their own
_MOST = 16  # replicates in one run of a thread, of which a search begins with one a thread
_QUICKER = 3  # times as many replicates as those of a quick search, or there is none
_Drawn = tuple[Variables, Any, Any]  # parameters, memory and base of a replicate, see `Stage`


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
        self._stage, self._shape = staged(fit, self._variables, horizon, cells, worth)
        self._pieces: list[_Drawn] = []  # replicates by run of a thread, once gradients are asked for
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
        each = -(-len(plans) // self._threads(len(plans)))
        filled = np.pad(plans, ((0, -len(plans) % each), (0, 0)))

        def of_some(at: int) -> np.ndarray:
            some = single(filled[at : at + each])
            return np.asarray(_by_channel(some, self._variables, self._stage, shape=self._shape), np.float64)

        return np.concatenate(side_by_side(of_some, range(0, len(plans), each)))[: len(plans)]

    def values_and_slopes(self, plan: np.ndarray, value: int) -> tuple[np.ndarray, np.ndarray]:
        """Outcome of one plan by replicate, `[replicate, 2, region]`, and its gradient, `[replicate, cell]`.

        Args:
            plan: spend, `[cell]`.
            value: what the gradient is of, `KPI` or `REVENUE`, summed over regions.
        """
        pieces = self._in_pieces()
        values, slopes = self._slopes_of(pieces, plan, value)
        in_order = [np.swapaxes(part, 0, 1).reshape(-1, *part.shape[2:]) for part in (values, slopes)]
        return in_order[0][: self.n_replicates], in_order[1][: self.n_replicates]

    def few(self) -> "FewReplicates | None":
        """The outcome under a few of the replicates, evenly spread; None where all of them take little longer."""
        threads = self._threads(self.n_replicates)
        rows = rows_by_part(self.n_replicates, len(self._in_pieces()))[:threads]
        return FewReplicates(self, rows.ravel(), threads) if _QUICKER * rows.size <= self.n_replicates else None

    def _in_pieces(self) -> list[_Drawn]:
        if not self._pieces:
            drawn = (self._variables, self._stage.memory, self._stage.base)
            most = self._threads(max(self.n_replicates // _FEW, 1))
            size = self.n_replicates
            if most > 1:
                size = int(np.clip(-(-self.n_replicates // (4 * most)), _FEW, _MOST))
            self._pieces = _split(drawn, self.n_replicates, -(-self.n_replicates // size))
        return self._pieces

    def _slopes_of(self, pieces: list[_Drawn], plan: np.ndarray, value: int) -> tuple[np.ndarray, np.ndarray]:
        """Outcome and gradient by piece, `[piece, replicate of it, ...]`."""
        stage, placed = self._stage._replace(memory=None, base=None), single(plan)

        def of_some(piece: _Drawn) -> tuple[np.ndarray, np.ndarray]:
            values, slopes = _slopes(placed, piece, stage, shape=self._shape, value=value)
            return np.asarray(values, np.float64), np.asarray(slopes)  # of many cells, too many numbers to double

        found = side_by_side(of_some, pieces, is_compiled="slopes" in self._compiled)
        self._compiled.add("slopes")
        values, slopes = (np.stack(part) for part in zip(*found, strict=True))
        return values, slopes


class FewReplicates:
    """The outcome under a few replicates, by the program of all: what a search begins with.

    Attributes:
        rows: `[replicate]`, which of all they are.
    """

    def __init__(self, whole: Outcome, rows: np.ndarray, n_pieces: int) -> None:
        self.rows = rows
        self._whole, self._n_pieces = whole, n_pieces

    def values(self, plans: np.ndarray) -> np.ndarray:
        """As `Outcome.values`, of these replicates."""
        return self._whole.values(plans)[:, self.rows]

    def values_and_slopes(self, plan: np.ndarray, value: int) -> tuple[np.ndarray, np.ndarray]:
        """As `Outcome.values_and_slopes`, of these replicates."""
        values, slopes = self._whole._slopes_of(self._whole._in_pieces()[: self._n_pieces], plan, value)
        return values.reshape(-1, *values.shape[2:]), slopes.reshape(-1, *slopes.shape[2:])


def rows_by_part(n_replicates: int, n_parts: int) -> np.ndarray:
    """The replicates in parts of one size, each spread over all of them, `[part, replicate of it]`.

    The last replicate fills up what is short.
    """
    size = -(-n_replicates // n_parts)
    return np.minimum(np.arange(n_parts * size), n_replicates - 1).reshape(size, n_parts).T


def _split(drawn: _Drawn, n_replicates: int, n_parts: int) -> list[_Drawn]:
    """The replicates in parts, see `rows_by_part`."""
    if n_parts == 1:
        return [drawn]
    rows = rows_by_part(n_replicates, n_parts)
    return [jax.tree.map(lambda a, own=own: on_device(np.asarray(a)[own]), drawn) for own in rows]


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


@jit_kept("shape")
def _by_channel(plans: Array, variables: Variables, stage: Stage, *, shape: Shape) -> Array:
    """`[plan, replicate, value, channel]`."""

    def one(plan: Array) -> Array:
        def own_terms(own: _Drawn) -> Array:
            media, _ = _terms(plan, jnp.ones(stage.offset.shape[-1]), own, stage, shape)
            return jnp.einsum("rtc,vrt->vc", media, stage.weights)

        return map_in_batches(own_terms, (variables, stage.memory, stage.base), shape.batch)

    outcomes: Array = jax.lax.map(one, plans)
    return outcomes


@jit_kept("shape")
def _values(plans: Array, on_air: Array, count: Array, variables: Variables, stage: Stage, *, shape: Shape) -> Array:
    """`[plan, replicate, value, region]` of the first `count` plans, zeros after them."""
    drawn = (variables, stage.memory, stage.base)

    def one(at: Array, found: Array) -> Array:
        def said(own: _Drawn) -> Array:
            return _outcome(plans[at], on_air[at], own, stage, shape)

        return found.at[at].set(map_in_batches(said, drawn, shape.batch))

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

    return map_in_batches(one, drawn, shape.batch)
