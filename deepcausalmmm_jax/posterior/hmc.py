"""Hamiltonian Monte Carlo: many short chains in parallel, scaled by the curvature at the mode."""

from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.posterior.mode import Density, Evaluated
from deepcausalmmm_jax.steps import parts

_ACCEPTED = 0.8  # target acceptance rate, see Hoffman & Gelman 2014
_FIRST_STEP = 0.35
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
    now, log_step = start, np.log(_FIRST_STEP)
    positions, values, rates = [], [], []
    for move in parts(range(length.warm_up + length.moves)):
        step = np.exp(log_step) * rng.uniform(*_JITTER, (length.chains, 1))
        momentum = rng.standard_normal(now.position.shape)
        ended, end_momentum = _leap(density, now, momentum, step, root, length.leaps)
        log_ratio = ended.value - now.value + 0.5 * (momentum**2 - end_momentum**2).sum(axis=1)
        acceptance = np.exp(np.minimum(np.where(np.isfinite(log_ratio), log_ratio, -np.inf), 0.0))
        accepted = rng.uniform(size=length.chains) < acceptance
        now = now.replaced(accepted, ended)
        if move < length.warm_up:
            log_step += 1.5 / np.sqrt(move + 1.0) * (acceptance.mean() - _ACCEPTED)
        else:
            positions.append(now.position)
            values.append(now.value)
            rates.append(acceptance.mean())
    return Chains(np.stack(positions), np.stack(values), float(np.mean(rates)), float(np.exp(log_step)))


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
