"""An amount added to one region's KPI, or missing from it, leaves its scale and the other regions' where they were."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import theilslopes

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.inputs import inputs_from
from deepcausalmmm_jax.data.kpi_levels import ODD, _power, kpi_scales, level_ratios
from deepcausalmmm_jax.data.kpi_scale import kpi_means
from deepcausalmmm_jax.data.scaling import scales_from


@pytest.fixture(scope="module")
def panel():
    return dcm.simulate(6, 104, 3, 1, seed=2, noise=0.03)[0]


def added(panel, region, times):
    """The panel with so many times its mean added to a region's KPI."""
    kpi = panel.kpi.copy()
    kpi[region] += times * kpi[region].mean()
    return dataclasses.replace(panel, kpi=kpi)


@pytest.mark.parametrize("region", range(6))
@pytest.mark.parametrize("times", [5.0, 50.0, 1e4])
def test_an_amount_on_top_moves_no_scale_by_more_than_regions_differ(panel, region, times):
    before = kpi_scales(panel.kpi, panel.weights)
    after = kpi_scales(added(panel, region, times).kpi, panel.weights)
    others = np.arange(6) != region
    np.testing.assert_array_equal(after[others], before[others])
    assert after[region] == pytest.approx(before[region], rel=0.45)


def test_the_more_is_added_the_less_it_matters(panel):
    one, other = (kpi_scales(added(panel, 2, times).kpi, panel.weights)[2] for times in (50.0, 5000.0))
    assert one == pytest.approx(other, rel=1e-2)


@pytest.mark.parametrize("region", [0, 7, 19])
def test_a_missing_amount_is_made_up_for_too(region):
    panel = dcm.simulate(20, 104, 3, 1, seed=2, noise=0.03)[0]
    steady = dataclasses.replace(panel, kpi=panel.kpi + 2.0 * panel.kpi.mean(axis=1, keepdims=True))
    after = kpi_scales(added(steady, region, -0.7).kpi, panel.weights)
    assert after[region] == pytest.approx(steady.kpi[region].mean(), rel=0.45)


@given(st.floats(0.0, 4.0))
@settings(max_examples=60, deadline=None)
def test_the_scale_has_no_jump(panel, times):
    one, other = (kpi_scales(added(panel, 3, at).kpi, panel.weights)[3] for at in (times, times + 1e-3))
    assert abs(np.log(other / one)) < 0.02


@pytest.mark.parametrize("power", [0.5, 0.7, 1.0])
@pytest.mark.parametrize("n_regions", [3, 6, 40])
def test_chance_that_weighs_more_in_small_regions_is_no_odd_level(power, n_regions):
    rng = np.random.default_rng(n_regions)
    level = np.geomspace(100.0, 1e5, n_regions)
    kpi = level[:, None] + 0.1 * level[:, None] ** power * rng.standard_normal((n_regions, 104))
    np.testing.assert_allclose(kpi_scales(kpi, np.ones(kpi.shape)), kpi_means(kpi, np.ones(kpi.shape)), rtol=0.15)


def test_what_regions_have_in_common_shows_an_odd_level_that_chance_could_explain():
    """A large region that moves by a third of what its level suggests: with counts' chance alone that is usual."""
    rng = np.random.default_rng(0)
    level, common = np.array([100.0, 400.0, 1600.0, 1e4]), 0.1 * rng.standard_normal(104)
    kpi = level[:, None] * (1.0 + common) + 0.3 * np.sqrt(level)[:, None] * rng.standard_normal((4, 104))
    weights = np.ones(kpi.shape)
    np.testing.assert_array_equal(kpi_scales(kpi, weights), kpi_means(kpi, weights))
    kpi[3] += 2e4
    assert kpi_scales(kpi, weights)[3] == pytest.approx(1e4, rel=0.2)


def test_an_amount_on_top_of_a_count_is_not_taken_for_chance():
    rng = np.random.default_rng(0)
    kpi = np.stack([rng.poisson(400.0, 104) for _ in range(9)]).astype(float)
    kpi[3] += 4000.0
    scale = kpi_scales(kpi, np.ones(kpi.shape))
    assert level_ratios(kpi, np.ones(kpi.shape))[3] > ODD
    assert 400.0 < scale[3] < 4400.0 / 3.0  # not all the way: that counts spread by the root of their level is learned
    np.testing.assert_array_equal(np.delete(scale, 3), np.delete(kpi.mean(axis=1), 3))


