import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from typer.testing import CliRunner

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.app import app
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.io.grades import Grade
from deepcausalmmm_jax.trust.refutations import refute as module
from deepcausalmmm_jax.trust.refutations.judged import RULES, figure_of, grade_of, standard_errors
from deepcausalmmm_jax.trust.refutations.outcomes import Outcome
from deepcausalmmm_jax.trust.refutations.refute import _checked, _plan
from deepcausalmmm_jax.trust.refutations.wanted import RefutationTest, Request, wanted_refits

ASKED = ("placebo", "shuffled", "common_cause", "halves", "last_weeks", "noise", "seeds", "warm_start")


@pytest.fixture(scope="module")
def refutation(small_result):
    return dcm.refute(small_result, ASKED, refits=1, progress=False)


def request_for(result, **changes):
    panel = result.panel
    made = Request(panel, result.fitted.weights, result.notes()["share"].to_numpy(), 0, 2, 0, True, (4, 8), 10)
    return made._replace(**changes)


@pytest.mark.slow
def test_there_is_a_row_a_test_with_its_thresholds_and_source(refutation):
    table = refutation.table
    assert list(table["test"]) == list(ASKED)
    assert (table["look_above"] < table["fail_above"]).all()
    assert set(table["grade"]) <= {str(grade) for grade in Grade}
    assert (table[["meaning", "source", "changed"]] != "").all().all()
    assert refutation.worst in Grade


@pytest.mark.slow
def test_details_have_a_row_a_refit_and_channel_and_give_the_figures(refutation, small_panel):
    details = refutation.details
    refits = details.groupby("test")["changed"].nunique()
    assert refits["shuffled"] == refits["last_weeks"] == 3
    assert refits["halves"] == 2
    assert len(details) == 3 * refits.sum() + 1  # the placebo's refit has one channel more
    seeds = details[details["test"] == "seeds"]
    figure = refutation.table.set_index("test").loc["seeds", "figure"]
    assert seeds["moved"].abs().max() == pytest.approx(figure)
    ranks = seeds["rank_before"].to_numpy()
    assert sorted(ranks) == [1, 2, 3]
    assert (seeds["roi"] > 0).all()


@pytest.mark.slow
def test_all_refits_share_one_program(small_result, refutation, limit_traces):
    limit_traces(0)  # compiled by the refutation before
    again = dcm.refute(small_result, ASKED, refits=1, progress=False)
    pd.testing.assert_frame_equal(again.details, refutation.details)


@pytest.mark.parametrize("test", RefutationTest)
def test_a_figure_is_graded_by_its_two_thresholds(test):
    rule = RULES[test]
    assert grade_of(rule.look, rule) is Grade.PASS
    assert grade_of(rule.fail, rule) is Grade.LOOK
    assert grade_of(1.01 * rule.fail, rule) is Grade.FAIL
    assert grade_of(float("nan"), rule) is Grade.LOOK


def test_halves_of_the_regions_are_disjoint_and_complete(small_result):
    halves = [one for one in wanted_refits(request_for(small_result), (RefutationTest.HALVES,)) if one.test]
    np.testing.assert_array_equal(sum(one.emphasis for one in halves), 1.0)
    assert [int(one.emphasis.sum()) for one in halves] == [2, 2]


def test_with_one_region_the_halves_are_halves_of_the_weeks(national_ensemble):
    halves = [one for one in wanted_refits(request_for(national_ensemble), (RefutationTest.HALVES,)) if one.test]
    learned = np.stack([one.weights[0] > 0 for one in halves])
    np.testing.assert_array_equal(learned.sum(axis=0), national_ensemble.fitted.weights[0] > 0)
    assert [one.label for one in halves] == ["first half of the weeks", "second half of the weeks"]


