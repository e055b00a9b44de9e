"""Draws from a Student t around the mode, with importance weights for the difference from the posterior."""

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

DEGREES = 8.0  # of freedom: tails heavier than the posterior's, or a few draws would carry all the weight
_LEAST_CURVATURE = 0.25  # the prior's is 1; a lower one means that the mode lies on a ridge


class Proposal(NamedTuple):
    """Multivariate Student t."""

    centre: np.ndarray  # [coordinate]
    root: np.ndarray  # [coordinate, coordinate], Cholesky factor of its scale


class Smoothed(NamedTuple):
    """Importance weights of which the largest are smoothed."""

    log_weight: np.ndarray  # [draw]
    pareto_k: float  # above 0.7 the proposal is too far from the posterior


def proposal_at(centre: np.ndarray, curvature: np.ndarray) -> Proposal:
    """The proposal with the posterior's curvature at its mode.

    Args:
        centre: `[coordinate]`, the mode.
        curvature: `[coordinate, coordinate]`, minus the Hessian of the log density there.
    """
    values, vectors = np.linalg.eigh(curvature)
    scale = (vectors / np.maximum(values, _LEAST_CURVATURE)) @ vectors.T
    return Proposal(centre, np.linalg.cholesky(0.5 * (scale + scale.T)))


def propose(rng: np.random.Generator, proposal: Proposal, count: int) -> np.ndarray:
    """Draws from the proposal, `[draw, coordinate]`."""
    normal = rng.standard_normal((count, len(proposal.centre)))
    shrink = np.sqrt(rng.chisquare(DEGREES, count) / DEGREES)
    return proposal.centre + (normal / shrink[:, None]) @ proposal.root.T


def log_proposal(draws: np.ndarray, proposal: Proposal) -> np.ndarray:
    """Log density of the proposal at `draws` `[draw, coordinate]`, `[draw]`."""
    n = len(proposal.centre)
    white = np.linalg.solve(proposal.root, (draws - proposal.centre).T)
    constant = gammaln((DEGREES + n) / 2) - gammaln(DEGREES / 2) - n / 2 * np.log(DEGREES * np.pi)
    log_determinant = np.log(np.diag(proposal.root)).sum()
    return constant - log_determinant - (DEGREES + n) / 2 * np.log1p((white**2).sum(axis=0) / DEGREES)


def smoothed(log_weight: np.ndarray) -> Smoothed:
    """Pareto-smoothed importance weights (Vehtari et al. 2024), scaled so that the largest log weight is 0.

    The largest weights are replaced by the quantiles of a generalised Pareto distribution, which is fitted to them by
    the method of Zhang and Stephens (2009).

    Args:
        log_weight: `[draw]`; a value that is not finite means no weight.
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
    quantiles = _pareto_quantiles((np.arange(n_tail) + 0.5) / n_tail, shape, scale)
    log_weight = usable.copy()
    log_weight[tail] = np.minimum(np.log(np.exp(cut) + quantiles), 0.0)
    return Smoothed(log_weight, float(shape))


def effective_draws(log_weight: np.ndarray) -> float:
    """Effective sample size: the number of equally weighted draws that is as informative (Kish 1965)."""
    weight = np.exp(log_weight - log_weight.max())
    return float(weight.sum() ** 2 / (weight**2).sum())


def resampled(rng: np.random.Generator, log_weight: np.ndarray, count: int) -> np.ndarray:
    """Positions of `count` draws chosen in proportion to their weights, by systematic resampling."""
    weight = np.exp(log_weight - log_weight.max())
    steps = (np.arange(count) + rng.uniform()) / count
    found = np.searchsorted(np.cumsum(weight / weight.sum()), steps)
    return rng.permutation(np.minimum(found, len(weight) - 1))


def _pareto(excess: np.ndarray) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution, from `excess` in ascending order."""
    n = len(excess)
    trials = np.arange(1, 30 + int(np.sqrt(n)) + 1)
    inverse = 1.0 / excess[-1] + (1.0 - np.sqrt(len(trials) / (trials - 0.5))) / (3.0 * excess[int(n / 4 + 0.5) - 1])
    shape = np.log1p(-inverse[:, None] * excess).mean(axis=1)
    likelihood = n * (np.log(-inverse / shape) - shape - 1.0)
    weight = 1.0 / np.exp(likelihood - likelihood[:, None]).sum(axis=1)
    mean = float((inverse * weight).sum() / weight.sum())
    found = float(np.log1p(-mean * excess).mean())
    return (found * n + 5.0) / (n + 10.0), -found / mean


def _pareto_quantiles(level: np.ndarray, shape: float, scale: float) -> np.ndarray:
    """Quantiles of a generalised Pareto distribution; `scipy.stats` takes half a second to import, for this alone."""
    exponential = -np.log1p(-level)
    return scale * (exponential if shape == 0 else np.expm1(shape * exponential) / shape)
