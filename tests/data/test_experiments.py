import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.experiments import arms_of, ended_tests, lift_tests, other_lengths
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.scaling import scales_from

N = 52  # training weeks of the small panel


def _test(panel, first=20, last=27, **changed):
    given = {"channel": "channel_2", "lift": 100.0, "standard_error": 10.0}
    days = {"start": str(panel.weeks[first].date()), "end": str(panel.weeks[last].date())}
    return dcm.LiftTest(**(given | days | changed))


def _dark(panel, begin=20, end=27, regions=slice(None)):
    """The panel with channel_2 switched off."""
    exposure = panel.exposure.copy()
    exposure[regions, begin : end + 1, 1] = 0.0
    return dataclasses.replace(panel, exposure=exposure)


def test_a_holdback_is_compared_with_no_exposure(small_panel):
    arms = arms_of(small_panel, _test(small_panel), (), N)
    assert arms.weeks == slice(20, 28)
    assert arms.sign == 1.0
    np.testing.assert_array_equal(arms.regions, np.arange(4))
    np.testing.assert_array_equal(arms.other, 0.0)


@pytest.mark.parametrize(
    ("kind", "change", "factor", "sign"),
    [("holdback", -0.4, 0.6, 1.0), ("go_dark", -0.5, 2.0, -1.0), ("heavy_up", 0.25, 0.8, 1.0)],
)
def test_a_partial_change_scales_the_exposure_that_ran(small_panel, kind, change, factor, sign):
    test = _test(small_panel, kind=kind, spend_change=change, regions=("region_2",))
    arms = arms_of(small_panel, test, (test,), N)
    np.testing.assert_allclose(arms.other, factor * small_panel.exposure[1:2, 20:28, 1])
    assert arms.sign == sign


def test_a_dark_channel_is_compared_with_the_weeks_before_that_have_no_test(small_panel):
    panel = _dark(_dark(small_panel), 16, 18)
    tests = (_test(panel, kind="go_dark"), _test(panel, 16, 18, kind="go_dark"))
    arms = arms_of(panel, tests[0], tests, N)
    usual = panel.exposure[:, [11, 12, 13, 14, 15, 19, 9, 10], 1].mean(axis=1)
    np.testing.assert_allclose(arms.other, np.repeat(usual[:, None], 8, axis=1))


def test_counted_cells_are_the_regions_from_the_test_to_the_end_of_training(small_panel):
    weights = training_weights(small_panel, 8)
    scales = scales_from(small_panel, weights)
    test = _test(small_panel, regions=("region_1", "region_3"))
    arrays = lift_tests(small_panel, scales, N, (test,))
    cells = np.zeros(small_panel.kpi.shape, bool)
    cells[[0, 2], 20:N] = True
    np.testing.assert_array_equal(arrays.counted[0] != 0, cells)
    np.testing.assert_allclose(arrays.counted[0][0, 20], scales.kpi[0] / np.hypot(10.0, 10.0), rtol=1e-6)
    assert arrays.measured[0] == pytest.approx(100.0 / np.hypot(10.0, 10.0))
    assert arrays.channel[0] == 1


def test_roi_is_revenue_per_spend_that_differs(small_panel):
    weights = training_weights(small_panel, 8)
    scales = scales_from(small_panel, weights)
    kpi = lift_tests(small_panel, scales, N, (_test(small_panel),)).counted
    revenue = lift_tests(small_panel, scales, N, (_test(small_panel, unit="revenue"),)).counted
    roi = lift_tests(small_panel, scales, N, (_test(small_panel, unit="roi", spend_change=-0.5),)).counted
    spent = small_panel.spend[:, 20:28, 1].sum()
    np.testing.assert_allclose(revenue, 12.5 * kpi, rtol=1e-5)
    np.testing.assert_allclose(roi, revenue / (0.5 * spent), rtol=1e-5)


def test_no_tests_are_no_arrays(small_panel):
    assert lift_tests(small_panel, scales_from(small_panel, training_weights(small_panel, 8)), N, ()) is None


def test_a_test_has_ended_when_its_last_week_is_over(small_panel):
    early, late = _test(small_panel), _test(small_panel, 30, 40)
    assert ended_tests(small_panel, 28, (early, late)) == (early,)
    assert ended_tests(small_panel, 27, (early, late)) == ()


