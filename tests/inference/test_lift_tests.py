import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.lift_tests import model_lifts
from deepcausalmmm_jax.data.experiments import errors_of
from deepcausalmmm_jax.inference.resampling import Sample, drawn
from deepcausalmmm_jax.training.fitted import LiftsBefore
from deepcausalmmm_jax.training.prepare import lift_tests_of, prepare
from deepcausalmmm_jax.trust.evidence_checks import experiment_row

pytestmark = pytest.mark.slow


def _test(panel, lift, error, first=20, **changed):
    days = (str(panel.weeks[t].date()) for t in (first, first + 7))
    return dcm.LiftTest("channel_2", *days, lift, error, **changed)


@pytest.fixture(scope="module")
def measured(small_panel):
    """A test whose lift the KPI alone would not give, with a small error, and one that says nothing."""
    return _test(small_panel, 9000.0, 90.0), _test(small_panel, 500.0, 1e9, first=30)


@pytest.fixture(scope="module")
def tested(small_panel, quick, measured):
    """Each of them in a fit of its own, both of one program."""
    return dcm.fit_many(small_panel, [quick.replace(experiments=(test,)) for test in measured], progress=False)


def test_an_exact_test_decides_the_lift_and_one_with_a_huge_error_nothing(tested, small_result, measured):
    exact, vague = (result.lift_tests().iloc[0] for result in tested)
    assert exact["model_after"] == pytest.approx(9000.0, rel=0.1)
    assert abs(exact["model_after"] - 9000.0) < 0.5 * abs(exact["model_before"] - 9000.0)
    assert exact["after_sd"] == pytest.approx(np.hypot(90.0, 900.0), rel=0.01)  # a tenth of the lift is never known
    assert float(tested[1].history["experiments"].max()) < 1e-9
    for result, row, test in zip(tested, (exact, vague), measured, strict=True):
        alone = dataclasses.replace(small_result.fitted, config=result.config)
        before = model_lifts(small_result.fitted_panel, lift_tests_of(alone))[0] * errors_of((test,))[0]
        assert row["model_before"] == pytest.approx(before, rel=0.01)
    assert vague["model_after"] == pytest.approx(vague["model_before"], rel=0.5)


@pytest.mark.parametrize(
    "fitted",
    [
        dcm.fit,
        lambda panel, config: dcm.fit_many(panel, [config]),
        lambda panel, config: dcm.fit_kpis({"sales": panel}, config),
    ],
    ids=["fit", "fit_many", "fit_kpis"],
)
def test_a_test_given_twice_is_refused_since_it_would_count_as_two(fitted, small_panel, quick, measured):
    """A saved fit with a copy, from before, can still be read."""
    twice = quick.replace(experiments=(measured[0], measured[0]))
    with pytest.raises(dcm.ConfigError, match="'channel_2, .* is given twice, and would count as two measurements"):
        fitted(small_panel, twice)
    named = dataclasses.replace(measured[0], name="again")  # as much was measured a second time
    assert (
        dcm.fit(small_panel, quick.replace(experiments=(measured[0], named)), progress=False).lift_tests().shape[0] == 2
    )


def test_what_a_test_does_not_confirm_is_demand_and_the_prediction_stays_as_good(tested, small_result):
    """Before, the effect alone had to explain both test and KPI, and one of them lost."""
    exact, vague = (result.fitted.variables["params"]["demand"]["per_activity"] for result in tested)
    assert exact[1] != 0.0
    assert exact[[0, 2]].tolist() == [0.0, 0.0]
    assert vague.tolist() == [0.0, 0.0, 0.0]
    assert tested[0].metrics.loc["train", "rmse"] < 1.02 * small_result.metrics.loc["train", "rmse"]


def test_other_tests_of_one_shape_need_no_other_program(tested, small_panel, quick, limit_traces):
    limit_traces(0)
    other = _test(small_panel, 100.0, 30.0, first=10, kind="heavy_up", spend_change=0.5, regions=("region_2",))
    (result,) = dcm.fit_many(small_panel, quick.replace(experiments=(other,)), progress=False)
    assert list(result.lift_tests()["regions"]) == ["region_2"]


