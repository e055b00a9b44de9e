"""Who gives a function something else than it works on is told so in one sentence of ours."""

import inspect

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.checks import shown

OURS = (dcm.ConfigError, dcm.DataError, dcm.OutputError)
THINGS = ("text", 1.5, None, [], {}, b"1", object(), pd.DataFrame({"a": [1]}))
KINDS = pytest.mark.parametrize("thing", THINGS, ids=lambda thing: type(thing).__name__)


def said_by(call, *arguments, **options):
    with pytest.raises(OURS) as caught:
        call(*arguments, **options)
    return str(caught.value)


@KINDS
@pytest.mark.parametrize("name", dcm.plots.__all__)
def test_a_figure_names_what_it_draws(name, thing):
    sentence = said_by(getattr(dcm.plots, name), thing)
    assert sentence.startswith((f"plots.{name} needs", "This figure needs the table", "The table of response curves", "The plan's table"))  # fmt: skip


@pytest.mark.parametrize("name", [name for name in dcm.plots.__all__ if "top" in inspect.signature(getattr(dcm.plots, name)).parameters])  # fmt: skip
@pytest.mark.parametrize("top", ["5", 0, -1, 2.5, None, True])
def test_the_number_of_rows_drawn_is_a_whole_number(name, top, small_result):
    first = next(iter(inspect.signature(getattr(dcm.plots, name)).parameters.values()))
    subject = {"result": small_result, "panel": small_result.panel}.get(first.name, pd.DataFrame())
    assert said_by(getattr(dcm.plots, name), subject, top=top) == f"top must be a whole number, 1 or more, got {top!r}."


def test_a_figure_of_a_result_says_how_a_panel_becomes_one(small_panel):
    assert "fit it first, dcm.plots.effects(dcm.fit(panel))" in said_by(dcm.plots.effects, small_panel)


@pytest.mark.parametrize("name", ["predict", "contributions_of", "forecast_draws", "forecast_intervals"])
@pytest.mark.parametrize("table", [pd.DataFrame({"week": [1]}), "panel.csv", np.zeros(3)])
def test_a_table_is_no_panel_to_predict(name, table, small_result):
    wanted = f"{name} needs a Panel, got {type(table).__name__}; build one with Panel.from_dataframe."
    assert said_by(getattr(small_result, name), table) == wanted


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda r: r.regional_summary(top="5"), "top must be a whole number, 1 or more, got '5'."),
        (lambda r: r.report(None), "The place to write to must be the path of a file or folder, got None."),
        (lambda r: r.save(""), "The place to write to must be the path of a file or folder, got ''."),
        (lambda r: r.panel.select(weeks=8), "weeks must be a slice of positions, such as slice(0, 52), got 8."),
        (lambda r: r.panel.select(regions="north"), "regions must be a list of regions, got 'north'."),
        (lambda r: r.panel.select(regions=2 * [r.panel.regions[0]]), "is listed twice; name each region once."),
        (lambda r: dcm.response_curves(r, multipliers="x"), "multiples of today's spend, 0 or more, got 'x'."),
        (lambda r: dcm.response_curves(r, multipliers=[1.0, -1.0]), "0 or more, got [1.0, -1.0]."),
        (lambda r: dcm.response_curves(r, weeks=10**9), "weeks must be None, 'steady' or a number of weeks from 1 to 10,000"),
        (lambda r: dcm.scenario(r, [dcm.Change("channel_1", 1.2)], cost="x"), "cost must be a price per exposure unit by channel"),
        (lambda r: dcm.optimize_budget(r, cost={"channel_1": "a"}), "exposure unit must be a number above 0, got 'a'."),
        (lambda r: dcm.health(r, plan="plan"), "plan must be what optimize_budget returns, got str."),
        (lambda r: dcm.compare([r]), 'compare needs plans by name, such as {"today": plan'),
        (lambda r: dcm.BudgetPlan.load(None), "BudgetPlan.load needs the path of a folder, got None."),
        (lambda r: dcm.prior_predictive(r), "prior_predictive needs a Panel, got FitResult"),
        (lambda r: dcm.prior_predictive(r.panel, {"epochs": 3}), "prior_predictive needs a Config, got dict"),
        (lambda r: dcm.cross_validate(r.panel, "default"), "cross_validate needs a Config, got str"),
        (lambda r: dcm.cross_validate(r.panel.to_dataframe(), r.config), "cross_validate needs a Panel, got DataFrame"),
        (lambda r: dcm.fit_many([r.panel], [{}]), "fit_many needs a Config, got dict"),
        (lambda r: dcm.fit_many(None), "Entry 0 of panels must be a Panel, got NoneType"),
        (lambda r: dcm.fit_many(r.panel, engine="gpu"), "engine must be one of threads, shard_map, pmap, got 'gpu'."),
        (lambda r: dcm.bootstrap(r, engine=3), "engine must be one of threads, shard_map, pmap, got 3."),
        (lambda r: dcm.bootstrap(r, devices=1), "devices must be a platform such as 'cpu', or a list of devices, got 1."),
        (lambda r: dcm.bootstrap(r, devices=["cpu"]), "or a list of devices, got ['cpu']."),
        (lambda r: dcm.bootstrap(r, out=3), "must be the path of a file or folder, got 3."),
        (lambda r: dcm.refute(r, tests=1.5), "tests must be a list of tests, got 1.5; there are"),
        (lambda r: dcm.from_torch_state_dict("weights.pt", r.panel), "needs the model's state_dict, got str."),
        (lambda r: dcm.to_weeks(pd.DataFrame(), time="day", flows="sales"), "flows must be a list of columns, got 'sales'."),
        (lambda r: dcm.learn_dag(np.random.default_rng(0).random((2, 9, 3)), groups=1.5), "groups must be 'learn', one label per unit, or None"),
        (lambda r: dcm.learn_dag(np.random.default_rng(0).random((50, 3)), forbid=None), "forbid must be a list of edges (source, target), got None."),
        (lambda r: dcm.bootstrap_dag(np.random.default_rng(0).random((50, 3)), 5, seed="x"), "seed must be"),
        (lambda r: dcm.read_lift_tests("tests.csv", delimiter=5), "delimiter must be one character"),
    ],
)  # fmt: skip
def test_each_says_what_it_needs(call, sentence, small_result):
    assert sentence in said_by(call, small_result)


def test_long_things_are_not_written_out():
    assert len(shown("x" * 10_000)) < 200