def test_with_one_region_blocks_of_weeks_get_random_weights(national_ensemble):
    """One weight for all weeks says nothing of the spread: more refits would make standard errors ever smaller."""
    spread = wanted_refits(request_for(national_ensemble), ())[1:]
    for one in spread:
        blocks = one.emphasis[0, : national_ensemble.fitted.n_training_weeks].reshape(-1)
        assert len(set(blocks[:8])) == 1
        assert len(set(blocks)) == -(-len(blocks) // 8)
    assert len({one.emphasis[0, 0] for one in spread}) == len(spread) == 8


def test_a_region_that_says_nothing_hinders_no_test(small_result):
    silent = small_result.fitted.weights * np.array([0.0, 1.0, 1.0, 1.0])[:, None]  # as where its KPI is constant
    asked = wanted_refits(request_for(small_result, weights=silent), (RefutationTest.PLACEBO, RefutationTest.HALVES))
    assert [one.test for one in asked if one.test] == ["placebo"] * 2 + ["halves"] * 2
    assert sum(one.emphasis for one in asked if one.test == "halves")[:, 0].tolist() == [0, 1, 1, 1]


def test_half_of_the_weeks_in_which_a_channel_is_off_air_is_left_out(national_ensemble):
    panel = national_ensemble.panel
    late = panel.exposure * np.where((np.arange(len(panel.weeks)) < 60)[:, None], [0.0, 1.0], 1.0)
    asked = request_for(national_ensemble, panel=dataclasses.replace(panel, exposure=late))
    halves = [one.label for one in wanted_refits(asked, (RefutationTest.HALVES,)) if one.test]
    assert halves == ["second half of the weeks"]


def test_dropped_weeks_are_the_last_that_the_fit_learned_from(small_result):
    dropped = [one for one in wanted_refits(request_for(small_result), (RefutationTest.LAST_WEEKS,)) if one.test]
    last = small_result.fitted.n_training_weeks
    assert [int(one.weights.any(axis=0).sum()) for one in dropped] == [last - 4, last - 8]


def test_the_largest_channels_are_shuffled(small_result):
    shuffled = wanted_refits(request_for(small_result, most_channels=1), (RefutationTest.SHUFFLED,))
    largest = small_result.notes()["share"].idxmax()
    assert [one.channel for one in shuffled if one.test] == [largest]


def test_standard_errors_from_a_few_refits_keep_the_proportions_that_the_fit_states(small_result):
    base = wanted_refits(request_for(small_result), ())[0]
    rng = np.random.default_rng(0)
    stated = np.array([0.2, 0.4, 0.8])
    spread = [Outcome(base, 10.0 + 2.0 * stated * rng.normal(size=3), stated, None, stated) for _ in range(8)]
    spread = [one._replace(share=np.where([True, False, False], 10.0, one.share)) for one in spread]
    errors = standard_errors(spread, stated)
    assert 0.1 <= errors[0] < errors[1] < errors[2]  # refits that happen to agree do not make an error of 0
    np.testing.assert_array_equal(standard_errors([], np.array([0.5, np.nan])), [0.5, 0.1])


@pytest.mark.parametrize(("error", "kept"), [(np.nan, 0.4), (0.5, 0.4), (3.0, 0.0)])
def test_a_shuffled_channel_keeps_nothing_that_its_draws_do_not_tell_from_zero(small_result, error, kept):
    base, *shuffled = wanted_refits(request_for(small_result, spread=False), (RefutationTest.SHUFFLED,))
    unknown, share = np.full(3, error), np.array([10.0, 5.0, 5.0])
    before = Outcome(base, share, share, None, unknown)
    after = [Outcome(one, 0.4 * share, share, None, unknown) for one in shuffled]
    found = figure_of(RefutationTest.SHUFFLED, before, after, np.ones(3), np.ones(3))
    assert found.value == pytest.approx(kept)


def test_a_start_from_the_estimate_is_no_test_of_draws(national_ensemble):
    """They start from the prior's median and from random positions, by the same seed, wherever training ended."""
    with pytest.raises(dcm.ConfigError, match="could not fail; leave it out: seeds starts everything elsewhere"):
        dcm.refute(national_ensemble, ["seeds", "warm_start"], refits=1, progress=False)
    tests = _checked(national_ensemble, None, 1, None, None)
    assert tests == tuple(test for test in RefutationTest if test is not RefutationTest.WARM_START)


def test_it_says_how_far_an_update_is_from_the_new_fit_that_is_tested(small_result, monkeypatch):
    """Refits start from scratch, so that their estimate is not the one that an update went on to."""
    anew = small_result.notes()["share"].to_numpy() + np.array([0.5, -3.0, 1.0])
    unknown = np.full(3, np.nan)
    monkeypatch.setattr(module, "run_refits", lambda refits, *_: refits)
    monkeypatch.setattr(
        module, "trained_outcomes", lambda refits, _: [Outcome(one, anew, anew, None, unknown) for one in refits]
    )
    monkeypatch.setattr(module, "standard_errors", lambda *_: np.full(3, 2.0))
    record = small_result.fitted.record
    record = dataclasses.replace(record, origin=dataclasses.replace(record.origin, updated_from="earlier data"))
    updated = dcm.FitResult(dataclasses.replace(small_result.fitted, record=record))
    said = dcm.refute(updated, ["seeds"], refits=1, progress=False).estimator
    assert "whose shares differ from the run's by up to 1.5 standard errors (channel_2)" in said
    assert "updates" not in dcm.refute(small_result, ["seeds"], refits=1, progress=False).estimator


def test_refits_to_days_of_several_regions_get_no_draws_as_no_fit_to_them_does(small_result, small_ensemble):
    """Such draws come from `sample_posterior` alone; refits that have none ended in a bare `AssertionError`."""
    panel, config = small_result.panel, small_result.config
    days = pd.date_range("2024-01-01", periods=len(panel.weeks), name=panel.weeks.name)
    fitted = dataclasses.replace(
        small_result.fitted,
        trained=small_result.fitted.variables,
        panel=dataclasses.replace(panel, weeks=days, cadence=Cadence.DAILY),
        config=config.replace(posterior=dataclasses.replace(config.posterior, method="auto")),
    )
    drawn = dcm.Ensemble(fitted, small_ensemble.replicates)
    assert _checked(drawn, ["warm_start"], 1, None, None) == (RefutationTest.WARM_START,)


@pytest.mark.slow
def test_below_eight_regions_refits_get_draws_like_the_estimate(national_ensemble):
    found = dcm.refute(national_ensemble, "seeds", refits=1, progress=False)
    assert found.estimator.startswith("Shares are means of draws")
    share = national_ensemble.notes()["share"].to_numpy()
    before = found.details["share_before"].to_numpy()
    np.testing.assert_allclose(before, share, atol=2.0 * national_ensemble.notes()["share_error"].max())
    errors = national_ensemble.notes()["share_error"].to_numpy()
    np.testing.assert_allclose(found.details["standard_error"], np.fmax(errors, 0.1))


@pytest.mark.slow
def test_it_is_shown_as_a_page_a_figure_and_files(refutation, tmp_path):
    assert f">{refutation.table['grade'].iloc[0]}</span>" in refutation._repr_html_()
    figure = refutation.plot()
    assert isinstance(figure, go.Figure)
    assert len(figure.data[0].x) == len(ASKED)
    refutation.to_csv(tmp_path)
    written = pd.read_csv(tmp_path / "refutation.csv")
    assert list(written["test"]) == list(ASKED)
    assert len(pd.read_csv(tmp_path / "refutation_details.csv")) == len(refutation.details)
    assert "tests" in repr(refutation)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tests": ["plasebo"]}, "There is no test 'plasebo'; did you mean 'placebo'"),
        ({"tests": []}, "needs at least one test; there are placebo"),
        ({"refits": 0}, "refits must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"engine": "gpu"}, "engine must be one of threads"),
        ({"seed": -1}, "seed must be"),
        ({"devices": "gpu"}, "JAX finds no gpu"),
    ],
)
def test_bad_requests_are_refused_in_one_sentence(small_result, changes, said):
    with pytest.raises(dcm.ConfigError, match=said):
        dcm.refute(small_result, **changes)


