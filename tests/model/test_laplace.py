"""What the data decide: prior scales, the forecast state, stated priors, and the notes on each channel."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import lfilter

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.learned_settings import _adjusted
from deepcausalmmm_jax.model.forecast_state import ForecastValues
from deepcausalmmm_jax.model.laplace import _lost_to_shocks, _random_walk
from deepcausalmmm_jax.model.log_prior import _scale_factors
from deepcausalmmm_jax.model.prior_scales import LEARNED, PEAKS, learned_scales
from deepcausalmmm_jax.model.training_data import training_data
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.training.families import model_for
from deepcausalmmm_jax.training.forecast_state import forecast_state
from deepcausalmmm_jax.training.hyperparameters import prior_scales
from deepcausalmmm_jax.training.prepare import design_of, inputs_of


@pytest.fixture(scope="module")
def placebo_fit():
    panel, truth = dcm.simulate(20, 120, 6, 2, seed=400, placebo=2)
    return dcm.fit(panel, progress=False), truth


@pytest.mark.parametrize("persistence", [0.0, 0.5, 0.9])
def test_laplace_term_of_a_weekly_walk_is_its_log_determinant(persistence):
    n, information, size = 20, 30.0, 0.3
    steps = np.full(n - 1, 1 / 13)
    # The innovation of a week contains (1 - phi) of the level before and the step itself.
    path = np.tril(np.ones((n, n)), -1)[:, : n - 1]
    shown = (path - persistence * np.vstack([np.zeros(n - 1), path[:-1]]))[1:]
    level = np.full((n - 1, 1), 1 - persistence)
    start = 1 / information / max(1 - persistence, 0.05) ** 2
    C = size**2 / 13 * shown @ shown.T + start * level @ level.T
    exact = 0.5 * np.linalg.slogdet(np.eye(n - 1) + information * C)[1]
    found = _random_walk(jnp.asarray(information), size, jnp.asarray(steps), jnp.asarray(persistence), 13.0)
    np.testing.assert_allclose(found, exact, rtol=1e-3)


@pytest.mark.slow
def test_regions_that_count_for_nothing_leave_the_forecast_state_at_its_prior_scales(small_result):
    fitted = small_result.fitted
    model, inputs = model_for(design_of(fitted)), inputs_of(fitted, fitted.panel)
    components, inside = jax.jit(model.apply)(fitted.variables, inputs)
    priors, weights = prior_scales(fitted.config.penalties), jnp.asarray(fitted.weights, jnp.float32)

    @jax.jit
    def scales(share):
        counted = inside._replace(effective=jnp.asarray(share))
        return forecast_state(components, counted, inputs, weights, priors).regional_scales

    none, tenth, full = (np.asarray(scales(share)) for share in (0.0, 0.1, 1.0))
    expected = np.array([priors.trend_region, none[1], priors.seasonality_region])
    np.testing.assert_allclose(none, expected, rtol=1e-5)
    assert np.abs(np.log(full[[0, 2]] / expected[[0, 2]])).max() > 0.2
    assert (np.abs(np.log(tenth / none)) <= np.abs(np.log(full / none)) + 1e-3).all()


@pytest.mark.slow
def test_untuned_scales_stay_as_set(small_panel, quick):
    fixed = dcm.fit(small_panel, quick, tune=False)
    assert fixed.config.tune is False
    assert len(fixed.tuning) == 0
    as_set, factors = prior_scales(fixed.config.penalties), fixed.fitted.variables["params"]["sizes"]
    untuned = learned_scales(as_set, factors, jnp.zeros(()))
    assert all(float(getattr(untuned, name)) == float(getattr(as_set, name)) for name in LEARNED)
    doubled = learned_scales(as_set, {name: jnp.log(2.0) for name in LEARNED}, jnp.ones(()))
    assert float(doubled.trend) == pytest.approx(2 * fixed.config.penalties.trend)
    assert doubled.decay is as_set.decay
    assert all(abs(float(factors[name])) < 1e-6 for name in LEARNED if name != "time_variation")  # it starts small
    refitted = dcm.fit(small_panel, quick, tune=True).fitted.variables["params"]["sizes"]
    assert any(abs(float(refitted[name]) - float(factors[name])) > 0.1 for name in LEARNED)


def test_learned_scales_are_shown_with_their_evidence(small_result):
    assert list(small_result.tuning.index) == list(LEARNED)
    np.testing.assert_allclose(
        small_result.tuning["learned"], small_result.tuning["set"] * small_result.tuning["factor"]
    )
    assert np.isfinite(small_result.tuning["evidence"]).all()


@pytest.mark.slow
def test_peaks_are_given_room_where_the_year_has_one_and_only_there():
    panel, _ = dcm.simulate(6, 104, 2, 1, seed=3)
    week = np.arange(104) % 52.18
    peak = 1.0 + 0.3 * np.exp(-0.5 * ((week - 47) / 1.5) ** 2)
    config = dcm.Config(graph="none", posterior=dcm.PosteriorSettings(method="none"))
    smooth, peaked = (
        dcm.fit(own, config, progress=False).tuning.loc[["seasonality", "season_peaks"], "learned"]
        for own in (panel, dataclasses.replace(panel, kpi=panel.kpi * peak))
    )
    assert smooth["season_peaks"] < 0.3 * dcm.Penalties().season_peaks
    assert peaked["season_peaks"] > 2 * smooth["season_peaks"]


@pytest.mark.parametrize(
    ("n_regions", "has_peaks", "absent"),
    [
        (20, True, set()),
        (20, False, {"season_peaks", "season_peaks_region"}),
        (1, True, {"time_variation"}),
    ],
)
def test_scales_that_training_does_not_learn_are_not_shown(n_regions, has_peaks, absent):
    assert set(LEARNED) - set(_adjusted(n_regions, has_peaks)) == absent


def test_scales_of_a_seasons_peaks_may_move_twice_as_far_as_others():
    def cost(name):
        factors = dict.fromkeys(LEARNED, jnp.zeros(())) | {name: jnp.asarray(-1.0)}
        return float(_scale_factors(factors))

    assert {cost(name) for name in PEAKS} == {0.125}
    assert {cost(name) for name in LEARNED if name not in PEAKS} == {0.5}


@pytest.mark.slow
def test_converged_scales_have_more_evidence_than_the_set_ones(placebo_fit):
    result, _ = placebo_fit
    assert result.tuning["evidence"].min() > -0.5
    assert result.tuning["evidence"].max() > 10


@pytest.mark.slow
def test_steady_coefficients_are_found_flat(placebo_fit):
    panel, _ = dcm.simulate(20, 120, 6, 2, seed=301, drift=0.0)
    coefficient = dcm.fit(panel, progress=False).coefficients().mean("region").values
    assert np.abs(coefficient / coefficient.mean(axis=0) - 1).max() < 0.05


@pytest.mark.slow
def test_a_default_fit_finds_known_contributions(placebo_fit):
    result, truth = placebo_fit
    panel = result.panel
    estimated = result.contributions.sel(component=list(panel.channels)).sum(("region", "time")).to_numpy()
    true = truth.contributions.sum(("region", "time")).to_numpy()
    error = 100 * np.abs(estimated - true) / panel.kpi.sum()
    equal_split = 100 * np.abs(true.mean() - true) / panel.kpi.sum()
    assert error.mean() < min(2.0, equal_split.mean())
    assert result.metrics.loc["holdout", "rmse"] < result.metrics.loc["holdout", "rmse_mean"]


@pytest.mark.slow
def test_most_placebos_are_flagged_and_strong_channels_are_not(placebo_fit):
    result, truth = placebo_fit
    notes, role = result.notes(), truth.parameters
    strong = role["share"] > 0.04
    assert notes.loc[strong, "distinguishable"].all()
    assert notes.loc[role["placebo"], "z"].max() < notes.loc[strong, "z"].min()
    # The prior of shares leaves them as much as the data cannot rule out, and less than their error.
    assert (notes.loc[role["placebo"], "z"] < 1.0).all()
    assert notes.loc[role["placebo"], "share"].max() < 0.7


@pytest.mark.slow
def test_a_slope_near_zero_can_be_found():
    panel, truth = dcm.simulate(16, 104, 2, 1, seed=5, flighted=1)
    flighted, slope = 0, 0.2
    assert (panel.exposure[:, :, flighted] == 0).mean() == pytest.approx(0.5, abs=0.05)
    exposure = panel.exposure[:, :, flighted] / panel.exposure[:, :, flighted].mean(axis=1, keepdims=True)
    carried = lfilter([0.6], [1, -0.4], exposure, axis=1) ** slope
    brought = 0.6 * panel.kpi.mean(axis=1, keepdims=True) * carried / (1 + carried)
    kpi = panel.kpi - truth.contributions.values[:, :, flighted] + brought
    two_pairs = dcm.Config(harmonics=2)  # of which the season of such a panel consists
    result = dcm.fit(dataclasses.replace(panel, kpi=kpi), two_pairs, holdout=8, progress=False)
    assert result.curve_parameters["slope"].iloc[flighted] < 0.3
    found = result.contributions.sel(component=panel.channels[flighted]).values.sum()
    assert found == pytest.approx(brought.sum(), rel=0.15)  # bounded to slopes above 0.5, it is 40 % off


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["last", "return"])
def test_without_media_effects_the_forecast_is_as_good_as_the_best_naive_one(kind):
    rng = np.random.default_rng(7)
    panel, _ = dcm.simulate(6, 90, 2, 0, seed=11)
    walk = 0.08 * np.cumsum(rng.normal(size=(1, 90)), axis=1) + 0.01 * rng.normal(size=(6, 90))
    level = 10 + walk if kind == "last" else 10 + 0.3 * rng.normal(size=(6, 90))
    short = dcm.Config(
        training=dataclasses.replace(dcm.Training(), max_epochs=400), posterior=dcm.PosteriorSettings(method="none")
    )
    result = dcm.fit(dataclasses.replace(panel, kpi=1000 * level), short, progress=False)
    held = result.metrics.loc["holdout"]
    assert held["rmse"] < 1.35 * held["rmse_naive"]


def test_the_ar1_component_fades_with_the_weeks_ahead(small_result):
    assert ForecastValues.of(small_result.fitted.variables).regional_time_scale > 0
    longer, _ = dcm.simulate(4, 80, 3, 2, seed=1)
    ahead = small_result.contributions_of(longer).sel(component="trend").values[:, 52:]
    assert np.isfinite(ahead).all()
    changes = np.abs(np.diff(ahead, axis=1))
    assert (changes[:, -1] <= changes[:, 0] + 1e-6).all()


STATED = dcm.Priors(
    share=(("channel_1", 0.2, 0.001),),
    decay=(("channel_2", 0.9, 0.001),),
    half_saturation=(("channel_2", 3.0, 0.001),),
    slope=(("channel_3", 1.2, 0.001),),
    control_sign=(("control_1", "negative"),),
    mroi=(("channel_1", 1.0, 0.001),),
)


@pytest.mark.slow
def test_firm_priors_are_followed_and_shown_beside_what_was_found(small_panel, quick):
    longer = quick.replace(priors=STATED, training=dataclasses.replace(quick.training, max_epochs=600))
    result = dcm.fit(small_panel, longer)
    table = result.priors().set_index("quantity")
    for quantity in ("share", "mroi", "decay", "half_saturation", "slope"):
        row = table.loc[quantity]
        assert row["found"] == pytest.approx(row["stated"], rel=0.1)
    effect = result.contributions.sel(component="control_1").values
    assert (np.sign(effect[:, :52]) == -np.sign(small_panel.control[:, :52, 0] - _centre(result))).mean() > 0.99


def _centre(result: FitResult) -> np.ndarray:
    return result.fitted.scales.control_center[:, None, 0]


@pytest.mark.slow
def test_an_roi_stands_for_a_share(small_panel, quick):
    training = dataclasses.replace(quick.training, max_epochs=600)
    result = dcm.fit(small_panel, quick.replace(priors=dcm.Priors(roi=(("channel_1", 3.0, 0.01),)), training=training))
    assert result.priors()["found"].iloc[0] == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize(
    ("priors", "sentence"),
    [
        ({"share": (("chanel_1", 0.1, 0.1),)}, "did you mean 'channel_1'"),
        ({"control_sign": (("price", "negative"),)}, "the control 'price'"),
    ],
)
def test_priors_of_unknown_names_are_refused(small_panel, quick, priors, sentence):
    with pytest.raises(dcm.ConfigError, match=sentence):
        dcm.fit(small_panel, quick.replace(priors=dcm.Priors(**priors)))


def test_an_roi_without_spend_is_refused(small_panel, quick):
    bare = dataclasses.replace(small_panel, spend=None)
    with pytest.raises(dcm.ConfigError, match="has no spend"):
        dcm.fit(bare, quick.replace(priors=dcm.Priors(roi=(("channel_1", 2.0, 1.0),))))


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"share": (("a", 1.5, 0.1),)}, "between 0 and 1"),
        ({"share": (("a", 0.5),)}, "a triple"),
        ({"decay": (("a", 0.5, 0.0),)}, "standard deviation above 0"),
        ({"share": (("a", 0.5, 0.1), ("a", 0.4, 0.1))}, "free of repeats"),
        ({"control_sign": (("a", "up"),)}, "positive or negative"),
        ({"share": (("a", 0.5, 0.1),), "roi": (("a", 2.0, 0.1),)}, "one of share, ROI and CPIK"),
        ({"share": "a"}, "a list of lists"),
    ],
)
def test_bad_priors_are_refused(bad, sentence):
    with pytest.raises(dcm.ConfigError, match=sentence):
        dcm.Priors(**bad)


def test_priors_survive_toml(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(dcm.Config(priors=STATED).to_toml())
    assert dcm.Config.from_toml(path) == dcm.Config(priors=STATED)


@pytest.mark.slow
def test_rare_late_and_twin_channels_are_noted(quick):
    panel, _ = dcm.simulate(4, 80, 4, 1, seed=8, late=1, links=0)
    exposure = panel.exposure.copy()
    exposure[:, :, 1] = exposure[:, :, 0] * np.random.default_rng(0).normal(1, 0.02, exposure.shape[:2])
    exposure[:, np.arange(80) % 8 != 0, 3] = 0.0
    with pytest.warns(dcm.DataWarning) as told:
        result = dcm.fit(dataclasses.replace(panel, exposure=exposure), quick)
    assert "'channel_1' and channel 'channel_2' rise and fall together" in str(told[0].message)
    notes = result.notes()["note"]
    assert "moves with channel_2" in notes["channel_1"]
    assert "on air in" in notes["channel_4"]
    assert "starts late" in " ".join(notes)


def test_regions_that_move_together_count_as_fewer(small_panel, quick):
    rng = np.random.default_rng(3)
    shocks = 0.3 * rng.normal(size=(1, small_panel.kpi.shape[1])) * np.array([[1.0], [1.0], [-1.0], [-1.0]])
    together = dataclasses.replace(small_panel, kpi=small_panel.kpi * np.exp(shocks))
    apart = dcm.fit(small_panel, quick, progress=False).effective_regions
    assert dcm.fit(together, quick, progress=False).effective_regions < 0.7 * apart <= 4.0


@pytest.mark.slow
def test_refits_take_over_how_far_regions_count_apart(small_result, small_ensemble):
    for name in ("effective", "shared"):
        own = small_ensemble.replicates.variables["fitted"][name]
        np.testing.assert_allclose(own, small_result.fitted.variables["fitted"][name], rtol=1e-6)
    besides, shared = (float(small_result.fitted.variables["fitted"][name]) for name in ("effective", "shared"))
    expected = 4 * besides / (1 + (4 * besides - 1) * shared / (1 + shared))
    assert small_result.effective_regions == pytest.approx(expected)


@pytest.mark.parametrize(("ratio", "expected"), [(0.0, 4.0), (1.0, 1.6), (1e6, 1.0)])
def test_a_mean_of_regions_is_as_uncertain_as_that_of_the_effective_ones(small_result, ratio, expected):
    """The variance of a mean of four, of which all share a shock, over that of a single region."""
    own = small_result.fitted.variables["fitted"] | {"effective": np.float32(1.0), "shared": np.float32(ratio)}
    variables = small_result.fitted.variables | {"fitted": own}
    shocked = FitResult(dataclasses.replace(small_result.fitted, variables=variables))
    of_mean = np.full((4, 4), ratio).mean() + 1.0 / 4.0
    assert shocked.effective_regions == pytest.approx((1.0 + ratio) / of_mean, rel=1e-5)
    assert shocked.effective_regions == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_a_shock_of_all_regions_takes_nothing_from_what_differs_between_them(placebo_fit):
    """Twenty regions with large shocks in common: effects are known as well as without any."""
    plain, truth = placebo_fit
    panel = plain.panel
    shocks = 0.25 * np.random.default_rng(1).normal(size=panel.kpi.shape[1])
    shocked = dataclasses.replace(panel, kpi=panel.kpi + shocks * panel.kpi.mean(axis=1, keepdims=True))
    moved = dcm.fit(shocked, progress=False)
    true = 100 * truth.contributions.values.sum(axis=(0, 1)) / panel.kpi.sum()
    errors = [np.abs(fit.notes()["share"].to_numpy() - true).mean() for fit in (plain, moved)]
    assert errors[1] < errors[0] + 0.5
    assert float(moved.fitted.variables["fitted"]["shared"]) > 3.0
    assert moved.effective_regions < 2.0 < 15.0 < plain.effective_regions


def test_shocks_in_common_take_information_on_the_nation_as_their_covariance_says(small_result):
    """The information on a national effect is that of the inverse covariance of a week's noise."""
    fitted, ratio = small_result.fitted, 1.5
    inputs = inputs_of(fitted, fitted.panel)
    data = training_data(inputs, jnp.asarray(fitted.weights, jnp.float32))
    _, inside = jax.jit(model_for(design_of(fitted)).apply)(fitted.variables, inputs)
    inside = inside._replace(effective=jnp.ones(()), shared=jnp.asarray(ratio))
    term = np.random.default_rng(0).normal(size=(data.weights.shape[0], 1, 4)).astype(np.float32)
    lost = np.asarray(_lost_to_shocks(inside, data)(jnp.asarray(term)))[:, 0]
    seen = np.flatnonzero((np.asarray(data.weights) == 1).all(axis=1))
    standardised = term[seen, 0] / np.asarray(inside.noise)
    known = np.linalg.solve(np.eye(4) + ratio * np.ones((4, 4)), standardised.T).T
    np.testing.assert_allclose(
        (standardised**2).sum(axis=1) - lost[seen], (standardised * known).sum(axis=1), rtol=1e-3
    )
