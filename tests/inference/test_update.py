"""The next month of a run: from its last estimate, with its scales, and with what moved and why."""

import dataclasses
from functools import partial

import jax
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.inference import warm_refit
from deepcausalmmm_jax.inference.update import _with_old_weeks
from deepcausalmmm_jax.model.parameters import Parameters
from deepcausalmmm_jax.training.estimate import start_state
from deepcausalmmm_jax.training.longer_panel import on_longer_panel
from deepcausalmmm_jax.training.prepare import design_of, prepare
from deepcausalmmm_jax.training.room import without_room


@pytest.fixture(scope="module")
def run(earlier_result):
    return earlier_result


@pytest.fixture(scope="module")
def revised_panel(small_panel):
    exposure = small_panel.exposure.copy()
    exposure[0, :6, 1] *= 1.3
    return dataclasses.replace(small_panel, exposure=exposure)


@pytest.fixture(scope="module")
def made(run, small_panel):
    return dcm.update(run, small_panel, progress=False)


@pytest.fixture(scope="module")
def made_with_revisions(run, revised_panel):
    return dcm.update(run, revised_panel, progress=False)


def test_the_new_result_covers_the_new_weeks_and_keeps_the_scales(made, run, small_panel):
    assert made.result.panel.weeks.equals(small_panel.weeks)
    assert made.result.fitted.n_training_weeks == 52
    for now, then in zip(made.result.fitted.scales, run.fitted.scales, strict=True):
        np.testing.assert_array_equal(now, then)
    assert made.result.config == run.config
    assert made.result.provenance.updated_from == run.provenance.fingerprint
    assert made.new_weeks == tuple(small_panel.week_label(at) for at in range(56, 60))
    assert made.previous is run


def test_shares_add_up_to_what_is_predicted_although_the_scales_are_those_of_other_weeks(made):
    result = made.result
    summary, fit = result.media_summary(), result.fitted_panel
    share = 100 * summary["incremental_outcome"] / fit.prediction[result.panel.past].sum()
    np.testing.assert_allclose(summary["pct_of_contribution"], share, rtol=1e-5)
    assert (result.fitted.scales.kpi != fit.kpi_size).any()
    np.testing.assert_allclose(fit.size_over_mean(), 0.0, atol=1e-9 * fit.kpi_size.max())


