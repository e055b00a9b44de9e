"""`sample_posterior`: the estimate of a fit and its intervals, from draws of its posterior."""

import dataclasses
import time
import warnings
from typing import Final, cast, get_args

import numpy as np
from jax import Array

from deepcausalmmm_jax.attribution.accuracy import worse_than_mean
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.checks import require, seed_number, whole_number
from deepcausalmmm_jax.config.priors import PosteriorMethod
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError, DataWarning, FitStatus
from deepcausalmmm_jax.model.family import AnyInputs
from deepcausalmmm_jax.model.outputs import Internals
from deepcausalmmm_jax.posterior.nuts import require_blackjax
from deepcausalmmm_jax.posterior.sample import sample
from deepcausalmmm_jax.results.asked import require_result
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.training.families import family_of
from deepcausalmmm_jax.training.fitted import Fitted, Replicates
from deepcausalmmm_jax.training.prepare import lift_tests_of, with_lift_tests
from deepcausalmmm_jax.training.room import Room

_METHODS = tuple(method for method in get_args(PosteriorMethod) if method not in ("auto", "none"))
_DEFAULT: Final = "hmc"
_MANY_REGIONS = 8


def sample_posterior(
    result: FitResult, draws: int = 300, method: PosteriorMethod | None = None, seed: int = 0
) -> Ensemble:
    """Draw from the posterior of a fit; `fit` does so itself, with the settings in `Config.posterior`.

    Everything that is linear given the curves is integrated out. Shares, curves and scales are explored from their
    modes, which are found by searches from several starting points. The channel graph is held at its trained values;
    coefficients vary over time by paths that are drawn too, see `posterior.variation`. Each draw is a full set of the
    model's variables, so the ensemble has every table that a fit has.

    Args:
        result: a fit of the default model.
        draws: from the posterior, 20 or more; about 200 for 90% intervals.
        method: `hmc`, short Markov chains from the modes; `laplace`, weighted draws from the curvature at the best
            mode; `nuts`, four long chains of BlackJAX's no-U-turn sampler (the extra `bayes`), with draws rounded up to
            a multiple of four; None takes the one in the settings.
        seed: of the draws.

    Returns:
        The ensemble. Its estimate gives each channel its mean share over the draws; `Ensemble.sampling` has the
        diagnostics of the draws.

    Raises:
        ConfigError: a bad number or method, or a fit of the paper's model, whose intervals `bootstrap` gives.
    """
    require_result(result, "sample_posterior")
    if not result.family.has_posterior:
        raise ConfigError(
            "sample_posterior needs the default model: the paper's has no priors and so no posterior; use bootstrap."
        )
    configured = result.config.posterior.method
    chosen = method or (configured if configured in _METHODS else _DEFAULT)
    require(chosen in _METHODS, "method", chosen, "one of " + ", ".join(_METHODS))
    whole_number("draws", draws, 20)
    seed = seed_number(seed)
    refuse_without_sampler(chosen)
    return _drawn(result.fitted_panel.until_last_kpi, int(draws), chosen, seed)


def _drawn(
    past: FittedPanel,
    draws: int,
    method: PosteriorMethod,
    seed: int,
    known: np.ndarray | None = None,
    room: Room | None = None,
) -> Ensemble:
    fitted, began = past.fitted, time.perf_counter()
    trained, inputs, inside = as_trained(past)
    drawn = sample(trained, inputs, inside, draws, method, seed, known, room)
    seconds = time.perf_counter() - began
    estimate = dataclasses.replace(fitted, variables=drawn.mean, trained=trained.variables)
    count = len(drawn.vectors)
    replicates = Replicates(
        variables=drawn.variables,
        status=np.full(count, FitStatus.COMPLETED),
        epochs=np.zeros(count, int),
        check=np.zeros((0, 2, len(fitted.panel.channels))),
        method=method,
        block=0,
        seed=seed,
        warm_start=known is not None,
        seconds=seconds,
        compile_seconds=0.0,
        coordinates=drawn.vectors,
        pareto_k=drawn.pareto_k,
        r_hat=drawn.r_hat,
        chains=drawn.chains,
    )
    return Ensemble(_judged(dataclasses.replace(past, fitted=estimate)), replicates, _prepared(past))