def test_regions_that_few_can_be_compared_with_are_judged_as_among_few(panel):
    """Constant regions say nothing of the others, however many they are."""
    kpi = np.concatenate([panel.kpi[:4], np.full((6, panel.kpi.shape[1]), 9.0)])
    few = kpi_scales(panel.kpi[:4], panel.weights[:4])
    np.testing.assert_array_equal(kpi_scales(kpi, np.ones(kpi.shape))[:4], few)


@pytest.mark.parametrize("n_regions", [1, 2])
def test_of_two_regions_neither_is_the_odd_one(n_regions):
    rng = np.random.default_rng(0)
    kpi = 100.0 + 10.0 * rng.standard_normal((n_regions, 60))
    kpi[0] += 1000.0
    np.testing.assert_array_equal(kpi_scales(kpi, np.ones(kpi.shape)), kpi.mean(axis=1))


def test_constant_regions_and_hidden_weeks_are_not_compared(panel):
    kpi, weights = panel.kpi.copy(), panel.weights.copy()
    kpi[4] = 7.0
    weights[5, :40], kpi[5, :40] = 0.0, 1e9
    found = kpi_scales(kpi, weights)
    assert found[4] == 7.0
    assert found[5] == pytest.approx(panel.kpi[5, 40:].mean(), rel=0.45)


def test_the_model_reads_the_same_effects_and_shares_are_of_the_real_kpi(panel):
    """In units of the KPI nothing but the region's level moves; a share of the KPI is one of the KPI as it is."""
    odd = added(panel, 1, 20.0)
    weights = training_weights(panel, 8)
    scales = scales_from(odd, weights)
    inputs = inputs_from(odd, scales, weights, dcm.Config(graph="none"))
    moves = np.asarray(inputs.kpi - inputs.kpi_level[:, None], np.float64) * scales.kpi[:, None]
    wanted = odd.kpi - kpi_means(odd.kpi, weights)[:, None]
    np.testing.assert_allclose(moves[weights > 0], wanted[weights > 0], atol=2e-5 * odd.kpi.max())
    np.testing.assert_allclose(inputs.kpi_unit / scales.kpi, 1.0 / odd.kpi[weights > 0].sum(), rtol=1e-5)


def test_regions_of_one_level_are_compared_by_their_moves_alone():
    kpi = 100.0 + np.resize([10.0, -10.0, 0.0], (9, 61))
    kpi[4] = 100.0 + np.resize([2.0, -2.0, 0.0], 61)
    scale = kpi_scales(kpi, np.ones(kpi.shape))
    assert scale[4] == pytest.approx(kpi[4].mean() / 5.0, rel=0.02)
    np.testing.assert_array_equal(np.delete(scale, 4), np.delete(kpi.mean(axis=1), 4))


def test_a_region_of_a_few_weeks_or_a_straight_line_keeps_its_mean(panel):
    weights, kpi = panel.weights.copy(), panel.kpi.copy()
    weights[1, 2:] = 0.0
    weights[2, 11:] = 0.0
    kpi[4] = 100.0 + np.arange(104.0)  # the same change every week: no spread
    found = kpi_scales(kpi, weights)
    np.testing.assert_allclose(found[[1, 2, 4]], kpi_means(kpi, weights)[[1, 2, 4]], rtol=1e-12)
    assert (level_ratios(kpi, weights)[[1, 2, 4]] == 1.0).all()


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(1.0, 1e6).map(lambda level: float(f"{level:.8g}")), st.floats(0.1, 1e4)),
        min_size=3,
        max_size=30,
        unique_by=lambda pair: pair[0],
    )
)
def test_the_power_is_scipys_slope_of_theil_and_sen(pairs):
    level, spread = np.array(pairs).T
    slope = theilslopes(np.log(spread), np.log(level)).slope
    assert _power(level, spread) == pytest.approx(np.clip(slope, 0.5, 1.0), rel=1e-6)


def test_levels_that_differ_by_rounding_are_the_same_level():
    level, spread = np.array([1e6, 1e6 * (1 - 1e-16), 1e6 * (1 - 2e-16), 100.0]), np.array([10.0, 9.0, 8.0, 0.05])
    assert _power(level, spread) == pytest.approx(_power(np.array([1e6, 1e6, 1e6, 100.0]), spread), rel=1e-9)
    assert _power(level[:3], spread[:3]) == 1.0
