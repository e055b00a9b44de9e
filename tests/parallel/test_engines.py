"""A function over many members, by each engine: split, filled up, joined and cut."""

import jax
import numpy as np
import pytest

from deepcausalmmm_jax.parallel.engines import spread


class _Whole:
    def __call__(self, mapped, shared, /):
        return mapped


class _Doubled:
    def __call__(self, mapped, shared, /):
        return {"twice": 2 * mapped + shared}


@pytest.mark.parametrize("engine", ["threads", "shard_map", "pmap"])
def test_arrays_without_elements_are_split_and_joined(engine):
    batch = {"kpi": np.arange(5, dtype=np.float32), "control": np.zeros((5, 3, 0), np.float32)}
    found = spread(_Whole(), batch, np.float32(1), devices=jax.devices(), engine=engine, workers=2)
    np.testing.assert_array_equal(found["kpi"], batch["kpi"])
    assert found["control"].shape == (5, 3, 0)


@pytest.mark.parametrize("engine", ["threads", "shard_map", "pmap"])
@pytest.mark.parametrize("length", [1, 2, 5, 8])
def test_uneven_batches_are_filled_and_cut_again(engine, length):
    batch = np.arange(length, dtype=np.float32)[:, None] * np.ones(3, np.float32)
    found = spread(_Doubled(), batch, np.float32(1), devices=jax.devices(), engine=engine, workers=3)
    np.testing.assert_array_equal(found["twice"], 2 * batch + 1)
