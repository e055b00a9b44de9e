import dataclasses

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.seasonal_profile import seasonal_profile
from deepcausalmmm_jax.plots.report.findings import findings
from deepcausalmmm_jax.plots.report.tables import _media
from deepcausalmmm_jax.training.estimate import estimate, estimate_in_chunks
from deepcausalmmm_jax.training.paper.optimizer import clipped
from deepcausalmmm_jax.training.paper.start import start_values
from deepcausalmmm_jax.training.prepare import prepare

SHORT = {"hidden_size": 8, "epochs": 40, "warm_start_epochs": 10, "graph_warm_up": 10, "graph_interval": 5}


@pytest.fixture(scope="module", params=["triangular", pytest.param("notears", marks=pytest.mark.slow)])
def paper_result(request, small_panel, published_result):
    if request.param == "triangular":
        return published_result
    return dcm.fit(small_panel, dcm.Config.paper(request.param, **SHORT), holdout=8)


def test_it_learns_and_says_that_the_schedule_was_run(paper_result):
    history = paper_result.history
    assert paper_result.status is dcm.FitStatus.COMPLETED
    assert len(history) == 50
    assert history["huber"].iloc[-1] < history["huber"].iloc[10]
    named = history.drop(columns=["objective", "acyclicity_h", "learning_rate"])
    np.testing.assert_allclose(named.sum(axis=1), history["objective"], rtol=1e-4)
    np.testing.assert_allclose(history["learning_rate"].iloc[:10], 1e-4)
    np.testing.assert_allclose(history["learning_rate"].iloc[10:], 1e-2)


def test_a_report_says_that_incremental_figures_are_not_the_contributions(published_result, small_result):
    summary, trust = published_result.media_summary(), published_result.notes()
    assert not np.allclose(summary["pct_of_contribution"], trust["share"], rtol=0.05)
    assert not np.allclose(summary["pct_of_contribution"].sum(), trust["share"].sum(), rtol=0.05)
    words = ("the others' shares", "contributions in the charts")
    for result, told in ((published_result, True), (small_result, False)):
        page = (_media(result).note, " ".join(findings(result, None).caveats))
        assert [all(word in text for word in words) for text in page] == [told, told]


def test_contributions_add_up_and_every_region_has_its_own_baseline(paper_result):
    terms = paper_result.contributions
    np.testing.assert_allclose(terms.sum("component"), paper_result.predict(), rtol=1e-6)
    baseline = terms.sel(component="baseline").values[:, 0] / paper_result.fitted.scales.kpi
    assert np.unique(baseline.round(5)).size == len(baseline)


@pytest.mark.slow
def test_all_answers_are_there(paper_result, tmp_path):
    assert set(paper_result.metrics.index) == {"train", "holdout"}
    assert np.isfinite(paper_result.media_summary()["incremental_outcome"]).all()
    assert nx.is_directed_acyclic_graph(paper_result.graph())
    assert paper_result.graph().number_of_edges() > 0
    curves = paper_result.curve_parameters
    assert curves["slope"].between(2, 5).all()
    assert curves["decay"].between(0, 0.8).all()
    assert paper_result.hill_curves()["relative_exposure"].max() <= 1
    np.testing.assert_allclose(paper_result.effects()["direct"] + paper_result.effects()["mediated"], paper_result.effects()["total"])  # fmt: skip
    again = dcm.load(paper_result.save(tmp_path / "fit"))
    np.testing.assert_array_equal(again.predict(), paper_result.predict())
    assert paper_result.report(tmp_path / "page.html").exists()


def test_hidden_kpi_changes_nothing_bit_for_bit(small_panel, paper_result):
    scrambled = small_panel.kpi.copy()
    scrambled[:, -8:] *= np.random.default_rng(0).uniform(0.3, 3.0, scrambled[:, -8:].shape)
    other = dcm.fit(dataclasses.replace(small_panel, kpi=scrambled), paper_result.config, holdout=8)
    np.testing.assert_array_equal(paper_result.predict(), other.predict())


def test_the_forecast_runs_on_from_the_training_weeks(small_panel, paper_result):
    exposure = small_panel.exposure.copy()
    exposure[:, 48:52, 0] = 10 * exposure.max()  # the last training weeks
    moved = paper_result.predict(dataclasses.replace(small_panel, exposure=exposure))
    assert (moved[:, 52:] != paper_result.predict()[:, 52:]).any()


def test_twice_the_exposure_in_all_channels_changes_nothing(small_panel, paper_result):
    doubled = paper_result.predict(dataclasses.replace(small_panel, exposure=2 * small_panel.exposure))
    np.testing.assert_allclose(doubled, paper_result.predict(), rtol=1e-5)


