"""What the data cannot tell is unknown: no standard error of 0, no interval of width 0, no fit of weeks that are not there."""

import dataclasses

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.innovations import _new
from deepcausalmmm_jax.attribution.intervals import interval, standard_error
from deepcausalmmm_jax.attribution.notes import CLEAR, NoteKind, clear_or_not
from deepcausalmmm_jax.data.checks import refuse_unfit
from deepcausalmmm_jax.results.ensemble import Ensemble

PANEL = dcm.simulate(4, 60, 2, 1, seed=0)[0]
R, T = PANEL.kpi.shape


def observed(mask, panel=PANEL):
    return dataclasses.replace(panel, weights=np.where(mask, panel.weights, 0.0))


def exposed(values, panel=PANEL):
    exposure = panel.exposure.copy()
    exposure[:, :, 0] = values
    return dataclasses.replace(panel, exposure=exposure)


@given(st.lists(st.integers(0, T - 1), min_size=R, max_size=R, unique=True), st.integers(1, 11))
@settings(max_examples=30, deadline=None)
def test_weeks_of_different_regions_do_not_add_up(firsts, n_weeks):
    """Staggered so, four regions with 11 weeks each have a KPI in up to 44 different weeks."""
    mask = np.zeros((R, T), bool)
    for region, first in enumerate(firsts):
        mask[region, (first + np.arange(n_weeks)) % T] = True
    panel = observed(mask)
    with pytest.raises(dcm.DataError, match="12 training weeks|is the same in all training weeks"):
        refuse_unfit(panel, panel.weights)


def test_one_region_with_enough_weeks_is_enough():
    mask = np.zeros((R, T), bool)
    mask[0, :12], mask[1:, 5] = True, True
    panel = observed(mask)
    refuse_unfit(panel, panel.weights)


SEEN = np.broadcast_to(np.arange(T) >= 30, (R, T))
BUT_SEEN = {
    "constant": (np.where(SEEN, 1.0, PANEL.exposure[:, :, 0]), "never varies over the training weeks with a KPI"),
    "zero": (np.where(SEEN, 0.0, PANEL.exposure[:, :, 0]), "zero in all training weeks that have a KPI"),
    "identical": (
        np.where(SEEN, PANEL.exposure[:, :, 1], PANEL.exposure[:, :, 0]),
        "identical in the weeks with a KPI",
    ),
}


@pytest.mark.parametrize("name", BUT_SEEN)
def test_a_channel_is_judged_by_the_weeks_with_a_kpi(name):
    values, message = BUT_SEEN[name]
    panel = exposed(values, observed(SEEN))
    with pytest.raises(dcm.DataError, match=message):
        refuse_unfit(panel, panel.weights)


def test_a_channel_that_varies_only_where_the_kpi_is_constant_is_refused():
    kpi = np.where(np.arange(R)[:, None] == 0, 50.0, PANEL.kpi)
    values = np.where(np.arange(R)[:, None] == 0, PANEL.exposure[:, :, 0], 1.0)
    panel = exposed(values, dataclasses.replace(PANEL, kpi=kpi))
    with pytest.raises(dcm.DataError, match="never varies"):
        refuse_unfit(panel, panel.weights)


@given(st.integers(0, 5), st.floats(-5, 5))
@settings(max_examples=30, deadline=None)
def test_draws_that_do_not_differ_give_no_error(count, value):
    assert np.isnan(standard_error(np.full((count, 3), value))).all()


def test_an_error_is_that_of_the_draws():
    draws = np.random.default_rng(0).normal(size=(500, 2)) * [1.0, 3.0]
    np.testing.assert_allclose(standard_error(draws), [1.0, 3.0], rtol=0.1)
    low, high = interval(draws, 0.9)
    assert (low < high).all()


def test_one_draw_has_no_interval():
    assert np.isnan(interval(np.ones((1, 3)), 0.9)).all()


