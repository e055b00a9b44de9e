import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.training.matmul_precision import at_precision


def _rounded(values, precision):
    return jax.lax.reduce_precision(values, 8, {"tf32": 10, "bfloat16": 7}[precision])


@pytest.mark.parametrize("precision", ["tf32", "bfloat16"])
def test_factors_are_rounded_in_loops_branches_and_gradients(precision):
    draw = np.random.default_rng(0).normal
    a, x = (jnp.asarray(draw(size=(4, 4)), jnp.float32) for _ in range(2))

    def looped(a, x):
        def step(h, _):
            return jax.lax.cond(h[0, 0] < 99, lambda: h @ a, lambda: h), None

        return jax.lax.scan(step, x, length=2)[0]

    once = _rounded(x, precision) @ _rounded(a, precision)
    twice = _rounded(once, precision) @ _rounded(a, precision)
    found = jax.jit(at_precision(looped, precision))(a, x)
    np.testing.assert_allclose(found, twice, rtol=1e-6)
    assert np.abs(found - looped(a, x)).max() > 1e-4
    slope = at_precision(jax.grad(lambda a: jnp.sum(x @ a)), precision)(a)
    np.testing.assert_allclose(slope, _rounded(x, precision).T @ jnp.ones((4, 4)), rtol=1e-6)


def test_highest_changes_nothing():
    a = jnp.asarray(np.random.default_rng(0).normal(size=(4, 4)), jnp.float32)
    np.testing.assert_array_equal(at_precision(lambda a: a @ a, "highest")(a), a @ a)


@pytest.mark.slow
def test_a_fit_of_lower_precision_is_another_one_but_near(small_panel, published, published_result):
    assert published.precision == "highest"
    full, low = published_result, dcm.fit(small_panel, published.replace(precision="bfloat16"), holdout=8)
    apart = np.abs(full.fitted.record.objective - low.fitted.record.objective)
    assert 1e-6 < apart.max() < 0.05 * full.fitted.record.objective[0]
    assert dcm.Config.from_dict(dataclasses.asdict(low.fitted.config)).precision == "bfloat16"


def test_an_unknown_precision_is_refused():
    with pytest.raises(dcm.ConfigError, match="precision must be one of highest, tf32, bfloat16"):
        dcm.Config(precision="float64")
