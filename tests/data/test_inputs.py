import jax
import numpy as np
import pytest

from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.inputs import inputs_from, knot_weeks
from deepcausalmmm_jax.data.scaling import scales_from
from deepcausalmmm_jax.model.windows import first_weeks


@pytest.fixture(scope="module")
def inputs(small_panel, quick):
    weights = training_weights(small_panel, 8)
    return inputs_from(small_panel, scales_from(small_panel, weights), weights, quick)


def test_arrays_are_made_on_the_host_in_single_precision(inputs):
    assert all(isinstance(array, np.ndarray) and array.dtype == np.float32 for array in jax.tree.leaves(inputs))


def test_exposure_and_kpi_average_one_over_the_training_weeks(inputs):
    np.testing.assert_allclose(inputs.exposure[:, :52].mean(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(inputs.kpi[:, :52].mean(axis=1), inputs.kpi_level, rtol=1e-5)
    assert not inputs.kpi[:, 52:].any()


def test_weeks_count_from_the_first_training_week(inputs):
    assert inputs.elapsed[0] == -1.0
    assert (inputs.elapsed[51:] == 1.0).all()
    np.testing.assert_array_equal(inputs.ahead[50:], [0, 0, 1, 2, 3, 4, 5, 6, 7, 8])


@pytest.mark.parametrize(("weeks", "spacing", "knots"), [(53, 13, 5), (53, 1, 53), (10, 13, 2), (1, 13, 2)])
def test_the_last_knot_is_the_last_training_week(weeks, spacing, knots):
    found = knot_weeks(weeks, spacing)
    assert len(found) == knots
    assert found[0] == 0.0
    assert found[-1] == weeks - 1


def test_the_first_weeks_are_those_of_every_array_with_weeks(inputs):
    n_weeks = inputs.exposure.shape[1]
    small = first_weeks(inputs, 2)
    for whole, part in zip(jax.tree.leaves(inputs), jax.tree.leaves(small), strict=True):
        assert part.shape == tuple(2 if n == n_weeks else n for n in whole.shape)
        np.testing.assert_array_equal(part, whole[tuple(slice(0, n) for n in part.shape)])