@pytest.mark.parametrize(("z", "kinds"), [(np.nan, [NoteKind.UNKNOWN_ERROR]), (CLEAR, []), (1.0, [NoteKind.NO_CLEAR_EFFECT])])  # fmt: skip
def test_an_unknown_error_is_said(z, kinds):
    assert [note.kind for note in clear_or_not(z)] == kinds


def test_an_ensemble_of_one_refit_knows_no_errors_but_the_fits(small_ensemble, small_result):
    made = small_ensemble.replicates
    first = {name: _first(tree) for name, tree in made.variables.items()}
    one = Ensemble(small_ensemble.fitted, dataclasses.replace(made, variables=first, status=made.status[:1], epochs=made.epochs[:1]))  # fmt: skip
    notes = one.notes()
    assert notes[["share_low", "share_high"]].isna().all(axis=None)
    np.testing.assert_allclose(notes["share_error"], small_result.notes()["share_error"])
    assert not notes["distinguishable"].any()
    assert one.media_summary()[["roi_low", "roi_high"]].isna().all(axis=None)


def test_refits_are_not_surer_of_a_share_than_the_fit(small_ensemble, small_result):
    made, by_fit = small_ensemble.replicates, small_result.notes()["share_error"]
    still = dict(small_ensemble.replicates.variables)
    same = Ensemble(small_ensemble.fitted, dataclasses.replace(made, variables=_all_as_the_first(still)))
    assert (same.notes()["share_error"] >= 0.999 * by_fit).all()
    assert (small_ensemble.notes()["share_error"] >= 0.999 * by_fit).all()


def _all_as_the_first(tree):
    return {
        name: _all_as_the_first(leaf) if isinstance(leaf, dict) else np.repeat(np.asarray(leaf)[:1], len(leaf), axis=0)
        for name, leaf in tree.items()
    }


def _first(tree):
    return {name: _first(leaf) if isinstance(leaf, dict) else leaf[:1] for name, leaf in tree.items()}


@pytest.mark.parametrize("every", [1, 2, 3])
def test_errors_of_a_fit_are_above_zero_whatever_the_gaps(small_result, every):
    """Also where no two weeks with a KPI follow each other."""
    weights = small_result.fitted.weights * ((51 - np.arange(60)) % every == 0)  # week 51 is the last of the training
    sparse = dcm.FitResult(dataclasses.replace(small_result.fitted, weights=weights))
    errors = sparse.notes()["share_error"]
    assert (errors > 0).all()
    if every > 1:
        assert (errors > 0.3 * small_result.notes()["share_error"]).all()  # fewer weeks, not more certainty


def test_weeks_too_few_for_the_terms_give_no_errors(small_result):
    weights = small_result.fitted.weights * (np.arange(60) >= 50)
    short = dcm.FitResult(dataclasses.replace(small_result.fitted, weights=weights))
    assert short.notes()["share_error"].isna().all()


@example(seed=50776, persistence=0.375, every=3)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 0.9), st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_innovations_over_gaps_have_the_same_spread_and_no_correlation(seed, persistence, every):
    """As far as the persistence is known: over three weeks a small one leaves a correlation too small to be measured."""
    rng = np.random.default_rng(seed)
    series = np.zeros((8, 400))
    shocks = rng.normal(size=series.shape)
    for t in range(1, 400):
        series[:, t] = persistence * series[:, t - 1] + shocks[:, t]
    used = np.broadcast_to(np.arange(400) % every == 0, series.shape)
    new, weight = _new(series[:, :, None], used)
    seen = (weight > 0) & used
    kept = (new[:, :, 0] * weight)[seen].reshape(8, -1)
    sure = 4.0 / np.sqrt(kept.size)  # four standard errors of a correlation
    found = np.clip(persistence**every + sure * np.array([1.0, -1.0]), 0.0, 0.98) ** (1.0 / every)
    low, high = np.sqrt((1.0 - found**2) / (1.0 - persistence**2))
    assert low * (1.0 - sure) < kept.std() < high * (1.0 + sure)
    assert abs(np.corrcoef(kept[:, 1:].ravel(), kept[:, :-1].ravel())[0, 1]) < 0.1
