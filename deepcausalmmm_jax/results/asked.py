"""What functions say that are given something else than the result they work on."""

from collections.abc import Sequence
from pathlib import Path

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.results.run_update import Update


def require_result(value: object, function: str) -> FitResult:
    """The result that a function works on; what is none is refused, with the way to one.

    Args:
        value: what the function was given.
        function: its public name.

    Raises:
        ConfigError: it is no FitResult.
    """
    if isinstance(value, FitResult):
        return value
    kind = type(value).__name__
    if isinstance(value, Panel):
        way_out = f"fit it first, dcm.{function}(dcm.fit(panel))"
    elif isinstance(value, Update):
        way_out = f"give its result, dcm.{function}(update.result)"
    elif isinstance(value, str | Path):
        way_out = f"open it first, dcm.{function}(dcm.load({str(value)!r}))"
    elif isinstance(value, Sequence) and value and isinstance(value[0], FitResult):
        way_out = f"give one of its results, dcm.{function}(results[0])"
    else:
        way_out = "that is what dcm.fit returns; a saved one is read by dcm.load"
    raise ConfigError(f"{function} needs the result of a fit, got {kind}; {way_out}.")


def require_draws(value: object, function: str) -> Ensemble:
    """The ensemble that a function works on; a result without draws or refits is refused.

    Args:
        value: what the function was given.
        function: its public name.

    Raises:
        ConfigError: it is no Ensemble.
    """
    require_result(value, function)
    if not isinstance(value, Ensemble):
        raise ConfigError(
            f"{function} needs draws, which this fit does not have: give what bootstrap or sample_posterior returns, "
            f"such as dcm.{function}(dcm.bootstrap(result))."
        )
    return value
