"""What a training of the default model leaves as it is."""

import jax.numpy as jnp
import numpy as np
import pytest

from deepcausalmmm_jax.training.state import Progress
from deepcausalmmm_jax.training.structural import _learned


@pytest.mark.parametrize("inherited", [True, False])
@pytest.mark.parametrize("readout", [0.0, 0.1])
def test_a_gru_that_was_off_where_a_warm_start_begins_stays_off(inherited, readout):
    parameters = {"coefficients": {"gru": {"readout": jnp.full((2, 3), readout), "start": jnp.zeros(2)}}}
    progress = Progress(*[jnp.zeros(())] * (len(Progress._fields) - 1), inherited=jnp.asarray(inherited))
    learned = _learned(parameters, progress)["coefficients"]["gru"]
    np.testing.assert_array_equal(learned["readout"], float(readout != 0.0 or not inherited))
    np.testing.assert_array_equal(learned["start"], 1.0)
