"""Channels whose exposure follows the KPI: what happens after a week says something about it."""

from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.innovations import standardised
from deepcausalmmm_jax.attribution.shares import shares

AHEAD = 2  # steps of the panel
_CLEAR = 3.0  # standard errors
_LEAST, _LEAST_OF_KPI = 0.1, 0.005  # of the channel's effect, and of the KPI: less does no harm
_COMPARED = 3  # regions from which weeks are compared between regions
_ROWS = 3.0  # region-weeks a term: with fewer, chance explains too much
_RIDGE = 1e-9  # of each term's own information


class Leads(NamedTuple):
    """What exposure of the weeks after says of a week's KPI."""

    part: np.ndarray  # [channel], how far the KPI moves with it, next to how far the model says it moves with its own
    z: np.ndarray  # [channel], the same in standard errors; NaN where the weeks do not tell


def leads(fit: FittedPanel) -> Leads:
    """Regress what the model leaves unexplained on what each channel contributes one and two weeks later.

    Exposure cannot act before it happens. Where that of later weeks explains this week's KPI, beside the exposure up to
    this week, controls and season, budgets, bids or audiences follow demand: the test of strict exogeneity by leads
    (Wooldridge 2010, Econometric Analysis of Cross Section and Panel Data, section 10.7.1). Least squares on
    innovations as in `channel_errors`, from three regions on on their differences from the mean of the week. The mean
    of both coefficients is in units of the channel's own; its standard error is the larger of two, that of independent
    region-weeks and that of weeks that may be off in all regions at once (White 1982).

    Args:
        fit: of the default model.
    """
    terms, n, used = fit.scaled_terms, len(fit.panel.channels), fit.weights > 0
    later = [_later(terms.media, step) for step in range(1, AHEAD + 1)]
    for step in range(1, AHEAD + 1):
        used = used & _later(fit.panel.present, step)
    found = standardised(fit, used, *later, terms.media, terms.control)
    known, unknown = found.weight > 0, np.full(n, np.nan)
    if known.sum() < _ROWS * found.terms.shape[2]:
        return Leads(unknown, unknown)
    rows = np.concatenate([found.terms, found.residual[:, :, None]], axis=2)
    if known.any(axis=1).sum() >= _COMPARED:
        rows = _between_regions(rows, known)
    rows = rows / max(np.sqrt((rows[:, :, -1] ** 2).sum() / known.sum()), 1e-12)
    size = np.sqrt((rows[:, :, :-1] ** 2).sum(axis=(0, 1)))
    told = (size > 1e-6 * found.whole)[: AHEAD * n].reshape(AHEAD, n).all(axis=0)
    unit = np.where(size > 0, size, 1.0)
    moved, by_week, alone = _least_squares(rows[:, :, :-1] / unit, rows[:, :, -1])
    mean = np.tile(np.eye(n) / AHEAD, AHEAD) / unit[: AHEAD * n]  # [channel, term]
    part, own = mean @ moved[: AHEAD * n], slice(0, AHEAD * n)
    variance = [np.einsum("ci,ij,cj->c", mean, one[own, own], mean) for one in (by_week, alone)]
    error = np.sqrt(np.maximum(*variance))
    told &= error > 0
    return Leads(np.where(told, part, np.nan), np.where(told, part / np.where(told, error, 1.0), np.nan))


def follow_kpi(fit: FittedPanel) -> np.ndarray:
    """How far the KPI moves with exposure of the weeks after, next to that of its own, `[channel]`; 0 where not clear.

    Args:
        fit: of any model.

    Returns:
        `[channel]`; missing where the weeks do not tell, and for the paper's model, which has no innovations.
    """
    if not fit.family.has_noise:
        return np.full(len(fit.panel.channels), np.nan)
    found = leads(fit)
    with np.errstate(invalid="ignore"):
        named = (found.z >= _CLEAR) & (found.part >= _LEAST) & (found.part * shares(fit) >= _LEAST_OF_KPI)
    return np.where(named, found.part, 0.0 * found.z)


def _later(values: np.ndarray, steps: int) -> np.ndarray:
    """The values so many weeks after, `[region, week, ...]`; 0 for the last."""
    moved = np.zeros_like(values)
    moved[:, :-steps] = values[:, steps:]
    return moved


def _between_regions(rows: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Differences from the mean of the known regions of each week, `[region, week, term]`; 0 elsewhere."""
    mean = rows.sum(axis=0) / np.maximum(known.sum(axis=0), 1)[:, None]
    return np.where(known[:, :, None], rows - mean, 0.0)


def _least_squares(terms: np.ndarray, residual: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients `[term]`, and their covariance where weeks are off together, and where region-weeks are independent.

    Args:
        terms: `[region, week, term]`, each of size 1.
        residual: `[region, week]`, of variance 1.
    """
    flat = terms.reshape(-1, terms.shape[2])
    information = flat.T @ flat
    inverse = np.linalg.pinv(information + _RIDGE * np.eye(len(information)))
    found = inverse @ flat.T @ residual.ravel()
    scores = np.einsum("rti,rt->ti", terms, residual - terms @ found)
    return found, inverse @ scores.T @ scores @ inverse, inverse @ information @ inverse
