import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.simulation import media as world_media
from deepcausalmmm_jax.data.simulation.budgets import last_month
from deepcausalmmm_jax.data.simulation.checks import KINDS
from deepcausalmmm_jax.data.simulation.worlds import WORLDS

ADDITIVE = [kind for kind in WORLDS if kind != "multiplicative"]
WITH_CEILING = ["hill", "tanh", "logistic"]


def world(kind, seed=0, regions=1, weeks=156, channels=5, controls=2, **asked):
    return dcm.simulate(regions, weeks, channels, controls, seed, kind=kind, **asked)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_panel_and_another_seed_another(kind):
    panel, truth = world(kind, seed=1, regions=3, weeks=60)
    again, truth_again = world(kind, seed=1, regions=3, weeks=60)
    for name in ("kpi", "exposure", "control", "spend"):
        np.testing.assert_array_equal(getattr(panel, name), getattr(again, name))
    np.testing.assert_array_equal(truth.components.values, truth_again.components.values)
    assert not np.array_equal(panel.kpi, world(kind, seed=2, regions=3, weeks=60)[0].kpi)


@pytest.mark.parametrize("kind", WORLDS)
@pytest.mark.parametrize(("regions", "channels"), [(1, 8), (1, 2), (6, 4)])
def test_panels_look_like_real_ones(kind, regions, channels):
    for seed in range(4):
        panel, truth = world(kind, seed, regions, channels=channels)
        assert (panel.kpi > 0).all()
        assert (panel.exposure >= 0).all()
        assert panel.exposure.any(axis=(0, 1)).all()
        contributions = truth.contributions.values
        assert (contributions >= 0).all()
        share = contributions.sum() / panel.kpi.sum()
        assert 0.005 < share < 0.62
        assert truth.parameters["share"].sum() == pytest.approx(share)
        assert (contributions.sum(axis=2) < panel.kpi * 1.5).all()  # expected KPI, of which noise may take some
        spread = (panel.kpi / panel.kpi.mean(axis=1, keepdims=True)).std(axis=1)
        assert (spread > 0.02).all()
        assert (spread < 0.6).all()


@pytest.mark.parametrize("kind", ADDITIVE)
def test_components_without_noise_make_the_kpi(kind):
    panel, truth = world(kind, seed=3, regions=2, weeks=80, noise=0.0)
    np.testing.assert_allclose(truth.components.sum("component").values, panel.kpi, rtol=1e-8)
    rest = truth.baseline + truth.contributions.sum("channel")
    np.testing.assert_allclose(rest.values, panel.kpi, rtol=1e-8)


def test_a_multiplicative_contribution_is_what_the_expected_kpi_loses_without_the_channel():
    panel, truth = world("multiplicative", seed=3, regions=2, weeks=80, noise=0.0, media_share=0.4)
    expected, lost = panel.kpi, truth.contributions.values
    # Each channel multiplies the KPI by a factor of its own; all factors together lead from the baseline to the KPI.
    factors = (1.0 - lost / expected[:, :, None]).prod(axis=2)
    np.testing.assert_allclose(expected * factors, truth.baseline.values, rtol=1e-8)
    assert lost.sum() / expected.sum() == pytest.approx(0.4, abs=1e-6)


@pytest.mark.parametrize("kind", ADDITIVE)
def test_media_bring_the_share_asked_for(kind):
    panel, truth = world(kind, seed=5, regions=2, media_share=0.2, noise=0.0)
    share = truth.parameters["share"].sum()
    # A channel that is seldom on air is held to 40 % of the KPI in those weeks.
    assert share == pytest.approx(0.2, abs=1e-6) or (kind in ("bursts", "new_and_stopped") and share < 0.2)


@pytest.mark.parametrize("kind", WORLDS)
def test_placebo_channels_add_nothing_and_effects_are_the_contributions(kind):
    _, truth = world(kind, seed=2, regions=2, weeks=60, placebo=2)
    placebo = truth.parameters["placebo"].to_numpy()
    assert placebo.sum() == 2
    total = truth.contributions.values.sum(axis=(0, 1))
    assert (total[placebo] == 0).all()
    assert (total[~placebo] > 0).all()
    np.testing.assert_allclose(truth.effects["total"], total)
    assert not truth.adjacency.to_numpy().any()


@pytest.mark.parametrize("kind", ["linear", "logarithmic", "power", "tanh", "logistic"])
def test_a_kind_of_saturation_is_that_of_all_channels(kind):
    parameters = world(kind)[1].parameters
    assert (parameters["saturation"] == kind).all()
    assert parameters["slope"].isna().all()
    assert (parameters["half_saturation"].notna() == (kind in WITH_CEILING)).all()


def test_other_kinds_mix_curves_of_which_some_are_s_shaped():
    curves = world_media.draw_curves(np.random.default_rng(0), world_media.SATURATIONS, 200)
    assert set(curves.family) == set(world_media.SATURATIONS)
    x = np.linspace(0.0, 3.0, 301)
    bent = world_media.activity(np.broadcast_to(x[None, :, None], (1, 301, 200)), curves)[0]
    assert (np.diff(bent, axis=0) >= 0).all()
    np.testing.assert_allclose(bent[0], 0.0, atol=1e-12)
    s_shaped = bent[10] / x[10] < 0.95 * bent[50] / x[50]  # more an exposure at 0.5 than at 0.1
    assert 0.25 < s_shaped.mean() < 0.6


