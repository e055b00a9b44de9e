"""Under a log link effects multiply; what is shown of them adds up to the KPI by one stated rule."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.by_replicate import contributed, earned
from deepcausalmmm_jax.attribution.channel_errors import channel_errors
from deepcausalmmm_jax.attribution.forecast_intervals import forecast_draws
from deepcausalmmm_jax.attribution.forward import predictions
from deepcausalmmm_jax.attribution.horizon import past_weeks
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.inputs import inputs_from
from deepcausalmmm_jax.data.kpi_link import scaled_kpi
from deepcausalmmm_jax.data.scaling import scales_from
from deepcausalmmm_jax.inference.posterior_density import PosteriorDensity
from deepcausalmmm_jax.model.link import residual_variance
from deepcausalmmm_jax.model.share_prior import lost_shares
from deepcausalmmm_jax.planning.cells import cells_of
from deepcausalmmm_jax.planning.outcome import Outcome
from deepcausalmmm_jax.plots.composition import donut_parts
from deepcausalmmm_jax.plots.report.credited import credited_tables
from deepcausalmmm_jax.plots.report.findings import findings
from deepcausalmmm_jax.plots.report.sections import sections_of
from deepcausalmmm_jax.plots.report.tables import _media
from tests.attribution.log_results import with_log_link

LINKS = ("identity", "log")
TEST = dcm.LiftTest("channel_1", "2022-03-07", "2022-04-03", lift=100.0, standard_error=20.0)


@pytest.fixture(scope="module")
def result(small_ensemble: dcm.Ensemble) -> dcm.Ensemble:
    made = with_log_link(small_ensemble)
    assert isinstance(made, dcm.Ensemble)
    return made


@pytest.fixture(scope="module")
def expected(result: dcm.Ensemble) -> np.ndarray:
    """The KPI that the model expects, from its log: `[region, week]`."""
    fit = result.fitted_panel
    half = 0.5 * np.asarray(residual_variance(fit.internals), np.float64)[:, None]
    return fit.scales.kpi[:, None] * np.exp(fit.scaled_terms.prediction() - 1.0 + half)


def test_the_model_reads_the_same_numbers_as_of_the_additive_panel(small_result, result):
    fit, used = result.fitted_panel, result.fitted.weights > 0
    read = scaled_kpi(fit.panel, fit.weights, fit.scales.kpi, "log")
    plain = small_result.panel.kpi / small_result.fitted.scales.kpi[:, None]
    np.testing.assert_allclose(read[used], plain[used], rtol=1e-9)
    np.testing.assert_allclose(fit.inputs.kpi, small_result.fitted_panel.inputs.kpi, atol=1e-5)


def test_contributions_add_up_to_the_expected_kpi(result, expected):
    np.testing.assert_allclose(result.contributions.sum("component").values, expected, rtol=1e-12)


def test_the_prediction_is_the_mean_so_that_totals_are_those_of_the_kpi(result, expected):
    used = result.fitted.weights > 0
    assert expected[used].sum() == pytest.approx(result.panel.kpi[used].sum(), rel=0.02)
    assert (
        expected > np.exp(result.fitted_panel.scaled_terms.prediction() - 1.0) * result.fitted.scales.kpi[:, None]
    ).all()


def test_media_together_are_what_is_lost_without_them(result, expected):
    fit = result.fitted_panel
    lost = -expected * np.expm1(-fit.scaled_terms.media.sum(axis=-1))
    media = result.contributions.sel(component=list(result.panel.channels)).sum("component").values
    np.testing.assert_allclose(media, lost, rtol=1e-12)
    later = slice(26, None)  # what carries over from before the first week stays when a channel goes
    np.testing.assert_allclose(fit.incremental[:, later].sum(axis=-1), lost[:, later], rtol=1e-3)
    assert fit.lost(0.0).sum() > lost.sum()  # one channel at a time, each counting what the others multiply


def test_every_term_keeps_its_sign(result):
    terms, fit = result.contributions, result.fitted_panel
    for name, scaled in zip(result.panel.controls, np.moveaxis(fit.scaled_terms.control, -1, 0), strict=True):
        assert (np.sign(terms.sel(component=name).values) == np.sign(scaled)).all()


def test_a_scenario_is_the_exact_difference_of_two_predictions(result, expected):
    off = [dcm.Change(name, 0.0) for name in result.panel.channels]
    table = dcm.scenario(result, off)
    fit = result.fitted_panel
    counted = fit.panel.past
    lost = -expected * np.expm1(-fit.scaled_terms.media.sum(axis=-1))
    whole = table.loc[table["by"] == "all"].iloc[0]
    # Exposure before the first week stays, so a little of the effect does too.
    assert whole["change"] == pytest.approx(-lost[counted].sum(), rel=0.05)
    assert whole["prediction"] == pytest.approx(expected[counted].sum(), rel=1e-5)


def test_a_curve_and_a_scenario_say_the_same_of_one_channel(result):
    name = result.panel.channels[0]
    curve = dcm.response_curves(result, multipliers=[0.5]).table
    curve = curve[curve["channel"] == name].set_index("multiplier")["incremental_outcome"]
    half = dcm.scenario(result, dcm.Change(name, 0.5)).iloc[0]["change"]
    assert half == pytest.approx(curve[0.5] - curve[1.0], rel=1e-3)


@pytest.mark.slow
def test_draws_add_up_too(result):
    fit, drawn = result.fitted_panel, contributed(result.fitted_panel, result.replicates.variables)
    by_member = np.asarray(predictions(result.replicates.variables, fit.inputs, fit.design), np.float64)
    whole = np.where(fit.panel.present, by_member * fit.scales.kpi[:, None], 0.0).sum(axis=1)
    np.testing.assert_allclose(drawn.national.sum(axis=-1), whole, rtol=1e-4)
    own = earned(fit, result.replicates.variables)
    np.testing.assert_allclose(own.incremental.sum(), drawn.regional[:, :, -3:].sum(), rtol=0.05)


def test_a_plan_promises_what_a_scenario_promises(result):
    fit = result.fitted_panel
    horizon = past_weeks(fit, 12)
    cells = cells_of(horizon, "channel", fit.scales.exposure)
    half = np.where(cells.channel == 1, 0.5, 1.0) * cells.today
    plans = Outcome(fit, None, horizon, cells).values(np.stack([cells.today, half]))[:, 0, 0].sum(axis=-1)
    scenario = dcm.scenario(result, dcm.Change(result.panel.channels[1], 0.5), weeks=12).iloc[0]["change"]
    assert plans[1] - plans[0] == pytest.approx(scenario, rel=1e-3)


def test_forecasts_are_never_below_zero_and_hold_the_prediction(result):
    draws = forecast_draws(result.fitted_panel, result.replicates.variables, None, 200, 0)
    prediction = result.fitted_panel.prediction[:, result.fitted.n_training_weeks :]
    assert (draws > 0).all()
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    assert ((low < prediction) & (prediction < high)).mean() > 0.9


def test_a_channels_standard_error_is_that_of_its_effect_on_the_log(small_result, result):
    np.testing.assert_allclose(
        channel_errors(result.fitted_panel), channel_errors(small_result.fitted_panel), rtol=1e-4
    )


def test_errors_of_a_hidden_cause_are_judged_on_the_log_too(small_result, result):
    single = dcm.FitResult(result.fitted)
    found, plain = dcm.unmeasured_confounding(single), dcm.unmeasured_confounding(small_result)
    np.testing.assert_allclose(found["degrees"], plain["degrees"], rtol=1e-6)
    np.testing.assert_allclose(found["t"], plain["t"], rtol=1e-2)


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_a_kpi_of_zero_or_less_is_refused_by_region_and_week(small_panel, value):
    kpi = small_panel.kpi.copy()
    kpi[2, 7] = value
    panel = dataclasses.replace(small_panel, kpi=kpi)
    with pytest.raises(dcm.DataError, match=rf"region region_3 is {value:g} in week {panel.week_label(7)}.*identity"):
        dcm.fit(panel, dcm.Config(link="log"))


def test_a_zero_in_a_held_out_week_is_no_obstacle(small_panel):
    kpi = small_panel.kpi.copy()
    kpi[2, -1] = 0.0
    panel = dataclasses.replace(small_panel, kpi=kpi)
    scales = scales_from(panel, training_weights(panel, 8), "log")
    assert (scales.kpi > 0).all()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "paper", "graph": "triangular"}, "identity for the paper's model"),
        ({"experiments": (TEST,)}, "Lift tests cannot be used with"),
        ({"link": "logit"}, "identity, log, auto"),
    ],
)
def test_what_a_log_link_does_not_know_is_refused(changes, sentence):
    with pytest.raises(dcm.ConfigError, match=sentence):
        dcm.Config(**{"link": "log", **changes})


def test_a_stated_share_is_the_share_lost_without_the_channel(small_panel):
    weights = training_weights(small_panel, 8)
    config = dcm.Config(link="log", priors=dcm.Priors(share=(("channel_2", 0.2, 0.05),)))
    inputs = inputs_from(small_panel, scales_from(small_panel, weights, "log"), weights, config)
    share, precision = inputs.stated_priors.share, inputs.stated_priors.share_precision
    assert share[1] == pytest.approx(0.2, rel=1e-6)  # the model takes it of each week's KPI, see `lost_shares`
    assert precision[1] ** -0.5 == pytest.approx(0.05, rel=1e-6)
    assert (share[[0, 2]] == 0).all()
    rng = np.random.default_rng(0)
    effects, kpi = rng.uniform(0.0, 1.0, (2, 9, 3)), rng.uniform(1.0, 5.0, (2, 9))
    found = lost_shares(effects, kpi)
    np.testing.assert_allclose(found.each, np.einsum("rt,rtm->m", kpi, 1.0 - np.exp(-effects)) / kpi.sum(), rtol=1e-6)
    np.testing.assert_allclose(found.total, (kpi * (1.0 - np.exp(-effects.sum(axis=-1)))).sum() / kpi.sum(), rtol=1e-6)


def test_a_simulated_kpi_is_its_expectation_times_noise():
    plain, _ = dcm.simulate(2, 60, 3, 2, seed=4, noise=0.0)
    panel, truth = dcm.simulate(2, 60, 3, 2, seed=4, noise=0.0, link="log")
    np.testing.assert_allclose(truth.components.sum("component").values, panel.kpi, rtol=1e-9)
    np.testing.assert_allclose(truth.counterfactual.kpi(panel.exposure), panel.kpi, rtol=1e-3)  # whole impressions
    np.testing.assert_array_equal(plain.exposure, panel.exposure)
    np.testing.assert_allclose(truth.parameters["share"], truth.contributions.sum(("region", "time")) / panel.kpi.sum())


@pytest.mark.parametrize("options", [{"kind": "bursts"}, {"cadence": "daily"}, {"treatments": 1}, {"link": "probit"}])
def test_a_simulation_refuses_what_it_has_not(options):
    with pytest.raises(dcm.DataError, match="link"):
        dcm.simulate(1, 60, 2, 1, **{"link": "log", **options})


def test_prior_shares_add_up_to_what_all_media_add(small_panel):
    plain, log = (dcm.prior_predictive(small_panel, dcm.Config(link=link), draws=50)["share"] for link in LINKS)
    np.testing.assert_allclose(log["total"], 100.0 * -np.expm1(-plain["total"] / 100.0), rtol=1e-9)
    np.testing.assert_allclose(log.drop(columns="total").sum(axis=1), log["total"], rtol=1e-9)


def test_a_treatment_is_counted_against_its_baseline_by_the_exact_difference(small_result):
    name, own = "control_1", small_result.fitted
    panel = dataclasses.replace(own.panel, treatments=(dcm.Treatment(name, 0.0),))
    treated = with_log_link(dcm.FitResult(dataclasses.replace(own, panel=panel)))
    table = treated.treatments().loc[name]
    off = dcm.scenario(treated, dcm.Change(name, to="baseline")).iloc[0]
    assert table["incremental_outcome"] == pytest.approx(-off["change"], rel=1e-3)
    fit = treated.fitted_panel
    per_unit = fit.control_effects[:, 0] / fit.scales.control_scale[:, 0]
    mean = np.where(fit.panel.past, fit.prediction, 0.0).sum(axis=1) / fit.panel.past.sum(axis=1)
    assert table["outcome_per_unit"] == pytest.approx((mean * np.expm1(per_unit)).sum(), rel=1e-6)
    np.testing.assert_allclose(treated.contributions.sum("component").values, fit.prediction, rtol=1e-9)


def test_the_report_says_that_effects_multiply(small_result, result):
    single = dcm.FitResult(result.fitted)
    assert "Effects multiply" in findings(single, None).caveats[0]
    assert not any("multiply" in sentence for sentence in findings(small_result, None).caveats)


def test_tables_and_charts_say_what_their_figures_are_of(small_result):
    """The figures of the table of channels are parts; that of a treatment is a difference, its bar in a chart a part."""
    name = small_result.panel.controls[0]
    panel = dataclasses.replace(small_result.panel, treatments=(dcm.Treatment(name, 0.0),))
    plain = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel))
    multiplies = with_log_link(plain)
    words = ("part of what all media add", "differs from the parts in the charts", "parts are shares of the prediction")
    for result in (plain, multiplies):
        contribution = next(section for section in sections_of(result, None) if section.key == "contribution")
        donut = next(chart for chart in contribution.charts if chart.key == "donut")
        told = (_media(result).note, credited_tables(result)[0].note, donut.note)
        assert [part in note for part, note in zip(words, told, strict=True)] == [result is multiplies] * 3
    drawn = donut_parts(multiplies).sum()
    assert drawn["channel_1"] == pytest.approx(multiplies.media_summary()["incremental_outcome"]["channel_1"], rel=0.05)
    assert drawn[name] != pytest.approx(multiplies.treatments()["incremental_outcome"][name], rel=1e-3)
    assert donut_parts(plain).sum()[name] == pytest.approx(plain.treatments()["incremental_outcome"][name], rel=1e-3)


def test_coordinates_of_the_posterior_give_no_shares_of_the_kpi():
    density = PosteriorDensity((), np.zeros(1), ("tv",), None, "log")
    with pytest.raises(dcm.ConfigError, match=r"log link .* share_draws"):
        density.shares(np.zeros((2, 1)))


def test_a_stated_share_is_compared_with_what_is_lost_without_the_channel(result: dcm.Ensemble) -> None:
    config = result.config.replace(priors=dcm.Priors(share=(("channel_1", 0.1, 0.01),)))
    stated = dcm.FitResult(dataclasses.replace(result.fitted, config=config))
    used = stated.fitted.weights > 0
    fit = stated.fitted_panel
    lost = np.where(used, fit.lost(0.0)[:, :, 0], 0.0).sum() / fit.kpi_learned_from()
    part = np.where(used, fit.components.media[:, :, 0], 0.0).sum() / fit.kpi_learned_from()
    assert lost > 1.01 * part
    assert stated.priors()["found"].iloc[0] == pytest.approx(lost, rel=1e-5)