def test_what_moved_adds_up(made_with_revisions):
    moved = made_with_revisions.moved
    parts = moved[["new_weeks", "revised", "both", "refit"]].sum(axis=1)
    np.testing.assert_allclose(parts, moved["change"], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(moved["after"] - moved["before"], moved["change"])
    assert (moved["revised"] != 0).any()
    assert (moved["new_weeks"] != 0).any()


def test_with_new_weeks_alone_all_of_the_change_is_theirs(made):
    np.testing.assert_array_equal(made.moved["new_weeks"], made.moved["change"])
    assert (made.moved[["revised", "both", "refit"]] == 0).all(axis=None)
    assert made.revised.empty


def test_revised_figures_are_listed_and_summed_up(made_with_revisions):
    revised = made_with_revisions.revised
    assert set(revised["column"]) == {"channel_2"}
    np.testing.assert_allclose(revised["after"] / revised["before"], 1.3)
    assert f"{len(revised)} figures of the old weeks revised in channel_2" in made_with_revisions.summary()
    assert "4 new weeks" in made_with_revisions.summary()
    assert "channel_2" in made_with_revisions._repr_html_()


def test_revisions_alone_are_an_update_too(run, revised_panel):
    made = dcm.update(run, revised_panel.select(weeks=slice(0, 56)), progress=False)
    np.testing.assert_array_equal(made.moved["revised"], made.moved["change"])
    assert made.new_weeks == ()


def test_a_panel_without_anything_new_is_refused(run):
    with pytest.raises(dcm.DataError, match="nothing to update"):
        dcm.update(run, run.panel, progress=False)


def test_the_holdout_is_that_of_the_run_unless_another_is_given(run, made, small_panel):
    assert made.result.holdout == run.holdout == 8
    assert dcm.update(run, small_panel, 4, progress=False).result.holdout == 4


def test_the_updates_of_a_quarter_share_their_compiled_programs(run, small_panel, made, limit_traces):
    limit_traces(0)
    fewer = small_panel.select(weeks=slice(0, 58))
    dcm.update(run, fewer, progress=False)


@pytest.mark.slow
def test_the_draws_and_figures_of_a_quarters_updates_share_their_compiled_programs_too(national_ensemble):
    def programs(more):
        """Of an update with so many weeks more, and of what a user reads of it, the programs that are traced."""
        traced = []
        listener = lambda event, _, **named: traced.append(named.get("fun_name")) if "trace" in event else None  # noqa: E731
        jax.monitoring.register_event_duration_secs_listener(listener)
        dcm.update(national_ensemble, _continued(national_ensemble.panel, more), progress=False).result.notes()
        jax.monitoring.unregister_event_duration_listener(listener)
        return traced

    assert {"_evaluate", "model_parameters", "complete_variables", "_earned"} <= set(programs(1))
    assert programs(4) == []


def _continued(panel, more):
    """The panel with its first weeks once more after its last."""
    names = ("kpi", "weights", "present", "exposure", "control", "spend", "revenue_per_kpi")
    arrays = {name: getattr(panel, name) for name in names}
    longer = {name: np.concatenate([array, array[:, :more]], axis=1) for name, array in arrays.items()}
    weeks = panel.weeks.append(panel.weeks[-1] + (panel.weeks[1 : more + 1] - panel.weeks[0]))
    return dataclasses.replace(panel, weeks=weeks, **longer)


@pytest.mark.slow
def test_the_refits_of_a_bootstrap_must_be_made_again(small_ensemble, small_panel):
    panel = small_panel.select(weeks=slice(0, 60))
    kpi = panel.kpi.copy()
    kpi[0, 0] *= 1.05
    made = dcm.update(small_ensemble, dataclasses.replace(panel, kpi=kpi), progress=False)
    assert made.needs_refits
    assert not isinstance(made.result, dcm.Ensemble)
    assert "call bootstrap" in made.summary()


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (lambda run, panel: ("run", panel), dcm.ConfigError, "needs the result of a fit"),
        (lambda run, panel: (run, panel.to_dataframe()), dcm.DataError, "needs a Panel"),
        (lambda run, panel: (run, panel.select(weeks=slice(0, 50))), dcm.DataError, "lacks the weeks"),
        (lambda run, panel: (run, panel.select(regions=list(panel.regions[:3]))), dcm.DataError, "lacks the region"),
    ],
    ids=["no result", "no panel", "fewer weeks", "fewer regions"],
)
def test_bad_input_is_refused_in_one_sentence(run, small_panel, given, error, message):
    with pytest.raises(error, match=message):
        dcm.update(*given(run, small_panel), progress=False)


def test_a_run_of_the_papers_model_is_refused(run, small_panel):
    paper = dcm.FitResult(dataclasses.replace(run.fitted, config=dcm.Config.paper()))
    with pytest.raises(dcm.ConfigError, match="fit it again"):
        dcm.update(paper, small_panel, progress=False)


def _untrained(run, config):
    """Variables of a fit with other settings, at random values."""
    ready = prepare(run.panel, run.fitted.weights, config)
    start = partial(start_state, design=ready.design, schedule=ready.schedule)
    weights = np.asarray(run.fitted.weights, np.float32)
    shapes = jax.eval_shape(start, jax.random.key(0), ready.inputs, weights, ready.hyperparameters).parameters
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda array: rng.normal(size=array.shape).astype(np.float32), shapes)
    return {"params": params, "fitted": run.fitted.variables["fitted"]}


@pytest.mark.parametrize("spacing", [1, 4])
def test_trends_and_paths_go_on_at_their_last_value(run, spacing):
    config = run.config.replace(knot_spacing=spacing)
    knots = run.fitted.variables if spacing == 1 else _untrained(run, config)
    own = Parameters.of(knots["params"])
    raised = np.zeros(len(run.panel.regions), np.float32)
    longer = Parameters.of(on_longer_panel(knots, config, 48, 52, raised, 60, 20)["params"])
    assert longer.trend.shared.shape == (60,)
    np.testing.assert_allclose(longer.trend.shared[-1], own.trend.shared[-1], rtol=1e-5)
    np.testing.assert_allclose(longer.coefficients.path[-1], own.coefficients.path[-1], rtol=1e-5)
    assert longer.trend.region.shape == (len(run.panel.regions), 20)
    if spacing == 1:
        np.testing.assert_array_equal(longer.trend.shared[:48], own.trend.shared)


