"""The CSV that the page's button gives: the same escape of formulas as in the files of the command line."""

import csv
import dataclasses
import io
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.io.write_csv import escaped
from deepcausalmmm_jax.plots.budget import outcome_against_history
from deepcausalmmm_jax.plots.report.payload import figure_data
from tests.io.test_write_csv import HOSTILE
from tests.plots.conftest import linked

SCRIPT = (files("deepcausalmmm_jax.plots.report") / "templates" / "tables.js").read_text(encoding="utf-8")


def test_a_download_runs_no_formula_in_a_spreadsheet(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(f"<meta charset=utf-8><script>{SCRIPT}</script>", encoding="utf-8")
    browser.get(page.as_uri())
    table = {"header": ["=name", "value"], "rows": [[text, -1.5] for text in HOSTILE] + [["plain", None]]}
    text = browser.execute_script("return csvOf(arguments[0])", table)
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == ["'=name", "value"]
    assert rows == [[escaped(text), "-1.5"] for text in HOSTILE] + [["plain", ""]]


def table_of(browser, figure, tmp_path):
    """The table that the page has behind a figure."""
    page = tmp_path / "page.html"
    page.write_text(f"<meta charset=utf-8><script>{SCRIPT}</script>", encoding="utf-8")
    browser.get(page.as_uri())
    return browser.execute_script("return tableOf(arguments[0].data, arguments[0].layout)", figure_data(figure))


def test_shares_of_the_prediction_are_percent_in_the_table_too(browser, small_result, tmp_path):
    table = table_of(browser, small_result.plot("contribution_over_time", kind="percent"), tmp_path)
    assert all(name.endswith(", %") for name in table["header"][1:])
    sums = [sum(value for value in row[1:] if value is not None) for row in table["rows"]]
    np.testing.assert_allclose(sums, 100.0, rtol=1e-6)
    weekly = small_result.contributions.sum("region").to_pandas()
    share = 100 * weekly["channel_1"] / weekly.sum(axis=1)
    at = table["header"].index("channel_1, %")
    np.testing.assert_allclose([row[at] for row in table["rows"]], share, rtol=0.01)


def test_the_table_behind_the_graph_has_its_links(browser, small_result, tmp_path):
    result = linked(small_result)
    table = table_of(browser, result.plot("graph_network"), tmp_path)
    assert table["header"][:2] == ["from", "to"]
    assert table["header"][-1] == "weight, average weeks"
    links = result.links()
    assert [row[:2] for row in table["rows"]] == links[["source", "target"]].to_numpy().tolist()
    np.testing.assert_allclose([row[-1] for row in table["rows"]], links["weight"], rtol=0.01)


@pytest.mark.slow
def test_standard_errors_of_two_runs_are_in_the_table(browser, small_result, earlier_result, tmp_path):
    found = dcm.compare_runs(earlier_result, small_result)
    table = table_of(browser, dcm.plots.run_changes(found), tmp_path)
    ends = ["before", "before, standard error", "after", "after, standard error"]
    assert table["header"] == ["channel", *ends]
    rows = pd.DataFrame(table["rows"]).set_index(0)
    own = found.figures.loc["share"].loc[rows.index, ["before", "before_error", "after", "after_error"]]
    np.testing.assert_allclose(rows.to_numpy(float), own, rtol=1e-3)


def test_intervals_that_end_short_of_their_bar_are_in_the_table_as_they_are(browser, plan, tmp_path):
    channels = plan.channels.assign(incremental_outcome_plan_low=13.0, incremental_outcome_plan_high=15.0)
    table = table_of(browser, outcome_against_history(channels, "sales"), tmp_path)
    assert table["header"] == ["channel", "today", "plan", "plan, low", "plan, high"]
    assert [row[1:] for row in table["rows"]] == [[10.0, 12.0, 13.0, 15.0]] * len(channels)


def test_bands_are_in_the_table_beside_their_lines(browser, ensemble, tmp_path):
    table = table_of(browser, ensemble.plot("contribution_over_time", kind="lines"), tmp_path)
    assert table["header"][0] == "week"
    rows = pd.DataFrame(table["rows"], columns=table["header"])
    interval = ensemble.contribution_intervals()
    for end in ("low", "high"):
        own = interval.sel(bound=end, component="channel_1").values
        np.testing.assert_allclose(rows[f"channel_1, {end}"], own, rtol=1e-3, atol=1e-3 * np.abs(own).max())
    fitted = table_of(browser, ensemble.plot("actual_and_predicted"), tmp_path)
    assert fitted["header"][1:5] == ["actual", "predicted", "predicted, low", "predicted, high"]
    last = fitted["rows"][-1]
    assert last[3] < last[2] < last[4]
    assert fitted["rows"][0][3:5] == [None, None]


def test_a_line_that_goes_on_dotted_is_one_column(browser, curves, tmp_path):
    table = table_of(browser, dcm.plots.response_curves(curves), tmp_path)
    names = [name for name in table["header"][1:] if not name.endswith((", low", ", high"))]
    assert names == ["channel_1", "channel_2"]
    rows = pd.DataFrame(table["rows"], columns=table["header"]).set_index(table["header"][0])
    assert rows["channel_1"].dropna().index.max() == 2e6


def test_names_are_whole_in_tables_and_the_first_column_says_what_it_holds(browser, small_result, tmp_path):
    names = ("x & " + "long " * 12 + "name", "tv_impressions", "<b>radio</b>")
    panel = dataclasses.replace(small_result.panel, channels=names)
    result = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel))
    for kind in ("contribution_donut", "contribution_waterfall"):
        table = table_of(browser, result.plot(kind), tmp_path)
        assert set(names) <= {row[0] for row in table["rows"]}
        total = sum(row[1] for row in table["rows"] if row[0] != "prediction")
        assert total == pytest.approx(float(result.contributions.sum()), rel=1e-3)
    heat = table_of(browser, result.plot("region_heatmap"), tmp_path)
    assert (heat["header"][0], set(heat["header"][1:])) == ("region", set(names))
    assert table_of(browser, result.plot("control_ranges"), tmp_path)["header"][0] == "control"
    assert table_of(browser, result.plot("adstock_decay"), tmp_path)["header"][0] == "weeks after the exposure"


def test_an_interval_without_an_end_has_no_number_in_the_table(browser, ensemble, tmp_path, monkeypatch):
    summary = ensemble.media_summary()
    summary.loc["channel_1", "cpik_high"] = np.inf
    monkeypatch.setattr(dcm.Ensemble, "media_summary", lambda self, *_: summary)
    table = table_of(browser, ensemble.plot("channel_returns", measure="cpik"), tmp_path)
    shown = pd.DataFrame(table["rows"], columns=table["header"]).set_index("channel")["high"]
    own = summary["cpik_high"][shown.index]
    endless = np.isinf(own)
    assert endless["channel_1"]
    assert set(shown[endless]) == {"∞"}
    np.testing.assert_allclose(shown[~endless].astype(float), own[~endless], rtol=1e-3)
