import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from jax.flatten_util import ravel_pytree
from scipy.special import expit

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.accuracy import worse_than_mean
from deepcausalmmm_jax.inference import sample_posterior
from deepcausalmmm_jax.inference.sample_posterior import estimated, has_draws
from deepcausalmmm_jax.plots.report.findings import _of_intervals
from deepcausalmmm_jax.posterior import sample
from deepcausalmmm_jax.posterior.parameters import prior_medians, quantities


@pytest.fixture(scope="module")
def laplace(trained):
    """Draws without chains."""
    return dcm.sample_posterior(trained, 200, "laplace")


def test_a_national_fit_brings_its_intervals(national_ensemble):
    notes = national_ensemble.notes()
    assert (notes["share_low"] < notes["share"]).all()
    assert (notes["share"] < notes["share_high"]).all()
    assert (notes["share_low"] > 0).all()
    assert set(national_ensemble.sampling().index) == {"method", "draws", "pareto_k", "r_hat", "trusted"}


def test_the_estimate_is_the_mean_of_the_draws(national_ensemble):
    mean = national_ensemble.share_draws().mean()
    np.testing.assert_allclose(national_ensemble.notes()["share"], mean, rtol=0.02)


def test_contributions_still_add_up(national_ensemble):
    total = national_ensemble.contributions.sum("component")
    np.testing.assert_allclose(total, national_ensemble.predict(), rtol=1e-9)


def test_intervals_hold_the_truth_of_a_panel_like_the_model(national, national_ensemble):
    truth = 100 * national[1].parameters["share"]
    notes = national_ensemble.notes(level=0.98)
    assert ((notes["share_low"] < truth) & (truth < notes["share_high"])).all()


def test_training_finds_contributions_within_their_errors_and_forecasts_better_than_the_mean(national, trained):
    true, notes = 100 * national[1].parameters["share"], trained.notes()
    assert (np.abs(notes["share"] - true) < 2 * notes["share_error"]).all()
    assert (notes["share"] > 2 * notes["share_error"]).all()
    assert trained.metrics.loc["holdout", "rmse"] < trained.metrics.loc["holdout", "rmse_mean"]


@pytest.mark.slow
def test_without_links_no_draw_has_a_mediated_effect(national_ensemble):
    unlinked = _without_links(national_ensemble)
    table, incremental = unlinked.effects(), unlinked.draws("incremental_outcome")
    np.testing.assert_array_equal(table[["mediated", "mediated_low", "mediated_high"]], 0.0)
    np.testing.assert_array_equal(table[["total_low", "total_high"]], table[["direct_low", "direct_high"]])
    np.testing.assert_allclose(table["total_low"], incremental.quantile(0.05), rtol=1e-3)
    np.testing.assert_allclose(table["total_high"], incremental.quantile(0.95), rtol=1e-3)
    assert (table["total_low"] < table["total_high"]).all()


def _without_links(ensemble):
    def cut(variables):
        graph = {**variables["fitted"]["graph"], "kept": 0.0 * variables["fitted"]["graph"]["kept"]}
        return {**variables, "fitted": {**variables["fitted"], "graph": graph}}

    fitted = dataclasses.replace(ensemble.fitted, variables=cut(ensemble.fitted.variables))
    draws = dataclasses.replace(ensemble.replicates, variables=cut(ensemble.replicates.variables))
    return dcm.Ensemble(fitted, draws)


def test_the_same_seed_gives_the_same_draws(trained, laplace):
    again = dcm.sample_posterior(trained, 200, "laplace", seed=0)
    pd.testing.assert_frame_equal(again.share_draws(), laplace.share_draws())


def test_laplace_and_chains_agree_about_the_shares(laplace, national_ensemble):
    wide, narrow = laplace.notes(), national_ensemble.notes()
    width = narrow["share_high"] - narrow["share_low"]
    assert (np.abs(wide["share"] - narrow["share"]) < width / 2).all()
    assert np.isnan(laplace.sampling()["r_hat"])