def test_z_is_the_difference_in_both_errors(tested):
    row = tested[0].lift_tests().iloc[0]
    expected = (row["measured"] - row["model_before"]) / np.hypot(
        np.hypot(row["standard_error"], 0.1 * row["measured"]), row["before_sd"]
    )
    assert row["z"] == pytest.approx(expected)
    assert row["conflict"] == (abs(expected) > 2)


def test_a_saved_fit_keeps_its_tests_and_what_it_said_before(tested, tmp_path):
    again = dcm.load(tested[0].save(tmp_path / "fit.npz"))
    assert again.config.experiments == tested[0].config.experiments
    assert again.lift_tests().equals(tested[0].lift_tests())


def test_a_fit_without_tests_has_an_empty_table(small_result):
    assert len(small_result.lift_tests()) == 0
    assert "experiments" not in small_result.history


def _in_conflict(result, lift, demand):
    """The result, as if a test on the second channel had measured `lift` where the KPI alone said 500."""
    test, fitted = _test(result.panel, lift, 30.0, name="spring"), result.fitted
    params = fitted.variables["params"] | {"demand": {"per_activity": np.array([0.0, demand, 0.0], np.float32)}}
    return dcm.FitResult(
        dataclasses.replace(
            fitted,
            variables=fitted.variables | {"params": params},
            config=result.config.replace(experiments=(test,)),
            lifts_before=LiftsBefore(np.array([500.0]), np.array([40.0])),
        )
    )


def test_a_conflict_is_noted_at_its_channel(small_result):
    notes = _in_conflict(small_result, 900.0, -0.02).notes()["note"]
    assert "disagrees with the lift test spring by 3.9 standard errors" in notes["channel_2"]
    assert "lift test" not in notes["channel_1"]


@pytest.mark.parametrize(
    ("lift", "demand", "doubted"),
    [(100.0, 0.02, True), (100.0, 0.0, False), (450.0, 0.02, False), (900.0, -0.02, False)],
    ids=["demand found", "too inexact to show it", "no conflict", "more than the KPI shows"],
)
def test_demand_behind_a_tested_channel_casts_doubt_on_those_without_a_test(small_result, lift, demand, doubted):
    result = _in_conflict(small_result, lift, demand)
    notes, advice = result.notes()["note"], experiment_row(result).advice
    for name in ("channel_1", "channel_3"):
        assert ("may count demand as effect, as that of channel_2" in notes[name]) == doubted
    assert "may count demand" not in notes["channel_2"]
    assert ("channels without a test (channel_1, channel_3)" in advice) == doubted


def test_each_refit_sees_another_draw_of_the_errors_and_otherwise_the_same_draw(small_panel, small_result, quick):
    ready = prepare(
        small_panel, small_result.fitted.weights, quick.replace(experiments=(_test(small_panel, 9e3, 1e3),))
    )
    weights = jnp.asarray(small_result.fitted.weights, jnp.float32)
    sample = Sample(ready.inputs, weights, weights, None, jax.random.key(0), ready.hyperparameters)
    plain = sample._replace(inputs=ready.inputs._replace(lift_tests=None))
    keys = jax.random.split(jax.random.key(1), 400)

    def of(key):
        inputs, drawn_weights = drawn(key, sample, "weights", 8, 52)
        same = drawn(key, plain, "weights", 8, 52)[1]
        return inputs.lift_tests.measured[0], jnp.abs(drawn_weights - same).max(), inputs.lift_tests.demand_centre

    lifts, apart, centre = jax.jit(jax.vmap(of))(keys)
    assert float(lifts.mean()) == pytest.approx(9.0 / np.hypot(1.0, 0.9), abs=0.2)
    assert float(lifts.std()) == pytest.approx(1.0, rel=0.15)
    assert float(apart.max()) == 0.0
    scale = float(ready.inputs.lift_tests.demand_scale[1])
    assert float(jnp.median(jnp.abs(centre[:, 1]))) == pytest.approx(0.765 * scale, rel=0.15)  # of a Student t of 3
    assert float(jnp.abs(centre[:, [0, 2]]).max()) == 0.0


def test_a_test_in_the_holdout_is_refused_before_training(small_panel, quick):
    config = quick.replace(experiments=(_test(small_panel, 1.0, 1.0, first=50),))
    for fit in (dcm.fit, dcm.fit_many):
        with pytest.raises(dcm.DataError, match="shorten the holdout"):
            fit(small_panel, config)
