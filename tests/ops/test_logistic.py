import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy import integrate, stats

from deepcausalmmm_jax.ops.logistic import skewed_logistic_curvature, skewed_logistic_loss

VALUES = jnp.linspace(-6.0, 8.0, 29)


@pytest.mark.parametrize("log_skew", [-1.0, 0.0, 1.5])
def test_it_is_the_generalised_logistic_density(log_skew):
    ours = np.exp(-np.asarray(skewed_logistic_loss(VALUES, jnp.array(0.5), jnp.array(0.3), jnp.array(log_skew))))
    theirs = stats.genlogistic(np.exp(log_skew), loc=0.5, scale=np.exp(0.3)).pdf(np.asarray(VALUES))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-8)
    mass, _ = integrate.quad(
        lambda v: float(jnp.exp(-skewed_logistic_loss(jnp.array(v), 0.5, 0.3, log_skew))), -80, 80, limit=200
    )
    np.testing.assert_allclose(mass, 1.0, atol=1e-3)


@pytest.mark.parametrize("log_skew", [-1.0, 0.0, 1.5])
def test_curvature_agrees_with_automatic_differentiation(log_skew):
    def loss(v):
        return skewed_logistic_loss(v, 0.5, 0.3, log_skew)

    slope, bend = skewed_logistic_curvature(VALUES, 0.5, 0.3, log_skew)
    np.testing.assert_allclose(slope, jax.vmap(jax.grad(loss))(VALUES), atol=1e-5)
    np.testing.assert_allclose(bend, jax.vmap(jax.grad(jax.grad(loss)))(VALUES), atol=1e-5)
    assert (bend > 0).all()


def test_gradients_are_right_and_finite_far_out():
    check_grads(
        skewed_logistic_loss,
        (VALUES, jnp.array(0.5), jnp.array(0.3), jnp.array(0.7)),
        order=1,
        modes=["rev"],
        rtol=1e-2,
    )
    far = jax.grad(lambda v: skewed_logistic_loss(v, 0.0, -3.0, 2.0))(jnp.array(1e4))
    assert jnp.isfinite(far)