def as_trained(past: FittedPanel) -> tuple[Fitted, Inputs[Array], Internals]:
    """What the posterior starts from: the fit as training left it, its panel with lift tests, and its internals."""
    fitted, inputs = past.fitted, past.inputs
    assert isinstance(inputs, Inputs)
    trained = fitted if fitted.trained is None else dataclasses.replace(fitted, variables=fitted.trained)
    inside = (past if fitted.trained is None else FittedPanel(trained, past.panel, inputs)).internals
    assert isinstance(inside, Internals)
    return trained, inputs._replace(lift_tests=lift_tests_of(fitted)), inside


def refuse_without_sampler(method: PosteriorMethod) -> None:
    """Refuse a method whose sampler is not installed, before anything is computed.

    Raises:
        ConfigError: says what to install.
    """
    if method == "nuts":
        require_blackjax()


def estimated(fitted: Fitted, prepared: AnyInputs | None = None) -> FitResult:
    """The result of a training: with draws, or without where the settings or the model have none.

    Args:
        fitted: what the training left.
        prepared: its panel up to the last week with a KPI, as the model reads it; None to prepare it.
    """
    settings, past = fitted.config.posterior, _past(fitted, prepared)
    leaves_out = not family_of(fitted.config).has_posterior or settings.method == "none"
    if leaves_out or (settings.method == "auto" and _is_costly(fitted.panel)):
        return FitResult(_judged(past), _prepared(past))
    method = settings.method if settings.method in _METHODS else _DEFAULT
    refuse_without_sampler(method)
    return _drawn(past, settings.draws, method, fitted.seed)


def estimated_like(drawn: Replicates | None, fitted: Fitted, prepared: AnyInputs, room: Room) -> FitResult:
    """The result of a training that goes on from a run, whose figures are only comparable with those of its own kind.

    Args:
        drawn: draws from the posterior of the run, as many of which are made in the same way; None where it has none.
        fitted: what the training left.
        prepared: its panel up to the last week with a KPI, as the model reads it.
        room: sizes of the arrays that draws are made in.
    """
    past = _past(fitted, prepared)
    if drawn is None:
        return FitResult(_judged(past), _prepared(past))
    method = cast(PosteriorMethod, drawn.method)
    refuse_without_sampler(method)
    return _drawn(past, len(drawn), method, drawn.seed, drawn.coordinates, room)


def _past(fitted: Fitted, prepared: AnyInputs | None) -> FittedPanel:
    """The fit on its panel up to the last week with a KPI, without lift tests, which only training reads."""
    prepared = None if prepared is None else with_lift_tests(prepared, None)
    return FittedPanel(fitted, fitted.panel.until_last_kpi(), prepared)


def has_draws(config: Config, panel: Panel) -> bool:
    """Whether the result of a fit has draws from the posterior."""
    method = config.posterior.method
    none = not family_of(config).has_posterior or method == "none"
    return not none and not (method == "auto" and (_has_many_regions(panel) or _has_many_days(panel)))


def _has_many_regions(panel: Panel) -> bool:
    return len(panel.regions) >= _MANY_REGIONS


def _has_many_days(panel: Panel) -> bool:
    """Whether the path that regions share has a step for every day."""
    return len(panel.regions) > 1 and panel.cadence is Cadence.DAILY


def _is_costly(panel: Panel) -> bool:
    """Whether draws cost more than they tell, with a warning where that is unexpected."""
    n_regions = len(panel.regions)
    if _has_many_regions(panel):
        return True
    if _has_many_days(panel):
        warnings.warn(
            DataWarning(
                f"No posterior draws were made, since with {n_regions} regions their cost grows with the cube of the "
                "number of days; use bootstrap for intervals, aggregate the days to weeks with to_weeks, or set "
                "posterior.method."
            ),
            stacklevel=4,
        )
        return True
    return False


def _judged(past: FittedPanel) -> Fitted:
    """The fit, with a status that says so if it predicts its own training weeks worse than the regional means do."""
    fitted = past.fitted
    if past.family.may_stop_anywhere or not worse_than_mean(past.panel.kpi, past.prediction, past.weights):
        return fitted
    return dataclasses.replace(fitted, record=dataclasses.replace(fitted.record, status=FitStatus.WORSE_THAN_MEAN))


def _prepared(past: FittedPanel) -> AnyInputs | None:
    """The whole panel of the fit as the model reads it, where no planned weeks follow those with a KPI."""
    return past.inputs if len(past.panel.weeks) == len(past.fitted.panel.weeks) else None
