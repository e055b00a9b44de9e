"""Two runs side by side, where each comes from, and what is logged of them."""

import dataclasses
import json
import sys
import types
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.config.flat import flat_settings
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.training.origin import Origin, commit_of


@pytest.fixture(scope="module")
def other(small_result):
    """The same estimate, called a run of other settings and data."""
    panel = small_result.panel
    kpi = panel.kpi.copy()
    kpi[1, 3] += 100.0
    fitted = dataclasses.replace(
        small_result.fitted,
        panel=dataclasses.replace(panel, kpi=kpi),
        config=small_result.config.replace(graph_evidence=3.0),
        seed=7,
    )
    return dcm.FitResult(fitted)


def test_a_run_does_not_differ_from_itself(small_result):
    found = dcm.compare_runs(small_result, small_result)
    assert found.settings.empty
    assert found.data.empty
    assert found.revised.empty
    np.testing.assert_array_equal(found.figures["change"].fillna(0.0), 0.0)
    assert (found.accuracy["change"] == 0).all()
    assert "0 settings, 0 facts of the data and 0 figures of shared weeks differ" in found.summary()


def test_settings_data_and_revised_figures_that_differ_are_named(small_result, other):
    found = dcm.compare_runs(small_result, other)
    assert found.settings.loc["graph_evidence"].tolist() == ["4.0", "3.0"]
    assert found.settings.loc["seed"].tolist() == ["0", "7"]
    assert list(found.data.index) == ["data"]
    assert found.revised["column"].tolist() == ["sales"]


def test_figures_have_their_errors_and_z(small_result, small_ensemble):
    found = dcm.compare_runs(small_result, small_ensemble).figures
    share = found.loc["share"]
    np.testing.assert_allclose(share["z"], share["change"] / np.hypot(share["before_error"], share["after_error"]))
    draws, trust = small_ensemble.draws("roi").std(ddof=1), small_ensemble.channel_trust.table
    by_share = small_ensemble.media_summary()["roi"] * trust["share_error"] / trust["share"]
    assert (draws < by_share).any()  # refits do not show how far curves may be off
    np.testing.assert_allclose(found.loc["roi"]["after_error"], np.maximum(draws, by_share), rtol=1e-6)
    assert found.loc["decay"]["before_error"].isna().all()
    assert found.loc["decay"]["after_error"].notna().all()


@pytest.mark.slow
def test_runs_on_different_calendars_are_compared_only_by_what_no_step_is_counted_in(small_result, quick):
    weekly = small_result.panel
    dates = pd.date_range(weekly.weeks[0], periods=len(weekly.weeks), freq=pd.DateOffset(months=1))
    assert dates.isin(weekly.weeks).sum() > 1
    months = dataclasses.replace(weekly, weeks=dates, cadence=Cadence.MONTHLY)
    spacing = {
        name: round(getattr(quick, name) * Cadence.MONTHLY.weeks) for name in ("knot_spacing", "region_knot_spacing")
    }
    fitted = dataclasses.replace(small_result.fitted, panel=months, config=quick.replace(**spacing))  # as many knots
    found = dcm.compare_runs(small_result, dcm.FitResult(fitted))
    assert found.revised.empty  # the figure of a month is no revision of that of the week with which it begins
    assert set(found.figures.index.get_level_values("figure")) == {"share", "roi"}
    assert found.accuracy["change"].isna().all()
    assert found.data.loc["calendar"].tolist() == ["weekly", "monthly"]
    assert "last step" in found.data.index
    with pytest.raises(dcm.DataError, match="has no 'weekly_contribution'"):
        dcm.plots.run_changes(found, "weekly_contribution")


def test_returns_in_revenue_are_not_compared_with_returns_in_units_of_the_kpi(small_result):
    panel = dataclasses.replace(small_result.panel, revenue_per_kpi=None)
    found = dcm.compare_runs(small_result, dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel)))
    assert "roi" not in found.figures.index
    assert (found.figures.loc["share", "change"] == 0).all()
    assert found.data.loc["ROI"].tolist() == ["revenue per unit of spend", "KPI units per unit of spend"]


