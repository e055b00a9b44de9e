"""Draws from the posterior of a fit, and the estimate that summarises them."""

import dataclasses
import math
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.config.priors import PosteriorMethod
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.io.on_device import on_device
from deepcausalmmm_jax.io.quick_compile import jit_briefly
from deepcausalmmm_jax.model.counts import log_means
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.outputs import Internals
from deepcausalmmm_jax.posterior.density import contributions, tested
from deepcausalmmm_jax.posterior.hmc import ChainLength, Chains, run_chains, split_r_hat
from deepcausalmmm_jax.posterior.importance import (
    effective_draws,
    log_proposal,
    proposal_at,
    propose,
    resampled,
    smoothed,
)
from deepcausalmmm_jax.posterior.inputs import Knots, PosteriorInputs, expanded, posterior_inputs
from deepcausalmmm_jax.posterior.linear import columns, conditional, fitted_values, residual_innovations
from deepcausalmmm_jax.posterior.mode import FEW_REGIONS, Density, Evaluated, best_of, search, starts
from deepcausalmmm_jax.posterior.nuts import CHAINS, run_nuts
from deepcausalmmm_jax.posterior.padding import with_room
from deepcausalmmm_jax.posterior.parameters import (
    CoordinatePriors,
    coordinate_priors,
    n_coordinates,
    prior_medians,
    quantities,
)
from deepcausalmmm_jax.posterior.variables import DrawnParameters, complete_variables, model_parameters, shares_of
from deepcausalmmm_jax.posterior.warm_start import continued_chains, known_spread, known_starts
from deepcausalmmm_jax.steps import Steps
from deepcausalmmm_jax.training.coarsening import coarsening_power
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters
from deepcausalmmm_jax.training.prepare import design_of
from deepcausalmmm_jax.training.room import Room, without_room

_REWEIGHTED = 2  # times that outlier weights and noise levels are updated
_EXPANDED = 3  # times that counts are expanded around the means at the mode
_PER_DRAW = 2  # proposals for each draw
_SHORT = ChainLength(chains=16, warm_up=20, moves=40, leaps=8)
_SHORTER = ChainLength(chains=8, warm_up=12, moves=24, leaps=6)
_SMALL_BATCH, _SMALL_BATCH_OF_ACCELERATOR, _LARGE_BATCH = 4, 16, 2
_MANY_REGIONS = 8
_ENOUGH = 3.0  # effective draws a chain; with fewer, chains start from the proposal and not from the weighted draws
# Of the wait, seconds. Compiling is most of it with few regions; with many, searches and draws are.
_SHARES = {"preparing": 0.6, "searching for modes": 12.5, "drawing": 6.5, "completing": 13.0}
_SHARES_OF_MANY = {"preparing": 0.2, "searching for modes": 25.0, "drawing": 20.0, "completing": 10.0}
_PRIOR_WEEKS = 20.0  # weight of the common noise level in a region's own, weeks


@dataclass(frozen=True)
class Posterior:
    """Draws from a posterior, and diagnostics.

    Attributes:
        vectors: `[draw, coordinate]`.
        variables: of the model, `[draw, ...]` each.
        mean: one set of variables that summarises all draws.
        pareto_k: of the importance weights from the curvature at the mode.
        r_hat: largest over shares and log density; NaN without chains.
        chains: number of chains of equal length, one after the other; 1 where the draws are mixed.
        modes: log density at the end of each search.
        gradient: norm of the gradient at the best mode.
    """

    vectors: np.ndarray
    variables: Variables
    mean: Variables
    pareto_k: float
    r_hat: float
    chains: int
    modes: np.ndarray
    gradient: float


