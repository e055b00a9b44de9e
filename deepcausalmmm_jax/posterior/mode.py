"""Modes of the posterior, found from several starts in parallel, and its curvature there."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree

from deepcausalmmm_jax.io.quick_compile import jit_often
from deepcausalmmm_jax.parallel.side_by_side import side_by_side, threads_for
from deepcausalmmm_jax.posterior.density import log_density
from deepcausalmmm_jax.posterior.inputs import PosteriorInputs
from deepcausalmmm_jax.posterior.parameters import CoordinatePriors, prior_medians

CONVERGED = 0.02  # norm of the gradient, nats per prior standard deviation, below which a search ends
_MOST_TRIES = 250
_LONGEST = 3.0  # prior standard deviations in one step
_LEAST_STEP = 1e-4
_DIFFERENCE = 1e-3  # prior standard deviations, of the finite differences that give the curvature
FEW_REGIONS = 3
_STARTS, _LEAST_STARTS = 16, 2
_IN_TURN = 4  # positions that one call evaluates, one after the other, where each fills the memory
_Said = TypeVar("_Said")
_SHORT_DIFFERENCE = 1e-5  # of those to one side
_SET_STARTS = ((0.0, 0.0), (-0.7, -0.6), (1.3, 0.9), (-0.7, 0.9), (1.3, -0.6))  # of the total and of all slopes


class Evaluated(NamedTuple):
    """The log density at some positions, one a row."""

    position: np.ndarray  # [row, coordinate]
    value: np.ndarray  # [row]; minus infinity where it is not finite
    gradient: np.ndarray  # [row, coordinate]

    def rows(self, chosen: np.ndarray) -> "Evaluated":
        """The rows at some positions."""
        return Evaluated(self.position[chosen], self.value[chosen], self.gradient[chosen])

    def with_rows(self, chosen: np.ndarray, by: "Evaluated") -> "Evaluated":
        """These with others in the rows that are `chosen`, in their order."""
        changed = tuple(array.copy() for array in self)
        for array, own in zip(changed, by, strict=True):
            array[chosen] = own
        return Evaluated(*changed)

    def replaced(self, chosen: np.ndarray, by: "Evaluated") -> "Evaluated":
        """The rows of `by` where `chosen`, and these elsewhere."""
        pairs = zip(self, by, strict=True)
        return Evaluated(*(np.where(chosen.reshape(-1, *[1] * (a.ndim - 1)), b, a) for a, b in pairs))


def flat_density(inputs: PosteriorInputs, priors: CoordinatePriors) -> tuple[Array, Callable[[Array], Array]]:
    """The prior medians as one vector, and the log density as a function of such a vector."""
    start, unravel = ravel_pytree(prior_medians(inputs))
    return start, lambda vector: log_density(unravel(vector), inputs, inputs.weights, priors)


@jit_often()
def _evaluate(vectors: Array, inputs: PosteriorInputs, priors: CoordinatePriors) -> tuple[Array, Array]:
    _, density = flat_density(inputs, priors)
    return jax.vmap(jax.value_and_grad(density))(vectors)


@jit_often()
def _evaluate_in_turn(
    vectors: Array, count: Array, inputs: PosteriorInputs, priors: CoordinatePriors
) -> tuple[Array, Array]:
    return _in_turn(jax.value_and_grad(flat_density(inputs, priors)[1]), vectors, count)


@jit_often()
def _values_in_turn(vectors: Array, count: Array, inputs: PosteriorInputs, priors: CoordinatePriors) -> Array:
    return _in_turn(flat_density(inputs, priors)[1], vectors, count)


def _in_turn(of_row: Callable[[Array], _Said], vectors: Array, count: Array) -> _Said:
    """What a function says of the first `count` rows, one after the other, and zeros for the others.

    Every call of a program takes its memory from the system anew: hundreds of megabytes for a large panel, whose pages
    cost three tenths of a gradient's time. A loop keeps them.
    """
    said = jax.eval_shape(of_row, vectors[0])
    none = jax.tree.map(lambda own: jnp.zeros((len(vectors), *own.shape), own.dtype), said)

    def evaluate(k: Array, found: _Said) -> _Said:
        written: _Said = jax.tree.map(lambda rows, own: rows.at[k].set(own), found, of_row(vectors[k]))
        return written

    found: _Said = jax.lax.fori_loop(0, count, evaluate, none)
    return found


class Density:
    """The log density of one panel, evaluated in batches of one shape, which cores share.

    Searches, curvature, weights and chains share this one program, which is compiled once. Their own arithmetic, on a
    few dozen coordinates, is done in NumPy.

    Attributes:
        inputs: the panel.
        priors: of the coordinates.
        batch: positions evaluated at once; with 1 they are evaluated in turn, a few in each call.
    """

    def __init__(self, inputs: PosteriorInputs, priors: CoordinatePriors, batch: int) -> None:
        self.inputs = inputs
        self.priors = priors
        self.batch = batch
        self._compiled: set[object] = set()  # programs that have run

    @property
    def n_starts(self) -> int:
        """Searches for modes: many where an evaluation is cheap, else as many as cost no more than one or two."""
        return _STARTS if self.has_few_regions else max(self.batch, _LEAST_STARTS)

    @property
    def has_few_regions(self) -> bool:
        """Whether an evaluation is so cheap that many chains and searches can be afforded."""
        return self.inputs.kpi.shape[0] <= FEW_REGIONS

    def at(self, vectors: np.ndarray) -> Evaluated:
        """Value and gradient at `[row, coordinate]`."""
        found = self._in_batches(_evaluate if self.batch > 1 else _evaluate_in_turn, vectors)
        value, gradient = (np.concatenate([pair[i] for pair in found]) for i in (0, 1))
        sound = np.isfinite(value) & np.isfinite(gradient).all(axis=1)
        return Evaluated(vectors, np.where(sound, value, -np.inf), np.where(sound[:, None], gradient, 0.0))

    def values(self, vectors: np.ndarray) -> np.ndarray:
        """Value at `[row, coordinate]`; on large panels by a program without the gradient, a quarter of the work.

        On small ones that program would take longer to compile than it saves.
        """
        if self.batch > 1:
            return self.at(vectors).value
        value = np.concatenate(self._in_batches(_values_in_turn, vectors))
        return np.where(np.isfinite(value), value, -np.inf)

    def _in_batches(self, program: Callable[..., _Said], vectors: np.ndarray) -> list[_Said]:
        """What a program says of each batch, on the host; one that is not full is filled up with its last row."""
        n_rows = len(vectors)
        at_once = self.batch if self.batch > 1 else min(_IN_TURN, -(-n_rows // threads_for(n_rows)))
        size = self.batch if self.batch > 1 else _IN_TURN

        def of_batch(rows: np.ndarray) -> _Said:
            filled = np.concatenate([rows, np.repeat(rows[-1:], size - len(rows), axis=0)])
            with jax.enable_x64(True):  # which holds for one thread alone
                where = (jnp.asarray(filled),) if self.batch > 1 else (jnp.asarray(filled), jnp.asarray(len(rows)))
                said = jax.tree.map(np.asarray, program(*where, self.inputs, self.priors))
            kept: _Said = jax.tree.map(lambda array: array[: len(rows)], said)
            return kept

        batches = [vectors[first : first + at_once] for first in range(0, n_rows, at_once)]
        found = side_by_side(of_batch, batches, is_compiled=program in self._compiled)
        self._compiled.add(program)
        return found

    def curvature(self, position: np.ndarray) -> np.ndarray:
        """Minus the Hessian of the log density, `[coordinate, coordinate]`, from differences of its gradient.

        On large panels they are taken to one side, which is half of the work, and over a shorter way.
        """
        if self.batch == 1:
            steps = _SHORT_DIFFERENCE * np.eye(len(position) + 1, len(position), -1)  # none first
            gradient = self.at(position + steps).gradient
            one_sided = (gradient[0] - gradient[1:]) / _SHORT_DIFFERENCE
            return np.asarray(0.5 * (one_sided + one_sided.T))
        steps = _DIFFERENCE * np.eye(len(position))
        ahead, behind = np.split(self.at(np.concatenate([position + steps, position - steps])).gradient, 2)
        curvature = (behind - ahead) / (2 * _DIFFERENCE)
        return 0.5 * (curvature + curvature.T)


def starts(inputs: PosteriorInputs, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Fixed starts over total and slopes, then random ones around the prior medians, `[start, coordinate]`."""
    median = prior_medians(inputs)
    placed = [median._replace(total=median.total + a, slope=median.slope + b) for a, b in _SET_STARTS[:rows]]
    fixed = np.stack([np.asarray(ravel_pytree(own)[0]) for own in placed])
    return np.concatenate([fixed, 0.7 * rng.standard_normal((rows - len(fixed), fixed.shape[1]))])