def test_everything_else_is_kept(run):
    variables = run.fitted.variables
    raised = np.full(len(run.panel.regions), 0.5, np.float32)
    longer = on_longer_panel(variables, run.config, 48, 48, raised, 48, 5)
    design = dataclasses.replace(design_of(run.fitted), n_knots=40, n_region_knots=4)
    own, now = Parameters.of(variables["params"]), Parameters.of(longer["params"])
    np.testing.assert_allclose(now.mean, own.mean + 0.5)
    jax.tree.map(np.testing.assert_array_equal, now.media, own.media)
    jax.tree.map(np.testing.assert_array_equal, now.coefficients, own.coefficients)
    cut = Parameters.of(without_room(longer, design)["params"])
    assert cut.trend.shared.shape == (40,)
    assert cut.trend.region.shape[1] == 4


@pytest.mark.slow
def test_a_national_run_is_drawn_anew_from_its_old_draws(national_ensemble, national):
    old = dataclasses.replace(national_ensemble.fitted, panel=national[0])
    kpi = national[0].kpi.copy()
    kpi[0, :3] *= 1.02
    made = dcm.update(national_ensemble, dataclasses.replace(national[0], kpi=kpi), progress=False)
    result = made.result
    assert isinstance(result, dcm.Ensemble)
    assert result.from_posterior
    assert result.replicates.warm_start
    assert not made.needs_refits
    assert old.config == result.config
    moved = made.moved.loc["share"]
    assert (moved["z"].abs() < 1.5).all()


def test_an_earlier_panel_gives_its_figures_of_reach_and_frequency_too(reached_panel):
    """A revised frequency is no new week."""
    before = reached_panel.select(weeks=slice(0, 56))
    often = reached_panel.frequency.copy()
    often[:, :20, 0] *= 1.2
    joined = _with_old_weeks(dataclasses.replace(reached_panel, frequency=often), before)
    np.testing.assert_array_equal(joined.frequency[:, :56], before.frequency)
    np.testing.assert_array_equal(joined.frequency[:, 56:], reached_panel.frequency[:, 56:])


@pytest.mark.slow
def test_what_the_kpi_alone_says_of_a_test_is_asked_again_without_the_test(small_panel, small_result, quick):
    """Else an update would take the demand that the test had shown for granted, and the conflict would be gone."""
    days = tuple(str(small_panel.weeks[at].date()) for at in (20, 27))
    shown = -dcm.scenario(small_result, dcm.Change("channel_2", 0.0, weeks=days)).query("by == 'all'")["change"].iloc[0]
    tests = (dcm.LiftTest("channel_2", *days, 0.2 * shown, 0.02 * shown),)
    run = dcm.fit(small_panel.select(weeks=slice(0, 56)), quick.replace(experiments=tests), progress=False)
    updated = dcm.update(run, small_panel, progress=False).result
    before, after = (result.lift_tests().iloc[0] for result in (run, updated))
    assert before["model_after"] < 0.5 * before["model_before"]
    assert after["model_before"] == pytest.approx(before["model_before"], rel=0.1)
    assert after["model_after"] == pytest.approx(before["model_after"], rel=0.2)
    assert after["z"] == pytest.approx(before["z"], rel=0.2)


def test_weeks_that_had_been_planned_are_new_once_they_have_a_kpi(run, small_panel):
    weights = small_panel.weights.copy()
    weights[:, 56:] = 0.0
    planned = dataclasses.replace(small_panel, weights=weights)
    before = dcm.FitResult(
        dataclasses.replace(run.fitted, panel=planned, weights=np.pad(run.fitted.weights, ((0, 0), (0, 4))))
    )
    bought = dataclasses.replace(small_panel, exposure=small_panel.exposure.copy())
    bought.exposure[:, 57] += 1.0  # more than was planned: no figure of an old week was revised
    made = dcm.update(before, bought, progress=False)
    assert made.new_weeks == tuple(small_panel.week_label(at) for at in range(56, 60))
    assert made.revised.empty
    np.testing.assert_array_equal(made.moved["new_weeks"], made.moved["change"])


@pytest.mark.slow
def test_weeks_that_had_been_planned_move_no_figure_by_what_was_revised_before_them(
    run, small_panel, revised_panel, made_with_revisions
):
    """The same run without planned weeks says what was revised: both learned from the same weeks."""
    weights = np.where(np.arange(60) < 56, small_panel.weights, 0.0)
    learned = np.pad(run.fitted.weights, ((0, 0), (0, 4)))
    fitted = dataclasses.replace(run.fitted, panel=dataclasses.replace(small_panel, weights=weights), weights=learned)
    made = dcm.update(dcm.FitResult(fitted), revised_panel, progress=False)
    parts = ["new_weeks", "revised", "both", "refit"]
    np.testing.assert_allclose(made.moved[parts], made_with_revisions.moved[parts], rtol=1e-4, atol=1e-4)


