"""`sample_posterior`: the estimate of a fit and its intervals, from draws of everything that the fit leaves open."""

import dataclasses
import time
from typing import get_args

import numpy as np

from deepcausalmmm_jax.attribution.accuracy import worse_than_mean
from deepcausalmmm_jax.attribution.forward import components
from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.config.priors import PosteriorMethod
from deepcausalmmm_jax.errors import ConfigError, FitStatus
from deepcausalmmm_jax.posterior.nuts import require_blackjax
from deepcausalmmm_jax.posterior.sample import sample
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.training.fitted import Fitted, Replicates

_METHODS = tuple(method for method in get_args(PosteriorMethod) if method not in ("auto", "none"))
_MANY_REGIONS = 8


def sample_posterior(
    result: FitResult, draws: int = 300, method: PosteriorMethod | None = None, seed: int = 0
) -> Ensemble:
    """Draw from the posterior of a fit; `fit` does so by itself, with the settings in `Config.posterior`.

    Everything that is linear given the curves is integrated out; shares, curves and scales are explored from their
    modes, found from several starts. The channel graph and the course of coefficients over time are held as training
    found them. Each draw is a set of the model's variables, so that the ensemble answers whatever a fit answers.

    Args:
        result: a fit of the default model.
        draws: from the posterior, 20 or more; 90 % intervals want some 200.
        method: `hmc`, short Markov chains from the modes; `laplace`, weighted draws from the curvature at the best
            mode; `nuts`, four long chains of BlackJAX's no-U-turn sampler (the extra `bayes`), with draws rounded up to
            fours; None takes that of the settings.
        seed: of the draws.

    Returns:
        The ensemble. Its estimate gives each channel its mean share over the draws; `Ensemble.sampling` says how far
        the draws can be trusted.

    Raises:
        ConfigError: a bad number or method, or a fit of the paper's model, whose intervals `bootstrap` gives.
    """
    if result.config.model == "paper":
        raise ConfigError(
            "sample_posterior needs the default model: the paper's has no priors and so no posterior; use bootstrap."
        )
    configured = result.config.posterior.method
    chosen = method or (configured if configured in _METHODS else "hmc")
    require(chosen in _METHODS, "method", chosen, "one of " + ", ".join(_METHODS))
    is_count = isinstance(draws, int | np.integer) and not isinstance(draws, bool)
    require(is_count and draws >= 20, "draws", draws, "a whole number, 20 or more")
    refuse_without_sampler(chosen)
    fitted = result.fitted
    began = time.perf_counter()
    trained = fitted if fitted.trained is None else dataclasses.replace(fitted, variables=fitted.trained)
    drawn = sample(trained, int(draws), chosen, seed)
    seconds = time.perf_counter() - began
    estimate = dataclasses.replace(fitted, variables=drawn.mean, trained=trained.variables)
    count = len(drawn.vectors)
    replicates = Replicates(
        variables=drawn.variables,
        status=np.full(count, FitStatus.COMPLETED),
        epochs=np.zeros(count, int),
        check=np.zeros((0, 2, len(fitted.panel.channels))),
        method=chosen,
        block=0,
        seed=seed,
        warm_start=False,
        seconds=seconds,
        compile_seconds=0.0,
        coordinates=drawn.vectors,
        pareto_k=drawn.pareto_k,
        r_hat=drawn.r_hat,
        chains=drawn.chains,
    )
    return Ensemble(_judged(estimate), replicates)


def refuse_without_sampler(method: PosteriorMethod) -> None:
    """Refuse a method whose sampler is not installed, before anything is computed.

    Raises:
        ConfigError: says what to install.
    """
    if method == "nuts":
        require_blackjax()


def estimated(fitted: Fitted) -> FitResult:
    """The result of a training: with draws, or as it stands where the settings or the model want none."""
    settings = fitted.config.posterior
    leaves_out = settings.method == "none" or (settings.method == "auto" and len(fitted.panel.regions) >= _MANY_REGIONS)
    if fitted.config.model == "paper" or leaves_out:
        return FitResult(_judged(fitted))
    return sample_posterior(FitResult(fitted), settings.draws, seed=fitted.seed)


def _judged(fitted: Fitted) -> Fitted:
    """The fit, said to have failed where it explains its own training weeks worse than the regional means do."""
    if fitted.config.model == "paper":  # published schedules may stop anywhere
        return fitted
    prediction = components(fitted, fitted.panel).prediction()
    if not worse_than_mean(fitted.panel.kpi, prediction, fitted.weights):
        return fitted
    return dataclasses.replace(fitted, record=dataclasses.replace(fitted.record, status=FitStatus.WORSE_THAN_MEAN))
