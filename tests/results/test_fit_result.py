import dataclasses

import networkx as nx
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.accuracy import accuracy_table, naive_forecasts
from deepcausalmmm_jax.attribution.curve_bands import today
from deepcausalmmm_jax.attribution.curves import model_exposure
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.plots.theme import naive_names
from deepcausalmmm_jax.training.prepare import inputs_of


def test_contributions_add_up_to_the_prediction(small_result):
    terms = small_result.contributions
    assert terms.dims == ("region", "time", "component")
    np.testing.assert_allclose(terms.sum("component"), small_result.predict(), rtol=1e-5)
    assert set(small_result.panel.channels) <= set(terms.component.values)


@pytest.mark.slow
def test_weeks_that_end_before_training_did_are_read_as_those_of_the_whole_panel(small_result, published_result):
    """So that they have its prediction: the trend's centre and the published season are those of all training weeks."""
    for result in (small_result, published_result):
        whole, early = (inputs_of(result.fitted, part) for part in (result.panel, result.panel.select(weeks=slice(20))))
        for name in ("exposure", "control", "season", "trend_basis", "region_trend_basis", "season_basis", "elapsed"):
            if hasattr(whole, name):
                expected, found = getattr(whole, name), getattr(early, name)
                np.testing.assert_array_equal(found, expected[tuple(map(slice, found.shape))], name)


def test_weeks_too_few_for_the_lags_of_links_are_read(small_panel, small_result):
    """The fit needs some weeks in a row to learn links from; a forecast does not."""
    lagged = dataclasses.replace(small_result.fitted, config=small_result.config.replace(link_lags=2))
    read = inputs_of(lagged, small_panel.select(weeks=slice(0, 1)))
    assert read.exposure.shape[1] == 1


def test_weeks_before_the_first_kpi_are_read_without_a_word_from_numpy(small_result):
    fitted, panel = small_result.fitted, small_result.panel
    weights = np.where(np.arange(len(panel.weeks)) < 10, 0.0, fitted.weights)
    read = inputs_of(dataclasses.replace(fitted, weights=weights), panel.select(weeks=slice(0, 10)))
    assert np.isfinite(read.kpi_unit).all()


def test_media_contributions_are_not_negative(small_result):
    assert (small_result.contributions.sel(component=list(small_result.panel.channels)) >= 0).all()


def test_predicting_later_weeks_alone_runs_on_from_training(small_panel, small_result):
    later = small_panel.select(weeks=slice(52, 60))
    np.testing.assert_allclose(small_result.predict(later), small_result.predict()[:, 52:], rtol=1e-6)
    one = later.select(regions=[small_panel.regions[2]])
    np.testing.assert_allclose(small_result.predict(one)[0], small_result.predict()[2, 52:], rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: dataclasses.replace(p, channels=("a", "b", "c")), "lacks the channel 'channel_1'"),
        (lambda p: dataclasses.replace(p, regions=p.regions + "x"), "not fitted to region region_1x"),
        (lambda p: dataclasses.replace(p, weeks=p.weeks + np.timedelta64(700, "D")), "include the weeks in between"),
        (lambda p: dataclasses.replace(p, weeks=p.weeks - np.timedelta64(7, "D")), "before the first training week"),
        (lambda p: dataclasses.replace(p, weeks=p.weeks + np.timedelta64(1, "D")), "not a whole number of weeks"),
    ],
)
def test_unconnected_panel_is_refused(small_panel, small_result, change, message):
    with pytest.raises(dcm.DataError, match=message):
        small_result.predict(change(small_panel))


