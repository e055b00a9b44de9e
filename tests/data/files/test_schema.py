"""The schema beside a file: written, edited, given, and refused where it is wrong."""

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from tests.data.files.tables import WEEKS, read, table


def test_the_schema_beside_the_file_can_be_edited(tmp_path):
    file = tmp_path / "file.csv"
    table().to_csv(file, index=False)
    dcm.read_panel(file)
    schema = file.with_name("file.csv.schema.toml")
    text = schema.read_text()
    assert 'media = ["imp_1", "imp_2"]' in text
    schema.write_text(
        text.replace('media = ["imp_1", "imp_2"]', 'media = ["imp_2"]').replace('"imp_1" = "spend_1"\n', "")
    )
    with pytest.warns(dcm.DataWarning, match="does not mention 'imp_1', 'spend_1', which are not used"):
        assert dcm.read_panel(file).channels == ("imp_2",)
    assert dcm.read_panel(file, media=["imp_1"]).channels == ("imp_1",)  # what is stated comes first


def test_a_channel_that_came_into_the_file_after_its_schema_is_said(tmp_path):
    file = tmp_path / "file.csv"
    table().to_csv(file, index=False)
    read(file)
    table().assign(tiktok_spend=np.arange(WEEKS) ** 2).to_csv(file, index=False)
    with pytest.warns(dcm.DataWarning, match="does not mention 'tiktok_spend', which is not used"):
        dcm.read_panel(file)


def test_a_schema_can_be_given_and_nothing_is_written_without_leave(tmp_path):
    file = tmp_path / "file.csv"
    table().to_csv(file, index=False)
    schema = dcm.Schema("mine", "week", "sales", ("imp_1",), controls=("price",))
    assert dcm.read_panel(file, schema).channels == ("imp_1",)
    dcm.read_panel(file, keep_schema=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.csv"]
    assert dcm.Schema.load(schema.save(tmp_path / "mine.toml")) == schema


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ('colour = "red"', "unknown entry 'colour'"),
        ('rows = "hourly"', "rows must be one of weekly, daily"),
        ('controls = "price"', "controls must be a list of columns"),
        ("spend = [1]", "spend must be a table by channel"),
        ('controls = ["prize"]', "a column 'prize' that the file does not have"),
        ("region = 3", "region must be text"),
        ('controls = ["price"]\nignored = ["price"]', "lists 'price' in ignored and gives it another role; remove one"),
        ('categories = ["sales"]', "lists 'sales' in categories and gives it another role; remove one"),
    ],
)
def test_a_schema_with_a_mistake_is_refused_in_one_sentence(entry, sentence, tmp_path):
    table().to_csv(tmp_path / "file.csv", index=False)
    (tmp_path / "own.toml").write_text(f'time = "week"\nkpi = "sales"\nmedia = ["imp_1"]\n{entry}\n')
    with pytest.raises((dcm.ConfigError, dcm.DataError), match=sentence):
        dcm.read_panel(tmp_path / "file.csv", tmp_path / "own.toml")


@pytest.mark.parametrize("table_of", ["products", "reach"])
@pytest.mark.parametrize("media", ['["imp_1"]', "[]"])
def test_a_channel_that_only_a_table_of_reach_names_is_one(media, table_of, tmp_path):
    with_reach = table().assign(people=np.arange(WEEKS) + 1.0, often=2.0)
    with_reach.to_csv(tmp_path / "file.csv", index=False)
    own = tmp_path / "own.toml"
    own.write_text(f'time = "week"\nkpi = "sales"\nmedia = {media}\n[{table_of}]\nradio = ["people", "often"]\n')
    panel = dcm.read_panel(tmp_path / "file.csv", own)
    assert panel.channels == (("imp_1", "radio") if "imp" in media else ("radio",))
    np.testing.assert_allclose(panel.exposure[0, :, -1], 2.0 * with_reach["people"])
    assert f"{len(panel.channels)} channel" in dcm.Schema.load(own).summary


def test_the_summary_says_a_column_of_revenue_and_a_number_apart():
    for revenue, said in (("worth", "revenue per KPI from 'worth'"), (0.4, "revenue per KPI 0.4")):
        assert said in dcm.Schema("mine", "week", "sales", ("imp_1",), revenue_per_kpi=revenue).summary


def test_a_file_in_another_style_than_its_schema_is_refused(tmp_path):
    file = tmp_path / "file.csv"
    with_price = table().assign(price=[f"{1 + week / 1000:.3f}" for week in range(1, WEEKS + 1)])
    text = with_price.to_csv(index=False, sep=";")
    file.write_text(text.replace(".", ","))
    np.testing.assert_allclose(read(file).control[0, :2, 0], [1.001, 1.002])
    file.write_text(text)  # of the next month, say: 1.001 was read as 1,001
    with pytest.raises(dcm.DataError, match=r"Column 'sales' has '[\d.]+', but decimal=',' is said to stand before"):
        read(file)
    assert dcm.read_panel(file, decimal=".").control[0, 0, 0] == 1.001
