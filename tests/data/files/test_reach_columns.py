"""Columns of reach and frequency in a file become a channel of their own."""

import dataclasses
import tomllib

import numpy as np

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.files.read_panel import panel_and_schema
from tests.data.files.tables import table


def test_reach_and_frequency_are_a_channel_of_their_own(tmp_path):
    frame = (
        table().rename(columns={"imp_1": "tv_reach"}).assign(tv_frequency=2.0).rename(columns={"spend_1": "tv_spend"})
    )
    frame.to_csv(tmp_path / "file.csv", index=False)
    panel = dcm.read_panel(tmp_path / "file.csv")
    assert panel.channels == ("imp_2", "tv")
    assert panel.has_reach == (False, True)
    np.testing.assert_allclose(panel.exposure[0, :, 1], 2.0 * frame.tv_reach)
    np.testing.assert_allclose(panel.spend[0, :, 1], frame.tv_spend)
    assert dcm.read_panel(tmp_path / "file.csv").has_reach == panel.has_reach  # by the schema


def test_a_kept_schema_with_a_product_goes_on_as_a_product(tmp_path):
    frame = table().rename(columns={"imp_1": "tv_reach"}).assign(tv_frequency=2.0)
    frame.to_csv(tmp_path / "file.csv", index=False)
    found = panel_and_schema(tmp_path / "file.csv").schema
    old = dataclasses.replace(found, reach=(), products=(("tv", "tv_reach", "tv_frequency"),))
    panel = dcm.read_panel(tmp_path / "file.csv", old.from_dict(tomllib.loads(old.save(tmp_path / "s").read_text())))
    assert panel.frequency is None
    np.testing.assert_allclose(panel.exposure[0, :, panel.channels.index("tv")], 2.0 * frame.tv_reach)


def test_stated_columns_of_reach_need_no_word_in_their_names(tmp_path):
    frame = table().rename(columns={"imp_1": "people", "spend_1": "tv_spend"}).assign(often=2.0)
    frame.to_csv(tmp_path / "file.csv", index=False)
    panel = dcm.read_panel(tmp_path / "file.csv", reach={"tv": "people"}, frequency={"tv": "often"}, keep_schema=False)
    assert panel.channels[-1] == "tv"
    np.testing.assert_allclose(panel.frequency[0, :, -1], 2.0)
    np.testing.assert_allclose(panel.spend[0, :, -1], frame.tv_spend)
