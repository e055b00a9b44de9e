"""What a region's KPI is divided by, and what of a panel's units, order and single regions reaches the others."""

import dataclasses

import jax
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.inputs import inputs_from
from deepcausalmmm_jax.data.kpi_levels import kpi_scales
from deepcausalmmm_jax.data.kpi_scale import (
    counted_kpi,
    describing,
    informative,
    is_constant,
    kpi_means,
    kpi_sizes,
    weekly_spread,
)
from deepcausalmmm_jax.data.scaling import scales_from
from deepcausalmmm_jax.training.prepare import prepare

CONFIG = dcm.Config(graph="none")
FEW = settings(max_examples=10, deadline=None)


@pytest.fixture(scope="module")
def panel():
    return dcm.simulate(4, 60, 2, 2, seed=3, noise=0.03)[0]


def with_kpi(panel, kpi):
    return dataclasses.replace(panel, kpi=kpi)


def shifted(panel, region, amount):
    kpi = panel.kpi.copy()
    kpi[region] += amount
    return with_kpi(panel, kpi)


def made(panel, config=CONFIG):
    """Scales and arrays by name, as training reads them."""
    weights = training_weights(panel, 8)
    scales = scales_from(panel, weights)
    return scales, inputs_from(panel, scales, weights, config)


def assert_same(ours, theirs, rtol=1e-5):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=1e-6)


ORDINARY = [("hill", None), ("linear", 1.0), ("heavy_tails", 0.6), ("multiplicative", 0.6), ("bursts", None)]


@pytest.mark.parametrize(("n_regions", "in_line"), [(1, 1), (2, 2), (30, 20)])
@pytest.mark.parametrize(("kind", "noise"), ORDINARY)
def test_the_scale_of_most_ordinary_regions_is_exactly_their_mean(kind, noise, n_regions, in_line):
    panel = dcm.simulate(n_regions, 80, 2, 1, seed=7, kind=kind, noise=noise)[0]
    over_mean = kpi_scales(panel.kpi, panel.weights) / kpi_means(panel.kpi, panel.weights)
    assert (over_mean == 1.0).sum() >= in_line
    assert np.abs(np.log(over_mean)).max() < np.log(1.6)  # where noise is high, a region's spread is a matter of luck
    np.testing.assert_array_equal(kpi_sizes(panel.kpi, panel.weights), kpi_means(panel.kpi, panel.weights))


@pytest.mark.parametrize("rate", [0.05, 0.3, 2.0, 50.0])
def test_rare_sales_beside_large_regions_are_small_and_not_net(rate):
    rng = np.random.default_rng(1)
    kpi = np.stack([rng.poisson(rate, 104), rng.poisson(1e4, 104), 1e6 * (1 + 0.02 * rng.standard_normal(104))])
    assert kpi[0].any()
    np.testing.assert_array_equal(kpi_scales(kpi, np.ones(kpi.shape)), kpi.mean(axis=1))


def test_the_real_panel_keeps_its_means_but_for_a_few(shared_data):
    df = pd.read_csv(
        shared_data / "dma_panel" / "panel.csv", usecols=["dmacode", "weekid", "target_visits", "impressions_01"]
    )
    panel = dcm.Panel.from_dataframe(df, region="dmacode", time="weekid", kpi="target_visits", media=["impressions_01"])
    scale, mean = kpi_scales(panel.kpi, panel.weights), kpi_means(panel.kpi, panel.weights)
    assert (scale == mean).sum() > 0.8 * len(mean)
    assert np.abs(np.log(scale / mean)).max() < np.log(2.0)
    np.testing.assert_array_equal(kpi_sizes(panel.kpi, panel.weights), mean)


@pytest.mark.parametrize("mean", [0.0, 0.01, -0.4, -1.0, -30.0])
@pytest.mark.parametrize("region", [0, 3])
def test_a_shifted_region_keeps_about_its_size_and_the_others_theirs_exactly(panel, region, mean):
    was, before = made(panel)
    now, after = made(shifted(panel, region, (mean - 1.0) * was.kpi[region]))
    others = [r for r in range(4) if r != region]
    np.testing.assert_array_equal(now.kpi[others], was.kpi[others])
    assert now.kpi[region] == pytest.approx(was.kpi[region], rel=0.25)  # as far as regions are equally steady
    for name in ("exposure", "history", "control", "kpi"):
        np.testing.assert_array_equal(getattr(after, name)[np.array(others)], getattr(before, name)[np.array(others)])
    assert_same(after.exposure, before.exposure)


