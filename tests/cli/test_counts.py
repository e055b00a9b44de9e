"""`fit --counts`, and the commands that read its run."""

import importlib

import pandas as pd
import pytest
from typer.testing import CliRunner

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.app import app
from tests.attribution.test_counts import as_counts


@pytest.fixture(scope="module")
def counted(small_ensemble):
    return as_counts(small_ensemble)


@pytest.fixture(scope="module")
def place(counted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("counts")
    counted.panel.to_dataframe().to_csv(folder / "panel.csv", index=False)
    counted.save(folder / "run" / "fit.npz")
    return folder


def invoked(*arguments):
    ran = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return ran


@pytest.mark.slow
def test_fit_takes_counts_beside_a_file_of_settings(counted, place, monkeypatch):
    asked = []

    def fit(panel, config, *_, **__):
        asked.append((panel.kpi_name, config))
        return counted

    monkeypatch.setattr(importlib.import_module("deepcausalmmm_jax.inference.fit"), "fit", fit)
    (place / "config.toml").write_text("max_lag = 6\n")
    columns = ("--region", "region", "--time", "time", "--kpi", "sales", "--media", "channel_?", "--spend")
    more = ("channel_?_spend", "--controls", "control_*", "--config", place / "config.toml", "--counts", "--quiet")
    invoked("fit", place / "panel.csv", *columns, *more, "--out", place / "fitted")
    assert asked == [("sales", dcm.Config(counts=True, max_lag=6))]
    assert dcm.load(place / "fitted").config.reading == "counts"


@pytest.mark.slow
def test_every_command_that_plans_or_judges_reads_its_run(place):
    run = place / "run"
    assert "Verdict" in invoked("check", run).stdout
    invoked("scenario", run, "--change", "channel_1*1.2", "--out", place / "what_if.csv")
    assert pd.read_csv(place / "what_if.csv")["change"].abs().max() > 0
    invoked("optimize", run, "--out", place / "plan")
    table = pd.read_csv(place / "plan" / "table.csv")
    assert table["spend_plan"].sum() == pytest.approx(table["spend_today"].sum(), rel=1e-6)
    invoked("report", run, "--plan", place / "plan", "--out", place / "report.html")
    assert (place / "report.html").stat().st_size > 1_000_000
