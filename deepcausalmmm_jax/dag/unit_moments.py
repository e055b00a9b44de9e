"""Second moments of each unit, and regressions that units share although their levels, persistence and noise differ.

A unit's mean and the effect of a variable on itself are its own and are taken out of its moments; the inverse of its
noise variance weighs it. What is left is what units of one group have in common.
"""

from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.dag.samples import Samples

_RIDGE = 1e-9  # of each moment: keeps collinear candidates solvable
_LEAST = 1e-12  # of a moment: a variance that is left


class UnitMoments(NamedTuple):
    """Sums of products; `D` columns as in `Samples`."""

    products: np.ndarray  # [unit, target, D, D], without what the target's own earlier rows explain
    counts: np.ndarray  # [unit], rows
    free_rows: np.ndarray  # [unit], rows less the numbers estimated for the unit alone, a target


def unit_moments(samples: Samples) -> UnitMoments:
    """Moments of each unit."""
    d, D, n_units = samples.n_variables, samples.values.shape[1], len(samples.units)
    counts = np.bincount(samples.unit, minlength=n_units)
    plain = np.zeros((n_units, D, D))
    for u in range(n_units):
        block = samples.values[samples.unit == u]
        plain[u] = block.T @ block
    products = np.repeat(plain[:, None], d, axis=1)
    for j in range(d if samples.lags else 0):
        own = np.arange(d + j, D, d)
        inner = plain[:, own[:, None], own] + _RIDGE * _trace(plain)[:, None, None] * np.eye(len(own))
        products[:, j] -= plain[:, :, own] @ np.linalg.solve(inner, plain[:, own, :])
        products[:, j][:, own, :] = 0.0
        products[:, j][:, :, own] = 0.0
    return UnitMoments(products, counts, np.maximum(counts - 1 - samples.lags, 1))


def regressions(moments: UnitMoments, weights: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Coefficients that weighted units share.

    Args:
        moments: of all units.
        weights: `[unit, target]`, the inverse of the variance of the noise, 0 for units left out.
        allowed: boolean `[D, target]`, candidates in the regression of each target.

    Returns:
        `[D, target]`, 0 where not allowed.
    """
    pooled = np.einsum("uj,ujab->jab", weights, moments.products)
    inside = allowed.T
    diagonal = np.einsum("jaa->ja", pooled)
    pooled_in = pooled * inside[:, :, None] * inside[:, None, :]
    index = np.arange(pooled.shape[1])
    pooled_in[:, index, index] += np.where(inside & (diagonal > 0), _RIDGE * diagonal, 1.0)
    d = allowed.shape[1]
    right = pooled[np.arange(d), :, np.arange(d)] * inside
    return np.asarray(np.linalg.solve(pooled_in, right[:, :, None])[:, :, 0].T)


def unexplained(moments: UnitMoments, coefficients: np.ndarray) -> np.ndarray:
    """Variance of each unit's noise under these coefficients `[D, target]`: `[unit, target]`."""
    d = coefficients.shape[1]
    index = np.arange(d)
    own = moments.products[:, index, index, index]
    with_own = np.einsum("uja,aj->uj", moments.products[:, index, :, index].transpose(1, 0, 2), coefficients)
    explained = np.einsum("aj,ujab,bj->uj", coefficients, moments.products, coefficients, optimize=True)
    left = own - 2.0 * with_own + explained
    return np.asarray(np.maximum(left, _LEAST * np.maximum(own, _LEAST)) / moments.free_rows[:, None])


def misfits(moments: UnitMoments, coefficients: np.ndarray) -> np.ndarray:
    """Twice the negative log-likelihood of each unit, with a noise variance of its own a target, `[unit]`."""
    return np.asarray(moments.free_rows * np.log(unexplained(moments, coefficients)).sum(axis=1))


def _trace(plain: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("uaa->u", plain) / plain.shape[1] + _LEAST)