def maximise(density: Density, begin: np.ndarray) -> Evaluated:
    """Maximise the log density from each start `[start, coordinate]`, all in parallel, as `search` does it."""
    return search(density, begin)[0]


def search(density: Density, begin: np.ndarray, spread: np.ndarray | None = None) -> tuple[Evaluated, np.ndarray]:
    """Maximise the log density from each start, all in parallel.

    BFGS with a backtracking line search (Nocedal & Wright 2006, algorithm 6.1). A search ends where the gradient's norm
    is below `CONVERGED`, or after 250 evaluations.

    Args:
        density: to maximise.
        begin: `[start, coordinate]`.
        spread: `[start, coordinate, coordinate]`, inverse curvatures as far as they are known, for steps like Newton's
            from the first on; without them it is along the gradient.

    Returns:
        The ends of the searches, and the inverse curvatures that they have learned.
    """
    now = density.at(begin)
    n_rows, n = begin.shape
    first = np.tile(np.eye(n), (n_rows, 1, 1)) if spread is None else spread
    inverse = first.copy()
    uphill = np.einsum("rij,rj->ri", inverse, now.gradient)
    direction, step = _shortened(uphill, 1.0 if spread is None else _LONGEST), np.ones(n_rows)
    for _ in range(_MOST_TRIES):
        searching = np.linalg.norm(now.gradient, axis=1) > CONVERGED
        if not searching.any():
            break
        tried = now.with_rows(searching, density.at((now.position + step[:, None] * direction)[searching]))
        enough = now.value + 1e-4 * step * (now.gradient * direction).sum(axis=1)
        gained = (np.isfinite(tried.value) & (tried.value >= enough) & searching) | ~np.isfinite(now.value)
        inverse = np.where(gained[:, None, None], _updated(inverse, now, tried), inverse)
        now = now.replaced(gained, tried)
        step = np.where(gained | ~searching, 1.0, 0.35 * step)
        rises = np.einsum("ri,rij,rj->r", now.gradient, inverse, now.gradient) > 0
        lost = searching & ((step < _LEAST_STEP) | ~rises)
        inverse[lost] = first[lost]
        fresh = _shortened(np.einsum("rij,rj->ri", inverse, now.gradient), np.where(lost, 1.0, _LONGEST))
        direction = np.where((gained | lost)[:, None], fresh, direction)
        step = np.where(lost, 1.0, step)
    return now, inverse


def best_of(found: Evaluated) -> int:
    """Position of the row with the highest density."""
    return int(np.argmax(found.value))


def _updated(inverse: np.ndarray, before: Evaluated, after: Evaluated) -> np.ndarray:
    """Inverse curvatures after a step, `[row, coordinate, coordinate]`."""
    moved, turned = after.position - before.position, before.gradient - after.gradient
    along = (moved * turned).sum(axis=1)
    per = np.where(along > 1e-10, 1.0 / np.where(along > 1e-10, along, 1.0), 0.0)[:, None, None]
    half = np.eye(moved.shape[1]) - per * moved[:, :, None] * turned[:, None, :]
    return half @ inverse @ half.transpose(0, 2, 1) + per * moved[:, :, None] * moved[:, None, :]


def _shortened(direction: np.ndarray, limit: np.ndarray | float) -> np.ndarray:
    length = np.maximum(np.linalg.norm(direction, axis=1), 1e-12)
    return direction * np.minimum(1.0, limit / length)[:, None]
