"""Draws from the posterior of a fit, and the estimate that stands for them."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from deepcausalmmm_jax.config.priors import PosteriorMethod
from deepcausalmmm_jax.model.inputs import Design
from deepcausalmmm_jax.posterior.density import contributions
from deepcausalmmm_jax.posterior.hmc import Chains, Length, run_chains, split_r_hat
from deepcausalmmm_jax.posterior.importance import (
    effective_draws,
    log_proposal,
    proposal_at,
    propose,
    resampled,
    smoothed,
)
from deepcausalmmm_jax.posterior.inputs import PosteriorInputs, posterior_inputs
from deepcausalmmm_jax.posterior.linear import columns, conditional, residual_innovations
from deepcausalmmm_jax.posterior.mode import Density, Looked, best_of, climb, starts
from deepcausalmmm_jax.posterior.nuts import CHAINS, run_nuts
from deepcausalmmm_jax.posterior.parameters import PriorScales, blank, prior_scales, quantities
from deepcausalmmm_jax.posterior.variables import model_parameters, settled, shares_of
from deepcausalmmm_jax.training.estimate import model_for
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters
from deepcausalmmm_jax.training.prepare import design_of, inputs_of

_REWEIGHTED = 2  # rounds of the weights of outliers
_PER_DRAW = 2  # proposals a draw wanted
_SHORT = Length(chains=16, warm_up=20, moves=40, leaps=8)
_SHORTER = Length(chains=8, warm_up=12, moves=24, leaps=6)
_SMALL_BATCH, _LARGE_BATCH = 16, 2
_FEW_REGIONS = 3
_ENOUGH = 3.0  # effective draws a chain below which chains start from the proposal and not from the weighted draws
_PRIOR_REGIONS = 20.0  # weeks' worth of the common noise level in a region's own


@dataclass(frozen=True)
class Posterior:
    """What was drawn.

    Attributes:
        vectors: `[draw, coordinate]`.
        variables: of the model, `[draw, ...]` each.
        mean: variables that stand for all draws.
        pareto_k: of the importance weights from the curvature at the mode.
        r_hat: largest over shares and log density; NaN where no chains were run.
        chains: of equal length, one after the other; 1 where draws are mixed.
        modes: log density at the end of each search.
        gradient: norm of the gradient at the best of them.
    """

    vectors: np.ndarray
    variables: Any
    mean: Any
    pareto_k: float
    r_hat: float
    chains: int
    modes: np.ndarray
    gradient: float


def sample(fitted: Fitted, draws: int, method: PosteriorMethod, seed: int) -> Posterior:
    """Draw from the posterior of a fitted structural model."""
    past = fitted.panel.until_last_kpi()
    inputs, design = inputs_of(fitted, past), design_of(fitted)
    assert isinstance(design, Design)
    outcome: Any = model_for(design).apply(fitted.variables, inputs)
    inside = outcome[1]
    rng = np.random.default_rng(seed)
    with jax.enable_x64(True):
        scales = prior_scales(fitted.config)
        own, knots = posterior_inputs(fitted, inputs, design, inside.blend, inside.variation, inside.noise)
        modes, density = _settled_modes(Density(own, scales, _batch(own)), fitted.config.training.huber_delta, rng)
        vectors, k, r_hat = _vectors(rng, density, modes, draws, method)
        knots = jax.tree.map(jnp.asarray, knots)
        made = model_parameters(jax.random.key(seed), jnp.asarray(vectors), density.inputs, scales, knots)
        parameters = jax.tree.map(lambda array: np.asarray(array, np.float32), made)
    weights = jnp.asarray(fitted.weights[:, : len(past.weeks)], jnp.float32)
    settings = Hyperparameters.of(fitted.config)
    whole = jax.tree.map(np.asarray, settled(parameters, fitted.variables, inputs, weights, settings, design=design))
    at = best_of(modes)
    return Posterior(
        vectors=vectors,
        variables=jax.tree.map(lambda array: array[:-1], whole),
        mean=jax.tree.map(lambda array: array[-1], whole),
        pareto_k=k,
        r_hat=r_hat,
        chains=CHAINS if method == "nuts" else 1,
        modes=np.asarray(modes.value),
        gradient=float(np.linalg.norm(modes.gradient[at])),
    )


def _batch(inputs: PosteriorInputs) -> int:
    """Positions side by side: many where an evaluation is cheap, few where it fills the memory."""
    return _SMALL_BATCH if inputs.kpi.shape[0] <= _FEW_REGIONS else _LARGE_BATCH


def _settled_modes(density: Density, delta: float, rng: np.random.Generator) -> tuple[Looked, Density]:
    """The modes with outliers and noise levels as the mode itself sees them, found in turns."""
    begin = starts(density.inputs, density.batch, rng)
    modes = climb(density, begin)
    for _ in range(_REWEIGHTED):
        best = modes.position[best_of(modes)]
        inputs = _reweighted(jnp.asarray(best), density.inputs, density.scales, delta)
        density = Density(inputs, density.scales, density.batch)
        modes = climb(density, modes.position)
    return modes, density


@jax.jit
def _reweighted(vector: Any, inputs: PosteriorInputs, scales: PriorScales, delta: float) -> PosteriorInputs:
    """Inputs with Huber's weights of weeks and each region's noise level, from the residuals at `vector`."""
    _, unravel = jax.flatten_util.ravel_pytree(blank(inputs))
    found = quantities(unravel(vector), inputs, scales)
    media = contributions(found, inputs)
    linear = conditional(found, columns(found, media, inputs, scales), inputs, jax.random.key(0), 0.0)
    news, seen = residual_innovations(found, media, linear, inputs), inputs.weights > 0
    count = seen.sum(axis=1)
    capped = jnp.clip(news, -delta, delta)
    common = (capped**2 * seen).sum() / seen.sum()
    own = ((capped**2 * seen).sum(axis=1) + _PRIOR_REGIONS * common) / (count + _PRIOR_REGIONS)
    ratio = inputs.noise_ratio * jnp.sqrt(own / common)
    ratio = ratio / jnp.exp(jnp.log(ratio).mean())
    robust = jnp.minimum(1.0, delta / jnp.maximum(jnp.abs(news), 1e-9))
    return dataclasses.replace(inputs, robust=jnp.where(seen, robust, 1.0), noise_ratio=ratio)


def _vectors(
    rng: np.random.Generator, density: Density, modes: Looked, draws: int, method: PosteriorMethod
) -> tuple[np.ndarray, float, float]:
    """Draws `[draw, coordinate]`, Pareto k of the proposal's weights, and the largest R-hat."""
    best = modes.position[best_of(modes)]
    proposal = proposal_at(best, density.curvature(best))
    proposed = propose(rng, proposal, _PER_DRAW * draws)
    looked = density.at(proposed)
    weights = smoothed(looked.value - log_proposal(proposed, proposal))
    if method == "laplace":
        return proposed[resampled(rng, weights.log_weight, draws)], weights.pareto_k, float("nan")
    if method == "nuts":
        starts = proposed[resampled(rng, weights.log_weight, CHAINS)]
        moved = run_nuts(int(rng.integers(2**31)), density, starts, proposal.root, -(-draws // CHAINS))
        flat = np.moveaxis(moved.position, 1, 0).reshape(-1, proposed.shape[1])
        return flat, weights.pareto_k, _r_hat(moved, density)
    length = _SHORT if density.batch == _SMALL_BATCH else _SHORTER
    length = length._replace(moves=max(length.moves, -(-draws // length.chains)))  # no position is given twice
    if effective_draws(weights.log_weight) > _ENOUGH * length.chains:
        chosen = resampled(rng, weights.log_weight, length.chains)
    else:
        chosen = np.argsort(((proposed - best) ** 2).sum(axis=1))[: length.chains]
    chains = run_chains(rng, density, looked.rows(chosen), proposal.root, length)
    flat = chains.position.reshape(-1, proposed.shape[1])
    spaced = np.linspace(0, len(flat) - 1, draws).round().astype(int)
    return flat[spaced], weights.pareto_k, _r_hat(chains, density)


def _r_hat(chains: Chains, density: Density) -> float:
    """Largest over shares and log density."""
    flat = chains.position.reshape(-1, chains.position.shape[2])
    shares = np.asarray(shares_of(jnp.asarray(flat), density.inputs, density.scales))
    by_chain = np.log(shares).reshape(*chains.value.shape, -1)
    return float(split_r_hat(np.concatenate([by_chain, chains.value[:, :, None]], axis=2)).max())