@pytest.mark.slow
def test_mapped_over_keys_and_weights_it_equals_one_by_one(small_panel):
    config = dcm.Config.paper("notears", **SHORT | {"epochs": 10, "warm_start_epochs": 5})
    weights = training_weights(small_panel, 8)
    ready = prepare(small_panel, weights, config)
    static = {"design": ready.design, "schedule": ready.schedule}
    keys = jax.random.split(jax.random.key(3), 2)
    draws = jnp.asarray(weights, jnp.float32) * jax.random.exponential(jax.random.key(4), (2, *weights.shape))
    mapped, _ = jax.vmap(lambda k, w: estimate(k, ready.inputs, w, ready.hyperparameters, **static))(keys, draws)
    for i in range(2):
        single, record = estimate_in_chunks(
            keys[i], ready.inputs, draws[i], ready.hyperparameters, **static, on_chunk=lambda *_: None
        )
        assert int(record.status) == dcm.FitStatus.COMPLETED
        for ours, theirs in zip(jax.tree.leaves(single), jax.tree.leaves(mapped), strict=True):
            np.testing.assert_allclose(ours, theirs[i], rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_the_step_is_cut_on_a_plateau_and_cycles_get_dearer(small_panel):
    stuck = SHORT | {"learning_rate": 1e-9, "plateau_patience": 3, "dropout": 0.0}
    rates = dcm.fit(small_panel, dcm.Config.paper("notears", **stuck)).history["learning_rate"].iloc[10:]
    assert rates.iloc[-1] < 0.8 * rates.iloc[0]
    late = SHORT | {"graph_warm_up": 1000}
    priced = dcm.fit(small_panel, dcm.Config.paper("notears", **SHORT)).history["graph"].iloc[-1]
    assert priced > dcm.fit(small_panel, dcm.Config.paper("notears", **late)).history["graph"].iloc[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {"dropout": 0.5},
        {"temperature": 1.0},
        {"media_share": 0.1},
        {"attribution_weight": 5.0},
        {"seasonal_weight": 5.0},
        {"l1": 0.01},
        {"l2": 0.01},
        {"sparsity_weight": 0.1},
        {"graph_weight": 1.0},
        {"huber_delta": 0.01},
        {"burn_in": 2},
        {"weight_decay": 0.5},
        {"clip": 0.001, "coefficient_clip": 0.001, "learning_rate": 0.02},
        {"warm_start_learning_rate": 1e-3},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_every_setting_has_an_effect(small_panel, published_result, changes):
    other = dcm.fit(small_panel, dcm.Config.paper("triangular", **SHORT | changes), holdout=8)
    assert not np.allclose(other.predict(), published_result.predict(), rtol=1e-6)


def test_the_start_is_read_off_the_data(small_panel):
    weights = training_weights(small_panel, 8)
    starts = []
    for ridge in (0.01, 1e6):
        ready = prepare(small_panel, weights, dcm.Config.paper(**SHORT | {"ridge": ridge}))
        starts.append(start_values(ready.inputs, jnp.asarray(weights, jnp.float32), ready.hyperparameters))
    shares = small_panel.exposure[:, :52] / small_panel.exposure[:, :52].sum(axis=-1, keepdims=True)
    half = [np.quantile(column[column > 0], 0.6) for column in shares.reshape(-1, 3).T]
    np.testing.assert_allclose(jax.nn.softplus(starts[0]["hill_g"]), np.clip(half, 0.05, 0.9), rtol=1e-4)
    np.testing.assert_allclose(starts[0]["region_baseline"], 1.0, rtol=1e-5)
    spread = (small_panel.kpi[:, :52] / small_panel.kpi[:, :52].mean(axis=1, keepdims=True)).std() / shares.std((0, 1))
    # With no regression left, sigmoid(0) = 1/2 of the ratio of spreads.
    np.testing.assert_allclose(starts[1]["stable_media_coeff"], 0.5 * spread, rtol=1e-3)
    assert (starts[0]["stable_media_coeff"] > starts[1]["stable_media_coeff"]).all()


def test_gradients_are_clipped_in_two_groups_or_together():
    published = dcm.Published()
    gradient = {"coeff_gen.0.bias": jnp.full(4, 3.0), "alpha": jnp.full(4, 4.0)}
    apart = clipped(gradient, published)
    np.testing.assert_allclose(jnp.linalg.norm(apart["coeff_gen.0.bias"]), 1.0, rtol=1e-5)
    np.testing.assert_allclose(jnp.linalg.norm(apart["alpha"]), 2.0, rtol=1e-5)
    together = clipped(gradient, published, together=True)
    np.testing.assert_allclose(jnp.linalg.norm(jnp.stack([*together.values()])), 2.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dcm.Config.paper("dagma"), "triangular or notears"),
        (lambda: dcm.Config.paper(hiden_size=3), "did you mean published.hidden_size"),
        (lambda: dcm.Config.paper(dropout=1.0), "dropout"),
        (lambda: dcm.Config.paper(epochs=0), "epochs"),
        (lambda: dcm.Config.paper(plateau_factor=0.0), "plateau_factor"),
        (lambda: dcm.Config.paper().replace(links=dcm.Links(forbid=[("a", "b")])), "links"),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(dcm.ConfigError, match=message):
        make()


def test_settings_survive_toml(tmp_path):
    config = dcm.Config.paper("notears", epochs=7)
    (tmp_path / "c.toml").write_text(config.to_toml())
    assert dcm.Config.from_toml(tmp_path / "c.toml") == config


def test_the_seasonal_profile_finds_the_season_and_ignores_gaps_and_the_future():
    week = np.arange(160)
    season = np.sin(2 * np.pi * week / 52)
    kpi = np.stack([5 + 0.01 * week + season, np.full(160, 3.0)])
    weights = np.ones_like(kpi)
    weights[0, 60:64] = 0
    weights[:, 150:] = 0
    profile = seasonal_profile(kpi, weights, 150)
    np.testing.assert_allclose(profile[0], (season[:52] + 1) / 2, atol=0.02)
    np.testing.assert_array_equal(profile[1], 0.0)
    kpi[weights == 0] = 1e9
    np.testing.assert_array_equal(seasonal_profile(kpi, weights, 150), profile)
