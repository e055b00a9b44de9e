"""Every option that takes a file, given what is none: one sentence that names it, and nothing is trained or written."""

import os

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from deepcausalmmm_jax.cli.app import app
from deepcausalmmm_jax.errors import DeepCausalMMMError, FitError
from deepcausalmmm_jax.inference import fit, fit_kpis, reproduce
from tests.results.test_damaged_runs import WHOLE

COLUMNS = ["--time", "week", "--kpi", "sales", "--media", "tv", "--region", "region"]
TWO_KPIS = ["--kpi", "sales", "--kpi", "calls", "--time", "week", "--media", "tv", "--region", "region"]
# FILE is what is wrong; GOOD, RUN and OUT are a table, a saved run and a folder that is not there yet.
ASKED = {
    "fit FILE": ["fit", "FILE", *COLUMNS, "--out", "OUT"],
    "fit FILE, detected": ["fit", "FILE", "--out", "OUT"],
    "fit --config": ["fit", "GOOD", *COLUMNS, "--config", "FILE", "--out", "OUT"],
    "fit --schema": ["fit", "GOOD", "--schema", "FILE", "--out", "OUT"],
    "fit --events": ["fit", "GOOD", *COLUMNS, "--events", "FILE", "--out", "OUT"],
    "fit --experiments": ["fit", "GOOD", *COLUMNS, "--experiments", "FILE", "--out", "OUT"],
    "fit-kpis FILE": ["fit-kpis", "FILE", *TWO_KPIS, "--out", "OUT"],
    "fit-kpis --config": ["fit-kpis", "GOOD", *TWO_KPIS, "--config", "FILE", "--out", "OUT"],
    "check FILE": ["check", "FILE"],
    "check --schema": ["check", "GOOD", "--schema", "FILE"],
    "check --events": ["check", "GOOD", *COLUMNS, "--events", "FILE"],
    "update RUN": ["update", "FILE", "GOOD", "--out", "OUT"],
    "update FILE": ["update", "RUN", "FILE", "--out", "OUT"],
    "reproduce RUN": ["reproduce", "FILE"],
    "optimize RUN": ["optimize", "FILE", "--out", "OUT"],
    "optimize --bounds": ["optimize", "RUN", "--bounds", "FILE", "--out", "OUT"],
    "scenario RUN": ["scenario", "FILE", "--change", "tv*1.2", "--out", "OUT"],
    "bootstrap RUN": ["bootstrap", "FILE", "--out", "OUT"],
    "refute RUN": ["refute", "FILE", "--out", "OUT"],
    "report RUN": ["report", "FILE"],
    "report --plan": ["report", "RUN", "--plan", "FILE", "--out", "OUT"],
    "plan-experiments RUN": ["plan-experiments", "FILE", "--out", "OUT"],
    "plan-experiments --plan": ["plan-experiments", "RUN", "--plan", "FILE", "--out", "OUT"],
}
WRONG = (
    "a folder",
    "no text",
    "only zeros",
    "an empty one",
    "none",
    "a circle",
    "a long name",
    "below a file",
    "blank",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    table = pd.DataFrame([(f"r{r}", t) for r in range(2) for t in range(30)], columns=["region", "week"])
    table[["sales", "calls", "tv", "price"]] = np.random.default_rng(0).gamma(2.0, size=(60, 4))
    table.to_csv(folder / "good.csv", index=False)
    (folder / "run.npz").write_bytes(WHOLE)
    (folder / "a folder").mkdir()
    (folder / "no text").write_bytes(np.random.default_rng(0).bytes(3000))
    (folder / "only zeros").write_bytes(bytes(100))
    (folder / "an empty one").write_bytes(b"")
    os.symlink(folder / "a circle", folder / "a circle")
    return folder


@pytest.fixture
def run(place, monkeypatch, tmp_path):
    """Runs a command line and gives back what it ends with; training is reached with an error of its own."""

    def no_training(*_, **__):
        raise FitError("The training was reached.")

    assert reproduce  # was imported before, or it would keep the replaced `fit`
    monkeypatch.setattr(fit, "fit", no_training)
    monkeypatch.setattr(fit_kpis, "fit_kpis", no_training)
    words = {"GOOD": place / "good.csv", "RUN": place / "run.npz", "OUT": tmp_path / "out"}
    words |= {"a long name": "a" * 400, "below a file": place / "good.csv" / "x", "blank": ""}

    def run(command, wrong):
        named = words | {"FILE": words.get(wrong, place / wrong)}
        ran = CliRunner().invoke(app, [str(named.get(part, part)) for part in ASKED[command]])
        assert not (tmp_path / "out").exists()
        return ran.exception

    return run


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("command", ASKED)
def test_what_is_no_such_file_is_refused_in_one_sentence(run, command, wrong):
    refusal = run(command, wrong)
    if command.endswith("--config") and wrong == "an empty one":  # all settings by default
        assert "The training was reached" in str(refusal)
        return
    assert isinstance(refusal, DeepCausalMMMError), refusal
    sentence = str(refusal)
    assert "\n" not in sentence
    assert len(sentence) < 400
    assert "codec" not in sentence
    assert "training" not in sentence


@pytest.mark.parametrize("command", ["fit FILE", "fit FILE, detected", "fit --events", "fit --experiments", "update FILE", "optimize --bounds"])  # fmt: skip
def test_a_folder_in_place_of_a_table_is_called_one(run, place, command):
    assert str(run(command, "a folder")) == f"{place / 'a folder'} is a folder; name the file in it."


def test_a_table_that_may_not_be_read_is_named_with_the_reason(run, place, monkeypatch):
    def forbidden(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pd, "read_csv", forbidden)
    assert str(run("fit FILE", "good.csv")) == f"The file {place / 'good.csv'} cannot be read: Permission denied."
