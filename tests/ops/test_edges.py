"""Saturation and carry-over at the ends of their ranges: values and gradients are finite, and no step makes a NaN."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl.testing import parameterized
from jax.test_util import check_grads

from deepcausalmmm_jax.ops.adstock import (
    binomial_kernel,
    delayed_geometric_kernel,
    delayed_kernel,
    geometric_adstock,
    geometric_kernel,
    waiting_kernel,
)
from deepcausalmmm_jax.ops.hill import hill

TINY = (0.0, 1e-45, 1e-38, 1e-30)
EXPOSURE = jnp.asarray([[0.0], [1e-38], [1e-3], [1.0], [1e30]], jnp.float32)
KERNELS = {
    "geometric": lambda decay: geometric_kernel(decay, 6),
    "delayed": lambda decay: delayed_kernel(decay, jnp.ones_like(decay), 6),
    "binomial": lambda decay: binomial_kernel(decay, 6),
    "waiting": lambda delay: waiting_kernel(delay, 6),
    "delayed geometric": lambda decay: delayed_geometric_kernel(decay, decay, 4, 6),
    "adstock": lambda decay: geometric_adstock(
        jnp.broadcast_to(EXPOSURE[:4].astype(decay.dtype), (4, *decay.shape)), decay
    ),
}
ONE = {  # weights of a channel whose decay, or delay, is 0 and 1
    "geometric": ([1.0, 0, 0, 0, 0, 0], [0.0] * 6),
    "delayed": ([0.0, 1, 0, 0, 0, 0], [1 / 6] * 6),
    "binomial": ([1.0, 0, 0, 0, 0, 0], [1 / 6] * 6),
    "waiting": ([1.0, 0, 0, 0, 0, 0], None),
    "delayed geometric": ([1.0, 0, 0, 0, 0, 0], [0.0] * 6),
}


@pytest.fixture(autouse=True)
def refuse_nans():
    """Any NaN on the way, also one that a later step hides, fails the test."""
    with jax.debug_nans(True):
        yield


class TestEdges(chex.TestCase):
    """Not a function of pytest: `chex.variants` needs a class."""

    @chex.variants(with_jit=True, without_jit=True, with_device=True)
    @parameterized.parameters(*TINY)
    def test_saturation_next_to_zero_is_finite_with_its_gradients(self, half):
        arguments = (EXPOSURE, jnp.array([0.05]), jnp.array([half]))
        for slope in (0.05, 1.0, 10.0):
            at = (arguments[0], jnp.array([slope]), arguments[2])
            value, gradients = self.variant(
                jax.value_and_grad(lambda *a: hill(*a).sum(), argnums=(0, 1, 2))
            )(*at)  # fmt: skip
            chex.assert_tree_all_finite((value, gradients))
        curve = np.asarray(self.variant(hill)(*arguments))[:, 0]
        assert curve[0] == 0.0
        assert (np.diff(curve) >= 0).all()

    @chex.variants(with_jit=True, without_jit=True, with_device=True)
    @parameterized.parameters(*KERNELS)
    def test_kernels_are_finite_with_their_gradients(self, name):
        """A channel for each decay, so that one program has them all."""
        kernel, decays = KERNELS[name], jnp.array([*TINY, 0.5, 1.0 - 1e-7, 1.0])
        weighted = lambda d: (kernel(d) * jnp.arange(1.0, kernel(d).shape[0] + 1)[:, None]).sum()  # noqa: E731
        value, gradient = self.variant(jax.value_and_grad(weighted))(decays)
        chex.assert_shape(gradient, decays.shape)
        chex.assert_tree_all_finite((value, gradient))


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("at", [0, 1])
def test_kernels_at_the_ends_are_the_limits(name, at):
    if ONE[name][at] is not None:
        found = KERNELS[name](jnp.array([float(at)]))[:, 0]
        np.testing.assert_allclose(found, ONE[name][at], atol=1e-6)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("decay", [1e-3, 0.5, 0.999])
def test_gradients_within_the_range_are_those_of_finite_differences(name, decay):
    with jax.enable_x64(True):
        check_grads(jax.jit(KERNELS[name]), (jnp.array([decay]),), order=1, modes=["rev"], rtol=1e-3, eps=1e-6)


@pytest.mark.parametrize("half", [1e-3, 0.5, 0.999])
def test_the_gradient_of_saturation_is_that_of_finite_differences(half):
    with jax.enable_x64(True):
        exposure = jnp.asarray([[0.0], [0.3], [2.0]])
        check_grads(jax.jit(lambda g: hill(exposure, jnp.array([1.5]), g)), (jnp.array([half]),), order=1, modes=["rev"], rtol=1e-3, eps=1e-7)  # fmt: skip