def test_fewer_observed_weeks_leave_wider_intervals(national, trained, laplace):
    panel = national[0]
    weights = panel.weights.copy()
    weights[:, 20:80] = 0.0
    kpi = np.where(weights > 0, panel.kpi, 0.0)
    config = trained.config.replace(posterior=dcm.PosteriorSettings(method="none"))
    less = dcm.fit(dataclasses.replace(panel, kpi=kpi, weights=weights), config, progress=False)
    few, all_weeks = dcm.sample_posterior(less, 200, "laplace").notes(), laplace.notes()
    wider = (few["share_high"] / few["share_low"]) / (all_weeks["share_high"] / all_weeks["share_low"])
    assert np.log(wider).mean() > 0.1


def test_a_fit_with_its_draws_and_tables_prepares_the_panel_once(national_ensemble, drawn, prepared_weeks):
    quick_draws = dataclasses.replace(drawn.posterior, method="laplace")
    ensemble = dcm.fit(national_ensemble.panel, drawn.replace(posterior=quick_draws), progress=False)
    assert len(ensemble.notes()) == 2
    assert ensemble.predict().sizes["time"] == 104
    dcm.sample_posterior(ensemble, 60, "laplace")
    assert prepared_weeks == [104]


@pytest.mark.slow
def test_another_seed_moves_no_share_beyond_a_fraction_of_its_interval(trained, national_ensemble):
    other = dcm.sample_posterior(trained, 60, seed=11)
    notes = national_ensemble.notes()
    width = notes["share_high"] - notes["share_low"]
    assert (np.abs(other.notes()["share"] - notes["share"]) < 0.35 * width).all()


@pytest.mark.slow
def test_more_draws_are_more_positions_and_not_the_same_ones_again(trained, monkeypatch):
    monkeypatch.setattr(sample, "_SHORT", sample._SHORT._replace(moves=10))
    many = dcm.sample_posterior(trained, 375)  # more than twice what the chains have by themselves
    assert len(np.unique(many.replicates.coordinates, axis=0)) > 225  # a refused move stays where it was


def test_the_report_says_where_chains_have_not_mixed(national_ensemble):
    def words(r_hat):
        made = dataclasses.replace(national_ensemble.replicates, r_hat=r_hat)
        return _of_intervals(dcm.Ensemble(national_ensemble.fitted, made))

    assert "not converged" in words(2.0)
    assert "not converged" not in words(1.0)


def test_draws_survive_a_file(national_ensemble, tmp_path):
    kept = dcm.load(national_ensemble.save(tmp_path / "drawn"))
    pd.testing.assert_frame_equal(kept.notes(), national_ensemble.notes())
    assert kept.sampling()["trusted"] == national_ensemble.sampling()["trusted"]
    assert kept.fitted.trained is not None


@pytest.mark.slow
def test_refits_start_from_the_training_and_not_from_the_mean_of_the_draws(national_ensemble, trained):
    refits = dcm.bootstrap(national_ensemble, 2, checks=0, progress=False)
    np.testing.assert_allclose(refits.contributions, trained.contributions, rtol=1e-5)
    with pytest.raises(dcm.ConfigError, match="sample_posterior"):
        dcm.prior_sensitivity(refits)


@pytest.mark.slow
def test_a_channel_that_is_always_on_is_not_taken_for_nothing(drawn):
    """Carry-over that began before the first week: taken as zero there, such channels were found to do nothing."""
    rng = np.random.default_rng(2)
    weeks, lead = 104, 12
    exposure = rng.uniform(0.85, 1.15, (weeks + lead, 2))
    carried = np.zeros_like(exposure)
    for t in range(1, len(exposure)):
        carried[t] = 0.5 * carried[t - 1] + 0.5 * exposure[t]
    media = 40.0 * carried[lead:, 0] + 15.0 * carried[lead:, 1]
    frame = pd.DataFrame(
        {
            "time": pd.date_range("2022-01-03", periods=weeks, freq="7D"),
            "sales": 45.0 + media + rng.normal(0.0, 0.7, weeks),
            "tv": 1000.0 * exposure[lead:, 0],
            "search": 1000.0 * exposure[lead:, 1],
            "price": rng.normal(size=weeks),  # without effect; with it the shapes are those of `national`
        }
    )
    panel = dcm.Panel.from_dataframe(frame, time="time", kpi="sales", media=["tv", "search"], controls=["price"])
    notes = dcm.fit(panel, drawn, progress=False).notes()
    assert notes.loc["tv", "share"] > 20
    assert (notes["share_high"] > [40, 15]).all()
    assert not notes["note"].str.contains("tiny").any()