def sample(
    fitted: Fitted,
    inputs: Inputs[Array],
    internals: Internals,
    draws: int,
    method: PosteriorMethod,
    seed: int,
    known: np.ndarray | None = None,
    room: Room | None = None,
) -> Posterior:
    """Draw from the posterior of a fitted structural model.

    Args:
        fitted: the fit.
        inputs: its panel up to the last week with a KPI.
        internals: of the model on these inputs, from the fit's variables.
        draws: number of draws.
        method: `hmc`, `laplace` or `nuts`.
        seed: random seed.
        known: `[draw, coordinate]`, draws from the posterior of a panel that this one continues, from which searches
            and Markov chains begin; None to search everywhere.
        room: sizes of the arrays, so that panels of several lengths share compiled programs; None for the panel's own.
    """
    own, rng = design_of(fitted), np.random.default_rng(seed)
    assert isinstance(own, Design)
    with Steps("posterior", shares_of_wait(len(fitted.panel.regions))) as wait:
        with jax.enable_x64(True):
            wait.step("preparing")
            density, knots = density_of(fitted, inputs, internals, room)
            wait.step("searching for modes")
            if known is not None and known.shape[1] != n_coordinates(density.inputs):
                known = None  # draws of a run from before the model had all these coordinates
            begin = _starts(density, known, rng)
            spread = None if known is None else known_spread(known)
            modes, density = settled_modes(density, fitted.config.training.huber_delta, begin, spread)
            wait.step("drawing")
            if known is not None and method == "hmc":
                found = _Drawn(*_spaced(continued_chains(rng, density, modes, known, draws), draws), math.nan)
            else:
                found = _vectors(rng, density, modes, draws, method)
            wait.step("completing")
            vectors, r_hat = found.vectors, math.nan if found.chains is None else _r_hat(found.chains, density)
            knots = on_device(knots)
            drawn = model_parameters(jax.random.key(seed), jnp.asarray(vectors), density.inputs, density.priors, knots)
            parameters = jax.tree.map(lambda array: np.asarray(array, np.float32), drawn)
        whole = _completed(fitted, parameters, inputs, own, room)
        at = best_of(modes)
        return Posterior(
            vectors=vectors,
            variables=jax.tree.map(lambda array: array[:-1], whole),
            mean=jax.tree.map(lambda array: array[-1], whole),
            pareto_k=found.pareto_k,
            r_hat=r_hat,
            chains=CHAINS if method == "nuts" else 1,
            modes=np.asarray(modes.value),
            gradient=float(np.linalg.norm(modes.gradient[at])),
        )


def shares_of_wait(n_regions: int) -> dict[str, float]:
    """How the wait for draws is shared by its steps, with so many regions."""
    return _SHARES if n_regions < _MANY_REGIONS else _SHARES_OF_MANY


def _completed(
    fitted: Fitted, parameters: DrawnParameters, inputs: Inputs[Array], design: Design, room: Room | None
) -> Variables:
    """All variables by draw, and last those that summarise the draws, on the host."""
    weights, variables, larger = fitted.weights[:, : inputs.kpi.shape[1]], fitted.variables, design
    if room is not None:
        weights, variables, larger = room.by_week(weights), room.variables(variables), room.design(design)
        inputs = room.inputs(inputs)
    scales = Hyperparameters.of(fitted.config).scales
    made = complete_variables(parameters, variables, inputs, jnp.asarray(weights, jnp.float32), scales, design=larger)
    return without_room(made, design)