def test_media_summary_is_the_counterfactual(small_panel, small_result):
    summary = small_result.media_summary()
    off = small_panel.exposure.copy()
    off[:, :, 1] = 0
    without = small_result.predict(dataclasses.replace(small_panel, exposure=off))
    outcome = float((small_result.predict() - without).sum())
    row = summary.loc["channel_2"]
    np.testing.assert_allclose(row["incremental_outcome"], outcome, rtol=1e-3)
    np.testing.assert_allclose(row["spend"], small_panel.spend[:, :, 1].sum())
    np.testing.assert_allclose(row["roi"], outcome * small_panel.revenue_per_kpi[0, 0] / row["spend"], rtol=1e-3)
    np.testing.assert_allclose(row["cpik"], row["spend"] / outcome, rtol=1e-3)
    np.testing.assert_allclose(row["effectiveness"], outcome / row["exposure"], rtol=1e-3)
    np.testing.assert_allclose(
        row["pct_of_contribution"], 100 * outcome / float(small_result.predict().sum()), rtol=1e-3
    )


def test_without_spend_the_summary_says_so(small_panel, quick):
    result = dcm.fit(dataclasses.replace(small_panel, spend=None), quick)
    summary = result.media_summary()
    assert summary[["roi", "mroi", "cpik"]].isna().all().all()
    assert summary["note"].str.contains("no spend given").all()
    assert summary["incremental_outcome"].notna().all()


def test_graph_has_the_adjacency_as_weights(small_result):
    graph = small_result.graph()
    assert nx.is_directed_acyclic_graph(graph)
    for source, target, weight in graph.edges(data="weight"):
        assert small_result.adjacency.loc[source, target] == weight


def test_saved_fit_answers_the_same(tmp_path, small_result):
    loaded = dcm.load(small_result.save(tmp_path / "fit.npz"))
    np.testing.assert_array_equal(loaded.contributions, small_result.contributions)
    assert loaded.metrics.equals(small_result.metrics)
    assert loaded.config == small_result.config
    assert [path.name for path in tmp_path.iterdir()] == ["fit.npz"]


@pytest.mark.parametrize("content", [b"", b"not a fit", b"PK\x03\x04broken"])
def test_other_files_are_refused_by_name(tmp_path, content):
    path = tmp_path / "fit.npz"
    path.write_bytes(content)
    with pytest.raises(dcm.OutputError, match=r"fit\.npz is not a fit"):
        dcm.load(path)
    with pytest.raises(dcm.OutputError, match="no saved fit"):
        dcm.load(tmp_path / "absent.npz")


@pytest.mark.slow
def test_national_model_works_the_same(national, quick):
    result = dcm.fit(national[0], quick)
    assert result.predict().shape == (1, 104)
    assert list(result.metrics.index) == ["train", "holdout"]


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(2, 40, 1, 0), (1, 30, 2, 0)])
def test_no_controls_no_season_and_a_single_channel_work(quick, shape):
    panel, _ = dcm.simulate(*shape, seed=3)
    result = dcm.fit(panel, quick.replace(harmonics=0, knot_spacing=60))
    assert np.isfinite(result.predict()).all()
    assert result.adjacency.shape == (shape[2], shape[2])


def test_naive_forecasts_by_hand():
    kpi = np.arange(1.0, 61.0)[None, :]
    weights = np.ones_like(kpi)
    weights[0, -1] = 0
    naive = naive_forecasts(kpi, weights, 3)
    assert naive["last"][0, 0] == 59
    assert naive["mean8"][0, 0] == np.arange(52, 60).mean()
    assert naive["mean"][0, 0] == np.arange(1, 60).mean()
    np.testing.assert_array_equal(naive["seasonal"][0], [9, 10, 11])


