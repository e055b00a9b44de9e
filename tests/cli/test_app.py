import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.app import app
from deepcausalmmm_jax.cli.columns import expanded, paired_spend
from tests.processes import with_devices

COMMAND = Path(sys.executable).with_name("deepcausalmmm-jax")
QUICK = '[training]\nmax_epochs = 50\nchunk_epochs = 25\n[posterior]\nmethod = "none"\n'
DRAWN = QUICK.replace('"none"', '"laplace"\ndraws = 40')


def run(*arguments, cwd):
    """A command on one device, as most machines have: its programs are kept for the next."""
    command = [COMMAND, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=with_devices(1), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    (folder / "quick.toml").write_text(QUICK)
    ran = run("simulate", "--regions", 3, "--weeks", 40, "--channels", 2, "--controls", 1, "--out", "sim", cwd=folder)
    assert ran.returncode == 0, ran.stderr
    return folder


FIT = ("fit", "sim/panel.csv", "--region", "region", "--time", "time", "--kpi", "sales", "--media", "channel_?",
       "--spend", "channel_?_spend", "--controls", "control_*", "--revenue-per-kpi", "revenue_per_kpi",
       "--config", "quick.toml")  # fmt: skip


def changed(option, value):
    arguments = list(FIT)
    arguments[arguments.index(option) + 1] = value
    return arguments


@pytest.fixture(scope="module")
def fitted(workplace):
    ran = run(*FIT, "--out", "run", cwd=workplace)
    assert ran.returncode == 0, ran.stderr
    return ran


@pytest.fixture(scope="module")
def drawn(workplace):
    """The same with draws, whose programs take twice as long to compile."""
    (workplace / "drawn.toml").write_text(DRAWN)
    ran = run(*changed("--config", "drawn.toml"), "--out", "drawn", cwd=workplace)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.slow
def test_fit_writes_all_results_and_report_can_be_written_again(workplace, fitted):
    assert "rmse_mean8" in fitted.stdout
    names = {path.name for path in (workplace / "run").iterdir()}
    assert names == {"report.html", "contributions.csv", "media_summary.csv", "metrics.csv", "fit.npz"}
    table = pd.read_csv(workplace / "run" / "contributions.csv")
    terms = table.drop(columns=["region", "time", "kpi", "prediction"])
    pd.testing.assert_series_equal(terms.sum(axis=1), table["prediction"], check_names=False, rtol=1e-9)
    assert pd.read_csv(workplace / "run" / "media_summary.csv")["roi"].notna().all()
    again = run("report", "run", "--out", "again.html", cwd=workplace)
    assert again.returncode == 0, again.stderr
    assert (workplace / "again.html").stat().st_size > 1_000_000


def _file(workplace, name, text):
    (workplace / name).write_text(text)
    return name


BAD = {
    "absent file": (lambda w: ["fit", "none.csv", *FIT[2:]], "no file none.csv"),
    "empty file": (lambda w: ["fit", _file(w, "empty.csv", ""), *FIT[2:]], "is empty"),
    "lift test on no channel": (
        lambda w: [*FIT, "--experiments", _file(w, "tests.csv", "channel,start,end,lift,standard_error\ntv,2022-02-07,2022-02-20,9,1\n")],
        "channel 'tv', which the panel does not have",
    ),
    "lift test without error": (
        lambda w: [*FIT, "--experiments", _file(w, "tests.csv", "channel,start,end,lift\nchannel_1,2022-02-07,2022-02-20,9\n")],
        "Row 1 of tests.csv has no standard_error",
    ),
    "header alone": (lambda w: ["fit", _file(w, "header.csv", "region,time\n"), *FIT[2:]], "no rows"),
    "wrong delimiter": (lambda w: [*FIT, "--delimiter", ";"], "delimited by commas; pass --delimiter ','"),
    "long rows": (
        lambda w: ["fit", _file(w, "long.csv", "region,time,sales\nn,0,1,5\nn,1,2,5\n"), *FIT[2:]],
        "more values than the header has columns",
    ),
    "two columns of one name": (
        lambda w: ["fit", _file(w, "twice.csv", "sales," + "\n1,".join((w / "sim/panel.csv").read_text().splitlines())), *FIT[2:]],
        "has two columns named 'sales'",
    ),
    "no plan": (lambda w: ["report", "none", "--plan", "sim"], "sim holds no saved plan"),
    "misspelt column": (lambda w: changed("--kpi", "sale"), "no column 'sale'; did you mean 'sales'?"),
    "empty glob": (lambda w: changed("--media", "chanel_*"), "--media 'chanel_*' matches no column"),
    "unpaired spend": (lambda w: changed("--spend", "sa*"), "cannot be paired"),
    "holdout zero": (lambda w: [*FIT, "--holdout", "0"], "1 or more, got 0"),
    "holdout too long": (lambda w: [*FIT, "--holdout", "40"], "holds out all"),
    "too few weeks": (lambda w: [*FIT, "--holdout", "30"], "leaves 10 to train on"),
    "unknown setting": (lambda w: changed("--config", _file(w, "bad.toml", "hiden_size = 3")), "did you mean hidden_size?"),
    "no number": (lambda w: changed("--revenue-per-kpi", "much"), "no column 'much'"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence_and_nothing_written(workplace, name, monkeypatch):
    monkeypatch.chdir(workplace)
    arguments, message = BAD[name]
    ran = CliRunner().invoke(app, [*arguments(workplace), "--out", "never"])
    assert isinstance(ran.exception, dcm.DeepCausalMMMError)
    assert message in str(ran.exception)
    assert len(str(ran.exception).splitlines()) == 1
    assert not (workplace / "never").exists()


@pytest.mark.parametrize("name", [pytest.param("absent file", marks=pytest.mark.slow), "unpaired spend"])
def test_a_process_shows_that_sentence_alone_and_ends_with_2(workplace, name):
    arguments, message = BAD[name]
    ran = run(*arguments(workplace), "--out", "never", cwd=workplace)
    assert ran.returncode == 2
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert not (workplace / "never").exists()


@pytest.mark.slow
def test_optimize_and_scenario_write_what_they_found(workplace, drawn):
    bounds = _file(
        workplace, "bounds.csv", "channel,low,high,kind\nchannel_1,0.8,1.5,relative\nchannel_2,10,,absolute\n"
    )
    ran = run("optimize", "drawn", "--bounds", bounds, "--out", "plan", cwd=workplace)
    assert ran.returncode == 0, ran.stderr
    assert "starts found the best plan" in ran.stdout
    assert "Active limits, and what raising each by one unit adds to the mean revenue over the draws:" in ran.stdout
    assert "e+" not in ran.stdout  # numbers as people write them
    table = pd.read_csv(workplace / "plan" / "table.csv").set_index("channel")
    assert table["spend_plan"].sum() == pytest.approx(table["spend_today"].sum(), rel=1e-6)
    assert 0.8 - 1e-6 <= table.loc["channel_1", "spend_plan"] / table.loc["channel_1", "spend_today"] <= 1.5 + 1e-6
    written = {"plan.json", *(f"{name}.csv" for name in ("table", "channels", "summary", "binding", "draws", "starts"))}
    assert {path.name for path in (workplace / "plan").iterdir()} == written
    assert all(name in ran.stdout for name in written)
    assert run("report", "drawn", "--plan", "plan", "--out", "planned.html", cwd=workplace).returncode == 0
    assert "What does the plan change?" in (workplace / "planned.html").read_text()
    ran = run("scenario", "drawn", "--change", "channel_1*1.2", "--out", "what_if.csv", cwd=workplace)
    assert ran.returncode == 0, ran.stderr
    assert set(pd.read_csv(workplace / "what_if.csv")["by"]) == {"all", "region", "time"}
    ran = run("optimize", "drawn", "--bounds", "sim/panel.csv", "--out", "never", cwd=workplace)
    assert (ran.returncode, len(ran.stderr.strip().splitlines())) == (2, 1)
    assert "no column 'channel'" in ran.stderr


@pytest.mark.slow
def test_curves_writes_the_outcome_of_each_channel_at_the_levels_asked_for(workplace, drawn):
    ran = run("curves", "drawn", "--multiplier", "0.5", "--multiplier", "3", "--out", "curves.csv", cwd=workplace)
    assert ran.returncode == 0, ran.stderr
    assert "Today's point on the curves" in ran.stdout
    table = pd.read_csv(workplace / "curves.csv")
    assert sorted(table["multiplier"].unique()) == [0.0, 0.5, 1.0, 3.0]
    summary = pd.read_csv(workplace / "drawn" / "media_summary.csv").set_index("channel")
    today = table[table["multiplier"] == 1.0].set_index("channel")["incremental_outcome"]
    np.testing.assert_allclose(today, summary["incremental_outcome"].loc[today.index], rtol=1e-5)
    ran = run("curves", "drawn", "--by", "region", "--weeks", "steady", "--multiplier", "1", "--out", "regions.csv", cwd=workplace)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "region_2" in ran.stdout
    ran = run("curves", "drawn", "--weeks", "a few", "--out", "never.csv", cwd=workplace)
    assert (ran.returncode, len(ran.stderr.strip().splitlines())) == (2, 1)
    assert "--weeks must be a number of weeks, or steady, got 'a few'." in ran.stderr


@pytest.mark.slow
def test_unwritable_output_is_refused_before_training_and_harms_nothing(workplace):
    (workplace / "taken").write_text("kept")
    ran = run(*FIT, "--out", "taken/run", cwd=workplace)
    assert ran.returncode == 2
    assert "cannot be written to" in ran.stderr
    assert (workplace / "taken").read_text() == "kept"


@pytest.mark.slow
def test_a_failed_run_leaves_earlier_results(workplace, fitted):
    shutil.copytree(workplace / "run", workplace / "kept")
    before = {path.name: path.read_bytes() for path in (workplace / "kept").iterdir()}
    assert before
    assert run(*changed("--kpi", "sale"), "--out", "kept", cwd=workplace).returncode == 2
    assert {path.name: path.read_bytes() for path in (workplace / "kept").iterdir()} == before


def test_help_shows_the_example(workplace):
    ran = run("fit", "--help", cwd=workplace)
    assert ran.returncode == 0
    assert "deepcausalmmm-jax fit example/panel.csv" in ran.stdout


def test_globs_pair_spend_by_what_the_star_stands_for():
    columns = ["b_impressions", "a_impressions", "organic_impressions", "a_spend", "b_spend"]
    media = expanded(["*_impressions"], columns, "--media")
    assert paired_spend(media, ["*_impressions"], ["*_spend"], columns) == {
        "a_impressions": "a_spend",
        "b_impressions": "b_spend",
    }


def test_spend_pairs_by_order_or_by_name():
    columns = ["tv", "radio", "cost1", "cost2"]
    assert paired_spend(["tv", "radio"], ["tv", "radio"], ["cost2,cost1"], columns) == {"tv": "cost2", "radio": "cost1"}
    named = ["tv", "radio", "radio_spend", "tv_spend"]
    assert paired_spend(["tv", "radio"], ["tv,radio"], ["*_spend"], named) == {"tv": "tv_spend", "radio": "radio_spend"}
    assert paired_spend(["tv", "radio"], ["tv", "radio"], ["radio=cost1"], columns) == {"radio": "cost1"}
    with pytest.raises(dcm.DataError, match="'print' is not a media column"):
        paired_spend(["tv"], ["tv"], ["print=cost1"], columns)
