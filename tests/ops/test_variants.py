"""Each op agrees with plain numpy: compiled and not, with its arrays on the device, and mapped over a batch."""

import inspect

import chex
import jax
import jax.numpy as jnp
import numpy as np
from absl.testing import parameterized

from deepcausalmmm_jax.ops import (
    acyclicity,
    adstock,
    autoregression,
    bijectors,
    cholesky,
    effective_sample,
    gru,
    hill,
    layout,
    logistic,
    saturation,
    shared_shock,
)
from tests.ops.cases import CASES

MODULES = (
    acyclicity, adstock, autoregression, bijectors, cholesky, effective_sample, gru, hill, layout, logistic, saturation,
    shared_shock,
)  # fmt: skip
TOLERANCE = {"rtol": 2e-4, "atol": 2e-5}


class TestEachOp(chex.TestCase):
    """Not a function of pytest: `chex.variants` needs a class, and makes one test of each variant."""

    @chex.variants(with_jit=True, without_jit=True, with_device=True)
    @parameterized.named_parameters((name, name) for name in CASES)
    def test_agrees_with_numpy(self, name):
        op, arrays, expected = CASES[name]
        found = self.variant(op)(*jax.tree.map(jnp.asarray, arrays))
        chex.assert_trees_all_close(found, expected, **TOLERANCE)

    @parameterized.named_parameters((name, name) for name in CASES)
    def test_may_be_mapped_twice(self, name):
        op, arrays, expected = CASES[name]
        twice = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (2, 3, *jnp.shape(leaf))), arrays)
        found = jax.jit(jax.vmap(jax.vmap(op)))(*twice)
        wanted = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (2, 3, *np.shape(leaf))), expected)
        chex.assert_trees_all_close(found, wanted, **TOLERANCE)


def test_there_is_a_case_of_every_op():
    public = {
        name
        for module in MODULES
        for name, op in vars(module).items()
        if callable(op) and not name.startswith("_") and getattr(op, "__module__", "") == module.__name__
        and not inspect.isclass(op)
    }  # fmt: skip
    assert public == set(CASES)
