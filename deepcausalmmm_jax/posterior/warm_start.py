"""Draws from a posterior close to one already explored: searches and chains begin at the draws known from it."""

import numpy as np

from deepcausalmmm_jax.posterior.hmc import ChainLength, Chains, run_chains
from deepcausalmmm_jax.posterior.importance import proposal_at
from deepcausalmmm_jax.posterior.mode import Density, Evaluated, best_of

_CHAINS, _WARM_UP, _LEAPS = 16, 6, 5  # the chains begin in the posterior, nearly, and need only settle and mix


def known_starts(known: np.ndarray, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Starts of the searches for modes, `[row, coordinate]`: the mean of the known draws, and some of the draws.

    Args:
        known: `[draw, coordinate]`.
        rows: number of starts.
        rng: chooses the draws.
    """
    chosen = rng.integers(0, len(known), rows - 1)
    return np.concatenate([known.mean(axis=0)[None], known[chosen]])


def continued_chains(
    rng: np.random.Generator, density: Density, modes: Evaluated, known: np.ndarray, draws: int
) -> Chains:
    """Chains that begin at known draws.

    Args:
        rng: for starts, momenta and acceptance.
        density: of the new panel.
        modes: its modes; the curvature at the best one scales the chains.
        known: `[draw, coordinate]`, draws from the posterior of the earlier panel.
        draws: wanted, over all chains.
    """
    best = modes.position[best_of(modes)]
    root = proposal_at(best, density.curvature(best)).root
    begin = density.at(known[rng.choice(len(known), _CHAINS, replace=len(known) < _CHAINS)])
    sound = np.isfinite(begin.value)
    begin = begin.replaced(~sound, density.at(np.tile(best, (_CHAINS, 1)))) if not sound.all() else begin
    length = ChainLength(chains=_CHAINS, warm_up=_WARM_UP, moves=max(4, -(-draws // _CHAINS)), leaps=_LEAPS)
    return run_chains(rng, density, begin, root, length)
