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


def test_where_time_kpi_and_media_are_named_nothing_else_is_used_or_kept(file, capsys):
    panel = panel_of(file, TableColumns("time", "sales", ["channel_?"], "region"))
    assert (panel.channels, panel.controls) == (("channel_1", "channel_2", "channel_3"), ())
    assert (panel.spend, panel.revenue_per_kpi, panel.population) == (None, None, None)
    assert "not used: channel_1_spend, channel_2_spend" in capsys.readouterr().out
    assert not file.with_name("panel.csv.schema.toml").exists()


NAMED = TableColumns("week", "sales", ["tv"])
UNNAMED = TableColumns(None, None, None)


def written(folder, thousands="", first=1, frequency="7D", mark=","):
    """A file of 60 rows, with exposure of `first`, `first` + 137 and so on, written with a sign between thousands."""
    days = pd.date_range("2023-01-02", periods=60, freq=frequency)
    lines = [mark.join(("week", "sales", "tv"))]
    for at, day in enumerate(days):
        exposure = f"{first + 137 * at:,}".replace(",", thousands)
        lines.append(mark.join((f"{day:%Y-%m-%d}", str(300 + 7 * at % 50), f'"{exposure}"')))
    (folder / "file.csv").write_text("\n".join(lines))
    return folder / "file.csv"


@pytest.mark.parametrize("named", [NAMED, UNNAMED])
@pytest.mark.parametrize(("thousands", "mark"), [(".", ";"), (" ", ";"), (",", ","), ("'", "\t")])
def test_thousands_are_read_in_whatever_style_they_are_written(tmp_path, named, thousands, mark, capsys):
    panel = panel_of(written(tmp_path, thousands, mark=mark), named)
    assert panel.exposure[0, :, 0].tolist() == [1 + 137 * at for at in range(60)]


@pytest.mark.parametrize("named", [NAMED, UNNAMED])
def test_thousands_that_may_be_decimals_are_asked_about_unless_stated(tmp_path, named, capsys):
    file = written(tmp_path, ".", 1381, mark=";")
    with pytest.raises(dcm.DataError, match="separates thousands or decimals; set decimal='.' or ','"):
        panel_of(file, named)
    assert panel_of(file, named._replace(decimal=",")).exposure[0, 0, 0] == 1381
    assert panel_of(file, named._replace(decimal=".")).exposure[0, 0, 0] == 1.381


def test_columns_that_are_not_named_do_not_stand_in_the_way(tmp_path, capsys):
    file = written(tmp_path)
    head, *rows = file.read_text().splitlines()
    rows = [f'{row[:-1]}.5","{at},7",' + ("unknown" if at == 3 else "8") for at, row in enumerate(rows)]
    file.write_text("\n".join([f"{head},rate,visits", *rows]))
    assert panel_of(file, NAMED).exposure[0, 0, 0] == 1.5
    with pytest.raises(dcm.DataError, match="writes decimals in two ways"):
        panel_of(file, UNNAMED)
    file.write_text(file.read_text().replace("rate,visits", "visits,visits"))
    assert panel_of(file, NAMED).exposure[0, 0, 0] == 1.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"controls": ["control_1", "region"]}, "'region' is given both as the region and as a control; remove one"),
        ({"controls": ["time"]}, "'time' is given both as the week and as a control"),
        ({"region": "time"}, "'time' is given both as the region and as the week"),
        ({"region": "channel_1"}, "'channel_1' is given both as the region and as a media channel"),
    ],
)
def test_a_time_or_region_has_no_other_role(file, changes, message):
    with pytest.raises(dcm.DataError, match=message):
        panel_of(file, TableColumns("time", "sales", ["channel_?"], "region")._replace(**changes))


@pytest.mark.parametrize("named", [NAMED, UNNAMED])
@pytest.mark.parametrize(
    ("cadence", "exposure"),
    [(None, [2884.0, 9597.0]), ("weekly", [2884.0, 9597.0]), ("daily", [1.0, 138.0])],
)
@pytest.mark.filterwarnings("ignore:Incomplete weeks")
def test_days_are_added_up_to_weeks_unless_they_are_to_be_kept(tmp_path, named, cadence, exposure, capsys):
    panel = panel_of(written(tmp_path, frequency="D"), named._replace(cadence=cadence))
    assert panel.exposure[0, :2, 0].tolist() == exposure
    assert ("days added up" in capsys.readouterr().out) == (cadence != "daily")


@pytest.mark.parametrize("changes", [{"kpi": "sales"}, {"media": ["channel_1"]}, {"controls": ["control_1"]}])
def test_roles_beside_a_schema_are_refused(file, tmp_path, changes, capsys):
    dcm.Schema("mine", "time", "sales", ("channel_3",), region="region").save(tmp_path / "mine.toml")
    with pytest.raises(dcm.DataError, match=f"{next(iter(changes))} is given beside a schema"):
        panel_of(file, TableColumns(None, None, None, schema=tmp_path / "mine.toml")._replace(**changes))


def test_events_have_a_delimiter_of_their_own(file, tmp_path, capsys):
    (tmp_path / "events.csv").write_text("name;date\nfair;2022-03-08\n")
    named = TableColumns("time", "sales", ["channel_?"], "region", delimiter=",", events=tmp_path / "events.csv")
    assert panel_of(file, named).event_names == ("fair",)


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


@pytest.mark.parametrize("named", [NAMED, UNNAMED])
def test_a_sheet_of_a_file_that_has_none_is_refused(tmp_path, named):
    with pytest.raises(dcm.DataError, match="The sheet 'Sheet1' is named, but .* is not an Excel file"):
        panel_of(written(tmp_path), named._replace(sheet="Sheet1"))
