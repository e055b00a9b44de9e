"""Options for settings on the command line go before the file of settings."""

import pytest
from typer.testing import CliRunner

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.app import app
from deepcausalmmm_jax.cli.settings_options import refuse_two_holdouts, settings_by_kpi, settings_of


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('link = "log"\nmax_lag = 6\n')
    return path


def test_without_options_settings_are_those_of_the_file(file):
    assert settings_of(file, None) == dcm.Config(link="log", max_lag=6)
    assert settings_of(None, None) == dcm.Config()


@pytest.mark.parametrize("link", ["identity", "log", "auto"])
def test_a_link_goes_before_that_of_the_file(file, link):
    assert settings_of(file, link) == dcm.Config(link=link, max_lag=6)


@pytest.mark.parametrize("link", ["logit", "", "Log"])
def test_another_link_is_refused_with_the_known_ones(link):
    with pytest.raises(dcm.ConfigError, match="--link must be identity, log or auto, got"):
        settings_of(None, link)


def test_a_link_that_the_other_settings_do_not_have_is_refused(tmp_path):
    path = tmp_path / "paper.toml"
    path.write_text('model = "paper"\n')
    with pytest.raises(dcm.ConfigError, match="link"):
        settings_of(path, "log")


def test_counts_go_beside_the_settings_of_a_file(file):
    assert settings_of(file, None, counts=True) == dcm.Config(counts=True, max_lag=6)
    assert settings_of(None, None, counts=True) == dcm.Config(counts=True)


@pytest.mark.parametrize("link", ["identity", "auto"])
def test_counts_take_no_other_link_than_log_wherever_it_is_stated(tmp_path, link):
    path = tmp_path / "config.toml"
    path.write_text(f'link = "{link}"\n')
    with pytest.raises(dcm.ConfigError, match="counts need the log link"):
        settings_of(path, None, counts=True)
    with pytest.raises(dcm.ConfigError, match=f"--link {link} is not for --counts"):
        settings_of(None, link, counts=True)


def test_of_several_kpis_those_that_are_named_are_counts():
    found = settings_by_kpi(None, "identity", ["visits, calls"], ["visits", "calls", "sales"])
    assert {kpi: config.reading for kpi, config in found.items()} == {
        "visits": "counts",
        "calls": "counts",
        "sales": "identity",
    }
    with pytest.raises(dcm.ConfigError, match="--counts names 'visit', which is not a KPI; did you mean 'visits'"):
        settings_by_kpi(None, None, ["visit"], ["visits", "sales"])


@pytest.mark.parametrize(("holdout", "without"), [(8, False), (None, True), (None, False)])
def test_weeks_are_held_out_or_not(holdout, without):
    refuse_two_holdouts(holdout, without)


@pytest.mark.parametrize("command", [["fit", "panel.csv"], ["update", "run", "panel.csv"]])
def test_a_holdout_beside_none_is_refused(command):
    ran = CliRunner().invoke(app, [*command, "--out", "never", "--holdout", "8", "--no-holdout"])
    assert str(ran.exception) == "--holdout 8 and --no-holdout contradict each other; leave one of the two out."
