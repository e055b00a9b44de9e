"""Intervals of refits are at least as wide as the errors of the fit."""

import dataclasses

import jax
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.channel_errors import channel_covariance, channel_errors
from deepcausalmmm_jax.attribution.diagnostics import share_covariance, share_errors
from deepcausalmmm_jax.attribution.least_width import at_least_as_wide, relative_errors
from deepcausalmmm_jax.attribution.shares import shares
from deepcausalmmm_jax.axes import ALL_MEDIA, PAID_MEDIA

pytestmark = pytest.mark.slow

_NORMAL_90 = 1.6449  # quantile at 95%


def _row(value, low, high, name="roi"):
    return pd.DataFrame({name: [value], f"{name}_low": [low], f"{name}_high": [high]}, index=["tv"])


@pytest.mark.parametrize(
    ("row", "error", "ends"),
    [
        (_row(2.0, 1.9, 2.1), 0.2, (2.0 - 0.4 * _NORMAL_90, 2.0 + 0.4 * _NORMAL_90)),
        (_row(2.0, 0.5, 5.0), 0.2, (0.5, 5.0)),  # refits that spread further stay
        (_row(2.0, 1.9, 9.0), 0.2, (2.0 - 0.4 * _NORMAL_90, 9.0)),
        (_row(0.01, 0.009, 0.011), 300.0, (0.0, 0.01 + 3.0 * _NORMAL_90)),  # media do not take KPI away
        (_row(10.0, 9.0, 11.0, "cpik"), 0.2, (10.0 / (1.0 + 0.2 * _NORMAL_90), 10.0 / (1.0 - 0.2 * _NORMAL_90))),
        (_row(10.0, 9.0, 11.0, "cpik"), 2.0, (10.0 / (1.0 + 2.0 * _NORMAL_90), np.inf)),  # the effect may be nothing
        (_row(2.0, 1.9, 2.1), np.nan, (1.9, 2.1)),
        (_row(2.0, 1.9, 2.1, "cpik"), np.nan, (1.9, 2.1)),
        (_row(2.0, np.nan, np.nan), 0.2, (np.nan, np.nan)),
        (_row(np.nan, np.nan, np.nan), 0.2, (np.nan, np.nan)),
    ],
)
def test_an_interval_reaches_at_least_as_far_as_the_error_says(row, error, ends):
    name = row.columns[0]
    found = at_least_as_wide(row, np.array([error]), 0.9)
    np.testing.assert_allclose(found[[f"{name}_low", f"{name}_high"]].to_numpy()[0], ends, rtol=1e-3)


@given(
    st.floats(1e-6, 1e6),
    st.floats(0.0, 1.0),
    st.floats(1.0, 9.0),
    st.floats(0.0, 1e3),
    st.sampled_from(["roi", "cpik"]),
)
def test_no_interval_gets_narrower_and_a_higher_level_never_narrows_it(value, down, up, error, name):
    row = _row(value, down * value, up * value, name)
    half, most = (at_least_as_wide(row, np.array([error]), level) for level in (0.5, 0.9))
    for wider, narrower in ((half, row), (most, half)):
        assert wider[f"{name}_low"].iloc[0] <= narrower[f"{name}_low"].iloc[0]
        assert wider[f"{name}_high"].iloc[0] >= narrower[f"{name}_high"].iloc[0]
    assert most[f"{name}_low"].iloc[0] >= 0.0


def test_the_error_of_a_total_lies_between_that_by_the_fit_and_that_of_channels_all_missed_one_way(small_result):
    fit, names = small_result.fitted_panel, list(small_result.panel.channels)
    covariance, share = share_covariance(fit), shares(fit)
    paid = np.array([True, True, False])
    found = relative_errors(fit, covariance, [*names, ALL_MEDIA, PAID_MEDIA], paid)
    np.testing.assert_allclose(found[:3] * share, share_errors(fit), rtol=1e-9)
    for at, counted in ((3, slice(0, 3)), (4, slice(0, 2))):
        by_fit, one_way = covariance[counted, counted].sum(), np.sqrt(np.diag(covariance))[counted].sum() ** 2
        assert (found[at] * share[counted].sum()) ** 2 == pytest.approx(0.5 * by_fit + 0.5 * one_way)


def test_covariances_are_those_of_a_law_and_errors_their_diagonal(small_result):
    covariance = channel_covariance(small_result.fitted_panel)
    np.testing.assert_allclose(covariance, covariance.T, rtol=1e-9)
    assert np.linalg.eigvalsh(covariance).min() > -1e-9 * np.trace(covariance)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), channel_errors(small_result.fitted_panel))


def test_refits_that_agree_do_not_claim_more_than_the_fit_knows(small_ensemble):
    """Every refit the same: all that is left is what the fit does not know."""
    made = small_ensemble.replicates
    same = jax.tree.map(lambda own: np.repeat(own[:1], 4, axis=0), made.variables)
    ensemble = dcm.Ensemble(small_ensemble.fitted, dataclasses.replace(made, variables=same))
    notes, summary, figures = ensemble.notes(), ensemble.media_summary(), ensemble.summary()
    error = 100 * share_errors(ensemble.fitted_panel)
    expected = notes["share"] + _NORMAL_90 * error
    assert (notes["share_high"] >= 0.999 * expected).all()
    assert (notes["share_low"] <= np.maximum(notes["share"] - 0.999 * _NORMAL_90 * error, 0.0) + 1e-9).all()
    for table, column in ((summary, "incremental_outcome"), (summary, "pct_of_contribution"), (figures, "roi")):
        assert (table[f"{column}_high"] > table[f"{column}_low"]).all()
    total = figures.loc[ALL_MEDIA]
    relative = relative_errors(
        ensemble.fitted_panel, share_covariance(ensemble.fitted_panel), [ALL_MEDIA], np.ones(3, bool)
    )[0]
    assert total["roi_high"] >= 0.999 * total["roi"] * (1.0 + _NORMAL_90 * relative)


def test_draws_from_the_posterior_keep_their_own_intervals(national_ensemble):
    notes, drawn = national_ensemble.notes(), national_ensemble.share_draws()
    np.testing.assert_allclose(notes["share_low"], drawn.quantile(0.05), rtol=1e-9)
    np.testing.assert_allclose(notes["share_high"], drawn.quantile(0.95), rtol=1e-9)


def test_the_paper_model_has_no_errors_so_refits_stand_alone(small_panel):
    result = dcm.fit(small_panel, dcm.Config.paper(hidden_size=4, epochs=20, warm_start_epochs=5), progress=False)
    ensemble = dcm.bootstrap(result, 3, checks=0, progress=False)
    drawn = ensemble.share_draws()
    np.testing.assert_allclose(ensemble.notes()["share_high"], drawn.quantile(0.95), rtol=1e-9)
