"""What is new in each week: terms of the prediction and its residual as independent observations."""

from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.shared_noise import without_shared_shocks
from deepcausalmmm_jax.data.season import free_season_basis


class Innovations(NamedTuple):
    """Terms and residual, in standard deviations of the residual's innovations, less what all regions share."""

    terms: np.ndarray  # [region, week, term]
    residual: np.ndarray  # [region, week]
    weight: np.ndarray  # [region, week], see `since_used`
    whole: np.ndarray  # [term], size of the terms before innovations were taken


def standardised(fit: FittedPanel, used: np.ndarray, *terms: np.ndarray) -> Innovations:
    """Innovations of terms, of the season, which is the last of them, and of what the prediction leaves.

    The national trend is left in the residual, since a channel may have caused it.

    Args:
        fit: the fit.
        used: `[region, week]`, boolean, the weeks that count.
        terms: `[region, week, term]` each, on the scale of `FittedPanel.scaled_terms`.
    """
    fitted, noise = fit.scaled_terms, fit.residual_noise[:, None, None]
    season = np.where(used[:, :, None], 1.0, 0.0) * free_season_basis(fit.panel, fit.config)
    design = _within(np.concatenate([*terms, season], axis=-1), used)
    rest = np.where(used, fit.scaled_kpi - fitted.prediction() + fitted.trend, 0.0)
    innovation, weight = _new(np.concatenate([design, _within(rest[:, :, None], used)], axis=-1), used)
    innovation *= weight[:, :, None] / noise
    innovation = without_shared_shocks(innovation, weight > 0, fit)
    spread = np.sqrt((innovation[:, :, -1] ** 2).sum() / max((weight > 0).sum(), 1))
    innovation /= spread if spread > 0 else 1.0
    whole = np.sqrt(((design / noise) ** 2).sum(axis=(0, 1))) / (spread if spread > 0 else 1.0)
    return Innovations(innovation[:, :, :-1], innovation[:, :, -1], weight, whole)


def since_used(values: np.ndarray, used: np.ndarray, weekly: float) -> tuple[np.ndarray, np.ndarray]:
    """What is new in each used week against the used week before it in its region, however long ago that was.

    Args:
        values: `[region, week, term]`.
        used: `[region, week]`.
        weekly: correlation of the residual from one week to the next.

    Returns:
        `[region, week, term]`, 0 in weeks that have no used week before; and `[region, week]`, weights that make the
        variance of the residuals the same whatever the distance, 0 in those weeks.
    """
    pairs, before, distance = _used_before(used)
    faded = weekly**distance
    weight = np.sqrt((1.0 - weekly**2) / (1.0 - faded**2 + 1e-12))
    new = values - faded[:, :, None] * np.take_along_axis(values, before[:, :, None], axis=1)
    return np.where(pairs[:, :, None], new, 0.0), np.where(pairs, weight, 0.0)


def _new(values: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `since_used`, by the correlation of the last term, the residual, with that of the used week before it.

    That correlation is the one at the commonest distance, from which the weekly one follows.
    """
    pairs, before, distance = _used_before(used)
    residual = values[:, :, -1]
    earlier = np.take_along_axis(residual, before, axis=1)
    usual = int(np.bincount(distance[pairs], minlength=2).argmax())
    alike = pairs & (distance == usual)
    product, square = (residual * earlier)[alike].sum(), (earlier**2)[alike].sum()
    return since_used(values, used, float(np.clip(product / max(square, 1e-12), 0.0, 0.98)) ** (1.0 / max(usual, 1)))


def _used_before(used: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Used weeks that have one before them in their region, which one, and how long before, `[region, week]` each."""
    week = np.arange(used.shape[1])
    before = np.maximum.accumulate(np.where(used, week, -1), axis=1)
    before = np.concatenate([np.full((len(used), 1), -1), before[:, :-1]], axis=1)
    return used & (before >= 0), np.maximum(before, 0), np.where(before >= 0, week - before, 1)


def _within(values: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Deviation from the region's mean over used weeks, 0 elsewhere, `[region, week, term]`."""
    mask = used[:, :, None].astype(float)
    mean = (values * mask).sum(axis=1, keepdims=True) / np.maximum(mask.sum(axis=1, keepdims=True), 1.0)
    return (values - mean) * mask
