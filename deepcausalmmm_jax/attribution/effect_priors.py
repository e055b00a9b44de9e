"""What is known of the channels' effects besides the weeks: priors of shares and returns, and lift tests."""

from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.model_lifts import model_lifts
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.data.stated_priors import StatedPriors
from deepcausalmmm_jax.model.media import TYPICAL_ACTIVITY
from deepcausalmmm_jax.model.parameters import Parameters
from deepcausalmmm_jax.model.share_prior import SharePrior, share_precision
from deepcausalmmm_jax.training.prepare import lift_tests_of


class EffectPriors(NamedTuple):
    """Precisions of relative changes of the channels' effects."""

    level: np.ndarray  # [channel, channel], of levels, curves being as they are
    effect: np.ndarray  # [channel, channel], of whole effects, levels and curves together
    demand: np.ndarray  # [channel], of a hidden demand that moves with the channel, next to its effect; 0 where none is


def no_priors(n_channels: int) -> EffectPriors:
    """Nothing but the weeks."""
    nothing = np.zeros((n_channels, n_channels))
    return EffectPriors(nothing, nothing, np.zeros(n_channels))


def effect_priors(fit: FittedPanel, share: np.ndarray) -> EffectPriors:
    r"""What training knew of effects besides the weeks, as second derivatives at the fit.

    The prior of shares is one of levels, `model.share_prior`. A stated share, ROI or CPIK speaks of a whole effect, and
    so does a lift test: one that measures a lift m in its own standard errors has the precision $m^2$. Hidden demand
    behind a tested channel may be part of what the weeks seem to show of it.

    Args:
        fit: of the default model.
        share: `[channel]`, of the KPI of the training weeks.
    """
    inputs = fit.inputs
    assert isinstance(inputs, Inputs)
    stated, tests = inputs.stated_priors, lift_tests_of(fit.fitted)
    usual = np.exp(np.asarray(Parameters.of(fit.variables["params"]).coefficients.level, np.float64)) * TYPICAL_ACTIVITY
    level = share_precision(usual, SharePrior.of(fit.config.posterior))
    effect = _of_shares(stated, share)
    if stated.marginal is not None and stated.marginal_precision is not None:
        level = level + np.diag(np.asarray(stated.marginal_precision) * np.asarray(stated.marginal) ** 2)
    demand = np.zeros(len(share))
    if tests is not None:
        channel = np.asarray(tests.channel)
        lift = model_lifts(fit.until_last_kpi, tests)
        effect = effect + np.diag(np.bincount(channel, lift**2, len(share)))
        scale = np.asarray(tests.demand_scale, np.float64)
        demand = np.where(scale > 0, share / np.where(scale > 0, scale, 1.0), 0.0) ** 2
    return EffectPriors(level, effect, demand)


def _of_shares(stated: StatedPriors, share: np.ndarray) -> np.ndarray:
    """Precision of effects by what is stated of their shares and of the share of all, `[channel, channel]`."""
    effect = np.diag(np.asarray(stated.share_precision, np.float64) * share**2)
    if stated.total_precision is not None:
        effect = effect + float(np.asarray(stated.total_precision)) * np.outer(share, share)
    return effect
