"""`update RUN FILE` finds the run's columns by itself; `reproduce RUN` says whether a run can be made again."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import typer

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.run_columns import panel_like
from deepcausalmmm_jax.cli.update import _shown, _write, reproduce_command, update_command
from deepcausalmmm_jax.data.panel_changes import panel_changes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory, small_panel, earlier_result):
    """A run of 56 weeks, and the table of all 60, its prices under names that do not say whose they are."""
    folder = tmp_path_factory.mktemp("update")
    earlier_result.save(folder / "fit.npz")
    table = small_panel.to_dataframe()
    other = {"channel_1_spend": "p1", "channel_2_spend": "p2", "revenue_per_kpi": "worth"}
    table.rename(columns=other).sample(frac=1.0, random_state=1).to_csv(folder / "panel.csv", index=False)
    return folder


def like(place, run, **changes):
    options = {"mask_missing_kpi": False, "keep_trailing_zeros": False}
    return panel_like(place, run, None, **(options | changes))


def test_columns_are_those_of_the_run_and_prices_are_found_by_what_they_hold(place, small_panel):
    found = like(place / "panel.csv", small_panel.select(weeks=slice(0, 56)))
    assert panel_changes(small_panel, found).revised.empty
    assert found.channels == small_panel.channels
    np.testing.assert_allclose(found.spend, small_panel.spend)
    np.testing.assert_allclose(found.revenue_per_kpi, small_panel.revenue_per_kpi)


def test_a_national_table_needs_no_column_of_regions(tmp_path, national):
    panel = national[0]
    panel.to_dataframe().drop(columns=panel.region_name).to_csv(tmp_path / "panel.csv", index=False)
    run = panel.select(weeks=slice(0, 100))
    if list(run.regions) != ["national"]:
        run = dataclasses.replace(run, regions=pd.Index(["national"]))
    assert like(tmp_path / "panel.csv", run).shape == panel.shape


@pytest.mark.parametrize(
    ("dropped", "message"),
    [
        (["channel_2", "control_1"], "lacks the columns channel_2, control_1 of the run"),
        (["sales"], "lacks the column sales of the run"),
        (["p1"], "no column with the spend of 'channel_1'"),
    ],
)
def test_a_table_without_a_column_of_the_run_is_refused_by_name(place, small_panel, tmp_path, dropped, message):
    table = pd.read_csv(place / "panel.csv").drop(columns=dropped)
    table.to_csv(tmp_path / "less.csv", index=False)
    with pytest.raises(dcm.DataError, match=message):
        like(tmp_path / "less.csv", small_panel.select(weeks=slice(0, 56)))


def test_update_writes_the_new_run_and_says_what_moved(place, tmp_path, capsys):
    update_command(place / "fit.npz", place / "panel.csv", tmp_path / "april", quiet=True)
    said = capsys.readouterr().out
    assert "4 new weeks" in said
    names = {path.name for path in (tmp_path / "april").iterdir()}
    assert names == {"report.html", "contributions.csv", "media_summary.csv", "metrics.csv", "moved.csv", "revised.csv", "fit.npz"}  # fmt: skip
    assert "What changed?" in (tmp_path / "april" / "report.html").read_text()
    again = dcm.load(tmp_path / "april" / "fit.npz")
    assert len(again.panel.weeks) == 60
    with pytest.raises(dcm.ConfigError, match="is an update of an earlier run"):
        reproduce_command(tmp_path / "april" / "fit.npz", quiet=True)


def test_an_update_in_the_folder_of_the_run_leaves_no_table_of_lift_tests_of_before(reached_result, tmp_path):
    (tmp_path / "lift_tests.csv").write_text("of before")
    none = pd.DataFrame()
    _write(dcm.Update(reached_result, reached_result, none, none, (), False), tmp_path)
    written = pd.read_csv(tmp_path / "lift_tests.csv")
    np.testing.assert_allclose(written["model_after"], reached_result.lift_tests()["model_after"], rtol=1e-5)


def test_a_run_is_reproduced(place, capsys):
    reproduce_command(place / "fit.npz", quiet=True)
    assert capsys.readouterr().out.startswith("Reproduced to within 0.1 percentage points.")


def test_a_run_that_differs_ends_with_1_and_says_where(place, tmp_path, capsys):
    saved = dcm.load(place / "fit.npz").fitted
    variables = {**saved.variables, "params": {**saved.variables["params"]}}
    levels = variables["params"]["coefficients"]
    variables["params"]["coefficients"] = {**levels, "level": levels["level"] + np.float32([0.0, 0.5, 0.0])}
    record = dataclasses.replace(saved.record, origin=dataclasses.replace(saved.record.origin, versions={"jax": "0.1"}))
    other = dcm.FitResult(dataclasses.replace(saved, variables=variables, record=record))
    other.save(tmp_path / "other.npz")
    with pytest.raises(typer.Exit) as end:
        reproduce_command(tmp_path / "other.npz", quiet=True)
    assert end.value.exit_code == 1
    said = capsys.readouterr().out
    assert "Not reproduced: " in said
    assert "for channel_2" in said
    assert "0.1" in said.split("What differs in how the two were made")[1]


def test_a_negative_tolerance_is_refused(place):
    with pytest.raises(dcm.ConfigError, match="tolerance must be 0 or more"):
        reproduce_command(place / "fit.npz", tolerance=-1.0)


def test_parts_of_what_moved_that_are_none_are_left_out_on_the_terminal():
    parts = {"new_weeks": [1.0, -2.0], "revised": [0.0, 0.0], "both": [0.0, 0.0], "refit": [0.5, np.nan]}
    index = pd.MultiIndex.from_product([["share", "roi"], ["tv"]], names=["figure", "channel"])
    moved = pd.DataFrame({"before": 1.0, "after": 2.0, "change": 1.0, "z": 0.1, **parts}, index=index)
    assert list(_shown(moved)) == ["before", "after", "change", "z", "new_weeks", "refit"]
