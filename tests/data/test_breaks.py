"""Series that go over to another level at once, short weeks and regions in another unit are found, and no others."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.diagnosis.findings import Check
from deepcausalmmm_jax.io.grades import Grade

NEW = (Check.KPI_STEP, Check.SHORT_WEEK, Check.CONTROL_STEP, Check.REGION_PRICE, Check.ZERO_WEEKS)


@pytest.fixture(scope="module")
def panels():
    return {regions: dcm.simulate(regions, 104, 3, 2, seed=2, noise=0.03)[0] for regions in (1, 4)}


def graded(panel, check):
    return [(row.grade, row.what, row.region) for row in panel.diagnose().findings if row.check is check]


def with_kpi(panel, change):
    kpi = panel.kpi.copy()
    change(kpi)
    return dataclasses.replace(panel, kpi=kpi)


def times(rows, weeks, factor):
    def change(values):
        values[rows, weeks] *= factor

    return change


@pytest.mark.parametrize("seed", range(40, 46))
@pytest.mark.parametrize("shape", [(1, 156, 5, 2), (4, 104, 4, 2), (20, 80, 3, 3)])
def test_clean_panels_have_none(shape, seed):
    findings = dcm.simulate(*shape, seed=seed)[0].diagnose().findings
    assert [row.check for row in findings if row.check in NEW] == []


@pytest.mark.parametrize("regions", [1, 4])
@pytest.mark.parametrize(("factor", "grade"), [(3.0, Grade.LOOK), (0.3, Grade.LOOK), (1000.0, Grade.FAIL), (0.01, Grade.FAIL)])  # fmt: skip
def test_a_kpi_in_another_unit_from_some_week_on_is_found(panels, regions, factor, grade):
    spoilt = with_kpi(panels[regions], times(slice(None), slice(60, None), factor))
    found = graded(spoilt, Check.KPI_STEP)
    assert [one[0] for one in found] == [grade]
    assert f"in {regions} region" in found[0][1]


def test_a_region_alone_is_named(panels):
    spoilt = with_kpi(panels[4], times(slice(1, 2), slice(50, None), 100.0))
    (found,) = graded(spoilt, Check.KPI_STEP)
    assert (found[0], found[2]) == (Grade.FAIL, str(panels[4].regions[1]))


@pytest.mark.parametrize("weeks", [1, 5])
def test_a_season_that_ends_again_is_no_step(panels, weeks):
    spoilt = with_kpi(panels[4], times(slice(None), slice(50, 50 + weeks), 2.5))
    assert graded(spoilt, Check.KPI_STEP) == []


@pytest.mark.parametrize("regions", [1, 4])
@pytest.mark.parametrize("week", [0, -1])
def test_a_week_of_two_days_at_an_end_is_found_where_all_regions_have_it(panels, regions, week):
    spoilt = with_kpi(panels[regions], times(slice(None), week, 0.3))
    (found,) = graded(spoilt, Check.SHORT_WEEK)
    assert "last week" in found[1] if week else "first week" in found[1]
    one = with_kpi(panels[4], times(slice(0, 1), week, 0.3))
    assert graded(one, Check.SHORT_WEEK) == []


def test_a_control_that_turns_from_shares_to_percent_is_found(panels):
    control = panels[4].control.copy() + 20.0
    control[:, 40:, 0] *= 100.0
    (found,) = graded(dataclasses.replace(panels[4], control=control), Check.CONTROL_STEP)
    assert found[0] is Grade.FAIL
    assert "rises 1" in found[1]


@pytest.mark.parametrize("what", ["spend", "exposure"])
@pytest.mark.parametrize("factor", [1000.0, 0.001])
def test_a_region_in_another_unit_throughout_is_found(panels, what, factor):
    values = getattr(panels[4], what).copy()
    values[2, :, 1] *= factor
    (found,) = graded(dataclasses.replace(panels[4], **{what: values}), Check.REGION_PRICE)
    assert (found[0], found[2]) == (Grade.FAIL, str(panels[4].regions[2]))


@pytest.mark.parametrize(("rows", "grade"), [(slice(None), Grade.FAIL), (slice(0, 1), Grade.LOOK)])
def test_weeks_that_were_not_loaded_are_found_though_the_kpi_is_no_count(panels, rows, grade):
    spoilt = with_kpi(panels[4], times(rows, slice(50, 53), 0.0))
    (found,) = graded(spoilt, Check.ZERO_WEEKS)
    assert found[0] is grade
    assert "and far from 0 in the others" in found[1]


def test_zeros_of_a_kpi_that_is_often_near_zero_are_ordinary(panels):
    rng = np.random.default_rng(0)
    sales = rng.gamma(0.5, 100.0, panels[4].kpi.shape) * (rng.random(panels[4].kpi.shape) > 0.1)
    assert graded(dataclasses.replace(panels[4], kpi=sales), Check.ZERO_WEEKS) == []


def test_a_business_of_the_summer_takes_no_steps():
    panel = dcm.simulate(4, 156, 3, 1, seed=3, noise=0.03)[0]
    season = np.where(np.arange(156) % 52 < 18, 4.0, 1.0)
    assert graded(dataclasses.replace(panel, kpi=panel.kpi * season), Check.KPI_STEP) == []


def test_a_shop_that_is_closed_on_sundays_was_loaded():
    panel = dcm.simulate(2, 30, 2, 1, seed=1, cadence="daily")[0]
    kpi = np.where(np.arange(panel.kpi.shape[1]) % 7 == 6, 0.0, panel.kpi)
    assert graded(dataclasses.replace(panel, kpi=kpi), Check.ZERO_WEEKS) == []


def test_a_zero_at_the_end_does_not_hide_others(panels):
    kpi = panels[4].kpi.copy()
    kpi[:, [40, 41, -1]] = 0.0
    assert [one[0] for one in graded(dataclasses.replace(panels[4], kpi=kpi), Check.ZERO_WEEKS)] == [Grade.FAIL]


def test_a_single_week_without_sales_may_have_been_a_holiday(panels):
    spoilt = with_kpi(panels[4], times(slice(None), 50, 0.0))
    assert [one[0] for one in graded(spoilt, Check.ZERO_WEEKS)] == [Grade.LOOK]


def test_a_sunday_at_the_end_is_no_short_week():
    panel = dcm.simulate(2, 30, 2, 1, seed=1, cadence="daily")[0]
    weekend = np.where(np.arange(panel.kpi.shape[1]) % 7 == 6, 0.3, 1.0)
    assert graded(dataclasses.replace(panel, kpi=panel.kpi * weekend), Check.SHORT_WEEK) == []


def test_regions_whose_media_others_pay_for_have_no_price_to_compare(panels):
    spend = panels[4].spend.copy()
    spend[0], spend[1:] = spend[0] + 0.98 * spend[1:].sum(axis=0), 0.02 * spend[1:]
    spend[3] = 0.0
    assert graded(dataclasses.replace(panels[4], spend=spend), Check.REGION_PRICE) == []
