"""Standard errors of the channels' effects in a fit without draws, what is not known of their curves included."""

import dataclasses
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.attribution.effect_priors import EffectPriors, effect_priors, no_priors
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.forward import curve_precisions
from deepcausalmmm_jax.attribution.innovations import standardised
from deepcausalmmm_jax.attribution.shares import shares
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.io.on_device import on_device, single
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.parameters import Parameters
from deepcausalmmm_jax.training.coarsening import coarsening_power
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters

_STILL = 1e-6  # of a term's own size: changes below it are rounding
_STEP = 0.1  # prior standard deviations, of the finite differences by a curve's parameters
_RIDGE = 1e-9  # of each term's own information: two terms that are the same share an effect


def channel_errors(fit: FittedPanel, *, given_curves: bool = False) -> np.ndarray:
    """Standard error of each channel's effect, as a share of it, `[channel]`; missing where the weeks give none.

    Args:
        fit: the fit.
        given_curves: as in `channel_covariance`.
    """
    return np.sqrt(np.diag(channel_covariance(fit, given_curves=given_curves)))


def channel_covariance(fit: FittedPanel, *, given_curves: bool = False) -> np.ndarray:
    r"""Covariance of the channels' effects, as shares of them, `[channel, channel]`; missing where the weeks give none.

    The effect is a level times a curve. Both are linearised at the fit, $\delta$ their changes, and found by least
    squares on the innovations, all media and controls together, with the precision P of what else is known of them: the
    priors of curves and shares, what the user stated, and lift tests (`effect_priors`). With information I and the
    innovations' scores J by week, so that weeks may be off in all regions at once (White 1982), and both coarsened by
    the power c as in the posterior (see `training.coarsening`),
    $\mathrm{Cov}(\delta) = (cI + P)^{-1} (cJ + P) (cI + P)^{-1}$. The national trend counts as noise, since a channel
    may have caused it.

    Args:
        fit: the fit.
        given_curves: errors of the levels by the weeks alone, as if the curves were right and known and no prior held:
            what the noise of the weeks does to an estimate, not how far it may be from the truth.
    """
    used, n = fit.weights > 0, len(fit.panel.channels)
    curves = _no_moves(fit) if given_curves else _curve_moves(fit)
    known = no_priors(n) if given_curves else effect_priors(fit, shares(fit))
    power = 1.0 if given_curves else coarsening_power(fit.weights, fit.config.posterior.coarsening)
    terms, behind = fit.scaled_terms, np.flatnonzero(known.demand)
    found = standardised(fit, used, terms.media, curves.moves, terms.media[:, :, behind], terms.control)
    innovation, residual, weight, whole = found
    size = np.sqrt((innovation**2).sum(axis=(0, 1)))
    by_change = _effects_by_change(fit, used, curves, len(size))
    prior = _precision(known, curves, by_change)
    scores = np.sqrt(power) * np.einsum("rti,rt->ti", innovation, residual)
    flat = innovation.reshape(-1, len(size))
    information = power * flat.T @ flat + prior
    unit = np.sqrt(np.where(np.diag(information) > 0, np.diag(information), 1.0))
    bread = np.linalg.pinv(information / np.outer(unit, unit) + _RIDGE * np.eye(len(unit)))
    covariance = bread @ ((scores.T @ scores + prior) / np.outer(unit, unit)) @ bread
    of_effects = (by_change / unit) @ covariance @ (by_change / unit).T
    enough = (weight > 0).sum() > len(size) - len(curves.precision) - len(behind)
    known_by_weeks = (size > _STILL * whole)[:n] & enough & (np.diag(of_effects) > 0)  # below 0 by rounding
    return np.where(known_by_weeks[:, None] & known_by_weeks, of_effects, np.nan)


class _CurveMoves(NamedTuple):
    """Changes of the contributions with the curves' parameters, one after the other, all channels of each."""

    moves: np.ndarray  # [region, week, parameter x channel], scaled, for a change of 1
    precision: np.ndarray  # [parameter x channel], of the priors


def _no_moves(fit: FittedPanel) -> _CurveMoves:
    return _CurveMoves(np.zeros((*fit.weights.shape, 0)), np.zeros(0))


def _curve_moves(fit: FittedPanel) -> _CurveMoves:
    inputs, design = fit.inputs, fit.design
    assert isinstance(inputs, Inputs)
    assert isinstance(design, Design)
    parameters, scales = Parameters.of(fit.variables["params"]), Hyperparameters.of(fit.config).scales
    found = curve_precisions(on_device(parameters), inputs, scales, design)
    precisions = {name: np.asarray(own, np.float64) for name, own in found.items()}
    steps = {name: _STEP / np.sqrt(own) for name, own in precisions.items()}
    moves = [(_moved(fit, name, step) - _moved(fit, name, -step)) / (2.0 * step) for name, step in steps.items()]
    return _CurveMoves(np.concatenate(moves, axis=-1), np.concatenate(list(precisions.values())))


def _precision(known: EffectPriors, curves: _CurveMoves, by_change: np.ndarray) -> np.ndarray:
    """Of the changes by all that is known besides the weeks, `[term, term]`; first levels, curves and hidden demand."""
    n, behind = len(known.level), known.demand[known.demand > 0]
    apart = np.zeros(by_change.shape[1])
    apart[n : n + len(curves.precision)] = curves.precision
    apart[n + len(curves.precision) :][: len(behind)] = behind
    precision = np.diag(apart) + by_change.T @ known.effect @ by_change
    precision[:n, :n] += known.level
    return precision


def _moved(fit: FittedPanel, name: str, step: np.ndarray) -> np.ndarray:
    """Contributions where a parameter of all channels' curves is off by a step, `[region, week, channel]`, scaled."""
    parameters = Parameters.of(fit.variables["params"])
    off = single(getattr(parameters.media, name) + step)
    params = parameters._replace(media=parameters.media._replace(**{name: off})).as_flax()
    other = dataclasses.replace(fit.fitted, variables={**fit.variables, "params": params})
    return FittedPanel(other, fit.panel, fit.inputs).scaled_terms.media


def _effects_by_change(fit: FittedPanel, used: np.ndarray, curves: _CurveMoves, n_terms: int) -> np.ndarray:
    """Relative change of each channel's effect with the level and the curve, `[channel, term]`."""
    n, counted = len(fit.panel.channels), (fit.scales.kpi[:, None] * used)[:, :, None]
    effect = (fit.scaled_terms.media * counted).sum(axis=(0, 1))
    moved = (curves.moves * counted).sum(axis=(0, 1)).reshape(-1, n) / np.where(effect == 0, np.inf, effect)
    by_change = np.zeros((n, n_terms))
    by_change[:, :n] = np.eye(n)
    for at, own in enumerate(moved, start=1):
        by_change[:, at * n : (at + 1) * n] = np.diag(own)
    return by_change
