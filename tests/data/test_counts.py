"""A KPI that is counted: simulated, read, refused where it is no count, and recommended where it looks like one."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.diagnosis.findings import Check
from deepcausalmmm_jax.data.diagnosis.zero_weeks import zero_week_findings
from deepcausalmmm_jax.data.inputs import inputs_from
from deepcausalmmm_jax.data.kpi_link import local_means, scaled_kpi
from deepcausalmmm_jax.data.scaling import scales_from
from deepcausalmmm_jax.io.grades import Grade


@pytest.fixture(scope="module")
def counted() -> tuple[dcm.Panel, dcm.Truth]:
    return dcm.simulate(4, 120, 3, 2, seed=2, counts=3.0)


def test_simulated_counts_are_whole_and_lie_around_what_their_components_add_up_to(counted):
    panel, truth = counted
    expected = truth.components.sum("component").values
    assert (panel.kpi == np.round(panel.kpi)).all()
    assert panel.kpi.min() == 0
    assert expected.mean() == pytest.approx(3.0)
    # 480 counts with variance mu + (0.3 mu)^2
    variance = expected + (truth.noise * expected) ** 2
    z = (panel.kpi - expected) / np.sqrt(variance)
    assert abs(z.mean()) < 0.15
    assert z.var() == pytest.approx(1.0, abs=0.25)
    share = truth.contributions.sum(["region", "time"]).values / expected.sum()
    np.testing.assert_allclose(truth.parameters["share"], share)
    np.testing.assert_allclose(truth.counterfactual.kpi(panel.exposure), expected, rtol=1e-2, atol=1e-2)


def test_counts_leave_exposure_and_spend_as_they_were(counted):
    plain, _ = dcm.simulate(4, 120, 3, 2, seed=2)
    np.testing.assert_array_equal(plain.exposure, counted[0].exposure)
    np.testing.assert_array_equal(plain.spend, counted[0].spend)


def test_without_spread_the_variance_is_that_of_chance():
    panel, truth = dcm.simulate(20, 200, 2, 1, seed=3, counts=4.0, noise=0.0)
    expected = truth.components.sum("component").values
    assert ((panel.kpi - expected) ** 2 / expected).mean() == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"counts": 0.0}, "mean count above 0"),
        ({"counts": True}, "mean count above 0"),
        ({"counts": 3.0, "outliers": 0.1}, "large values by chance"),
        ({"counts": 3.0, "cadence": "daily"}, "without a cadence"),
        ({"counts": 3.0, "kind": "multiplicative"}, "kind 'hill'"),
    ],
)
def test_counts_that_cannot_be_simulated_are_refused(options, message):
    with pytest.raises(dcm.DataError, match=message):
        dcm.simulate(2, 40, 2, 1, **options)


def test_local_means_are_above_zero_and_keep_the_total():
    counts, seen = np.zeros((1, 60)), np.ones((1, 60))
    counts[0, 20], seen[0, 30:35] = 7.0, 0.0
    found = local_means(counts, seen)
    assert (found > 0).all()
    assert found[0].argmax() == 20
    constant = local_means(np.full((2, 30), 5.0), np.ones((2, 30)))
    np.testing.assert_allclose(constant, 5.0)


def test_counts_are_read_as_shares_of_their_mean(counted):
    panel, config = counted[0], dcm.Config(counts=True)
    scales = scales_from(panel, panel.weights, config.reading)
    inputs = inputs_from(panel, scales, panel.weights, config)
    np.testing.assert_allclose(scales.kpi, panel.kpi.mean(axis=1))
    np.testing.assert_allclose(inputs.kpi * inputs.count_unit[:, None], panel.kpi, atol=1e-4)
    assert (np.abs(inputs.kpi_level - 1.0) < 0.2).all()
    assert inputs_from(panel, scales_from(panel, panel.weights), panel.weights, dcm.Config()).count_unit is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda kpi: kpi + 0.5, "not a whole number, but counts=True"),
        (lambda kpi: kpi - 4.0, "below 0, but counts=True"),
    ],
)
def test_a_kpi_that_is_no_count_is_refused_with_the_way_out(counted, change, message):
    panel = dataclasses.replace(counted[0], kpi=change(counted[0].kpi))
    with pytest.raises(dcm.DataError, match=message):
        scales_from(panel, panel.weights, "counts")
    with pytest.raises(dcm.DataError, match=message):  # of an update, which keeps the scales
        scaled_kpi(panel, panel.weights, counted[0].kpi.mean(axis=1), "counts")


def test_a_region_without_any_count_is_refused(counted):
    panel = dataclasses.replace(counted[0], kpi=counted[0].kpi * np.array([[1.0], [1.0], [0.0], [1.0]]))
    with pytest.raises(dcm.DataError, match="region_3 is 0 in all training weeks"):
        dcm.fit(panel, dcm.Config(counts=True), progress=False)


def test_a_log_link_with_zeros_names_counts_as_the_way_out(counted):
    with pytest.raises(dcm.DataError, match="counts=True if the KPI is a count of something"):
        dcm.fit(counted[0], dcm.Config(link="log"), progress=False)


def test_a_fraction_in_a_held_out_week_does_not_stop_a_fit(counted):
    panel, config = counted[0], dcm.Config(counts=True)
    kpi, weights = panel.kpi.copy(), panel.weights.copy()
    kpi[:, -8:], weights[:, -8:] = 0.5, 0.0
    panel = dataclasses.replace(panel, kpi=kpi)
    assert np.isfinite(inputs_from(panel, scales_from(panel, weights, config.reading), weights, config).kpi).all()


@pytest.mark.parametrize(
    ("change", "asks"),
    [
        (lambda kpi: kpi, True),
        (lambda kpi: kpi + 1.0, False),  # never zero
        (lambda kpi: 0.5 * kpi, False),  # fractions
        (lambda kpi: np.where(kpi > 8, -1.0, kpi), False),
    ],
)
def test_counts_are_recommended_where_whole_numbers_are_often_zero(counted, change, asks):
    panel = dataclasses.replace(counted[0], kpi=change(counted[0].kpi))
    diagnosis = panel.diagnose()
    found = [row for row in diagnosis.findings if row.check is Check.COUNTED_KPI]
    assert bool(found) == asks
    assert all("counts=True" in row.advice for row in found)
    assert Check.COUNTED_KPI not in {row.check for row in diagnosis.beside(dcm.Config(counts=True)).rows}
    assert diagnosis.beside(dcm.Config()) == diagnosis


@pytest.mark.parametrize(("regions", "mean"), [(1, 20.0), (4, 12.0)])
def test_weeks_in_which_nothing_could_be_sold_are_named_and_those_of_chance_are_not(regions, mean):
    for seed in range(5300, 5306):
        panel, _ = dcm.simulate(regions, 80, 2, 1, seed=seed, counts=mean)
        closed = np.random.default_rng(seed).random(panel.kpi.shape) < 0.3
        shut = dataclasses.replace(panel, kpi=np.where(closed, 0.0, panel.kpi))
        masked = dataclasses.replace(shut, weights=np.where(closed, 0.0, 1.0))
        for kpi, told in ((panel, False), (shut, True), (masked, False)):
            found = [row for row in zero_week_findings(kpi) if row.grade is Grade.LOOK]
            assert bool(found) == told
            assert all("missing_kpi='mask'" in row.advice and row.region for row in found)


def test_zeros_of_small_counts_are_left_to_chance(counted):
    assert Check.ZERO_WEEKS not in {row.check for row in counted[0].diagnose().findings}
