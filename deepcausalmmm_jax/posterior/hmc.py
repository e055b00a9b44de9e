"""Hamiltonian Monte Carlo: many short chains in parallel, scaled by the curvature at the mode."""

from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.posterior.mode import Density, Evaluated
from deepcausalmmm_jax.steps import parts

_ACCEPTED = 0.8  # target acceptance rate, see Hoffman & Gelman 2014
FIRST_STEP = 0.35
_JITTER = (0.7, 1.3)  # range of the step between chains and moves, so that no trajectory is periodic


class Chains(NamedTuple):
    """Positions after the warm-up."""

    position: np.ndarray  # [move, chain, coordinate]
    value: np.ndarray  # [move, chain], log density
    accepted: float  # mean acceptance rate
    step: float  # in standard deviations of the proposal


class ChainLength(NamedTuple):
    """Length of the chains."""

    chains: int
    warm_up: int  # moves that tune the step and are discarded
    moves: int  # that are kept
    leaps: int  # leapfrog steps a move


def run_chains(
    rng: np.random.Generator, density: Density, start: Evaluated, root: np.ndarray, length: ChainLength
) -> Chains:
    """Move chains by Hamiltonian dynamics (Neal 2011), with one step size that all of them tune in the warm-up.

    Args:
        rng: for momenta, jitter and acceptance.
        density: of the panel.
        start: one chain a row.
        root: `[coordinate, coordinate]`, Cholesky factor of the covariance that the chains are scaled by.
        length: of the chains.
    """
    now, log_step = start, np.log(FIRST_STEP)
    positions, values, rates = [], [], []
    for move in parts(range(length.warm_up + length.moves)):
        now, rate = moved(rng, density, now, np.exp(log_step), root, length.leaps)
        if move < length.warm_up:
            log_step += step_change(move, rate)
        else:
            positions.append(now.position)
            values.append(now.value)
            rates.append(rate)
    return Chains(np.stack(positions), np.stack(values), float(np.mean(rates)), float(np.exp(log_step)))


def moved(
    rng: np.random.Generator, density: Density, now: Evaluated, step: float, root: np.ndarray, leaps: int
) -> tuple[Evaluated, float]:
    """One move of all chains, and the mean rate at which such moves are accepted."""
    steps = step * rng.uniform(*_JITTER, (len(now.position), 1))
    momentum = rng.standard_normal(now.position.shape)
    ended, end_momentum = _leap(density, now, momentum, steps, root, leaps)
    log_ratio = ended.value - now.value + 0.5 * (momentum**2 - end_momentum**2).sum(axis=1)
    acceptance = np.exp(np.minimum(np.where(np.isfinite(log_ratio), log_ratio, -np.inf), 0.0))
    return now.replaced(rng.uniform(size=len(steps)) < acceptance, ended), float(acceptance.mean())


def step_change(move: int, rate: float) -> float:
    """What the logarithm of the step changes by after a move of the warm-up."""
    return float(1.5 / np.sqrt(move + 1.0) * (rate - _ACCEPTED))


def split_r_hat(series: np.ndarray) -> np.ndarray:
    """R-hat of chains split in halves (Gelman et al. 2013, section 11.4): `[move, chain, quantity]` -> `[quantity]`."""
    half = len(series) // 2
    parts = np.concatenate([series[:half], series[half : 2 * half]], axis=1)
    within = parts.var(axis=0, ddof=1).mean(axis=0)
    between = half * parts.mean(axis=0).var(axis=0, ddof=1)
    return np.sqrt(((half - 1) / half * within + between / half) / np.maximum(within, 1e-300))


def _leap(
    density: Density, now: Evaluated, momentum: np.ndarray, step: np.ndarray, root: np.ndarray, leaps: int
) -> tuple[Evaluated, np.ndarray]:
    """Leapfrog steps of all chains, in coordinates in which the proposal has unit covariance."""
    for _ in range(leaps):
        momentum = momentum + 0.5 * step * (now.gradient @ root)
        now = density.at(now.position + (step * momentum) @ root.T)
        momentum = momentum + 0.5 * step * (now.gradient @ root)
    return now, momentum
