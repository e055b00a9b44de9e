"""Draws from a posterior close to one already explored: searches and chains begin at the draws known from it."""

import numpy as np

from deepcausalmmm_jax.posterior.hmc import FIRST_STEP, Chains, moved, step_change
from deepcausalmmm_jax.posterior.importance import proposal_at
from deepcausalmmm_jax.posterior.mode import Density, Evaluated, best_of

_PRIOR = 0.003  # part of the prior in the covariance of known draws
_SEARCHES = 4  # the posterior was searched before
_CHAINS, _LEAPS = 80, 3  # the chains begin in the posterior, nearly, and need only settle and mix
_SERIES = 16
_MOST_MOVES = 25
_CHANCE = 2.0  # standard errors


def known_starts(known: np.ndarray, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Starts of the searches for modes, `[row, coordinate]`: the mean of the known draws, and a few of the draws.

    Args:
        known: `[draw, coordinate]`.
        rows: number of starts at most.
        rng: chooses the draws.
    """
    chosen = rng.integers(0, len(known), min(rows, _SEARCHES) - 1)
    return np.concatenate([known.mean(axis=0)[None], known[chosen]])


def known_spread(known: np.ndarray) -> np.ndarray:
    """Covariance of the known draws, `[coordinate, coordinate]`, with a little of the prior's: of full rank if few.

    Args:
        known: `[draw, coordinate]`; their prior has unit covariance.
    """
    return (1.0 - _PRIOR) * np.cov(known, rowvar=False) + _PRIOR * np.eye(known.shape[1])


def continued_chains(
    rng: np.random.Generator, density: Density, modes: Evaluated, known: np.ndarray, draws: int
) -> Chains:
    """Many short chains that begin at known draws: the posterior was explored before, and has moved a little.

    They are continued for as long as the log density rises over the moves to be kept by more than chance.

    Args:
        rng: for starts, momenta and acceptance.
        density: of the new panel.
        modes: its modes; the curvature at the best one scales the chains.
        known: `[draw, coordinate]`, draws from the posterior of the earlier panel.
        draws: wanted, over all chains.

    Returns:
        Series that hold the moves of several chains in turn. Their R-hat compares early with late moves and groups of
        chains with one another; no single chain is long enough to be compared with the others. It does not show a
        direction in which the chains are slow and the old draws are off.
    """
    best = modes.position[best_of(modes)]
    root = proposal_at(best, density.curvature(best)).root
    begin = density.at(known[rng.choice(len(known), _CHAINS, replace=len(known) < _CHAINS)])
    sound = np.isfinite(begin.value)
    begin = begin.replaced(~sound, density.at(np.tile(best, (_CHAINS, 1)))) if not sound.all() else begin
    kept = max(4, -(-draws // _CHAINS))
    now, rate = moved(rng, density, begin, FIRST_STEP, root, _LEAPS)
    step = FIRST_STEP * np.exp(step_change(0, rate))
    states, rates = [begin, now], [rate]
    while len(states) < kept + 2 or (_is_rising(states[-kept - 2], now) and len(states) <= max(_MOST_MOVES, kept + 1)):
        now, rate = moved(rng, density, now, step, root, _LEAPS)
        states.append(now)
        rates.append(rate)
    position, value = (np.stack([getattr(state, name) for state in states[-kept:]]) for name in ("position", "value"))
    return _in_series(Chains(position, value, float(np.mean(rates[-kept:])), step))


def _is_rising(before: Evaluated, now: Evaluated) -> bool:
    """Whether the log density of the chains has risen by more than chance."""
    rise = now.value - before.value
    return bool(rise.mean() > _CHANCE * rise.std() / np.sqrt(len(rise)))


def _in_series(chains: Chains) -> Chains:
    """The chains in groups, each one series: `[move, chain, ...]` -> `[move and chain of the group, group, ...]`."""
    position, value = (
        array.reshape(len(array), -1, _SERIES, *array.shape[2:]).reshape(-1, _SERIES, *array.shape[2:])
        for array in (chains.position, chains.value)
    )
    return chains._replace(position=position, value=value)