@pytest.mark.parametrize("revenue", [True, False])
def test_visits_are_not_compared_with_sales(small_result, revenue):
    panel = small_result.panel if revenue else dataclasses.replace(small_result.panel, revenue_per_kpi=None)
    sales, visits = (
        dcm.FitResult(dataclasses.replace(small_result.fitted, panel=dataclasses.replace(panel, kpi_name=name)))
        for name in ("sales", "visits")
    )
    found = dcm.compare_runs(sales, visits)
    assert found.data.loc["KPI"].tolist() == ["sales", "visits"]
    kept = set(found.figures.index.get_level_values("figure"))
    assert kept == {"share", "decay", "half_saturation", "slope"} | ({"roi"} if revenue else set())
    assert found.accuracy["change"].isna().all()
    assert found.accuracy[["before", "after"]].notna().all(axis=None)


def test_a_comparison_is_written_and_shown(small_result, other, tmp_path):
    found = dcm.compare_runs(small_result, other)
    names = sorted(path.name for path in found.save(tmp_path / "both").iterdir())
    assert names == ["accuracy.csv", "data.csv", "figures.csv", "revised.csv", "settings.csv"]
    page = found._repr_html_()
    assert "graph_evidence" in page
    assert isinstance(dcm.plots.run_changes(found), go.Figure)


def test_text_of_the_user_cannot_leave_its_cell(small_result):
    panel = dataclasses.replace(small_result.panel, kpi_name="<script>alert(1)</script>")
    other = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel))
    assert "<script>" not in dcm.compare_runs(small_result, other)._repr_html_()


@pytest.mark.parametrize("wrong", [None, "run.npz"])
def test_only_results_are_compared(small_result, wrong):
    with pytest.raises(dcm.ConfigError, match="compare_runs needs two results"):
        dcm.compare_runs(small_result, wrong)


@pytest.mark.slow
def test_the_report_shows_what_changed(small_result, other, tmp_path):
    page = small_result.report(tmp_path / "report.html", previous=other).read_text()
    assert "What changed?" in page
    assert "Settings that differ" in page
    assert "What changed?" not in small_result.report(tmp_path / "alone.html").read_text()


def test_a_result_knows_where_it_comes_from(small_result, quick):
    known = small_result.provenance
    assert known.config == quick
    assert known.seed == 0
    assert known.holdout == 8
    assert known.versions["deepcausalmmm_jax"] == dcm.__version__
    assert known.device.startswith("cpu")
    assert known.command == ""
    assert known.updated_from == ""
    assert known.fingerprint[:12] in known._repr_html_()


def test_provenance_is_kept_in_saved_runs(small_result, small_ensemble, tmp_path):
    for run in (small_result, small_ensemble):
        assert dcm.load(run.save(tmp_path / "run.npz")).provenance == run.provenance


def test_two_saves_of_a_run_are_the_same_file(small_result, tmp_path):
    one, other = (small_result.save(tmp_path / name).read_bytes() for name in ("a.npz", "b.npz"))
    assert len(one) == len(other)
    assert dcm.load(tmp_path / "a.npz").provenance == dcm.load(tmp_path / "b.npz").provenance


def test_of_an_old_run_only_the_versions_are_known():
    known = dcm.load(Path(__file__).parent / "saved" / "schema_5" / "point.npz").provenance
    assert known.versions
    assert (known.finished, known.platform, known.command) == ("", "", "")