def test_half_saturation_is_half_of_the_ceiling_and_curves_without_one_pass_through_one():
    curves = world_media.draw_curves(np.random.default_rng(1), (*world_media.SATURATIONS, "linear"), 60)
    half = world_media.half_saturation(curves)
    at_half = world_media.activity(np.where(np.isnan(half), 1.0, half)[None, None], curves)[0, 0]
    np.testing.assert_allclose(at_half, np.where(np.isnan(half), 1.0, 0.5), rtol=1e-9)
    np.testing.assert_array_equal(np.isnan(half), ~np.isin(curves.family, WITH_CEILING))


@pytest.mark.parametrize("carry_over", ["geometric", "delayed", "weibull", "two_speed"])
def test_kernels_sum_to_one_and_keep_the_level(carry_over):
    kernels = world_media.draw_kernels(np.random.default_rng(0), carry_over, 50)
    np.testing.assert_allclose(kernels.weights.sum(axis=0), 1.0)
    assert (kernels.weights >= 0).all()
    constant = world_media.carried(np.ones((1, 60, 50)), kernels)
    np.testing.assert_allclose(constant[0, world_media.HISTORY :], 1.0)
    assert np.isnan(kernels.decay).any() == (carry_over != "geometric")


def test_delayed_effects_peak_one_to_four_weeks_later_and_others_at_once():
    assert set(world("delayed", channels=60)[1].parameters["peak_week"]) == {1, 2, 3, 4}
    assert (world("two_speed")[1].parameters["peak_week"] == 0).all()
    assert (world("weibull")[1].parameters["peak_week"] == 0).all()


def test_the_slow_part_of_two_speeds_outlasts_what_the_first_weeks_show():
    weights = world_media.draw_kernels(np.random.default_rng(0), "two_speed", 20).weights
    early, late = weights[1] / weights[0], weights[12] / weights[11]
    assert (late > early).all()
    assert (late > 0.7).all()


def test_budgets_follow_last_months_sales():
    panel, _ = world("follows_sales", seed=1, regions=3)
    before = np.log(last_month(panel.kpi)[:, 4:])  # the first four weeks follow sales from before the panel
    budgets = np.log(panel.exposure[:, 4:])
    for region in range(3):
        for channel in range(5):
            correlation = np.corrcoef(before[region], budgets[region, :, channel])[0, 1]
            assert correlation > 0.4
        slopes = np.polyfit(before[region], budgets[region], 1)[0]
        assert ((slopes > 0.4) & (slopes < 1.8)).all()


def test_last_month_is_the_mean_of_the_four_weeks_before():
    kpi = np.array([[1.0, 2.0, 3.0, 6.0, 8.0, 3.0]])
    np.testing.assert_allclose(last_month(kpi)[0, 4:], [3.0, 4.75])


def test_budgets_peak_with_the_season():
    panel, truth = world("follows_season", seed=2)
    season = truth.components.sel(component="seasonality").values[0]
    for channel in range(5):
        assert np.corrcoef(season, np.log(panel.exposure[0, :, channel]))[0, 1] > 0.75


def test_always_on_exposure_stays_at_its_level():
    panel, truth = world("always_on", seed=3, regions=2)
    varies = panel.exposure.std(axis=1) / panel.exposure.mean(axis=1)
    assert ((varies > 0.01) & (varies < 0.065)).all()
    shares = [world("always_on", seed)[1].parameters["share"].sum() for seed in range(20)]
    assert 0.18 < min(shares) < 0.35
    assert 0.45 < max(shares) < 0.62


def test_bursts_are_few():
    panel, _ = world("bursts", seed=4, channels=8)
    on = panel.exposure[0] > 0
    begins = (on[1:] & ~on[:-1]).sum(axis=0) + on[0]
    assert ((begins >= 1) & (begins <= 4)).all()
    assert (on.mean(axis=0) < 0.16).all()
    assert on[: int(0.85 * 156)].any(axis=0).all()


def test_new_channels_start_in_the_last_third_and_stopped_ones_end_in_the_first():
    for seed in range(3):
        panel, truth = world("new_and_stopped", seed)
        late, stopped = (truth.parameters[name].to_numpy() for name in ("late", "stopped"))
        assert late.sum() == stopped.sum() == 1
        assert not panel.exposure[0, :104, late].any()
        assert panel.exposure[0, 104:, late].any()
        assert panel.exposure[0, :52, stopped].any()
        assert not panel.exposure[0, 52:, stopped].any()


def test_collinear_channels_move_as_one():
    for seed in range(4):
        exposure = world("collinear", seed)[0].exposure[0]
        assert 0.9 < np.corrcoef(exposure[:, 0], exposure[:, 1])[0, 1] < 0.985
        assert abs(np.corrcoef(exposure[:, 0], exposure[:, 2])[0, 1]) < 0.8


