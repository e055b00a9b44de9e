"""A function over members in batches says what it says of each, and is part of the program once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepcausalmmm_jax.ops.batches import map_in_batches


def _scaled(member):
    value, factor = member
    return {"sum": value.sum(), "scaled": value * factor}


@settings(max_examples=15, deadline=None)
@given(count=st.integers(1, 12), most=st.integers(1, 14), length=st.integers(0, 2))
def test_each_member_has_what_it_has_alone_whether_batches_come_out_even_or_not(count, most, length):
    rng = np.random.default_rng(count)
    values, factors = rng.normal(size=(count, length)), rng.normal(size=count)
    found = map_in_batches(_scaled, (jnp.asarray(values), jnp.asarray(factors)), most)
    np.testing.assert_allclose(found["scaled"], values * factors[:, None], rtol=1e-6)
    np.testing.assert_allclose(found["sum"], values.sum(axis=1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("count", [3, 16, 17, 61])
def test_the_function_is_traced_once(count):
    traced = []

    def counted(member):
        traced.append(member.shape)
        return member**2

    jax.make_jaxpr(lambda members: map_in_batches(counted, members, 16))(jnp.ones((count, 2)))
    assert traced == [(2,)]


def test_gradients_count_each_member_once_though_the_last_fills_a_batch():
    gradient = jax.grad(lambda members: map_in_batches(jnp.square, members, 4).sum())(jnp.arange(1.0, 7.0))
    np.testing.assert_allclose(gradient, 2.0 * np.arange(1.0, 7.0))


@pytest.mark.parametrize("members", [(jnp.ones(3), jnp.ones(4)), jnp.ones((0, 2))], ids=["of two lengths", "none"])
def test_what_has_no_common_length_is_refused(members):
    with pytest.raises(AssertionError):
        map_in_batches(_scaled, members, 2)