def test_weeks_may_be_numbers(small_panel):
    numbered = dataclasses.replace(small_panel, weeks=pd.Index(np.arange(101, 161)))
    test = dcm.LiftTest("channel_2", 121, "128", 100.0, 10.0)
    assert arms_of(numbered, test, (test,), N).weeks == slice(20, 28)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"channel": "chanel_2"}, "did you mean 'channel_2'"),
        ({"regions": ("region_9",)}, "in region 'region_9', which the panel does not have"),
        ({"first": 50, "last": 55}, "is not a training week: the last one is"),
        ({"start": "2020-01-06", "end": "2020-02-03"}, "but the panel has the weeks 2022-01-03 to"),
        ({"start": "2022-05-23", "end": "2024-05-23"}, "but the panel has the weeks"),
        ({"start": "2022-05-24", "end": "2022-05-28"}, "does not contain the first day of any week"),
        ({"start": "3", "end": "9"}, "the weeks of the panel are dates"),
        ({"kind": "go_dark"}, "it ran in region region_1 in week 2022-05-23"),
    ],
)
def test_a_test_that_does_not_fit_the_panel_is_refused_in_one_sentence(small_panel, changed, message):
    test = _test(small_panel, **changed)
    with pytest.raises(dcm.DataError, match=message) as refused:
        arms_of(small_panel, test, (test,), N)
    assert str(refused.value).count(". ") == 0


def _raised(panel, factor, first=20, last=27, regions=slice(None)):
    """The panel with exposure of 10 of channel_2, and a multiple of it in the weeks of the test."""
    exposure = panel.exposure.copy()
    exposure[:, :, 1] = 10.0
    exposure[regions, first : last + 1, 1] *= factor
    return dataclasses.replace(panel, exposure=exposure)


@pytest.mark.parametrize(("factor", "change"), [(1.4, 50.0), (1.5, 50.0), (1.05, 5.0), (10.0, 50.0)])
def test_a_rise_in_percent_that_the_exposure_does_not_show_is_refused(small_panel, factor, change):
    panel = _raised(small_panel, factor)
    test = _test(panel, kind="heavy_up", spend_change=change)
    message = rf"\+{100 * change:,.0f}%, but its exposure is {factor:.2g} times that of other weeks; write {change / 100:g} for"
    with pytest.raises(dcm.DataError, match=message):
        arms_of(panel, test, (test,), N)


@pytest.mark.parametrize(("factor", "change"), [(51.0, 50.0), (12.0, 50.0), (1.4, 3.0), (0.9, 0.5)])
def test_a_rise_that_the_exposure_shows_or_that_is_small_is_taken(small_panel, factor, change):
    panel = _raised(small_panel, factor, regions=[0, 2])
    test = _test(panel, kind="heavy_up", spend_change=change, regions=("region_1", "region_3"))
    np.testing.assert_allclose(arms_of(panel, test, (test,), N).other, 10.0 * factor / (1.0 + change))


def test_a_rise_is_compared_with_weeks_without_a_test(small_panel):
    panel = _raised(_raised(small_panel, 1.0), 50.0, 0, 15)
    earlier = _test(panel, 0, 15, kind="heavy_up", spend_change=49.0)
    panel.exposure[:, 20:28, 1] = 15.0
    test = _test(panel, kind="heavy_up", spend_change=50.0)
    with pytest.raises(dcm.DataError, match="exposure is 1.5 times that of other weeks"):
        arms_of(panel, test, (earlier, test), N)


def test_a_test_without_exposure_is_refused(small_panel):
    panel = _dark(small_panel)
    with pytest.raises(dcm.DataError, match="has no exposure in the regions and weeks"):
        arms_of(panel, _test(panel), (), N)
    with pytest.raises(dcm.DataError, match="did not run before"):
        arms_of(_dark(small_panel, 0, 27), _test(panel, kind="go_dark"), (), N)
    with pytest.raises(dcm.DataError, match="fewer weeks with a row and without a test"):
        arms_of(_dark(small_panel, 2, 9), _test(panel, 2, 9, kind="go_dark"), (), N)


