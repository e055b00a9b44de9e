"""Hidden demand: what moves with a tested channel's exposure without being its effect."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.experiments import lift_tests
from deepcausalmmm_jax.model.demand import HiddenDemand, as_without_tests
from deepcausalmmm_jax.model.log_prior import hidden_demand
from deepcausalmmm_jax.training.prepare import lift_tests_of


def _test(panel, lift=100.0, error=10.0, channel="channel_2"):
    days = (str(panel.weeks[t].date()) for t in (20, 27))
    return dcm.LiftTest(channel, *days, lift, error)


@pytest.fixture(scope="module")
def with_demand(small_result):
    """The shared fit as if a test on the second channel had shown half of what the KPI shows to be demand."""
    fitted = small_result.fitted
    params = fitted.variables["params"] | {"demand": {"per_activity": np.array([0.0, 0.2, 0.0], np.float32)}}
    config = fitted.config.replace(experiments=(_test(fitted.panel),))
    return dcm.FitResult(dataclasses.replace(fitted, config=config, variables=fitted.variables | {"params": params}))


def test_it_belongs_to_the_baseline_and_everything_still_adds_up(with_demand, small_result):
    found, before = with_demand.contributions, small_result.contributions
    added = (found - before).sel(component="baseline")
    assert float(added.min()) >= 0.0
    assert float(added.max()) > 0.0
    np.testing.assert_allclose(found.sum("component"), with_demand.predict(), rtol=1e-5)
    np.testing.assert_allclose(found.sel(component="channel_2"), before.sel(component="channel_2"), rtol=1e-5)


def test_media_that_had_not_run_would_not_have_changed_it(with_demand, small_result):
    roi, before = (result.media_summary()["incremental_outcome"] for result in (with_demand, small_result))
    np.testing.assert_allclose(roi, before, rtol=1e-5)


def test_a_scenario_and_a_plan_leave_it_where_it_was(with_demand, small_result):
    changes = [dcm.Change("channel_2", 0.0)]
    gains = [dcm.scenario(result, changes)["change"].iloc[0] for result in (with_demand, small_result)]
    assert gains[0] == pytest.approx(gains[1], rel=1e-5)


def test_it_moves_with_the_activity_that_ran():
    activity = jnp.arange(12.0).reshape(2, 3, 2)
    demand = HiddenDemand(3).apply({"params": {"per_activity": jnp.array([0.0, 2.0, 0.5])}}, activity, None, False)
    np.testing.assert_allclose(demand, 2.0 * activity[:, 1] + 0.5 * activity[:, 2])


def test_only_channels_with_an_exact_enough_test_have_any(small_panel, small_result):
    scales, kpi = small_result.fitted.scales, small_panel.kpi[:, 20:28].sum()
    tests = (_test(small_panel, error=0.04 * kpi), _test(small_panel, error=0.06 * kpi, channel="channel_1"))
    found = lift_tests(small_panel, scales, 52, tests)
    assert (found.demand_scale > 0).tolist() == [False, True, False]
    assert float(hidden_demand(jnp.array([9.0, 0.0, 9.0]), found)) == 0.0


def test_far_demand_costs_little_more_than_less_far_one(with_demand):
    tests = lift_tests_of(with_demand.fitted)
    near, far, farther = (float(hidden_demand(jnp.array([0.0, share, 0.0]), tests)) for share in (0.015, 0.1, 0.2))
    assert 0.0 < near < far < farther
    assert farther - far < 4.0 * np.log(2.0)  # as the power of a Student t, not the square of a normal density


def test_a_fit_saved_before_it_was_a_part_of_the_model_opens_without_it(with_demand, tmp_path):
    params = {name: part for name, part in with_demand.fitted.variables["params"].items() if name != "demand"}
    old = dataclasses.replace(with_demand.fitted, variables=with_demand.fitted.variables | {"params": params})
    again = dcm.load(dcm.FitResult(old).save(tmp_path / "old.npz"))
    assert not again.fitted_panel.design.hidden_demand
    assert float(abs(again.predict() - dcm.FitResult(old).predict()).max()) == 0.0


@pytest.mark.parametrize("demand", [0.2, 0.0, -0.01])
def test_counted_as_effect_again_it_leaves_the_prediction_nearly_where_it_was(small_result, demand):
    """Where a channel's coefficient is the same in all regions and weeks, exactly."""
    fitted = small_result.fitted
    params = fitted.variables["params"] | {"demand": {"per_activity": np.array([0.0, demand, 0.0], np.float32)}}
    config = fitted.config.replace(experiments=(_test(fitted.panel),))
    variables = fitted.variables | {"params": params}
    results = [
        dcm.FitResult(dataclasses.replace(fitted, config=config, variables=one))
        for one in (variables, as_without_tests(variables))
    ]
    movement = [result.predict() - result.predict().mean("time") for result in results]
    apart = float(abs(movement[1] - movement[0]).max())
    assert apart <= 0.1 * float(abs(movement[0] - (small_result.predict() - small_result.predict().mean("time"))).max())
    assert (np.asarray(as_without_tests(variables)["params"]["demand"]["per_activity"]) == 0.0).all()


def test_without_hidden_demand_nothing_is_counted(small_result):
    assert as_without_tests(small_result.fitted.variables) is small_result.fitted.variables


def test_an_effect_that_demand_outweighs_keeps_a_way_back(with_demand):
    params = with_demand.fitted.variables["params"] | {"demand": {"per_activity": np.full(3, -9.0, np.float32)}}
    level = as_without_tests({"params": params})["params"]["coefficients"]["level"]
    assert np.isfinite(level).all()
