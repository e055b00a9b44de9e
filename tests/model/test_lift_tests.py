import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.forward import difference
from deepcausalmmm_jax.attribution.lift_tests import model_lifts
from deepcausalmmm_jax.config.curves import CurveKinds
from deepcausalmmm_jax.model.curves import MediaCurves
from deepcausalmmm_jax.model.lift_tests import lifts
from deepcausalmmm_jax.training.families import forward_pass
from deepcausalmmm_jax.training.prepare import lift_tests_of


def _with_tests(result, *tests):
    return dataclasses.replace(result.fitted, config=result.config.replace(experiments=tests))


def _test(panel, channel="channel_2", **changed):
    days = (str(panel.weeks[t].date()) for t in (20, 27))
    return dcm.LiftTest(channel, *days, 100.0, 10.0, **changed)


@pytest.mark.parametrize(
    "changed", [{}, {"regions": ("region_2", "region_4")}, {"kind": "heavy_up", "spend_change": 0.5}], ids=str
)
def test_a_lift_is_what_the_prediction_loses_without_the_difference_in_exposure(small_result, changed):
    test = _test(small_result.panel, **changed)
    tests, fit = lift_tests_of(_with_tests(small_result, test)), small_result.fitted_panel
    exposure = fit.inputs.exposure.at[:, :, 1].set(tests.other[0])
    predicted = jax.jit(lambda inputs: forward_pass(fit.variables, inputs, fit.design)[0])
    ran, other = predicted(fit.inputs), predicted(fit.inputs._replace(exposure=exposure))
    lost = np.asarray(difference(ran, other)) * np.asarray(tests.counted[0])
    # The GRU reads activity, and only the whole prediction runs it again.
    assert model_lifts(fit, tests)[0] == pytest.approx(lost.sum(), rel=2e-3)


def test_a_lift_passes_through_the_graph(small_result):
    tests = lift_tests_of(_with_tests(small_result, _test(small_result.panel)))
    read = [jnp.asarray(a) for a in (tests.counted, small_result.fitted_panel.inputs.exposure)]
    exposure = jnp.moveaxis(read[1], 0, -1)
    ones = jnp.ones((3, 4))
    curves = MediaCurves(*(jnp.full(3, v) for v in (0.5, 0.1, 1.0, 1.0)), jnp.zeros(()), jnp.zeros(()))
    blend = jnp.zeros((3, 3)).at[1, 2].set(0.4).at[0, 1].set(0.3)
    by_region = jnp.stack([blend, 0 * blend, blend, blend])  # regions have graphs by group

    @jax.jit
    def by_channel(coefficient, blend=blend):
        kinds = CurveKinds.same(3, "delayed_geometric")
        return lifts(tests, exposure, 0 * ones, ones, curves, blend, coefficient, kinds).sum(axis=0)

    own, nothing = by_channel(jnp.ones(exposure.shape)), by_channel(jnp.zeros(exposure.shape))
    np.testing.assert_array_equal(nothing, 0.0)
    assert (own[:, 0] == 0.0).all()
    np.testing.assert_allclose(own[:, 2] / own[:, 1], 0.4 / 0.7, rtol=1e-5)
    grouped = np.asarray(by_channel(jnp.ones(exposure.shape), by_region))
    np.testing.assert_allclose(np.delete(grouped, 1, axis=0), np.delete(own, 1, axis=0), rtol=1e-5)
    np.testing.assert_allclose(grouped[1], [0.0, own[1].sum() / 1.1, 0.0], rtol=1e-5)


@pytest.mark.parametrize("adstock", ["geometric", "delayed_geometric", "delayed", "binomial"])
def test_the_gradient_of_a_lift_is_that_of_its_differences(small_result, adstock):
    with jax.enable_x64(True):
        tests = lift_tests_of(_with_tests(small_result, _test(small_result.panel)))
        tests = tests._replace(**{n: jnp.asarray(np.asarray(getattr(tests, n)), float) for n in ("other", "counted")})
        exposure = jnp.asarray(np.moveaxis(np.asarray(small_result.fitted_panel.inputs.exposure, float), 0, -1))
        ones = jnp.ones((3, 4))

        def lift(decay, delay, slope, half, coefficient):
            curves = MediaCurves(decay, delay, slope, half, jnp.asarray(0.2), jnp.asarray(0.5))
            level = coefficient * jnp.ones(exposure.shape)
            kinds = CurveKinds.same(3, adstock, max_lag=6)
            return lifts(tests, exposure, 0 * ones, ones, curves, jnp.zeros((3, 3)), level, kinds).sum() / 1e4

        at = tuple(jnp.full(3, v) for v in (0.5, 0.7, 1.3, 1.1)) + (jnp.asarray(0.3),)
        check_grads(jax.jit(lift), at, order=1, modes=["rev"], rtol=1e-4)
