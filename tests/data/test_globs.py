"""Columns may be named by globs in Python as on the command line."""

import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.readers.globs import in_order_of

ROLES = {"region": "region", "time": "time", "kpi": "sales"}


@pytest.fixture(scope="module")
def table(small_panel):
    return small_panel.to_dataframe()


def of(table, **roles):
    return dcm.Panel.from_dataframe(table, **ROLES, **roles)


@pytest.mark.parametrize("spend", ["*_spend", "channel_?_spend"])
def test_globs_give_the_panel_of_written_out_columns(table, small_panel, spend):
    named = of(table, media="channel_?", spend=spend, controls="control_*", revenue_per_kpi="revenue_per_kpi")
    assert named.channels == small_panel.channels
    assert named.controls == small_panel.controls
    pd.testing.assert_frame_equal(named.to_dataframe(), table.drop(columns="population", errors="ignore"))


def test_a_column_named_like_a_glob_is_meant_by_its_name(table):
    odd = table.rename(columns={"channel_1": "tv*"})
    assert of(odd, media=["tv*", "channel_2"]).channels == ("tv*", "channel_2")


@pytest.mark.parametrize(
    ("roles", "sentence"),
    [
        ({"media": "chanel_*"}, "media 'chanel_\\*' matches no column of the table; did you mean 'channel_"),
        ({"media": "channel_?", "controls": "kontrol*"}, "controls 'kontrol\\*' matches no column"),
        ({"media": "channel_[12]", "spend": "*_spend"}, r"write spend=\{'channel_1': 'channel_1_spend'\}"),
        ({"media": "*", "spend": None}, "is given both as|reserved|must contain"),
        ({"media": "channel_1"}, r"write \['channel_1'\]"),
    ],
)
def test_a_glob_that_cannot_be_meant_is_refused_in_one_sentence(table, roles, sentence):
    with pytest.raises(dcm.DataError, match=sentence) as refused:
        of(table, **roles)
    assert "\n" not in str(refused.value)


def test_files_are_read_by_globs_too(table, small_panel, tmp_path):
    table.to_csv(tmp_path / "panel.csv", index=False)
    panel = dcm.read_panel(tmp_path / "panel.csv", media="channel_?", spend="*_spend", controls="control_*")
    assert panel.channels == small_panel.channels
    assert panel.spend.sum() == pytest.approx(small_panel.spend.sum())
    with pytest.raises(dcm.DataError, match="spend is given without media"):
        dcm.read_panel(tmp_path / "panel.csv", spend="*_spend")


@pytest.mark.parametrize(
    ("media", "spend"),
    [
        (["channel_2", "channel_1"], ["channel_1_spend", "channel_2_spend"]),
        (["tv_imp", "search_clicks"], ["cost_search", "cost_tv"]),
        (["tv", "tv_online"], ["tv_online_spend", "tv_spend"]),
        (["tv", "radio"], ["radio_eur", "c2"]),
    ],
)
def test_a_list_of_spend_whose_names_say_another_order_is_refused(media, spend):
    table = pd.DataFrame({"time": pd.date_range("2022-01-03", periods=40, freq="7D"), "sales": 9.0})
    table = table.assign(**{name: 1.0 + at for at, name in enumerate([*media, *spend])})
    own = media[1]
    message = rf"gives the column '{spend[0]}' to '{media[0]}', as listed, and its name says '{own}'; .* write spend=\{{'{own}'"
    with pytest.raises(dcm.DataError, match=message):
        dcm.Panel.from_dataframe(table, time="time", kpi="sales", media=media, spend=spend)


@pytest.mark.parametrize(
    ("media", "spend"),
    [
        (["tv", "radio"], ["c2", "c1"]),
        (["channel_2", "channel_1"], ["channel_2_spend", "channel_1_spend"]),
        (["tv_imp", "tv_clicks"], ["tv_cost", "other"]),  # tv_cost may be of either
        (["tv", "brand"], ["tv_brand_cost", "brand_cost"]),
        (["search", "brand"], ["search_a_cost", "search_b_cost"]),  # both say search
    ],
)
def test_a_list_of_spend_whose_names_say_no_other_order_is_paired_as_listed(media, spend):
    assert in_order_of(media, spend, "spend", "{channel}{column}") == dict(zip(media, spend, strict=True))
