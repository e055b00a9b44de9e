"""Draws from the curvature at the mode, weighted by how far the posterior differs from them."""

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln
from scipy.stats import genpareto

DEGREES = 8.0  # of freedom of the proposals: heavier tails than the posterior's, or a few draws would carry all weight
_LEAST_CURVATURE = 0.25  # the prior's is 1; less says that the mode lies on a ridge


class Proposal(NamedTuple):
    """Multivariate Student t."""

    centre: np.ndarray  # [coordinate]
    root: np.ndarray  # [coordinate, coordinate], Cholesky factor of its scale


class Smoothed(NamedTuple):
    """Importance weights with their largest ones smoothed."""

    log_weight: np.ndarray  # [draw]
    pareto_k: float  # above 0.7 the weights say that the proposal is too far from the posterior


def proposal_at(centre: np.ndarray, curvature: np.ndarray) -> Proposal:
    """The proposal with the posterior's curvature at its mode."""
    values, vectors = np.linalg.eigh(curvature)
    scale = (vectors / np.maximum(values, _LEAST_CURVATURE)) @ vectors.T
    return Proposal(centre, np.linalg.cholesky(0.5 * (scale + scale.T)))


def propose(rng: np.random.Generator, proposal: Proposal, count: int) -> np.ndarray:
    """Draws `[draw, coordinate]`."""
    normal = rng.standard_normal((count, len(proposal.centre)))
    shrink = np.sqrt(rng.chisquare(DEGREES, count) / DEGREES)
    return proposal.centre + (normal / shrink[:, None]) @ proposal.root.T


def log_proposal(draws: np.ndarray, proposal: Proposal) -> np.ndarray:
    """Log density of the proposal, `[draw]`."""
    n = len(proposal.centre)
    white = np.linalg.solve(proposal.root, (draws - proposal.centre).T)
    constant = gammaln((DEGREES + n) / 2) - gammaln(DEGREES / 2) - n / 2 * np.log(DEGREES * np.pi)
    volume = np.log(np.diag(proposal.root)).sum()
    return constant - volume - (DEGREES + n) / 2 * np.log1p((white**2).sum(axis=0) / DEGREES)


def smoothed(log_weight: np.ndarray) -> Smoothed:
    """Pareto-smoothed importance weights (Vehtari et al. 2024), largest log weight 0.

    The largest weights are replaced by the quantiles of a generalised Pareto distribution fitted to them, as Zhang and
    Stephens (2009) do.

    Args:
        log_weight: `[draw]`; not finite counts as no weight.
    """
    usable = np.where(np.isfinite(log_weight), log_weight, -np.inf)
    usable = usable - usable.max()
    count = len(usable)
    n_tail = int(min(0.2 * count, 3.0 * np.sqrt(count)))
    order = np.argsort(usable)
    tail, cut = order[-n_tail:], usable[order[-n_tail - 1]]
    excess = np.exp(usable[tail]) - np.exp(cut)
    if n_tail < 5 or not excess[-1] > 0:
        return Smoothed(usable, np.inf)
    shape, scale = _pareto(excess)
    quantiles = genpareto.ppf((np.arange(n_tail) + 0.5) / n_tail, shape, scale=scale)
    log_weight = usable.copy()
    log_weight[tail] = np.minimum(np.log(np.exp(cut) + quantiles), 0.0)
    return Smoothed(log_weight, float(shape))


def effective_draws(log_weight: np.ndarray) -> float:
    """Number of equally weighted draws that the weighted ones amount to (Kish 1965)."""
    weight = np.exp(log_weight - log_weight.max())
    return float(weight.sum() ** 2 / (weight**2).sum())


def resampled(rng: np.random.Generator, log_weight: np.ndarray, count: int) -> np.ndarray:
    """Positions of `count` draws in proportion to their weights, spread evenly (systematic resampling)."""
    weight = np.exp(log_weight - log_weight.max())
    steps = (np.arange(count) + rng.uniform()) / count
    found = np.searchsorted(np.cumsum(weight / weight.sum()), steps)
    return rng.permutation(np.minimum(found, len(weight) - 1))


def _pareto(excess: np.ndarray) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution, `excess` sorted upwards."""
    n = len(excess)
    trials = np.arange(1, 30 + int(np.sqrt(n)) + 1)
    inverse = 1.0 / excess[-1] + (1.0 - np.sqrt(len(trials) / (trials - 0.5))) / (3.0 * excess[int(n / 4 + 0.5) - 1])
    shape = np.log1p(-inverse[:, None] * excess).mean(axis=1)
    likelihood = n * (np.log(-inverse / shape) - shape - 1.0)
    weight = 1.0 / np.exp(likelihood - likelihood[:, None]).sum(axis=1)
    mean = float((inverse * weight).sum() / weight.sum())
    found = float(np.log1p(-mean * excess).mean())
    return (found * n + 5.0) / (n + 10.0), -found / mean
