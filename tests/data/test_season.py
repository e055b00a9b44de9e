import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.season import free_season_basis, n_season_terms, peak_terms, season_basis


def panel(freq, n=60):
    table = pd.DataFrame({"when": pd.date_range("2022-01-01", periods=n, freq=freq), "sales": 1.0, "tv": 1.0})
    return dcm.Panel.from_dataframe(table, time="when", kpi="sales", media=["tv"])


def test_six_terms_make_any_pattern_of_the_week_with_mean_zero():
    days = season_basis(panel("D", 70), dcm.Config(harmonics=0))
    assert days.shape == (70, 6) == (70, n_season_terms(Cadence.DAILY, dcm.Config(harmonics=0)))
    assert n_season_terms(Cadence.DAILY, dcm.Config(harmonics=3)) == 12
    pattern = np.random.default_rng(0).normal(size=7)
    wanted = np.tile(pattern - pattern.mean(), 10)
    found, *_ = np.linalg.lstsq(days, wanted)
    np.testing.assert_allclose(days @ found, wanted, atol=1e-9)


def test_every_day_of_the_week_has_the_same_prior():
    days = season_basis(panel("D", 7), dcm.Config(harmonics=0))
    np.testing.assert_allclose((days**2).sum(axis=1), 16.0)


@pytest.mark.parametrize(("freq", "terms"), [("7D", 12), ("MS", 12), ("QS", 4)])
def test_longer_steps_have_the_season_of_the_year_alone_and_no_more_pairs_than_they_tell_apart(freq, terms):
    basis = season_basis(panel(freq), dcm.Config())
    assert basis.shape == (60, terms) == (60, n_season_terms(panel(freq).cadence, dcm.Config()))
    alike = dcm.Config(harmonics=7, harmonic_decay=0.0)
    assert season_basis(panel(freq), alike).shape == (60, 14) == (60, n_season_terms(panel(freq).cadence, alike))


@pytest.mark.parametrize(
    ("decay", "scales"), [(1.0, (1, 1, 2 / 3, 2 / 4, 2 / 5)), (2.0, (1, 1, 4 / 9, 4 / 16, 4 / 25))]
)
def test_the_scale_of_a_pair_beyond_the_second_falls_with_its_number(decay, scales):
    basis = season_basis(panel("7D"), dcm.Config(harmonics=5, harmonic_decay=decay))
    np.testing.assert_allclose(np.hypot(basis[:, :5], basis[:, 5:]), np.broadcast_to(scales, (60, 5)))


@pytest.mark.parametrize(("config", "least", "most"), [(dcm.Config(), 0.95, 1.0), (dcm.Config(harmonics=2), 0.0, 0.7)])
def test_a_peak_of_six_weeks_before_the_end_of_the_year_is_a_season_of_six_pairs_not_of_two(config, least, most):
    basis = season_basis(panel("7D", 156), config)
    peak = np.exp(-0.5 * (((np.arange(156) + 5) % 52.18 - 49) / 2.5) ** 2)
    columns = np.column_stack([np.ones(156), basis])
    left = peak - columns @ np.linalg.lstsq(columns, peak)[0]
    assert least < 1 - left.var() / peak.var() < most


@pytest.mark.parametrize(
    ("config", "columns"),
    [
        (dcm.Config(), [0, 1, 6, 7]),
        (dcm.Config(harmonics=1), [0, 1]),
        (dcm.Config(harmonic_decay=0.0), list(range(12))),
    ],
)
def test_least_squares_may_take_out_the_pairs_that_no_prior_holds_back(config, columns):
    found, every = (own(panel("7D"), config) for own in (free_season_basis, season_basis))
    np.testing.assert_array_equal(found, every[:, columns])


@pytest.mark.parametrize(
    ("freq", "config", "pairs"),
    [
        ("7D", dcm.Config(), [0, 0, 1, 1, 1, 1]),
        ("MS", dcm.Config(harmonics=3), [0, 0, 1]),
        ("QS", dcm.Config(), [0, 0]),
        ("7D", dcm.Config(harmonics=3, harmonic_decay=0.0), [0, 0, 0]),
    ],
)
def test_pairs_beyond_the_second_have_a_prior_scale_of_their_own_unless_all_are_alike(freq, config, pairs):
    np.testing.assert_array_equal(peak_terms(panel(freq).cadence, config), 2 * pairs)


def test_days_of_the_week_are_no_peaks_of_the_year():
    np.testing.assert_array_equal(peak_terms(Cadence.DAILY, dcm.Config(harmonics=3)), 2 * [0, 0, 1] + 6 * [0])


def test_the_season_of_months_follows_their_dates():
    basis = season_basis(panel("MS"), dcm.Config())
    np.testing.assert_allclose(basis[:12], basis[48:], atol=0.04)  # four years later, whatever the length of months
