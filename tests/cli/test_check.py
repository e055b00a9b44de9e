"""`check`: data before a fit, and runs after it; the exit code says whether something needs fixing."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.app import app
from tests.trust.kinds import at_rest, broken_off

COLUMNS = ["--region", "region", "--time", "time", "--kpi", "sales", "--media", "channel_?", "--spend",
           "channel_?_spend", "--controls", "control_*", "--revenue-per-kpi", "revenue_per_kpi"]  # fmt: skip


@pytest.fixture(scope="module")
def table():
    return dcm.simulate(2, 80, 3, 1, seed=3)[0].to_dataframe()


def check(*arguments):
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


def test_a_clean_file_passes_and_its_table_is_written(table, tmp_path):
    table.to_csv(tmp_path / "panel.csv", index=False)
    ran = check(tmp_path / "panel.csv", *COLUMNS, "--out", tmp_path / "checks")
    assert ran.exit_code == 0, ran.output
    assert "0 fail, 0 look" in ran.output
    written = pd.read_csv(tmp_path / "checks" / "data_checks.csv")
    assert set(written["grade"]) == {"pass"}
    assert "<table" in (tmp_path / "checks" / "data_checks.html").read_text()


def test_a_file_to_be_mended_gives_exit_code_1_and_names_the_place(table, tmp_path):
    last = table["time"] >= table["time"].max() - pd.Timedelta(weeks=2)
    table.assign(sales=table["sales"].where(~last, 0.0), channel_2=np.where(last, 0.0, 5.0)).to_csv(
        tmp_path / "panel.csv", index=False
    )
    ran = check(tmp_path / "panel.csv", *COLUMNS)
    assert ran.exit_code == 1
    assert "zeros at the end" in ran.output
    assert "missing_kpi='mask'" in ran.output.replace("\n      ", " ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.csv", *COLUMNS], "no file"),
        (["panel.csv", *COLUMNS[:-4], "--controls", "absent"], "matches no column"),
    ],
)
def test_bad_input_is_one_sentence(table, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    table.to_csv("panel.csv", index=False)
    ran = check(*arguments)
    assert isinstance(ran.exception, dcm.DeepCausalMMMError)  # `main` turns it into a sentence and exit code 2
    assert words in str(ran.exception)


def test_a_run_shows_its_health_and_the_verdict(national_ensemble, tmp_path):
    at_rest(national_ensemble).save(tmp_path / "fit.npz")
    ran = check(tmp_path, "--out", tmp_path / "health")
    assert "Verdict: " in ran.output
    table = pd.read_csv(tmp_path / "health" / "health.csv")
    assert ran.exit_code == int("fail" in set(table["grade"]))
    assert "Verdict" in (tmp_path / "health" / "health.html").read_text()


def test_a_run_that_has_not_converged_gives_exit_code_1(national_ensemble, tmp_path):
    ran = check(broken_off(national_ensemble).save(tmp_path / "run.npz"))
    assert ran.exit_code == 1
    assert "Verdict: do not use." in ran.output


@pytest.mark.parametrize(
    "option",
    ["--kpi", "--region", "--treatments", "--events", "--schema", "--cadence", "--revenue-per-kpi", "--holidays",
     "--sheet", "--decimal", "--delimiter", "--reach", "--population", "--mask-missing-kpi", "--keep-trailing-zeros"],
)  # fmt: skip
def test_a_run_takes_no_option_of_a_file(tmp_path, option):
    flags = ("--mask-missing-kpi", "--keep-trailing-zeros")
    ran = check(tmp_path, option, *([] if option in flags else ["sales"]))
    assert f"is a saved run, which knows its columns; leave out {option}." in str(ran.exception)