@pytest.mark.slow
def test_from_eight_regions_on_training_stands_unless_draws_are_asked_for(small_result, monkeypatch):
    automatic = dcm.Config()
    assert automatic.posterior.method == "auto"
    asked_for = dcm.Config(posterior=dcm.PosteriorSettings(method="laplace"))
    seven, eight = (dcm.simulate(n, 30, 1, 0)[0] for n in (7, 8))
    assert has_draws(automatic, seven)
    assert not has_draws(automatic, eight)
    assert has_draws(asked_for, eight)
    monkeypatch.setattr(sample_posterior, "_MANY_REGIONS", len(small_result.panel.regions))
    assert not isinstance(estimated(dataclasses.replace(small_result.fitted, config=automatic)), dcm.Ensemble)


@pytest.mark.slow
def test_several_regions_have_a_posterior_too(small_result):
    drawn = dcm.sample_posterior(small_result, 20, "laplace")
    table = drawn.notes()
    assert (table["share_low"] <= table["share_high"]).all()
    assert not table["note"].str.contains("too narrow").any()
    np.testing.assert_allclose(drawn.contributions.sum("component"), drawn.predict(), rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"draws": 5}, "20 or more"),
        ({"draws": True}, "whole number"),
        ({"method": "gibbs"}, "hmc, laplace"),
    ],
)
def test_bad_requests_are_named(trained, arguments, words):
    with pytest.raises(dcm.ConfigError, match=words):
        dcm.sample_posterior(trained, **arguments)


def test_the_papers_model_has_no_posterior(published_result):
    with pytest.raises(dcm.ConfigError, match="bootstrap"):
        dcm.sample_posterior(published_result)


def test_priors_say_what_they_imply(national):
    prior = dcm.prior_predictive(national[0], draws=2000)
    total = prior["share", "total"]
    assert total.between(0, 100).all()
    assert total.median() == pytest.approx(100 * dcm.PosteriorSettings().total_share, rel=0.1)
    wider = dcm.Config(posterior=dcm.PosteriorSettings(total_spread=2.0))
    assert dcm.prior_predictive(national[0], wider)["share", "total"].std() > total.std()
    assert {"share", "roi"} == set(prior.columns.get_level_values(0))


def test_sensitivity_to_the_prior_is_told_without_a_refit(national_ensemble):
    table = dcm.prior_sensitivity(national_ensemble)
    assert list(table.columns) == ["share", "share_half", "share_double", "error", "width", "sensitive"]
    np.testing.assert_allclose(table["share_half"] + table["share_double"], 2.0 * table["share"], rtol=1e-6)
    assert (table["error"] > 0).all()


def test_draws_of_an_earlier_versions_posterior_say_nothing_of_todays_priors(national_ensemble):
    own = national_ensemble.replicates
    fewer = dataclasses.replace(own, coordinates=own.coordinates[:, :-1])
    with pytest.raises(dcm.ConfigError, match=r"earlier version's posterior.*sample_posterior\(result\)"):
        dcm.prior_sensitivity(dcm.Ensemble(national_ensemble.fitted, fewer))


def held_at(share, sd, panel, drawn):
    """A fit with draws and a stated share of channel_1."""
    return dcm.fit(panel, drawn.replace(priors=dcm.Priors(share={"channel_1": (share, sd)})), progress=False)


@pytest.mark.slow
def test_a_share_that_its_stated_prior_holds_down_is_sensitive_to_it(national, drawn):
    """2% is stated where the weeks say more: half as strong a prior would let it rise."""
    row = dcm.prior_sensitivity(held_at(0.02, 0.005, national[0], drawn)).loc["channel_1"]
    assert row["share_half"] > row["share"] > row["share_double"]
    assert row["sensitive"]


