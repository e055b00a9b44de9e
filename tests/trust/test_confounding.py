import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.trust.confounding import Verdict, _residuals, _row
from deepcausalmmm_jax.trust.sensitivity import Cause


@pytest.fixture(scope="module")
def table(small_result):
    return dcm.unmeasured_confounding(small_result)


def test_there_is_a_row_a_channel_with_the_share_and_the_error_of_the_result(table, small_result):
    notes = small_result.notes()
    assert list(table.index) == list(small_result.panel.channels)
    np.testing.assert_allclose(table["estimate"], notes["share"])
    np.testing.assert_allclose(table["t"], notes["z"])
    assert set(table["verdict"]) <= {str(verdict) for verdict in Verdict}


def test_the_control_that_a_channel_follows_is_its_strongest(table):
    assert table["strongest_control"].loc["channel_3"] == "control_1"  # as `simulate` makes the last channel
    assert table["control_r2_channel"].idxmax() == "channel_3"


def test_region_weeks_count_as_far_as_they_are_independent(table, small_result):
    n_observations = (small_result.fitted.weights > 0).sum()
    assert 10 < table["degrees"].iloc[0] < n_observations


def test_a_higher_level_needs_a_weaker_cause_and_no_cause_where_the_interval_holds_zero(small_result, table):
    wider = dcm.unmeasured_confounding(small_result, level=0.99)
    assert (wider["robustness_value_interval"] <= table["robustness_value_interval"]).all()
    np.testing.assert_allclose(wider["robustness_value"], table["robustness_value"])
    assert ((table["robustness_value_interval"] == 0) == (table["low"] <= 0)).all()
    assert (table.loc[table["low"] <= 0, "verdict"] == str(Verdict.NO_EFFECT)).all()


def test_a_stronger_cause_leaves_less(table):
    left = table[["estimate", "adjusted_1x", "adjusted_2x", "adjusted_3x"]].to_numpy()
    steps = np.diff(left, axis=1)
    assert (steps[np.isfinite(steps)] <= 0).all()


@pytest.mark.parametrize(("share", "verdict"), [(5.0, Verdict.NO_CONTROL), (1.0, Verdict.NO_EFFECT)])
def test_without_controls_there_is_nothing_to_compare_with(share, verdict):
    row = _row(share, 1.0, [], (), 100.0, 0.1)
    assert np.isnan(row["adjusted_1x"])
    assert row["verdict"] == str(verdict)


@pytest.mark.parametrize(
    ("control", "verdict"),
    [
        (Cause(0.001, 0.001), Verdict.ROBUST),
        (Cause(0.1, 0.15), Verdict.DOUBTFUL),
        (Cause(0.2, 0.3), Verdict.FRAGILE),
        (Cause(0.7, 0.3), Verdict.FRAGILE),  # no cause can be as strong as this control: nothing is left for it
    ],
)
def test_the_verdict_says_how_strong_a_cause_takes_the_interval_to_zero(control, verdict):
    row = _row(5.0, 1.0, [Cause(0.0, 0.9), control], ("idle", "price"), 100.0, 0.1)
    assert row["strongest_control"] == "price"
    assert row["verdict"] == str(verdict)


def test_a_share_whose_error_is_unknown_has_no_robustness_value():
    row = _row(5.0, float("nan"), [Cause(0.1, 0.1)], ("price",), 100.0, 0.1)
    assert np.isnan(row["robustness_value"])
    assert row["verdict"] == str(Verdict.UNKNOWN)


def test_what_is_no_fit_of_the_default_model_is_refused(small_result):
    with pytest.raises(dcm.ConfigError, match="needs the result of a fit, got str"):
        dcm.unmeasured_confounding("run")
    with pytest.raises(dcm.ConfigError, match="level must be between 0 and 1"):
        dcm.unmeasured_confounding(small_result, level=90)


def test_a_kpi_of_every_other_week_is_compared_with_the_one_before_it(small_result):
    fitted, every_other = small_result.fitted, np.arange(60) % 2 == 0
    result = dcm.FitResult(dataclasses.replace(fitted, weights=fitted.weights * every_other))
    left, inside = _residuals(result.fitted_panel), result.fitted_panel.internals
    assert len(left.kpi) == 4 * (52 // 2 - 1)
    kpi = result.fitted_panel.scaled_kpi[0, :52:2]
    kpi, faded = kpi - kpi.mean(), float(inside.persistence) ** 2
    expected = (kpi[1:] - faded * kpi[:-1]) / inside.noise[0] / np.sqrt(1.0 + faded)
    assert float(inside.shared) > 0 or np.allclose(left.kpi[:25], expected, rtol=1e-4)
    table = dcm.unmeasured_confounding(result)
    assert table["degrees"].iloc[0] > 10
    assert (table["control_r2_kpi"] > 1e-4).all()