@pytest.mark.parametrize(
    ("unit", "without", "message"),
    [("roi", "spend", "no spend for the channel"), ("revenue", "revenue_per_kpi", "no revenue per KPI")],
)
def test_a_unit_that_the_panel_cannot_give_is_refused(small_panel, unit, without, message):
    panel = dataclasses.replace(small_panel, **{without: None})
    scales = scales_from(panel, training_weights(panel, 8))
    with pytest.raises(dcm.DataError, match=message):
        lift_tests(panel, scales, N, (_test(panel, unit=unit),))


def test_a_test_of_eight_weeks_that_is_compared_with_one_month_is_told():
    panel, _ = dcm.simulate(2, 130, 2, 1, seed=0, cadence="monthly")
    first = panel.weeks[12]
    start, end = (first - pd.Timedelta(days=28)).date(), (first + pd.Timedelta(days=25)).date()
    test = dcm.LiftTest("channel_1", str(start), str(end), 10.0, 1.0)
    (told,) = other_lengths(panel, (test,))
    assert "runs for 54 days" in told
    assert "compared with 28: the months of the panel that begin in it (2023-02 to 2023-02)" in told
    last = panel.weeks[14] - pd.Timedelta(days=1)
    whole = dcm.LiftTest("channel_1", str(first.date()), str(last.date()), 10.0, 1.0)
    assert arms_of(panel, whole, (whole,), len(panel.weeks)).weeks == slice(12, 14)
    assert other_lengths(panel, (whole,)) == []


def test_what_is_wrong_with_a_test_on_months_is_told_in_months():
    panel, _ = dcm.simulate(2, 130, 2, 1, seed=0, cadence="monthly")
    exposure = panel.exposure.copy()
    exposure[:, 1:3, 0] = 0.0
    panel = dataclasses.replace(panel, exposure=exposure)
    days = [str(day.date()) for day in (panel.weeks[1], panel.weeks[3] - pd.Timedelta(days=1))]
    test = dcm.LiftTest("channel_1", *days, 10.0, 1.0, kind="go_dark")
    with pytest.raises(dcm.DataError, match="switched the channel off for 2 months, .* has fewer months with a row"):
        arms_of(panel, test, (test,), len(panel.weeks))
    with pytest.raises(dcm.DataError, match="has month 2022-04, which is not a training month"):
        arms_of(panel, test, (test,), 2)


@pytest.mark.parametrize(("shift", "days"), [(0, 28), (2, 28), (6, 28), (3, 7), (0, 56), (3, 17)])
def test_a_test_may_begin_on_any_day_of_a_week(small_panel, shift, days):
    start = small_panel.weeks[20] + pd.Timedelta(days=shift)
    test = dcm.LiftTest("channel_1", *(str((start + pd.Timedelta(days=d)).date()) for d in (0, days - 1)), 10.0, 1.0)
    weeks = arms_of(small_panel, test, (test,), 52).weeks
    assert abs(7 * (weeks.stop - weeks.start) - days) <= 0.25 * days
    assert other_lengths(small_panel, (test,)) == []


@pytest.mark.slow
def test_a_fit_tells_of_a_test_whose_lift_may_be_that_of_other_days(small_panel, quick):
    """Five days of one week: the fit goes on, and so does everything with a run that was saved before."""
    days = [str((small_panel.weeks[20] + pd.Timedelta(days=d)).date()) for d in (0, 4)]
    config = quick.replace(experiments=(dcm.LiftTest("channel_2", *days, 10.0, 1e4),))
    with pytest.warns(dcm.DataWarning, match="runs for 5 days, .* and is compared with 7"):
        result = dcm.fit(small_panel, config, progress=False)
    assert len(result.lift_tests()) == 1


def test_a_week_without_a_row_is_no_usual_week_of_a_dark_channel(small_panel):
    present, exposure = small_panel.present.copy(), small_panel.exposure.copy()
    present[1, 17:20], exposure[1, 17:20] = False, 0.0
    panel = _dark(dataclasses.replace(small_panel, present=present, exposure=exposure))
    test = _test(panel, kind="go_dark")
    usual = panel.exposure[1, [9, 10, 11, 12, 13, 14, 15, 16], 1].mean()
    np.testing.assert_allclose(arms_of(panel, test, (test,), N).other[1], usual)
