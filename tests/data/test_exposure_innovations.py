import numpy as np
import pytest

from deepcausalmmm_jax.data.exposure_innovations import channel_activity

REGIONS, WEEKS = 6, 80


def _draw(seed, channels=3):
    rng = np.random.default_rng(seed)
    wander = np.cumsum(rng.normal(size=(REGIONS, WEEKS, channels)), axis=1) * 0.1
    return np.exp(0.3 * wander + 0.3 * rng.normal(size=wander.shape)), rng.normal(size=(REGIONS, WEEKS, 2))


def _whole(activity):
    return (activity.regional + activity.national) * activity.unit


def test_a_link_between_exposures_holds_for_the_news():
    exposure, context = _draw(0)
    used = np.ones((REGIONS, WEEKS), bool)
    own = _whole(channel_activity(exposure, context, used))
    driven = exposure.copy()
    driven[:, :, 2] += 0.7 * driven[:, :, 0]
    # Persistence is a median over channels, so that one more channel must not move it: repeat the comparison's parts.
    news = _whole(channel_activity(np.concatenate([driven, exposure], axis=2), context, used))
    np.testing.assert_allclose(news[:, :, 2], news[:, :, 5] + 0.7 * news[:, :, 0], atol=1e-9)
    assert own.shape == exposure.shape


def test_what_region_season_and_controls_explain_is_gone():
    exposure, context = _draw(1)
    level = np.linspace(1, 4, REGIONS)[:, None, None]
    moved = exposure + level + context @ np.array([[1.0, 0.0, 2.0], [0.5, 0.3, 0.0]])
    used = np.ones((REGIONS, WEEKS), bool)
    ours, theirs = channel_activity(exposure, context, used), channel_activity(moved, context, used)
    np.testing.assert_allclose(ours.regional, theirs.regional, atol=1e-9)
    np.testing.assert_allclose(ours.national, theirs.national, atol=1e-9)


def test_news_has_unit_spread_and_deviations_sum_to_zero_over_regions():
    activity = channel_activity(*_draw(2), np.ones((REGIONS, WEEKS), bool))
    np.testing.assert_allclose(activity.regional.sum(axis=0), 0.0, atol=1e-9)
    whole = (activity.regional + activity.national)[:, 1:]
    np.testing.assert_allclose((whole**2).mean(axis=(0, 1)), 1.0, rtol=1e-6)


@pytest.mark.parametrize("hidden", [np.s_[:, 70:], np.s_[2, 10:20]])
def test_weeks_that_are_not_learned_from_change_nothing(hidden):
    exposure, context = _draw(3)
    used = np.ones((REGIONS, WEEKS), bool)
    used[hidden] = False
    spoilt = exposure.copy()
    spoilt[hidden] = 1e6
    ours, theirs = channel_activity(exposure, context, used), channel_activity(spoilt, context, used)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not ours.known[hidden].any()


def test_a_channel_that_never_varies_has_no_news_and_one_off_air_everywhere_is_marked():
    exposure, context = _draw(4)
    exposure[:, :, 1] = 1.0
    exposure[:, 30:40, 2] = 0.0
    activity = channel_activity(exposure, context, np.ones((REGIONS, WEEKS), bool))
    assert np.isfinite(activity.regional).all()
    np.testing.assert_allclose(activity.regional[:, :, 1], 0.0, atol=1e-12)
    assert not activity.on[30:41, 2].any()
    assert activity.on[:30, 2].all()
    assert activity.on[41:, 2].all()
