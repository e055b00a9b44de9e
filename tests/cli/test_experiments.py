"""The command `plan-experiments`, in this process: what it writes, what it says, and what it refuses."""

import pandas as pd
import pytest
from typer.testing import CliRunner

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.app import app

QUICK = ("--level", "0.5", "--weeks", "4", "--change", "-1")  # four refits allow no wider interval


def run(*arguments):
    return CliRunner().invoke(app, ["plan-experiments", *map(str, arguments)])


@pytest.fixture(scope="module")
def saved(small_ensemble, tmp_path_factory):
    return small_ensemble.save(tmp_path_factory.mktemp("run") / "ensemble.npz")


def test_it_writes_the_candidates_and_the_match_of_the_best(saved, tmp_path):
    ran = run(saved.parent, "--out", tmp_path / "tests", *QUICK, "--channel", "channel_1")
    assert ran.exit_code == 0, ran.output
    table = pd.read_csv(tmp_path / "tests" / "experiments.csv")
    assert set(table["channel"]) == {"channel_1"}
    matches = pd.read_csv(tmp_path / "tests" / "matches.csv")
    assert set(table["regions"].iloc[0].split("; ")) == set(matches.loc[matches["role"] == "test", "region"])
    assert len(pd.read_csv(tmp_path / "tests" / "pre_period.csv")) == 60
    assert f"{len(table)} candidates" in ran.output
    assert "Knowing every effect exactly" in ran.output


def test_regions_can_be_named(saved, tmp_path):
    named = ("--region", "region_1", "--region", "region_3")
    ran = run(saved.parent, "--out", tmp_path / "tests", *QUICK, *named)
    assert ran.exit_code == 0, ran.output
    table = pd.read_csv(tmp_path / "tests" / "experiments.csv")
    assert set(table["regions"]) == {"region_1; region_3"}


def test_a_fit_without_draws_and_a_bad_channel_write_nothing(saved, small_result, tmp_path):
    fit = small_result.save(tmp_path / "fit.npz")
    for place, options, message in (
        (fit, (), "holds a fit without draws; run deepcausalmmm-jax bootstrap"),
        (saved.parent, ("--channel", "tv"), "channels names 'tv'"),
    ):
        ran = run(place, "--out", tmp_path / "never", *QUICK, *options)
        assert isinstance(ran.exception, dcm.DeepCausalMMMError)
        assert message in str(ran.exception)
        assert not (tmp_path / "never").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--weeks", "0"), "weeks must be"),
        (("--change", "0"), "changes must be shares of spend from -1"),
        (("--change", "-2"), "changes must be shares of spend from -1"),
        (("--margin", "35"), "margin is a share of revenue"),
    ],
)
def test_what_is_asked_is_checked_before_refits_are_asked_for(small_result, tmp_path, options, message):
    ran = run(small_result.save(tmp_path / "fit.npz"), "--out", tmp_path / "never", *options)
    assert isinstance(ran.exception, dcm.ConfigError)
    assert message in str(ran.exception)