def test_unobserved_demand_moves_budgets_and_kpi():
    found = []
    for seed in range(6):
        panel, truth = world("unobserved_demand", seed, controls=0)
        assert panel.controls == ()
        trend = truth.components.sel(component="trend").values[0]
        on = panel.exposure[0] > 0
        confounded = truth.parameters["confounded"].to_numpy()
        assert confounded.sum() == 3
        for m in np.flatnonzero(confounded):
            found.append(np.corrcoef(trend[on[:, m]], np.log(panel.exposure[0, on[:, m], m]))[0, 1])
    assert np.mean(found) > 0.3


def test_breaks_move_the_baseline_more_than_the_smooth_trend_does():
    def swings(kind):
        trends = [world(kind, seed)[1].components.sel(component="trend") for seed in range(30)]
        kpi = [world(kind, seed)[0].kpi.mean() for seed in range(30)]
        return np.median([float(trend.std()) / mean for trend, mean in zip(trends, kpi, strict=True)])

    assert swings("trend_breaks") > 1.4 * swings("linear")


def test_noise_controls_come_on_top_and_do_nothing():
    panel, truth = world("noise_controls", controls=2)
    assert panel.controls == tuple(f"control_{k}" for k in range(1, 9))
    assert not truth.components.sel(component=list(panel.controls[2:])).values.any()
    assert truth.components.sel(component=list(panel.controls[:2])).values.any(axis=(0, 1)).all()


def test_heavy_tails_have_outliers_at_the_same_spread():
    panel, truth = world("heavy_tails", regions=20, noise=0.04)
    error = (panel.kpi - truth.components.sum("component").values) / panel.kpi.mean(axis=1, keepdims=True)
    assert truth.noise == 0.04
    assert 0.001 < (np.abs(error) > 5 * truth.noise).mean() < 0.02


def test_regions_that_move_together_share_their_shocks():
    def likeness(kind):
        panel, truth = world(kind, seed=1, regions=8)
        error = panel.kpi - truth.components.sum("component").values
        return np.corrcoef(error)[np.triu_indices(8, 1)].mean()

    assert likeness("moves_together") > 0.55  # 1.5 squared over 1 and 1.5 squared is 0.69
    assert abs(likeness("linear")) < 0.1


def test_noise_and_media_are_drawn_by_seed_within_the_worlds_range():
    truths = [world("power", seed, weeks=60)[1] for seed in range(30)]
    noise = [truth.noise for truth in truths]
    share = [truth.parameters["share"].sum() for truth in truths]
    assert 0.02 <= min(noise) < 0.03
    assert 0.05 < max(noise) <= 0.06
    assert 0.09 < min(share) < 0.2
    assert 0.35 < max(share) < 0.47


@pytest.mark.parametrize("kind", WORLDS)
def test_the_smallest_panels_are_made_too(kind):
    for weeks, channels, controls in ((2, 1, 0), (14, 2, 1)):
        panel, _ = world(kind, 0, 1, weeks, channels, controls)
        assert np.isfinite(panel.kpi).all()
        assert np.isfinite(panel.exposure).all()


def test_missing_weeks_and_outliers_are_for_every_kind():
    panel, _ = world("tanh", regions=10, missing=0.1, outliers=0.05)
    assert 0.07 < 1 - panel.weights.mean() < 0.13
    calm, _ = world("tanh", regions=10)
    assert (np.abs(panel.kpi - calm.kpi)[panel.weights > 0] > 0).mean() == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"kind": "lineer"}, r"no kind of panel 'lineer' \(did you mean 'linear'\?\); known are hill, linear, logar"),
        ({"kind": "xyz"}, r"no kind of panel 'xyz'; known are hill, linear"),
        ({"kind": "linear", "late": 1}, "late=1 is only for the kind 'hill'; the kind 'linear' draws its own budgets"),
        ({"kind": "linear", "links": 2}, "links=2 is only for the kind 'hill'"),
        ({"kind": "linear", "media_share": 1.2}, "media_share must be between 0 and 1"),
        ({"kind": "linear", "placebo": 3}, "leaves no channel with an effect"),
    ],
)
def test_impossible_requests_are_refused(asked, sentence):
    with pytest.raises(dcm.DataError, match=sentence):
        dcm.simulate(2, 40, 3, 1, **asked)


def test_every_kind_is_described():
    for kind in KINDS:
        assert f"`{kind}`" in dcm.simulate.__doc__ or f'"{kind}"' in dcm.simulate.__doc__


def test_the_kind_hill_is_the_panel_it_was_before_there_were_kinds():
    panel, truth = dcm.simulate(2, 30, 3, 1, seed=0)
    known = [[8483.850009697744, 10893.819250794584], [6467.127307433271, 6844.888899207114]]
    np.testing.assert_allclose(panel.kpi[:, [0, -1]], known, rtol=1e-9)
    np.testing.assert_array_equal(panel.exposure[1, -1], [392919.0, 68570.0, 80166.0])
    known = [0.015323059205265976, 0.042025959447769885, 0.2448018740907156]
    np.testing.assert_allclose(truth.parameters["share"], known, rtol=1e-9)
