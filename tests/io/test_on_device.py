import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepcausalmmm_jax.io.on_device import on_device, single


def compiled(caplog, place):
    caplog.clear()
    with jax.log_compiles():
        place()
    return [record.message for record in caplog.records if "Compiling" in record.message]


def test_host_arrays_are_placed_without_a_program(caplog):
    assert compiled(caplog, lambda: single(np.zeros((17, 3)))) == []
    assert compiled(caplog, lambda: on_device({"a": np.zeros((17, 5), np.int32), "b": None})) == []
    assert compiled(caplog, lambda: jnp.asarray(np.zeros((17, 7)), jnp.float32)) != []  # so that the others may fail


@pytest.mark.parametrize("values", [3.5, [1, 2], np.arange(4.0), np.eye(2, dtype=bool)])
def test_numbers_become_single_precision_and_stay_what_they_are(values):
    placed = single(values)
    assert placed.dtype == jnp.float32
    assert not placed.weak_type
    np.testing.assert_array_equal(placed, np.asarray(values, np.float32))
