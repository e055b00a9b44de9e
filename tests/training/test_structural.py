"""What a training of the default model leaves as it is."""

import jax
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
    learned = _learned(parameters, progress, 2)["coefficients"]["gru"]
    np.testing.assert_array_equal(learned["readout"], float(readout != 0.0 or not inherited))
    np.testing.assert_array_equal(learned["start"], 1.0)


@pytest.mark.parametrize("n_regions", [1, 2])
def test_nothing_by_which_the_coefficients_of_a_single_region_would_vary_is_trained(n_regions):
    gru = {"readout": jnp.ones((2, 3)), "start": jnp.zeros(2)}
    coefficients = {"level": jnp.zeros(3), "path": jnp.ones((5, 3)), "gru": gru}
    parameters = {"coefficients": coefficients, "sizes": {"time_variation": jnp.zeros(()), "trend": jnp.zeros(())}}
    progress = Progress(*[jnp.zeros(())] * (len(Progress._fields) - 1), inherited=jnp.asarray(False))
    learned = _learned(parameters, progress, n_regions)
    varies, constant = float(n_regions > 1), 1.0
    expected = {
        "coefficients": {"level": constant, "path": varies, "gru": {"readout": varies, "start": varies}},
        "sizes": {"time_variation": varies, "trend": constant},
    }
    jax.tree.map(
        np.testing.assert_array_equal,
        learned,
        jax.tree.map(lambda one, own: jnp.full_like(own, one), expected, parameters),
    )
