"""How many computations run together."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepcausalmmm_jax.parallel import batches as module
from deepcausalmmm_jax.parallel.batches import Clock, batches_for, run_all, within_memory


class _Squares(NamedTuple):
    batch_size: int

    def __call__(self, mapped, shared):
        return jax.lax.map(lambda x: jnp.outer(x, x) @ shared, mapped, batch_size=self.batch_size)


_ONE, _SHARED, _COUNT = jnp.ones((1, 50)), jnp.eye(50), 16


def _as_many_as(monkeypatch, room):
    monkeypatch.setattr(module, "room_on", lambda device: room)
    whole = batches_for(_Squares(_COUNT), (jax.devices()[0],), "shard_map", _COUNT)
    return within_memory(whole, _ONE, _SHARED, Clock())


@pytest.mark.parametrize("room", [0, 10**12], ids=["memory that nobody knows", "plenty"])
def test_all_run_together_where_they_fit(monkeypatch, room):
    assert _as_many_as(monkeypatch, room).batch.batch_size == _COUNT


def test_fewer_run_together_where_memory_is_short_and_the_numbers_stay(monkeypatch):
    one = 2 * 50 * 50 * 4  # bytes of a product and of its factor
    found = _as_many_as(monkeypatch, 5 * one)
    assert 1 <= found.batch.batch_size <= 5
    each = jnp.asarray(np.random.default_rng(0).normal(size=(_COUNT, 50)), jnp.float32)
    outcome, _ = run_all(each, _SHARED, found, Clock())
    np.testing.assert_allclose(outcome, np.einsum("ni,nj->nij", each, each), rtol=1e-5)
    assert _as_many_as(monkeypatch, 1).batch.batch_size == 1