def _starts(density: Density, known: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Where the searches for modes begin, `[start, coordinate]`."""
    if known is None:
        return starts(density.inputs, density.n_starts, rng)
    return known_starts(known, density.n_starts, rng)


def density_of(
    fitted: Fitted, inputs: Inputs[Array], internals: Internals, room: Room | None = None
) -> tuple[Density, Knots]:
    """The density of a fit and the knots of its trends; call it with double precision enabled."""
    design = design_of(fitted)
    assert isinstance(design, Design)
    own, knots = posterior_inputs(fitted, inputs, design, internals.blend, internals.noise)
    own = dataclasses.replace(own, power=coarsening_power(fitted.weights, fitted.config.posterior.coarsening))
    if room is not None:
        own, knots = with_room(own, knots, room, design.step_weeks)
    return Density(own, coordinate_priors(fitted.config), batch_of(own)), knots


def batch_of(inputs: PosteriorInputs) -> int:
    """Positions evaluated at once: many where an evaluation is cheap, few where it fills the memory.

    A large panel has one at once for each core of a CPU. The cores of a CPU share small batches too, where larger ones
    gain nothing and make a few searches as costly as many.
    """
    n_regions, on_cpu = inputs.kpi.shape[0], jax.default_backend() == "cpu"
    if n_regions <= FEW_REGIONS:
        return _SMALL_BATCH if on_cpu else _SMALL_BATCH_OF_ACCELERATOR
    return 1 if n_regions >= _MANY_REGIONS and on_cpu else _LARGE_BATCH


def settled_modes(
    density: Density, delta: float, begin: np.ndarray, spread: np.ndarray | None = None
) -> tuple[Evaluated, Density]:
    """Modes from the starts, alternating with updates of outlier weights and noise levels at the best mode.

    Args:
        density: to maximise.
        delta: Huber's, in noise levels.
        begin: `[start, coordinate]`.
        spread: `[coordinate, coordinate]`, a covariance near the posterior's, where one is known.
    """
    inverse = None if spread is None else np.tile(spread, (len(begin), 1, 1))
    modes, learned = search(density, begin, inverse)
    for _ in range(_REWEIGHTED if density.inputs.counts is None else _EXPANDED):
        best = modes.position[best_of(modes)]
        inputs = _reweighted(jnp.asarray(best), density.inputs, density.priors, delta)
        density = Density(inputs, density.priors, density.batch)
        modes, learned = search(density, modes.position, learned)
    return modes, density


@jit_briefly()
def _reweighted(vector: Array, inputs: PosteriorInputs, priors: CoordinatePriors, delta: float) -> PosteriorInputs:
    """Inputs with Huber's weights and each region's noise level, from the residuals at `vector`.

    Counts are expanded around their means there, those far off as if they were nearer, see `model.counts.bounded`.
    """
    _, unravel = ravel_pytree(prior_medians(inputs))
    found = quantities(unravel(vector), inputs, priors)
    media = contributions(found, inputs)
    regressors, tests = columns(found, media, inputs, priors), tested(found, inputs)
    linear = conditional(found, regressors, inputs, jax.random.key(0), 0.0, tests)
    if inputs.counts is not None:
        scaled = fitted_values(found, media, linear, inputs) + (inputs.kpi_level - 1.0)[:, None]
        return expanded(inputs, log_means(scaled, inputs.counts.unit[:, None]), found.noise * inputs.noise_ratio)
    innovations, trained = residual_innovations(found, media, linear, inputs), inputs.weights > 0
    count = trained.sum(axis=1)
    capped = jnp.clip(innovations, -delta, delta)
    common = (capped**2 * trained).sum() / trained.sum()
    own = ((capped**2 * trained).sum(axis=1) + _PRIOR_WEEKS * common) / (count + _PRIOR_WEEKS)
    ratio = inputs.noise_ratio * jnp.sqrt(own / common)
    ratio = ratio / jnp.exp(jnp.log(ratio).mean())
    robust = jnp.minimum(1.0, delta / jnp.maximum(jnp.abs(innovations), 1e-9))
    return dataclasses.replace(inputs, robust=jnp.where(trained, robust, 1.0), noise_ratio=ratio)


class _Drawn(NamedTuple):
    """Draws, and what they are judged by."""

    vectors: np.ndarray  # [draw, coordinate]
    chains: Chains | None  # None where they are of no chain
    pareto_k: float  # of the importance weights


def _vectors(
    rng: np.random.Generator, density: Density, modes: Evaluated, draws: int, method: PosteriorMethod
) -> _Drawn:
    """Draws by one of the methods."""
    best = modes.position[best_of(modes)]
    proposal = proposal_at(best, density.curvature(best))
    proposed = propose(rng, proposal, _PER_DRAW * draws)
    weights = smoothed(density.values(proposed) - log_proposal(proposed, proposal))
    if method == "laplace":
        return _Drawn(proposed[resampled(rng, weights.log_weight, draws)], None, weights.pareto_k)
    if method == "nuts":
        starts = proposed[resampled(rng, weights.log_weight, CHAINS)]
        moved = run_nuts(int(rng.integers(2**31)), density, starts, proposal.root, -(-draws // CHAINS))
        flat = np.moveaxis(moved.position, 1, 0).reshape(-1, proposed.shape[1])
        return _Drawn(flat, moved, weights.pareto_k)
    length = _SHORT if density.has_few_regions else _SHORTER
    length = length._replace(moves=max(length.moves, -(-draws // length.chains)))  # so that no position is used twice
    if effective_draws(weights.log_weight) > _ENOUGH * length.chains:
        chosen = resampled(rng, weights.log_weight, length.chains)
    else:
        chosen = np.argsort(((proposed - best) ** 2).sum(axis=1))[: length.chains]
    chains = run_chains(rng, density, density.at(proposed[chosen]), proposal.root, length)
    return _Drawn(*_spaced(chains, draws), weights.pareto_k)


def _spaced(chains: Chains, draws: int) -> tuple[np.ndarray, Chains]:
    """Draws spaced evenly over the chains, and these."""
    flat = chains.position.reshape(-1, chains.position.shape[2])
    spaced = np.linspace(0, len(flat) - 1, draws).round().astype(int)
    return flat[spaced], chains


def _r_hat(chains: Chains, density: Density) -> float:
    """Largest over shares and log density."""
    flat = chains.position.reshape(-1, chains.position.shape[2])
    shares = np.asarray(shares_of(jnp.asarray(flat), density.inputs, density.priors))
    by_chain = np.log(shares).reshape(*chains.value.shape, -1)
    return float(split_r_hat(np.concatenate([by_chain, chains.value[:, :, None]], axis=2)).max())
