"""A file is read as it stands where its columns are not all named, and as it is named where they are."""

import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.table_options import TableColumns, panel_of


@pytest.fixture
def file(tmp_path, small_panel):
    small_panel.to_dataframe().to_csv(tmp_path / "panel.csv", index=False)
    return tmp_path / "panel.csv"


def test_nothing_named_is_found_out_and_said_in_one_line(file, small_panel, capsys):
    panel = panel_of(file, TableColumns(None, None, None))
    assert (panel.channels, panel.controls) == (small_panel.channels, small_panel.controls)
    said = capsys.readouterr().out
    assert said.startswith(
        "Read as one row per week: weeks from 'time'; regions from 'region'; KPI 'sales'; 3 channels"
    )
    assert said.count("\n") == 1
    assert file.with_name("panel.csv.schema.toml").is_file()


def test_what_is_named_is_not_guessed_and_globs_are_expanded(file, capsys):
    panel = panel_of(
        file, TableColumns(None, None, ["channel_[12]"], spend=["channel_[12]_spend"], controls=["control_[2]"])
    )
    assert (panel.channels, panel.controls) == (("channel_1", "channel_2"), ("control_2",))
    assert panel.spend is not None


def test_a_file_whose_columns_are_all_named_is_read_as_before(file, capsys):
    panel = panel_of(file, TableColumns("time", "sales", ["channel_?"], "region"))
    assert (panel.channels, panel.controls) == (("channel_1", "channel_2", "channel_3"), ())
    assert capsys.readouterr().out == ""
    assert not file.with_name("panel.csv.schema.toml").exists()


def test_a_schema_is_followed(file, tmp_path, capsys):
    dcm.Schema("mine", "time", "sales", ("channel_3",), region="region").save(tmp_path / "mine.toml")
    panel = panel_of(file, TableColumns(None, None, None, schema=tmp_path / "mine.toml"))
    assert (panel.channels, panel.controls) == (("channel_3",), ())


def test_spend_without_media_is_refused(file):
    with pytest.raises(dcm.DataError, match="--spend is given without --media"):
        panel_of(file, TableColumns(None, None, None, spend=["channel_*_spend"]))


def test_a_workbook_is_read_whether_or_not_its_columns_are_named(file, small_panel, capsys):
    pytest.importorskip("openpyxl")
    book = file.with_suffix(".xlsx")
    pd.read_csv(file).to_excel(book, index=False)
    for named in (TableColumns(None, None, None), TableColumns("time", "sales", ["channel_?"], "region")):
        assert panel_of(book, named).channels == small_panel.channels


@pytest.mark.parametrize("asked", [{"national": ["channel_2"]}, {"holidays": "XX"}])
def test_roles_of_a_command_that_is_refused_are_not_kept(file, asked, capsys):
    with pytest.raises(dcm.DeepCausalMMMError):
        panel_of(file, TableColumns(None, None, None, **asked))
    assert not file.with_name("panel.csv.schema.toml").exists()


def test_roles_of_what_cannot_be_done_with_the_panel_are_not_kept(file, capsys):
    panel_of(file, TableColumns(None, None, None))
    kept = file.with_name("panel.csv.schema.toml").read_text()

    def refuse(_):
        raise dcm.ConfigError("no")

    with pytest.raises(dcm.ConfigError):
        panel_of(file, TableColumns(None, None, ["channel_1"], controls=["channel_2"]), refuse)
    assert file.with_name("panel.csv.schema.toml").read_text() == kept
