"""What a fit says of lift tests before it learns from them."""

import dataclasses
from collections.abc import Callable

from jax import Array

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.lift_tests import lifts_before
from deepcausalmmm_jax.data.experiments import LiftTests
from deepcausalmmm_jax.inference.sample_posterior import estimated
from deepcausalmmm_jax.model.family import AnyInputs
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.training.fitted import Fitted, LiftsBefore
from deepcausalmmm_jax.training.prepare import with_lift_tests


def said_before(
    fitted: Fitted,
    inputs: AnyInputs,
    tests: LiftTests[Array],
    made: Callable[[Fitted, AnyInputs], FitResult] = estimated,
) -> LiftsBefore:
    """What a fit to the KPI alone says of the lift tests in its settings, estimated as the fit itself will be.

    Args:
        fitted: trained without the tests.
        inputs: its panel up to the last week with a KPI.
        tests: as the model reads them.
        made: the result of a training, as that of the fit itself will be made from its own.
    """
    alone = dataclasses.replace(fitted, config=fitted.config.replace(experiments=()))
    result = made(alone, inputs)
    past = FittedPanel(result.fitted, fitted.panel.until_last_kpi(), with_lift_tests(inputs, None))
    drawn = result.replicates.variables if isinstance(result, Ensemble) else None
    return lifts_before(past, tests, fitted.config.experiments, drawn)