def test_the_command_line_is_known_where_there_was_one(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/deepcausalmmm-jax", "fit", "my panel.csv"])
    assert Origin.now().command == "deepcausalmmm-jax fit 'my panel.csv'"
    monkeypatch.setattr(sys, "argv", ["notebook.py"])
    assert Origin.now().command == ""


@pytest.mark.parametrize("form", ["branch", "packed", "detached", "work tree"])
def test_the_commit_is_read_from_a_checkout(tmp_path, form):
    commit, git = "0123456789abcdef" * 2 + "01234567", tmp_path / ".git"
    git.mkdir()
    (git / "HEAD").write_text(f"{commit}\n" if form == "detached" else "ref: refs/heads/main\n")
    if form == "packed":
        (git / "packed-refs").write_text(f"# pack-refs\n{commit} refs/heads/main\n")
    elif form != "detached":
        (git / "refs" / "heads").mkdir(parents=True)
        (git / "refs" / "heads" / "main").write_text(f"{commit}\n")
    place = tmp_path
    if form == "work tree":
        place, own = tmp_path / "tree", git / "worktrees" / "tree"
        place.mkdir()
        own.mkdir(parents=True)
        (own / "HEAD").write_text("ref: refs/heads/main\n")
        (own / "commondir").write_text("../..\n")
        (place / ".git").write_text(f"gitdir: {own}\n")
    assert commit_of(place) == commit
    assert commit_of(tmp_path / "nowhere") == ""


def test_flat_settings_name_every_setting_once():
    flat = flat_settings(dcm.Config())
    assert flat["training.max_epochs"] == 1500
    assert flat["links.forbid"] == "[]"
    assert all(isinstance(value, bool | int | float | str) for value in flat.values())


@pytest.fixture
def mlflow(monkeypatch):
    """A stand-in that keeps what is logged, as the real one checks it: names, numbers and lengths."""
    kept = types.SimpleNamespace(params={}, metrics={}, tags={}, files=[], experiment=None, runs=[])
    module = types.ModuleType("mlflow")
    module.exceptions = types.SimpleNamespace(MlflowException=type("MlflowException", (Exception,), {}))

    @contextmanager
    def start_run(run_name=None, nested=False):
        kept.runs.append((run_name, nested))
        yield types.SimpleNamespace(info=types.SimpleNamespace(run_id="r1"))

    def log_metrics(metrics):
        if not all(np.isfinite(value) for value in metrics.values()):
            raise module.exceptions.MlflowException("a metric is not finite")
        kept.metrics.update(metrics)

    module.start_run, module.log_metrics = start_run, log_metrics
    module.active_run = lambda: None
    module.set_experiment = lambda name: setattr(kept, "experiment", name)
    module.log_params, module.set_tags = kept.params.update, kept.tags.update
    module.log_artifacts = lambda folder: kept.files.extend(path.name for path in Path(folder).iterdir())
    monkeypatch.setitem(sys.modules, "mlflow", module)
    return kept


def test_a_run_is_logged_with_parameters_figures_and_files(mlflow, small_result):
    assert dcm.log_to_mlflow(small_result, "weekly", "march", report=False) == "r1"
    assert mlflow.experiment == "weekly"
    assert mlflow.runs == [("march", False)]
    assert mlflow.params["training.max_epochs"] == "100"
    assert mlflow.params["holdout"] == "8"
    assert mlflow.metrics["holdout.rmse"] == pytest.approx(small_result.metrics.at["holdout", "rmse"])
    assert mlflow.metrics["roi.channel_1"] == pytest.approx(small_result.media_summary().at["channel_1", "roi"])
    assert mlflow.tags["provenance.data"] == small_result.provenance.fingerprint
    assert sorted(mlflow.files) == ["contributions.csv", "fit.npz", "media_summary.csv", "metrics.csv"]


def test_names_that_mlflow_refuses_are_changed(mlflow, small_result):
    panel = dataclasses.replace(small_result.panel, channels=("TV (€)", "söcial:1", "ok"))
    dcm.log_to_mlflow(dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel)), report=False)
    assert "roi.TV ___" in mlflow.metrics
    assert "roi.s_cial_1" in mlflow.metrics


def test_channels_whose_names_mlflow_cannot_tell_apart_keep_figures_of_their_own(mlflow, small_result):
    names = ("电视", "广播", "__ 2")
    panel = dataclasses.replace(small_result.panel, channels=names)
    result = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel))
    dcm.log_to_mlflow(result, report=False)
    logged = {name: value for name, value in mlflow.metrics.items() if name.startswith("roi.")}
    assert list(logged) == ["roi.__ 1", "roi.__ 2", "roi.__ 2 3"]
    assert list(logged.values()) == pytest.approx(result.media_summary()["roi"].tolist())


def test_without_mlflow_the_message_says_what_to_install(monkeypatch, small_result):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(dcm.ConfigError, match=r"deepcausalmmm_jax\[mlflow\]"):
        dcm.log_to_mlflow(small_result)


def test_a_store_that_fails_gives_one_sentence(mlflow, small_result):
    def refuse(params):
        raise sys.modules["mlflow"].exceptions.MlflowException("no room\nmore lines")

    sys.modules["mlflow"].log_params = refuse
    with pytest.raises(dcm.OutputError, match="no room$"):
        dcm.log_to_mlflow(small_result, report=False)


def test_settings_with_lift_tests_are_logged_as_json():
    test = dcm.LiftTest("tv", "2023-01-02", "2023-01-30", 100.0, 10.0)
    told = json.loads(flat_settings(dcm.Config(experiments=(test,)))["experiments"])
    assert told[0]["channel"] == "tv"