@pytest.mark.parametrize("lower", [100.0, 1e5])
def test_how_far_a_net_region_lies_below_zero_changes_nothing_but_its_level(panel, lower):
    size = panel.kpi[2].mean()
    (one, first), (two, second) = made(shifted(panel, 2, -1.2 * size)), made(shifted(panel, 2, -1.2 * size - lower))
    for ours, theirs in zip(_leaves(one), _leaves(two), strict=True):
        assert_same(ours, theirs, rtol=1e-9)
    seen = np.asarray(first.kpi) != 0
    assert_same((first.kpi - first.kpi_level[:, None])[seen], (second.kpi - second.kpi_level[:, None])[seen], rtol=2e-3)


def test_the_scale_goes_over_to_the_spread_without_a_jump(panel):
    weights, size = panel.weights, panel.kpi[1].mean()
    spread = weekly_spread(panel.kpi, weights)[1]
    steps = np.linspace(-size, -size + 8.0 * spread, 200)
    rare = panel.kpi.copy()
    rare[1, 5] = -10.0 * size  # below zero whatever is added, so that the mean decides alone
    scale = []
    for step in steps:
        kpi = rare.copy()
        kpi[1] += step
        scale.append(kpi_scales(kpi, weights)[1])
    assert np.abs(np.diff(np.log(scale))).max() < 0.15
    assert (np.array(scale) > 0).all()


@pytest.mark.parametrize("mean", [20.0, 0.0, -5000.0])
def test_a_single_region_around_zero_has_a_scale_of_a_few_weekly_moves(mean):
    kpi = mean + 200.0 * np.random.default_rng(0).standard_normal((1, 60))
    assert 1000 < kpi_scales(kpi, np.ones(kpi.shape))[0] < 3000


def test_one_week_of_another_sign_is_no_net_kpi(panel):
    kpi = panel.kpi.copy()
    kpi[:, 20] *= -1
    np.testing.assert_array_equal(kpi_scales(kpi, panel.weights), kpi.mean(axis=1))


def test_one_huge_week_does_not_move_the_spread(panel):
    kpi = panel.kpi.copy()
    kpi[1, 20] *= 100
    assert weekly_spread(kpi, panel.weights)[1] == pytest.approx(weekly_spread(panel.kpi, panel.weights)[1], rel=0.3)


