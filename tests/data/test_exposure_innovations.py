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


def _by_hand(exposure, context, trained):
    """The same, one region, week and channel after another."""
    regions, weeks, channels = exposure.shape
    mean = lambda values, r: values[r, trained[r]].mean(axis=0) if trained[r].any() else 0.0  # noqa: E731
    own = np.stack([exposure[r] - mean(exposure, r) for r in range(regions)])
    terms = np.stack([context[r] - mean(context, r) for r in range(regions)])
    rest = own - terms @ np.linalg.lstsq(terms[trained], own[trained])[0]
    pairs = [(r, t) for r in range(regions) for t in range(1, weeks) if trained[r, t] and trained[r, t - 1]]
    before, now = (np.array([rest[r, t - lag] for r, t in pairs]) for lag in (1, 0))
    phi = np.median((before * now).sum(axis=0) / np.sqrt((before**2).sum(axis=0) * (now**2).sum(axis=0)))
    return {pair: row for pair, row in zip(pairs, now - np.clip(phi, 0.0, 0.95) * before, strict=True)}


@pytest.mark.parametrize("kind", ["persistent", "turning", "nearly a trend"])
def test_innovations_are_those_worked_out_region_by_region(kind):
    rng = np.random.default_rng(7)
    phi, context = {"persistent": 0.6, "turning": -0.7, "nearly a trend": 1.0}[kind], rng.normal(size=(4, 40, 2))
    exposure = rng.normal(size=(4, 40, 3)) * (0.01 if kind == "nearly a trend" else 1.0)
    exposure[:, 0] += 5.0 * (kind == "nearly a trend")
    for week in range(1, 40):
        exposure[:, week] += phi * exposure[:, week - 1]
    exposure += context @ rng.normal(size=(2, 3)) + 3.0
    trained = rng.random((4, 40)) < 0.9
    trained[3, :20] = False
    found, expected = exposure_innovations(exposure, context, trained), _by_hand(exposure, context, trained)
    assert {(int(r), int(t)) for r, t in np.argwhere(found.trained)} == set(expected)
    whole = (found.regional + found.national) * found.unit
    for (region, week), row in expected.items():
        np.testing.assert_allclose(whole[region, week], row, atol=1e-9)
    for week in range(40):
        here = [row for (_, t), row in expected.items() if t == week]
        np.testing.assert_allclose(found.national[week] * found.unit, np.mean(here, axis=0) if here else 0.0, atol=1e-9)
    np.testing.assert_allclose(found.unit, np.sqrt(np.mean(np.square(list(expected.values())), axis=0)), rtol=1e-9)
