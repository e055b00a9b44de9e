"""Hostile command lines: each works, or ends in one sentence of ours or in the usage; the training itself is left out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from deepcausalmmm_jax.cli.app import app
from deepcausalmmm_jax.errors import DeepCausalMMMError, FitError
from deepcausalmmm_jax.inference import fit as training
from tests.fuzz.profile import cases

TEXT = st.one_of(
    st.sampled_from(
        ["", "-1", "0", "3", "1e400", "nan", "week", "sales", "tv", "t*", "[", "*", "tv=spend", "=", ",", "\0", "ä"]
    ),
    st.text(max_size=4).filter(lambda text: not text.startswith("-")),
)
OPTIONS = ("--time", "--kpi", "--media", "--region", "--spend", "--controls", "--revenue-per-kpi", "--population", "--holdout",
           "--seed", "--config", "--delimiter", "--out", "--unknown")  # fmt: skip
FLAGS = ("--no-holdout", "--mask-missing-kpi", "--keep-trailing-zeros", "--quiet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("fuzz")
    rng = np.random.default_rng(0)
    rows = pd.DataFrame([(f"r{r}", t) for r in range(2) for t in range(30)], columns=["region", "week"])
    rows[["sales", "tv", "radio", "spend"]] = rng.gamma(2.0, size=(60, 4))
    rows.to_csv(place / "panel.csv", index=False)
    return place


def _no_training(*_, **__):
    raise FitError("The training was reached.")


@given(
    changed=st.lists(st.tuples(st.sampled_from(OPTIONS), TEXT), max_size=3),
    flags=st.lists(st.sampled_from(FLAGS), max_size=2),
)
@cases("commands")
def test_a_hostile_fit_reaches_its_training_or_is_one_sentence(folder, changed, flags):
    good = {"--time": "week", "--kpi": "sales", "--media": "tv", "--region": "region", "--out": str(folder / "run")}
    values = good | dict(changed)
    if changed and "--out" in dict(changed):
        values["--out"] = str(folder / values["--out"].replace("/", ""))
    arguments = ["fit", str(folder / "panel.csv"), *(part for pair in values.items() for part in pair), *flags]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "fit", _no_training)
        ran = CliRunner().invoke(app, arguments)
    assert isinstance(ran.exception, DeepCausalMMMError | SystemExit), ran.exception
    assert "\n" not in str(ran.exception)
    assert not (folder / "run").exists()
