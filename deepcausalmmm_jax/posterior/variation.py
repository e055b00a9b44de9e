"""Variation of coefficients over time in the posterior: paths that are linear, and so integrated out."""

import math

import jax.numpy as jnp
import numpy as np
from jax import Array

from deepcausalmmm_jax.model.coefficients import DRIFT_WEEKS


def variation_basis(n_weeks: int, step_weeks: float) -> np.ndarray:
    """Terms of a path that drifts, `[week, term]`, each with a standard normal coefficient a priori.

    An Ornstein-Uhlenbeck process of standard deviation 1 and time scale `DRIFT_WEEKS` at knots one time scale apart,
    linear in between. Knots after a week do not change its row, so that a longer panel has the same rows and more.

    Args:
        n_weeks: steps of the panel.
        step_weeks: length of a step, weeks.
    """
    spacing = DRIFT_WEEKS / step_weeks
    knots = np.arange(math.ceil((n_weeks - 1) / spacing) + 1)
    covariance = np.exp(-np.abs(np.subtract.outer(knots, knots)))
    away = np.abs(np.arange(n_weeks)[:, None] / spacing - knots)
    return np.asarray(np.maximum(1.0 - away, 0.0) @ np.linalg.cholesky(covariance))


def centred(basis: Array, media: Array, by_week: Array) -> Array:
    """The terms less their mean over a channel's contributions, `[week, channel, term]`.

    Variation then changes when a channel acts, and not how much it brings in all: that is its share.

    Args:
        basis: `[week, term]`.
        media: `[region, week, channel]`, contributions at constant coefficients.
        by_week: `[region, week]`, what each region-week counts for in a share.
    """
    weight = jnp.einsum("rt,rtm->tm", by_week, media)
    mean = jnp.einsum("tm,tk->mk", weight, basis) / jnp.maximum(weight.sum(axis=0), 1e-12)[:, None]
    return basis[:, None, :] - mean
