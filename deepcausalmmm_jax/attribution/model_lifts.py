"""What the model says of lift tests."""

import jax
import numpy as np
from jax import Array

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.data.experiments import LiftTests
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.io.quick_compile import jit_once
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.model.graph import blend_by_region
from deepcausalmmm_jax.model.lift_tests import lifts
from deepcausalmmm_jax.model.training_data import contacts_regions_last
from deepcausalmmm_jax.ops.layout import regions_last
from deepcausalmmm_jax.training.families import forward_pass


def model_lifts(fit: FittedPanel, tests: LiftTests[Array], variables: Variables | None = None) -> np.ndarray:
    """What the model says of each test, in units of its `errors_of`.

    Args:
        fit: on its panel up to the last week with a KPI, whose prepared inputs are read.
        tests: as the model reads them.
        variables: sets of the model's variables with a leading axis `[replicate]`; None for those of the fit.

    Returns:
        `[replicate, test]`, or `[test]` for the fit.
    """
    inputs, design = fit.inputs, fit.design
    assert isinstance(inputs, Inputs)
    assert isinstance(design, Design)
    if variables is None:
        one = jax.tree.map(lambda array: np.asarray(array)[None], fit.variables)
        return np.asarray(_by_set(one, inputs, tests, design)[0], np.float64)
    return np.asarray(_by_set(variables, inputs, tests, design), np.float64)


@jit_once("design")
def _by_set(variables: Variables, inputs: Inputs[Array], tests: LiftTests[Array], design: Design) -> Array:
    """`[replicate, test]`."""
    exposure, intensity, history = regions_last(inputs.exposure), inputs.intensity.T, inputs.history.T

    def one(own: Variables) -> Array:
        _, inside = forward_pass(own, inputs, design)
        coefficient = regions_last(inside.coefficient)
        curves, often = inside.curves, contacts_regions_last(inputs.contacts)
        blend = blend_by_region(inside.blend, inputs.innovations.in_group)
        found = lifts(tests, exposure, intensity, history, curves, blend, coefficient, design.kinds, often)
        return found.sum(axis=(1, 2))

    by_set: Array = jax.lax.map(one, variables)
    return by_set