def test_what_is_no_fit_of_the_default_model_is_refused(small_panel):
    with pytest.raises(dcm.ConfigError, match="refute needs the result of a fit, got Panel"):
        dcm.refute(small_panel)


@pytest.mark.slow
def test_the_command_writes_the_tables_and_says_what_was_not_passed(small_result, tmp_path):
    small_result.save(tmp_path / "fit.npz")
    arguments = ["refute", str(tmp_path), "--out", str(tmp_path / "out"), "--test", "seeds", "--refits", "1", "--quiet"]
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 0, ran.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"refutation.csv", "refutation_details.csv", "unmeasured_confounding.csv"}
    assert "seeds" in ran.output
    assert "robustness_value_interval" in ran.output


@pytest.mark.slow
def test_below_eight_regions_the_plans_compared_are_those_of_draws(national_ensemble, monkeypatch):
    """As the plan of the result itself: at the end of training the best plan is another one."""
    planned = []

    def planning(result, limit):
        planned.append(result)
        return SimpleNamespace(channels=pd.DataFrame({"spend_plan": result.media_summary()["roi"]}))

    monkeypatch.setattr("deepcausalmmm_jax.trust.refutations.refute.optimize_budget", planning)
    table = dcm.refute(national_ensemble, ["plan"], refits=1, progress=False).table.set_index("test")
    assert [isinstance(one, dcm.Ensemble) for one in planned] == [True, True]
    before, after = (one.media_summary()["roi"] for one in planned)
    moved = (after - before).abs().sum() / (2.0 * before.sum())
    assert table.loc["plan", "figure"] == pytest.approx(moved)


@pytest.mark.parametrize(("after", "figure", "channel"), [([60.0, 40.0], 0.1, "tv"), ([50.0 + 1e-13, 50.0], 0.0, "")])
def test_a_plan_that_moves_by_rounding_alone_moves_no_channel(monkeypatch, after, figure, channel):
    plans = iter([[50.0, 50.0], after])

    def planning(result, limit):
        return SimpleNamespace(channels=pd.DataFrame({"spend_plan": next(plans)}, index=["tv", "radio"]))

    monkeypatch.setattr("deepcausalmmm_jax.trust.refutations.refute.optimize_budget", planning)
    panel = SimpleNamespace(channels=("tv", "radio"))
    base, dropped = (
        SimpleNamespace(refit=SimpleNamespace(test=test, weeks=8, label="", panel=panel), result=object())
        for test in (None, RefutationTest.LAST_WEEKS)
    )
    found, _, _ = _plan(base, [dropped])
    assert found.value == pytest.approx(figure)
    assert found.channel == channel