@pytest.mark.parametrize(
    ("cadence", "steps", "named"),
    [
        ("daily", 56, "mean of the last 56 days"),
        ("weekly", 8, "mean of the last 8 weeks"),
        ("monthly", 2, "mean of the last 2 months"),
        ("quarterly", 1, "mean of the last quarter"),
    ],
)
def test_what_ran_lately_are_eight_weeks_on_every_calendar(small_result, cadence, steps, named):
    own = Cadence(cadence)
    kpi = np.arange(1.0, 61.0)[None, :]
    assert naive_forecasts(kpi, np.ones_like(kpi), 3, own)["mean8"][0, 0] == kpi[0, -steps:].mean()
    assert own.worded(naive_names(own)["mean8"], ()) == named
    panel = small_result.panel
    exposure = np.where(np.arange(60)[:, None] >= 60 - steps, 2.0, 1.0) * panel.exposure.mean(axis=1, keepdims=True)
    changed = dataclasses.replace(panel, cadence=own, exposure=exposure)
    fit = FittedPanel(small_result.fitted, changed, prepared=small_result.fitted_panel.inputs)
    everywhere = model_exposure(fit, exposure[:, -1:])[0].mean(axis=(0, 1))
    np.testing.assert_allclose(today(fit)["relative_exposure"], everywhere, rtol=1e-6)


def test_skill_is_zero_for_the_best_naive_forecast_itself():
    rng = np.random.default_rng(0)
    kpi = rng.uniform(5, 10, (4, 30))
    prediction = np.repeat(kpi[:, :22].mean(axis=1)[:, None], 30, axis=1)
    table = accuracy_table(kpi, prediction, np.ones_like(kpi), 22, holdout=True)
    row = table.loc["holdout"]
    assert row["rmse"] == pytest.approx(row["rmse_mean"])
    assert row["skill"] == pytest.approx(1 - row["rmse"] / row["rmse_naive"])
    assert np.isnan(row["rmse_seasonal"])
    assert table.loc["train", "naive"] == "mean"


def test_a_prediction_that_is_no_number_has_no_accuracy():
    """Errors that are no numbers are not errors of zero."""
    kpi = np.random.default_rng(0).uniform(5, 10, (2, 30))
    prediction = np.where(np.arange(30) < 22, kpi + 1.0, np.nan)
    table = accuracy_table(kpi, prediction, np.ones_like(kpi), 22, holdout=True)
    assert table.loc["holdout", ["r2", "r2_median_region", "rmse", "wmape", "skill"]].isna().all()
    assert table.loc["train", "rmse"] == pytest.approx(1.0)


def test_a_naive_forecast_of_few_regions_is_shown_but_no_rival():
    rng = np.random.default_rng(0)
    kpi = rng.uniform(5, 10, (4, 70))
    observed = np.ones_like(kpi)
    observed[1:, :20] = 0
    kpi[0, 62:] = kpi[0, 10:18]
    row = accuracy_table(kpi, kpi + 1.0, observed, 62, holdout=True).loc["holdout"]
    assert row["rmse_seasonal"] == 0
    assert row["naive"] != "seasonal"


def test_a_naive_forecast_is_not_the_better_for_leaving_out_the_largest_region():
    """Of ten regions the largest began within the year: its errors are the model's, and no errors of the season's."""
    rng = np.random.default_rng(0)
    kpi = rng.uniform(9, 11, (10, 70)) * np.where(np.arange(10) == 9, 100.0, 1.0)[:, None]
    kpi[:9, 62:] = kpi[:9, 10:18] * 1.1
    observed = np.ones_like(kpi)
    observed[9, :20] = 0
    prediction = np.repeat(kpi[:, 61:62], 70, axis=1)  # no better than what is compared with it, and no worse
    row = accuracy_table(kpi, prediction, observed, 62, holdout=True).loc["holdout"]
    assert row["naive"] == "mean8"
    assert row["rmse"] == pytest.approx(row["rmse_last"])
    assert row["rmse_seasonal"] < 0.1 * row["rmse"]  # in the nine small regions: a skill of -27 was told
    assert row["skill"] == pytest.approx(1 - row["rmse"] / row["rmse_mean8"])


def test_a_table_of_a_method_may_be_changed_by_its_caller(small_result):
    table = small_result.effects()
    table["total"] = 0.0
    assert (small_result.effects()["total"] != 0).any()
    assert small_result.adjacency is small_result.adjacency  # a property gives the table itself
