"""Arrays that do not fit each other are refused where they enter an op, and both shapes are named."""

import jax
import jax.numpy as jnp
import pytest

from deepcausalmmm_jax.ops import (
    acyclicity,
    adstock,
    autoregression,
    bijectors,
    cholesky,
    effective_sample,
    gru,
    hill,
    kalman,
    layout,
    logistic,
    quasi_newton,
    shared_shock,
)


def _ones(*shape):
    return jnp.ones(shape)


def _weights(features=2, hidden=3):
    shapes = ((features, 3 * hidden), (hidden, 3 * hidden), (3 * hidden,), (3 * hidden,))
    return gru.GRUParameters(*(jnp.ones(shape) for shape in shapes))


def _filtered(series=(9,), noise=(9,), trained=(9,), past=(9,), season=(9, 2), scale=(), mean=()):
    scales = kalman.ProcessScales(*(_ones(*scale) for _ in kalman.ProcessScales._fields))
    every_week = _ones(*trained) > 0, _ones(*past) > 0
    return kalman.kalman_filter(_ones(*series), _ones(*noise), *every_week, _ones(*season), scales, _ones(*mean), 3.0)


EXPOSURE = _ones(52, 3)
BY_REGION = _ones(52, 3, 5)

# op, arrays, shapes that the message names
REFUSED = [
    (adstock.geometric_adstock, (EXPOSURE, _ones(1)), ["(1,)", "(52, 3)"]),
    (adstock.geometric_adstock, (BY_REGION, _ones(1)), ["(1,)", "(52, 3, 5)"]),
    (adstock.geometric_adstock, (BY_REGION, _ones(3, 5)), ["(3, 5)", "(52, 3, 5)"]),
    (adstock.geometric_adstock, (_ones(52), _ones(1)), ["(52,)", "{2, 3}"]),
    (adstock.geometric_adstock, (_ones(2, 52, 3, 5), _ones(52)), ["(2, 52, 3, 5)", "{2, 3}"]),
    (adstock.geometric_adstock, (BY_REGION, _ones(3), _ones(3)), ["(3,)", "(52, 3, 5)"]),
    (adstock.kernel_adstock, (EXPOSURE, _ones(4, 1)), ["(1,)", "(52, 3)"]),
    (adstock.kernel_adstock, (EXPOSURE, _ones(4)), ["(4,)", "2"]),
    (adstock.kernel_adstock, (BY_REGION, _ones(4, 3), _ones(2, 3, 5)), ["(2, 3, 5)", "(4, 3)"]),
    (lambda *a: adstock.delayed_kernel(*a, 4), (_ones(3), _ones(1)), ["(3,)", "(1,)"]),
    (lambda *a: adstock.delayed_geometric_kernel(*a, 4, 4), (_ones(3), _ones(1)), ["(3,)", "(1,)"]),
    (lambda a: adstock.binomial_kernel(a, 4), (_ones(3, 1),), ["(3, 1)", "1"]),
    (lambda a: adstock.geometric_kernel(a, 4), (_ones(3, 1),), ["(3, 1)", "1"]),
    (lambda a: adstock.waiting_kernel(a, 4), (_ones(3, 1),), ["(3, 1)", "1"]),
    (hill.hill, (EXPOSURE, _ones(1), _ones(3)), ["(1,)", "(52, 3)"]),
    (hill.hill, (EXPOSURE, _ones(3), _ones(1)), ["(1,)", "(52, 3)"]),
    (hill.hill, (BY_REGION, _ones(3), _ones(3, 1)), ["(3, 1)", "(52, 3, 5)"]),
    (hill.hill, (EXPOSURE, _ones(3), _ones(3, 5)), ["(3, 5)", "(52, 3)"]),
    (hill.hill, (_ones(52), _ones(52), _ones(52)), ["(52,)", "{2, 3}"]),
    (gru.gru_scan, (_weights(), _ones(3), _ones(9, 4)), ["(9, 4)", "2 features"]),
    (gru.gru_scan, (_weights(), _ones(1), _ones(9, 2)), ["(1,)", "(9, 2)"]),
    (gru.gru_scan, (_weights(), _ones(3, 1), _ones(9, 2, 5)), ["(3, 1)", "(9, 2, 5)"]),
    (gru.gru_scan, (_weights()._replace(hidden_bias=_ones(3)), _ones(3), _ones(9, 2)), ["(3,)", "(9)"]),
    (gru.gru_scan_small, (_weights(), _ones(3), _ones(9, 2)), ["(9, 2)", "3"]),
    (gru.gru_scan_small, (_weights(), _ones(1), _ones(9, 2, 5)), ["(1,)", "(9, 2, 5)"]),
    (gru.gru_step, (_weights(), _ones(3), _ones(4)), ["(1, 4)", "2 features"]),
    (autoregression.whitened, (_ones(9, 4), _ones(9) > 0, _ones()), ["(9,)", "(9, 4)"]),
    (autoregression.whitened, (_ones(9, 4), _ones(1, 4) > 0, _ones()), ["(1,)", "(9,)"]),
    (autoregression.whitened, (_ones(9, 4), _ones(9, 4) > 0, _ones(4)), ["(4,)", "0"]),
    (autoregression.squared_innovations, (_ones(9, 4), _ones(8, 4) > 0, _ones(9, 4)), ["(9,)", "(8,)"]),
    (autoregression.squared_innovations, (_ones(9, 4), _ones(9) > 0, _ones(9, 4)), ["(9, 4)", "(9,)"]),
    (effective_sample.effective_share, (_ones(4, 9), _ones(9, 4) > 0), ["(4, 9)", "(9, 4)"]),
    (shared_shock.shared_shocks, (_ones(9, 4), _ones(9, 3), _ones()), ["(9, 4)", "(9, 3)"]),
    (shared_shock.shared_shocks, (_ones(9, 4), _ones(9, 4), _ones(9)), ["(9,)", "0"]),
    (shared_shock.shock_misfit, (_ones(8), _ones(9, 4), _ones()), ["(8,)", "(9)"]),
    (shared_shock.shared_ratio, (_ones(9, 4), _ones(4, 9) > 0), ["(9, 4)", "(4, 9)"]),
    (shared_shock.without_correlation, (_ones(9, 4, 2), _ones(9, 3) > 0, _ones()), ["(9, 4)", "(9, 3)"]),
    *((lambda name=name, shape=shape: _filtered(**{name: shape}), (), named) for name, shape, named in (
        ("series", (9, 1), ["(9, 1)", "1"]), ("noise", (), ["()", "(9,)"]), ("trained", (8,), ["(8,)", "(9,)"]),
        ("past", (1,), ["(1,)", "(9,)"]), ("season", (9,), ["(9,)", "2"]), ("season", (8, 2), ["(8, 2)", "(9,)"]),
        ("scale", (9,), ["(9,)", "0"]), ("mean", (1,), ["(1,)", "0"]),
    )),
    (logistic.skewed_logistic_loss, (_ones(5), _ones(3), _ones(), _ones()), ["(3,)", "(5,)"]),
    (logistic.skewed_logistic_curvature, (_ones(5), _ones(), _ones(), _ones(2, 1)), ["(2, 1)", "(5,)"]),
    (cholesky.inverse_root, (_ones(3, 4),), ["(3, 4)", "(3, 3)"]),
    (cholesky.squared, (_ones(3),), ["(3,)"]),
    (cholesky.log_normal_integral, (_ones(3, 3), _ones(4)), ["(3, 3)", "(4, 4)"]),
    *((op, (_ones(3, 4),), ["(3, 4)", "(3, 3)"]) for op in (
        acyclicity.trace_exponential, acyclicity.log_determinant, acyclicity.is_acyclic, acyclicity.cut_to_acyclic,
        acyclicity.strongest_acyclic,
    )),
    (lambda start: quasi_newton.minimised(jnp.sum, start, 3, 1.0), (_ones(3, 1),), ["(3, 1)", "1"]),
    (bijectors.to_above, (_ones(3), _ones(2)), ["(3,)", "(2,)"]),
    (bijectors.from_above, (_ones(), _ones(2)), ["()", "(2,)"]),
    (layout.over_weeks, (_ones(2, 4), BY_REGION), ["(2, 4)", "(52, 3, 5)"]),
    (layout.mean_of_regions, (EXPOSURE,), ["(52, 3)", "3"]),
    (layout.regions_last, (EXPOSURE,), ["(52, 3)", "3"]),
    (layout.by_region, (EXPOSURE,), ["(52, 3)", "3"]),
    (lambda a: layout.append_axes(a, 1), (EXPOSURE,), ["(52, 3)", "{0, 1}"]),
]  # fmt: skip


@pytest.mark.parametrize(("op", "arrays", "named"), REFUSED)
def test_what_does_not_fit_is_refused_with_both_shapes(op, arrays, named):
    for run in (op, jax.jit(op)):
        with pytest.raises(AssertionError) as refused:
            run(*arrays)
        for shape in named:
            assert shape in str(refused.value)


def test_the_asserts_hold_for_each_member_of_a_batch():
    decay = jnp.full((2, 3), 0.5)
    found = jax.vmap(adstock.geometric_adstock, in_axes=(None, 0))(BY_REGION, decay)
    assert found.shape == (2, *BY_REGION.shape)
    with pytest.raises(AssertionError, match=r"\(1,\) \[channel\] for exposure \(52, 3, 5\)"):
        jax.vmap(adstock.geometric_adstock, in_axes=(None, 0))(BY_REGION, decay[:, :1])