@given(factor=st.floats(1e-6, 1e9), net=st.booleans())
@FEW
def test_units_of_kpi_exposure_and_spend_leave_the_arrays_as_they_are(panel, factor, net):
    base = shifted(panel, 1, -panel.kpi[1].mean()) if net else panel
    other = dataclasses.replace(
        base,
        kpi=base.kpi * factor,
        exposure=base.exposure / factor,
        spend=base.spend * factor,
        control=3 * base.control + 7,
    )
    for ours, theirs in zip(made(base)[1], made(other)[1], strict=True):
        for a, b in zip(_leaves(ours), _leaves(theirs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


@given(order=st.permutations(range(4)), net=st.booleans())
@FEW
def test_the_order_of_regions_permutes_the_arrays(panel, order, net):
    base = shifted(panel, 1, -panel.kpi[1].mean()) if net else panel
    other = base.select(regions=[base.regions[r] for r in order])
    (was, before), (now, after) = made(base), made(other)
    for ours, theirs in zip(_leaves(was), _leaves(now), strict=True):
        assert_same(theirs, ours[list(order)])
    for name in ("exposure", "intensity", "history", "control", "kpi_unit", "kpi_level", "kpi"):
        assert_same(getattr(after, name), getattr(before, name)[np.array(order)])


def test_the_order_of_channels_permutes_the_arrays(panel):
    turned = dataclasses.replace(
        panel, channels=panel.channels[::-1], exposure=panel.exposure[:, :, ::-1], spend=panel.spend[:, :, ::-1]
    )
    before, after = made(panel)[1], made(turned)[1]
    for name in ("exposure", "intensity", "history", "burst"):
        assert_same(getattr(after, name), getattr(before, name)[..., ::-1])
    assert_same(after.kpi, before.kpi)


def test_a_region_that_never_moves_has_no_weight_and_leaves_the_others_as_without_it(panel):
    kpi = panel.kpi.copy()
    kpi[0] = 500.0
    weights = training_weights(panel, 8)
    still = with_kpi(panel, kpi)
    used = informative(still, weights)
    assert used[0].sum() == 0
    np.testing.assert_array_equal(used[1:], weights[1:])
    ready = prepare(still, used, CONFIG)
    without = still.select(regions=list(still.regions[1:]))
    alone = prepare(without, weights[1:], CONFIG)
    assert ready.scales.kpi[0] == 500.0
    assert_same(ready.scales.kpi[1:], alone.scales.kpi)
    assert_same(ready.inputs.kpi[1:], alone.inputs.kpi)
    assert_same(ready.inputs.kpi_unit[1:], alone.inputs.kpi_unit)
    assert all(np.isfinite(leaf).all() for leaf in _leaves(ready.inputs._replace(trend_step=0, region_trend_step=0)))


def test_an_roi_stated_beforehand_asks_the_same_of_a_net_panel(panel):
    channel = panel.channels[0]
    stated = CONFIG.replace(priors=dcm.Priors(roi=((channel, 2.0, 0.5),)))
    was, before = made(panel, stated)
    net, after = made(shifted(panel, 3, -panel.kpi[3].mean()), stated)
    ours, theirs = (x.stated_priors.share[0] * (s.kpi * 52).sum() for s, x in ((was, before), (net, after)))
    assert float(theirs) == pytest.approx(float(ours), rel=0.02)  # up to the weeks' own revenue per KPI


def test_the_paper_model_refuses_a_region_whose_mean_is_no_size(panel):
    net = shifted(panel, 1, -panel.kpi[1].mean())
    with pytest.raises(
        dcm.DataError, match=rf"region {panel.regions[1]} averages .* the paper's model divides by that"
    ):
        prepare(net, training_weights(net, 8), dcm.Config.paper())


def test_counted_kpi_is_the_kpi_where_the_mean_is_the_scale(panel):
    weights = training_weights(panel, 8)
    np.testing.assert_array_equal(counted_kpi(panel, weights, kpi_sizes(panel.kpi, weights)), panel.kpi)


def _leaves(tree):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


@pytest.mark.parametrize(
    ("mean", "scale"),
    [
        (34.0, 34.0),
        (25.0, 25.0 ** np.log2(1.5) * 100.0 ** (1 - np.log2(1.5))),
        (16.0, 100.0),
        (-5.0, 100.0),
        (0.0, 100.0),
    ],
)
def test_a_net_region_has_the_scale_of_its_spread_from_a_sixth_of_the_usual_mean_and_its_own_from_a_third(mean, scale):
    moves = np.resize([30.0, -30.0], 60)
    kpi = np.stack([100.0 + moves, mean + moves])
    np.testing.assert_allclose(kpi_scales(kpi, np.ones(kpi.shape)), [100.0, scale], rtol=1e-9)


def test_without_any_steady_region_a_mean_is_taken_for_eight_weekly_spreads():
    kpi = np.resize([30.0, -30.0], (1, 61)) - 1.0
    spread = weekly_spread(kpi, np.ones(kpi.shape))
    np.testing.assert_allclose(spread, 60.0 / np.sqrt(2.0), rtol=1e-9)
    np.testing.assert_allclose(kpi_scales(kpi, np.ones(kpi.shape)), 8.0 * spread, rtol=1e-9)


def test_the_largest_weekly_moves_are_clipped_at_three_standard_deviations_of_the_quartiles():
    kpi = np.cumsum(np.resize([1.0, -1.0, 1.0, -1.0, 100.0, -100.0], 60))[None]
    moves = np.diff(kpi[0]) / np.sqrt(2.0)
    low, median, high = np.quantile(moves, [0.25, 0.5, 0.75])
    reach = 3.0 * (high - low) / 1.349
    expected = np.clip(moves, median - reach, median + reach).std()
    assert expected < 0.1 * moves.std()
    np.testing.assert_allclose(weekly_spread(kpi, np.ones(kpi.shape)), expected, rtol=1e-12)


@pytest.mark.parametrize(("rise", "constant"), [(0.9e-6, True), (1.1e-6, False)])
@pytest.mark.parametrize("level", [500.0, -500.0])
def test_a_millionth_of_the_kpi_is_rounding(level, rise, constant):
    kpi = np.full((1, 20), level)
    kpi[0, 7] *= 1.0 + rise
    assert bool(is_constant(kpi, np.ones(kpi.shape))[0]) is constant
    assert bool(is_constant(kpi, np.zeros(kpi.shape))[0])


def test_a_region_without_weight_is_described_by_its_training_weeks(panel):
    weights = training_weights(panel, 8)
    weights[1] = 0.0
    used = describing(panel, weights)
    np.testing.assert_array_equal(used[[0, 2, 3]], weights[[0, 2, 3]])
    np.testing.assert_array_equal(used[1], np.arange(60) < 52)
    np.testing.assert_allclose(kpi_means(panel.kpi, used)[1], panel.kpi[1, :52].mean())


def test_the_counted_kpi_of_a_net_region_averages_its_scale(panel):
    net = shifted(panel, 1, -panel.kpi[1].mean())
    weights = training_weights(net, 8)
    scale = kpi_sizes(net.kpi, weights)
    counted = counted_kpi(net, weights, scale)
    np.testing.assert_allclose(counted[:, :52].mean(axis=1), scale)
    np.testing.assert_allclose(np.diff(counted, axis=1), np.diff(net.kpi, axis=1))
