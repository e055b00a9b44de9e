"""Prices of exposure on the command line."""

import dataclasses

import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.costs import costs_named
from deepcausalmmm_jax.cli.planning import optimize_command, scenario_command


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (None, None),
        (["tv=0.012"], {"tv": 0.012}),
        (["tv=0.012, a=b=2.5", "radio=3"], {"tv": 0.012, "a=b": 2.5, "radio": 3.0}),
    ],
)
def test_the_command_line_states_prices_by_channel(texts, found):
    assert costs_named(texts, ["tv", "radio", "a=b"]) == found


@pytest.mark.parametrize("text", ["tv", "tv=", "=3", "tv=cheap", "tv=3,tv=4"])
def test_a_price_of_another_form_is_refused(text):
    with pytest.raises(dcm.ConfigError, match="--cost"):
        costs_named([text], ["tv"])


@pytest.mark.slow
def test_commands_price_a_channel_without_spend(small_result, tmp_path, capsys):
    spend = small_result.panel.spend.copy()
    spend[:, :, 0] = 0.0
    panel = dataclasses.replace(small_result.panel, spend=spend)
    unpriced = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel))
    unpriced.save(tmp_path / "fit.npz")
    price = ["channel_1=0.25"]
    optimize_command(tmp_path, tmp_path / "plan", cost=price)
    told = pd.read_csv(tmp_path / "plan" / "table.csv", index_col="channel")
    assert told.loc["channel_1", "spend_today"] == pytest.approx(0.25 * panel.exposure[:, :, 0].sum(), rel=1e-6)
    scenario_command(tmp_path, tmp_path / "more.csv", change=["channel_1*1.2"], cost=price)
    more = pd.read_csv(tmp_path / "more.csv").iloc[0]
    assert more["spend_change"] == pytest.approx(0.2 * told.loc["channel_1", "spend_today"], rel=1e-6)
    with pytest.raises(dcm.DataError, match="channel_7"):
        optimize_command(tmp_path, tmp_path / "never", cost=["channel_7=1"])
    assert not (tmp_path / "never").exists()
