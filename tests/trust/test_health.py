"""The health card says what a careful analyst would say of results of known kinds, and why."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.io.grades import Grade
from deepcausalmmm_jax.training.fitted import LiftsBefore
from deepcausalmmm_jax.trust.estimate_checks import baseline_row, media_share_row, returns_row, total_roi
from deepcausalmmm_jax.trust.evidence_checks import experiment_row, refutation_row
from deepcausalmmm_jax.trust.fit_checks import (
    _binomial_quantile,
    autocorrelation_row,
    sampling_row,
    skill_row,
    starts_row,
    training_row,
)
from deepcausalmmm_jax.trust.health_card import HealthCard, HealthCheck, HealthRow, verdict_of
from tests.planning.test_plan_advice import plan_with
from tests.trust.kinds import KINDS, VERDICTS, of_kind, with_panel


@pytest.fixture(scope="module")
def kinds(national_ensemble, unsure_ensemble):
    return {kind: of_kind(kind, national_ensemble, unsure_ensemble) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_verdict_is_that_of_a_careful_analyst(kinds, kind):
    card = dcm.health(kinds[kind])
    assert card.verdict is VERDICTS[kind], card
    assert card.reason.endswith(".")
    assert not card.reason[0].islower()


def test_what_nobody_looked_at_is_neither_good_nor_bad(kinds):
    table = dcm.health(kinds["strong"]).table.set_index("check")
    assert list(table.loc[["refutations", "experiments", "starting points"], "grade"]) == ["not run"] * 3


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("strong", "return more than they cost"),
        ("losing", "return less than they cost"),
        ("no spend", "No spend was given"),
        ("unstable", "raining has not converged"),
    ],
)
def test_the_reason_names_what_decided(kinds, kind, words):
    assert words in dcm.health(kinds[kind]).reason


def test_every_check_has_one_row_with_a_grade_and_a_figure(kinds):
    card = dcm.health(kinds["strong"])
    assert [row.check for row in card.rows] == list(HealthCheck)
    assert (card.table["figure"] != "").all()
    assert set(card.table.columns) == {"check", "grade", "figure", "threshold", "advice"}
    asking = card.table["grade"].isin(["look", "fail"])
    assert (card.table.loc[asking, "advice"] != "").all()


def test_returns_that_no_business_earns_are_not_used(kinds):
    strong = kinds["strong"]
    absurd = with_panel(strong, spend=strong.panel.spend / 100.0)
    card = dcm.health(absurd)
    assert card.verdict is dcm.Verdict.DO_NOT_USE
    assert returns_row(absurd).grade is Grade.FAIL
    assert "ROI of" in card.reason


def test_without_revenue_returns_have_no_bound(kinds):
    strong = kinds["strong"]
    plain = with_panel(strong, spend=strong.panel.spend / 100.0, revenue_per_kpi=None)
    assert returns_row(plain).grade is Grade.NOT_RUN


def test_the_total_return_is_revenue_over_spend_and_inside_its_interval(kinds):
    result = kinds["strong"]
    summary, (roi, low, high) = result.media_summary(), total_roi(result)
    worth = result.panel.revenue_per_kpi.mean()
    expected = summary["incremental_outcome"].sum() * worth / summary["spend"].sum()
    np.testing.assert_allclose(roi, expected, rtol=1e-6)
    assert low < high
    assert total_roi(kinds["no spend"]) is None


def test_a_fit_without_draws_is_to_be_tested_first(trained):
    card = dcm.health(dcm.FitResult(at_rest_fit(trained)))
    assert card.verdict is dcm.Verdict.TEST_FIRST
    assert "no intervals" in card.reason


def at_rest_fit(result):
    return dataclasses.replace(
        result.fitted, record=dataclasses.replace(result.fitted.record, status=dcm.FitStatus.CONVERGED)
    )


@pytest.mark.parametrize(
    ("status", "grade"),
    [
        (dcm.FitStatus.CONVERGED, Grade.PASS),
        (dcm.FitStatus.COMPLETED, Grade.PASS),
        (dcm.FitStatus.WORSE_THAN_MEAN, Grade.FAIL),
    ],
)
def test_training_is_graded_by_how_it_ended(national_ensemble, status, grade):
    record = dataclasses.replace(national_ensemble.fitted.record, status=status)
    assert training_row(dcm.FitResult(dataclasses.replace(national_ensemble.fitted, record=record))).grade is grade


def test_training_that_ended_while_its_objective_fell_fails(kinds):
    row = training_row(kinds["unstable"])
    assert row.grade is Grade.FAIL
    assert "stopped after 25 epochs" in row.figure


def test_training_that_came_to_rest_without_saying_so_only_asks_for_a_look(national_ensemble):
    record = national_ensemble.fitted.record
    flat = dataclasses.replace(record, status=dcm.FitStatus.EPOCH_LIMIT, objective=np.full(100, 1.5))
    row = training_row(dcm.FitResult(dataclasses.replace(national_ensemble.fitted, record=flat)))
    assert row.grade is Grade.LOOK
    assert row.threshold == "converged"  # not a figure that the fit meets


@pytest.mark.parametrize(("cadence", "steps"), [("weekly", 8), ("daily", 56), ("monthly", 2)])
def test_the_holdout_that_is_advised_is_eight_weeks_on_any_calendar(national_ensemble, cadence, steps):
    fitted = national_ensemble.fitted
    panel = dataclasses.replace(fitted.panel, cadence=Cadence(cadence))
    row = skill_row(dcm.FitResult(dataclasses.replace(fitted, panel=panel, weights=panel.weights)))
    assert row.advice == f"Fit with holdout={steps}."


@pytest.mark.parametrize(
    ("skill", "grade"), [(0.4, Grade.PASS), (0.0, Grade.PASS), (-0.3, Grade.LOOK), (-1.5, Grade.FAIL)]
)
def test_a_forecast_is_graded_beside_the_best_naive_one(kinds, skill, grade):
    result = dcm.FitResult(kinds["strong"].fitted)
    result.metrics = pd.DataFrame({"skill": [np.nan, skill]}, index=["train", "holdout"])
    assert skill_row(result).grade is grade


@pytest.mark.parametrize(
    ("r_hat", "grade"), [(1.05, Grade.PASS), (1.5, Grade.LOOK), (3.0, Grade.FAIL), (np.nan, Grade.FAIL)]
)
def test_chains_that_have_not_mixed_are_seen(kinds, r_hat, grade):
    strong = kinds["strong"]
    made = dataclasses.replace(strong.replicates, method="nuts", r_hat=r_hat)
    assert sampling_row(dcm.Ensemble(strong.fitted, made)).grade is grade


@pytest.mark.parametrize(
    ("failed", "share", "grade"), [(0, "0%", Grade.PASS), (6, "9%", Grade.PASS), (15, "20%", Grade.FAIL)]
)
def test_refits_that_failed_are_counted_though_they_are_left_out(kinds, failed, share, grade):
    strong = kinds["strong"]
    made = dataclasses.replace(strong.replicates, status=np.ones(60, int), coordinates=None)
    row = sampling_row(dcm.Ensemble(strong.fitted, dataclasses.replace(made, method="weights", failed=failed)))
    assert (row.figure, row.grade) == (f"{share} of {60 + failed} refits failed", grade)


@pytest.mark.parametrize(("first", "grade"), [(0.1, Grade.PASS), (0.5, Grade.LOOK), (-0.9, Grade.FAIL)])
def test_residuals_that_last_for_weeks_are_seen(kinds, first, grade, monkeypatch):
    table = pd.DataFrame({"region": [first], "national": [0.0], "bound": [0.2]}, index=[1])
    monkeypatch.setattr(dcm.FitResult, "residual_autocorrelation", lambda self: table)
    row = autocorrelation_row(kinds["strong"])
    assert row.grade is grade
    assert ("alternate" in row.advice) == (first < -0.3)  # errors that change sign do not last


@pytest.mark.parametrize(("below", "grade"), [(0, Grade.PASS), (4, Grade.LOOK), (50, Grade.FAIL)])
def test_a_baseline_below_zero_is_seen_in_the_draws(kinds, below, grade, monkeypatch):
    draws = np.where(np.arange(100) < below, -1.0, 1.0)
    monkeypatch.setattr(dcm.Ensemble, "baseline_draws", lambda self: draws)
    assert baseline_row(kinds["strong"]).grade is grade


def around_zero(result, regions):
    """The same estimates of a panel whose KPI lies around zero in some regions."""
    kpi = result.panel.kpi.copy()
    kpi[regions] -= 1.02 * kpi[regions].mean(axis=1, keepdims=True)
    panel = dataclasses.replace(result.panel, kpi=kpi)
    return dcm.FitResult(dataclasses.replace(result.fitted, panel=panel))


def with_kpi_below_zero(result, regions):
    """The same estimates of a panel whose KPI is once below zero in some regions."""
    kpi = result.panel.kpi.copy()
    kpi[regions, 5] = -1.0
    panel = dataclasses.replace(result.panel, kpi=kpi)
    return dcm.FitResult(dataclasses.replace(result.fitted, panel=panel))


def test_a_baseline_that_nobody_could_check_has_not_passed(small_result):
    row = baseline_row(with_kpi_below_zero(small_result, slice(None)))
    assert row.grade is Grade.NOT_RUN
    assert "sales itself is below zero at times in every region" in row.figure


@pytest.mark.parametrize(
    ("regions", "words"),
    [([], "of the region-weeks"), ([0], "of the region-weeks of the 3 regions of 4 whose KPI never is"),
     ([0, 1, 3], "of the region-weeks of the 1 region of 4 whose KPI never is")],
)  # fmt: skip
def test_the_baseline_is_checked_in_regions_whose_kpi_is_never_negative_and_says_so(small_result, regions, words):
    assert baseline_row(with_kpi_below_zero(small_result, regions)).figure.endswith(words)


@pytest.mark.parametrize(
    ("regions", "of"),
    [([], "predicted sales"), ([0], "predicted sales (its size in regions where it lies around zero)"),
     (range(4), "the size of sales (which lies around zero)")],
)  # fmt: skip
def test_the_share_of_media_is_of_what_it_says(small_result, regions, of):
    result = around_zero(small_result, list(regions))
    summary, row = result.media_summary(), media_share_row(result)
    whole = summary["incremental_outcome"].sum() / (summary["pct_of_contribution"].sum() / 100.0)
    predicted = np.where(result.panel.past, result.fitted_panel.prediction, 0.0).sum()
    assert (whole == pytest.approx(predicted, rel=1e-6)) == (not len(regions))
    assert f"% of {of}" in row.figure


def test_checks_without_anything_to_compare_have_not_passed(kinds, monkeypatch):
    nothing = pd.DataFrame({"region": [np.nan], "national": [np.nan], "bound": [0.2]}, index=[1])
    monkeypatch.setattr(dcm.FitResult, "residual_autocorrelation", lambda self: nothing)
    assert autocorrelation_row(kinds["strong"]).grade is Grade.NOT_RUN
    single = pd.DataFrame({"difference": [9.0], "spread": [np.nan]}, index=["tv"])
    monkeypatch.setattr(dcm.Ensemble, "warm_start_check", lambda self: single)
    assert starts_row(kinds["strong"]).grade is Grade.NOT_RUN


def test_the_baseline_of_the_draws_is_the_prediction_less_media(kinds):
    result = kinds["strong"]
    media = result.draws("incremental_outcome").shape[0]
    base = result.baseline_draws()
    assert base.shape == (media,)
    whole = float(result.predict().sum()) - float(
        result.weekly_contributions()[list(result.panel.channels)].sum().sum()
    )
    assert abs(base.mean() / whole - 1.0) < 0.1


def refutation_of(*grades):
    table = pd.DataFrame({"test": [f"test {i}" for i in range(len(grades))], "grade": list(grades)})
    return dcm.Refutation(table=table, details=pd.DataFrame(), estimator="", seconds=0.0)


@pytest.mark.parametrize(
    ("grades", "grade", "verdict"),
    [
        (("pass", "pass"), Grade.PASS, dcm.Verdict.ACT),
        (("pass", "look"), Grade.LOOK, dcm.Verdict.TEST_FIRST),
        (("fail", "look"), Grade.FAIL, dcm.Verdict.DO_NOT_USE),
    ],
)
def test_refutations_decide(kinds, grades, grade, verdict):
    assert refutation_row(refutation_of(*grades)).grade is grade
    assert dcm.health(kinds["strong"], refutation_of(*grades)).verdict is verdict


def test_an_experiment_that_the_model_contradicts_is_named(kinds, monkeypatch):
    table = pd.DataFrame({"channel": ["channel_1", "channel_2"], "z": [0.3, -2.5], "conflict": [False, True]})
    monkeypatch.setattr(dcm.Ensemble, "lift_tests", lambda self: table)
    assert experiment_row(kinds["strong"]).grade is Grade.LOOK
    card = dcm.health(kinds["strong"])
    assert card.verdict is dcm.Verdict.TEST_FIRST
    assert "experiment on channel_2" in card.reason


def test_an_experiment_that_cannot_be_compared_does_not_count_as_one_that_agrees(small_result):
    panel, tests = small_result.panel, []
    for name in panel.channels[:2]:
        tests.append(dcm.LiftTest(name, panel.week_label(20), panel.week_label(23), lift=1e3, standard_error=1e3))
    config = small_result.config.replace(experiments=tuple(tests))
    for sd, grade, told in (
        ([1e3, 1e3], Grade.PASS, "2 of 2 agree with the model"),
        ([1e3, np.nan], Grade.PASS, "1 of 2 agree with the model; 1 cannot be compared"),
        ([np.nan, np.nan], Grade.NOT_RUN, "0 of 2 agree with the model; 2 cannot be compared"),
    ):
        before = LiftsBefore(np.array([1e3, 1e3]), np.array(sd))
        fitted = dataclasses.replace(small_result.fitted, config=config, lifts_before=before)
        row = experiment_row(dcm.FitResult(fitted))
        assert (row.grade, row.figure[: len(told)]) == (grade, told)


def test_a_plan_beyond_the_exposure_of_training_asks_for_a_look(kinds):
    plan = dataclasses.replace(plan_with(1.0, 2.0), table=pd.DataFrame({"extrapolation": [True, False]}))
    card = dcm.health(kinds["strong"], plan=plan)
    (row,) = [row for row in card.rows if row.check is HealthCheck.RANGE]
    assert row.grade is Grade.LOOK
    assert "50% of its cells" in row.figure


@pytest.mark.parametrize("given", ["run", None, 3])
def test_what_is_no_result_is_refused(given):
    with pytest.raises(dcm.ConfigError, match="needs the result of a fit"):
        dcm.health(given)


def test_what_is_no_refutation_is_refused(kinds):
    with pytest.raises(dcm.ConfigError, match="must be the result of refute, got str"):
        dcm.health(kinds["strong"], "all fine")


def test_one_failure_outweighs_everything_and_a_look_decides_only_where_it_is_said_to():
    fine = HealthRow(HealthCheck.DATA, Grade.PASS, "")
    minor = HealthRow(HealthCheck.SKILL, Grade.LOOK, "", reason="")
    open_point = HealthRow(HealthCheck.CLEAR, Grade.LOOK, "", decides=True, reason="no channel is clear")
    broken = HealthRow(HealthCheck.TRAINING, Grade.FAIL, "", reason="it failed")
    assert verdict_of((fine, minor), "Go.") == (dcm.Verdict.ACT, "Go.")
    assert verdict_of((fine, open_point), "Go.") == (dcm.Verdict.TEST_FIRST, "No channel is clear.")
    assert verdict_of((open_point, broken), "Go.") == (dcm.Verdict.DO_NOT_USE, "It failed.")


def test_the_card_is_drawn_and_printed_with_every_check():
    rows = tuple(
        HealthRow(check, grade, "<b>", "x") for check, grade in zip(HealthCheck, list(Grade) * 4, strict=False)
    )
    card = HealthCard(rows, dcm.Verdict.TEST_FIRST, "Because.")
    figure = card.plot()
    assert set(figure.data[0].y) == {check.value for check in HealthCheck}
    assert "test first" in figure.layout.title.text
    assert "<b>" not in card._repr_html_()
    assert "Because." in repr(card)
    assert card.worst is Grade.FAIL


@pytest.mark.parametrize("trials", [1, 2, 5, 8, 37, 400])
@pytest.mark.parametrize("probability", [0.001, 0.02, 0.5, 0.99])
def test_the_least_coverage_by_chance_is_the_quantile_of_a_binomial_law(trials, probability):
    assert _binomial_quantile(probability, trials, 0.9) == stats.binom.ppf(probability, trials, 0.9)


def test_an_objective_that_rises_is_not_said_to_fall(national_ensemble):
    record = dataclasses.replace(
        national_ensemble.fitted.record, status=dcm.FitStatus.EPOCH_LIMIT, objective=np.linspace(1.0, 1.05, 100)
    )
    row = training_row(dcm.FitResult(dataclasses.replace(national_ensemble.fitted, record=record)))
    assert "objective rising by 0.005" in row.figure