@pytest.mark.slow
def test_a_share_known_from_its_stated_prior_alone_is_called_so(national, drawn, national_ensemble):
    assert "say little" in held_at(0.45, 0.02, national[0], drawn).notes().loc["channel_1", "note"]
    assert "say little" not in national_ensemble.notes().loc["channel_1", "note"]


@pytest.mark.slow
def test_an_estimate_is_the_mean_of_its_draws_whatever_regions_do(small_result):
    drawn = dcm.sample_posterior(small_result, 20, "laplace")
    np.testing.assert_allclose(drawn.notes()["share"], drawn.share_draws().mean(), rtol=2e-3)
    np.testing.assert_allclose(drawn.contributions.sum("component"), drawn.predict(), rtol=1e-6)


@pytest.mark.slow
def test_each_draw_has_the_shocks_of_its_own_coordinates(small_result):
    """Their variance beside that of a region's own residuals, from which a log link knows the mean of the KPI."""
    drawn = dcm.sample_posterior(small_result, 20, "laplace")
    trained, inputs, inside = sample_posterior.as_trained(drawn.fitted_panel.until_last_kpi)
    with jax.enable_x64(True):
        density, _ = sample.density_of(trained, inputs, inside)
        unravel = ravel_pytree(prior_medians(density.inputs))[1]
        found = [quantities(unravel(row), density.inputs, density.priors) for row in drawn.replicates.coordinates]
        shock = np.array([own.shock for own in found])
    params, fitted = (drawn.replicates.variables[name] for name in ("params", "fitted"))
    own = np.exp(2.0 * np.asarray(params["noise"]).mean(axis=1)) / (1.0 - expit(params["persistence"]) ** 2)
    np.testing.assert_allclose(fitted["shared"] * own, shock**2, rtol=1e-3)
    assert shock.std() > 0


def test_a_fit_worse_than_the_regional_mean_is_found_out():
    kpi = np.array([[1.0, 2.0, 3.0, 9.0]])
    weights = np.array([[1.0, 1.0, 1.0, 0.0]])
    assert worse_than_mean(kpi, kpi + 5.0, weights)
    assert not worse_than_mean(kpi, kpi + 0.1, weights)
    assert "failed" in dcm.FitStatus.WORSE_THAN_MEAN.sentence


@pytest.mark.slow
def test_the_density_of_draws_may_be_read_by_any_sampler(national_ensemble):
    """It is pure, its mode is one, and draws lie where it is high."""
    density = dcm.posterior_density(national_ensemble)
    drawn = national_ensemble.replicates.coordinates
    assert len(density.names) == len(set(density.names)) == drawn.shape[1]
    np.testing.assert_allclose(density.shares(drawn), national_ensemble.share_draws(), rtol=0.05, atol=0.05)
    with jax.enable_x64(True):
        value, slope = jax.jit(jax.value_and_grad(density))(jnp.asarray(density.mode))
        others = np.asarray(jax.jit(jax.vmap(density))(jnp.asarray(drawn[:10])))
        value, slope = np.asarray(value), np.asarray(slope)
    assert np.linalg.norm(slope) < 0.05
    assert (others < value).all()
    assert (others > value - 3 * len(density.names)).all()
    with jax.enable_x64(True):  # `jax.hessian` takes the derivative of the gradient in every direction, as here in one
        mode, one = jnp.asarray(density.mode), jnp.zeros(len(density.mode)).at[0].set(1e-5)
        gradient = jax.jit(jax.grad(density))
        moved = np.asarray(jax.jvp(gradient, (mode,), (one,))[1])
        expected = np.asarray(gradient(mode + one) - gradient(mode - one)) / 2.0
    np.testing.assert_allclose(moved, expected, rtol=1e-3, atol=1e-9)
    with pytest.raises(dcm.ConfigError, match=r"needs a vector of \d+ coordinates"):
        density(jnp.zeros(3))
