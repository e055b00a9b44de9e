"""Loops over weeks give the same numbers however many weeks an iteration computes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepcausalmmm_jax.ops import weekly_loop
from deepcausalmmm_jax.ops.adstock import geometric_adstock
from deepcausalmmm_jax.ops.weekly_loop import scan_weeks


def _step(carried, week):
    carried = 0.7 * carried + week
    return carried, jnp.tanh(carried)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [1, 3, 8, 21])
@pytest.mark.parametrize("at_once", [1, 4, 8])
def test_the_loop_is_that_of_jax(monkeypatch, at_once, length, reverse):
    monkeypatch.setattr(weekly_loop, "weeks_per_iteration", lambda: at_once)
    weeks = jnp.asarray(np.random.default_rng(length).normal(size=(length, 2)), jnp.float32)
    expected = jax.lax.scan(_step, jnp.zeros(2), weeks, reverse=reverse)
    found = scan_weeks(_step, jnp.zeros(2), weeks, reverse=reverse)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_an_accelerator_computes_several_weeks_in_an_iteration_and_a_cpu_one(monkeypatch):
    assert weekly_loop.weeks_per_iteration() == 1
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert weekly_loop.weeks_per_iteration() == 8
    exposure, decay = jnp.ones((20, 3)), jnp.asarray([0.1, 0.5, 0.9])
    program = jax.make_jaxpr(lambda x: geometric_adstock(x, decay))(exposure)
    (loop,) = (equation for equation in program.eqns if equation.primitive.name == "scan")
    assert loop.params["unroll"] == 8


def test_gradients_through_several_weeks_at_once_are_those_of_week_by_week(monkeypatch):
    exposure = jnp.asarray(np.random.default_rng(1).uniform(size=(19, 3)), jnp.float32)

    def loss(decay):
        return jnp.sum(geometric_adstock(exposure, decay) ** 2)

    decay = jnp.asarray([0.1, 0.5, 0.9])
    one_by_one = jax.grad(loss)(decay)
    monkeypatch.setattr(weekly_loop, "weeks_per_iteration", lambda: 8)
    np.testing.assert_allclose(jax.grad(lambda d: loss(d))(decay), one_by_one, rtol=1e-5)
