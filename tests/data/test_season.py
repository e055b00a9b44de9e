import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.season import n_season_terms, season_basis


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


@pytest.mark.parametrize("freq", ["7D", "MS", "QS"])
def test_longer_steps_have_the_season_of_the_year_alone(freq):
    basis = season_basis(panel(freq), dcm.Config())
    assert basis.shape == (60, 4) == (60, n_season_terms(panel(freq).cadence, dcm.Config()))


def test_the_season_of_months_follows_their_dates():
    basis = season_basis(panel("MS"), dcm.Config())
    np.testing.assert_allclose(basis[:12], basis[48:], atol=0.04)  # four years later, whatever the length of months
