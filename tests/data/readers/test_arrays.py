"""LightweightMMM's arrays give the panel that the same figures give as a table."""

import datetime

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm

WEEKS, CHANNELS, REGIONS = 20, 2, 3
_RNG = np.random.default_rng(0)
MEDIA = _RNG.gamma(2.0, 50.0, (WEEKS, CHANNELS, REGIONS))
TARGET = _RNG.uniform(100.0, 200.0, (WEEKS, REGIONS))
FEATURES = _RNG.standard_normal((WEEKS, 1))


def test_regional_arrays_are_the_panel_of_the_same_table():
    panel = dcm.panel_from_arrays(
        MEDIA,
        TARGET,
        media_prior=[1000.0, 0.0],
        extra_features=FEATURES,
        media_names=["tv", "search"],
        extra_features_names=["price"],
        regions=["north", "mid", "south"],
        start="2024-01-01",
    )
    assert panel.shape == (REGIONS, WEEKS, CHANNELS, 1)
    assert list(panel.regions) == ["mid", "north", "south"]  # sorted, each with its own figures
    np.testing.assert_allclose(panel.kpi, TARGET.T[[1, 0, 2]])
    np.testing.assert_allclose(panel.exposure, MEDIA.transpose(2, 0, 1)[[1, 0, 2]])
    np.testing.assert_allclose(panel.control[:, :, 0], np.tile(FEATURES[:, 0], (REGIONS, 1)))
    assert panel.weeks[0] == pd.Timestamp("2024-01-01")
    assert panel.week_label(1) == "2024-01-08"
    assert panel.channels == ("tv", "search")
    again = dcm.Panel.from_dataframe(
        panel.to_dataframe(),
        region="region",
        time="week",
        kpi="kpi",
        media=["tv", "search"],
        spend={"tv": "tv_spend", "search": "search_spend"},
        controls=["price"],
    )
    np.testing.assert_array_equal(again.exposure, panel.exposure)


def test_a_total_cost_is_spread_over_weeks_and_regions_in_proportion_to_exposure():
    panel = dcm.panel_from_arrays(MEDIA, TARGET, media_prior=[1000.0, 250.0])
    np.testing.assert_allclose(panel.spend.sum(axis=(0, 1)), [1000.0, 250.0])
    price = panel.spend / panel.exposure
    np.testing.assert_allclose(price, np.broadcast_to(price[:1, :1], price.shape))


@pytest.mark.parametrize("start", ["2024-01-01", datetime.date(2024, 1, 1), pd.Timestamp("2024-01-01"), None])
def test_national_arrays_need_no_axis_of_regions(start):
    panel = dcm.panel_from_arrays(MEDIA[:, :, 0], TARGET[:, 0], start=start)
    assert panel.shape == (1, WEEKS, CHANNELS, 0)
    assert panel.channels == ("media_1", "media_2")
    assert panel.spend is None
    assert panel.weeks[0] == (0 if start is None else pd.Timestamp("2024-01-01"))


def test_a_missing_target_is_refused_or_masked():
    target = np.where(np.arange(WEEKS) == 5, np.nan, TARGET[:, 0])
    with pytest.raises(dcm.DataError, match="'kpi' has no value at .*week 5"):
        dcm.panel_from_arrays(MEDIA[:, :, 0], target)
    assert dcm.panel_from_arrays(MEDIA[:, :, 0], target, missing_kpi="mask").weights.sum() == WEEKS - 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"target": TARGET[1:]}, "target has 19 weeks and 3 regions but media_data 20 weeks and 3 regions"),
        ({"target": TARGET[:, 0]}, "target has 20 weeks and 1 region but"),
        ({"target": "sales"}, "target must be an array of numbers, got 'sales'"),
        ({"media_data": MEDIA[:, 0, 0]}, r"media_data must have 2 or 3 axes and not be empty, got the shape \(20,\)"),
        ({"media_data": np.zeros((0, 2, 3))}, "not be empty"),
        ({"media_data": MEDIA - 200.0}, "media_data is negative for 'media_1'; give exposure before it is scaled"),
        ({"media_prior": [1.0]}, "media_prior has 1 entries for 2 channels"),
        ({"media_prior": [1.0, -1.0]}, "media_prior is -1 for 'media_2'"),
        ({"media_data": MEDIA * [[[1], [0]]], "media_prior": [1.0, 5.0]}, "5 for 'media_2', which has no exposure"),
        ({"extra_features": FEATURES[1:]}, "extra_features has 19 weeks and 3 regions but target 20 weeks"),
        ({"media_names": ["tv"]}, r"media_names is 1 names in \['tv'\], but there are 2 channels"),
        ({"media_names": "tv"}, "media_names is the text 'tv'"),
        ({"media_names": ["tv", "tv"]}, "'tv' is given twice"),
        ({"start": "soon"}, "start must be the first day of the first week, such as 2024-01-01, got 'soon'"),
    ],
)
def test_arrays_that_do_not_go_together_are_refused_in_one_sentence(changes, said):
    with pytest.raises(dcm.DataError, match=said):
        dcm.panel_from_arrays(**{"media_data": MEDIA, "target": TARGET} | changes)
