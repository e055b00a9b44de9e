"""Hamiltonian Monte Carlo: many short chains side by side, scaled by the curvature at the mode."""

from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.posterior.mode import Density, Looked

_ACCEPTED = 0.8  # share of moves to accept, see Hoffman & Gelman 2014
_FIRST_STEP = 0.35
_JITTER = (0.7, 1.3)  # of the step from chain to chain and move to move, so that no path closes on itself


class Chains(NamedTuple):
    """Positions after the warm-up."""

    position: np.ndarray  # [move, chain, coordinate]
    value: np.ndarray  # [move, chain], log density
    accepted: float  # share of the moves
    step: float  # in standard deviations of the proposal


class Length(NamedTuple):
    """How long chains run."""

    chains: int
    warm_up: int  # moves that set the step and are dropped
    moves: int  # that are kept
    leaps: int  # steps of a move


def run_chains(rng: np.random.Generator, density: Density, start: Looked, root: np.ndarray, length: Length) -> Chains:
    """Move chains by Hamiltonian dynamics (Neal 2011), the step set by all of them together in the warm-up.

    Args:
        rng: of momenta, jitter and acceptance.
        density: of the panel.
        start: a chain a row.
        root: `[coordinate, coordinate]`, Cholesky factor of the covariance that the chains are scaled by.
        length: how long they run.
    """
    now, log_step = start, np.log(_FIRST_STEP)
    positions, values, odds_kept = [], [], []
    for move in range(length.warm_up + length.moves):
        step = np.exp(log_step) * rng.uniform(*_JITTER, (length.chains, 1))
        momentum = rng.standard_normal(now.position.shape)
        ended, pushed = _leap(density, now, momentum, step, root, length.leaps)
        gained = ended.value - now.value + 0.5 * (momentum**2 - pushed**2).sum(axis=1)
        odds = np.exp(np.minimum(np.where(np.isfinite(gained), gained, -np.inf), 0.0))
        goes = rng.uniform(size=length.chains) < odds
        now = Looked(*(np.where(goes.reshape(-1, *[1] * (a.ndim - 1)), b, a) for a, b in zip(now, ended, strict=True)))
        if move < length.warm_up:
            log_step += 1.5 / np.sqrt(move + 1.0) * (odds.mean() - _ACCEPTED)
        else:
            positions.append(now.position)
            values.append(now.value)
            odds_kept.append(odds.mean())
    return Chains(np.stack(positions), np.stack(values), float(np.mean(odds_kept)), float(np.exp(log_step)))


def split_r_hat(series: np.ndarray) -> np.ndarray:
    """R-hat of chains split in halves (Gelman et al. 2013, section 11.4): `[move, chain, quantity]` -> `[quantity]`."""
    half = len(series) // 2
    parts = np.concatenate([series[:half], series[half : 2 * half]], axis=1)
    within = parts.var(axis=0, ddof=1).mean(axis=0)
    between = half * parts.mean(axis=0).var(axis=0, ddof=1)
    return np.sqrt(((half - 1) / half * within + between / half) / np.maximum(within, 1e-300))


def _leap(
    density: Density, now: Looked, momentum: np.ndarray, step: np.ndarray, root: np.ndarray, leaps: int
) -> tuple[Looked, np.ndarray]:
    """Leapfrog steps of all chains, in coordinates in which the proposal is standard."""
    for _ in range(leaps):
        momentum = momentum + 0.5 * step * (now.gradient @ root)
        now = density.at(now.position + (step * momentum) @ root.T)
        momentum = momentum + 0.5 * step * (now.gradient @ root)
    return now, momentum