def test_where_only_the_holdout_differs_nothing_new_is_made_responsible(run):
    made = dcm.update(run, run.panel, 4, progress=False)
    assert made.new_weeks == ()
    np.testing.assert_array_equal(made.moved["refit"], made.moved["change"])


def test_planned_weeks_teach_nothing_and_are_made_responsible_for_nothing(run, small_panel):
    weights = np.where(np.arange(60) < 56, small_panel.weights, 0.0)
    planned = dataclasses.replace(small_panel, weights=weights, kpi=small_panel.kpi * (weights > 0))
    made = dcm.update(run, planned, progress=False)
    assert made.new_weeks == tuple(small_panel.week_label(at) for at in range(56, 60))
    np.testing.assert_array_equal(made.moved["refit"], made.moved["change"])  # it was all that of the new weeks
    assert not made.moved["new_weeks"].any()
    first, last = made.new_weeks[0], made.new_weeks[-1]
    assert f"4 new weeks ({first} to {last}), without a KPI; no figure" in made.summary()


def test_figures_of_planned_weeks_are_not_those_of_the_run(small_panel, run):
    kpi, weights = small_panel.kpi.copy(), small_panel.weights.copy()
    kpi[:, 56:], weights[:, 56:] = 0.0, 0.0
    planned = dataclasses.replace(small_panel, kpi=kpi, weights=weights)
    old = _with_old_weeks(small_panel, planned)
    np.testing.assert_array_equal(old.kpi, small_panel.kpi)


def test_a_part_that_is_none_is_no_negative_zero(made):
    assert not np.signbit(made.moved["revised"]).any()


def test_a_run_that_had_not_converged_is_said_to_move_by_training_on(made, made_with_revisions):
    assert made.previous.status is dcm.FitStatus.EPOCH_LIMIT
    assert "may come from training on, not from the new weeks." in made.summary()
    assert "training on" not in made_with_revisions.summary()  # `refit` says how much


@pytest.mark.slow
def test_the_new_result_has_draws_where_the_run_has_and_none_where_it_has_none(small_result, small_panel):
    """A mean of draws beside the end of training is another estimate: the difference was put down to the new weeks."""
    revised = dataclasses.replace(small_panel, kpi=small_panel.kpi * np.linspace(1.0, 1.01, 60))
    many = small_result.config.replace(posterior=dcm.PosteriorSettings(method="auto", draws=60))
    run = dcm.FitResult(dataclasses.replace(small_result.fitted, config=many))
    assert not isinstance(dcm.update(run, revised, progress=False).result, dcm.Ensemble)
    asked = dcm.sample_posterior(small_result, 20, "laplace", seed=5)
    again = dcm.update(asked, revised, progress=False).result
    assert isinstance(again, dcm.Ensemble)
    made = again.replicates
    assert (made.method, len(made), made.seed) == ("laplace", 20, 5)


def test_an_update_says_where_its_new_draws_are_not_to_be_trusted(made, national_ensemble):
    def told(pareto_k):
        drawn = dataclasses.replace(national_ensemble.replicates, method="laplace", pareto_k=pareto_k)
        return dataclasses.replace(made, result=dcm.Ensemble(national_ensemble.fitted, drawn)).summary()

    assert "Laplace's method miss the posterior: treat the new estimates and their errors as rough" in told(1.04)
    assert "rough" not in told(0.3)


def test_what_the_kpi_alone_says_of_a_test_is_estimated_like_the_run(earlier_result, small_panel, monkeypatch):
    """A mean of draws beside the end of training is another estimate: the difference was put down to the test."""
    test = dcm.LiftTest("channel_2", *(str(small_panel.weeks[at].date()) for at in (20, 27)), 9000.0, 900.0)
    config = earlier_result.config.replace(experiments=(test,), posterior=dcm.PosteriorSettings(method="laplace"))
    run = dcm.FitResult(dataclasses.replace(earlier_result.fitted, config=config))  # as of a bootstrap: without draws
    untrained = run.fitted.record  # from where the run ended, so that both estimates are of the same variables
    monkeypatch.setattr(warm_refit, "_trained", lambda before, problem, start, *_: (start, untrained))
    row = dcm.update(run, small_panel, progress=False).result.lift_tests().iloc[0]
    assert row["model_before"] == pytest.approx(row["model_after"], rel=1e-5)
