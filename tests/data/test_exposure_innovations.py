import numpy as np
import pytest

from deepcausalmmm_jax.data.exposure_innovations import exposure_innovations

REGIONS, WEEKS = 6, 80


def _draw(seed, channels=3):
    rng = np.random.default_rng(seed)
    wander = np.cumsum(rng.normal(size=(REGIONS, WEEKS, channels)), axis=1) * 0.1
    return np.exp(0.3 * wander + 0.3 * rng.normal(size=wander.shape)), rng.normal(size=(REGIONS, WEEKS, 2))


def _whole(found):
    return (found.regional + found.national) * found.unit


def test_a_link_between_exposures_holds_for_innovations():
    exposure, context = _draw(0)
    trained = np.ones((REGIONS, WEEKS), bool)
    own = _whole(exposure_innovations(exposure, context, trained))
    driven = exposure.copy()
    driven[:, :, 2] += 0.7 * driven[:, :, 0]
    # Persistence is a median over channels, so that one more channel must not move it: repeat the comparison's parts.
    both = _whole(exposure_innovations(np.concatenate([driven, exposure], axis=2), context, trained))
    np.testing.assert_allclose(both[:, :, 2], both[:, :, 5] + 0.7 * both[:, :, 0], atol=1e-9)
    assert own.shape == exposure.shape


def test_what_region_season_and_controls_explain_is_gone():
    exposure, context = _draw(1)
    level = np.linspace(1, 4, REGIONS)[:, None, None]
    moved = exposure + level + context @ np.array([[1.0, 0.0, 2.0], [0.5, 0.3, 0.0]])
    trained = np.ones((REGIONS, WEEKS), bool)
    ours, theirs = exposure_innovations(exposure, context, trained), exposure_innovations(moved, context, trained)
    np.testing.assert_allclose(ours.regional, theirs.regional, atol=1e-9)
    np.testing.assert_allclose(ours.national, theirs.national, atol=1e-9)


def test_innovations_have_unit_spread_and_deviations_sum_to_zero_over_regions():
    found = exposure_innovations(*_draw(2), np.ones((REGIONS, WEEKS), bool))
    np.testing.assert_allclose(found.regional.sum(axis=0), 0.0, atol=1e-9)
    whole = (found.regional + found.national)[:, 1:]
    np.testing.assert_allclose((whole**2).mean(axis=(0, 1)), 1.0, rtol=1e-6)


@pytest.mark.parametrize("hidden", [np.s_[:, 70:], np.s_[2, 10:20]])
def test_weeks_that_are_not_learned_from_change_nothing(hidden):
    exposure, context = _draw(3)
    trained = np.ones((REGIONS, WEEKS), bool)
    trained[hidden] = False
    spoilt = exposure.copy()
    spoilt[hidden] = 1e6
    ours, theirs = exposure_innovations(exposure, context, trained), exposure_innovations(spoilt, context, trained)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not ours.trained[hidden].any()


def test_a_channel_that_never_varies_has_no_innovations_and_one_off_air_everywhere_is_marked():
    exposure, context = _draw(4)
    exposure[:, :, 1] = 1.0
    exposure[:, 30:40, 2] = 0.0
    found = exposure_innovations(exposure, context, np.ones((REGIONS, WEEKS), bool))
    assert np.isfinite(found.regional).all()
    np.testing.assert_allclose(found.regional[:, :, 1], 0.0, atol=1e-12)
    assert not found.on_air[30:41, 2].any()
    assert found.on_air[:30, 2].all()
    assert found.on_air[41:, 2].all()
