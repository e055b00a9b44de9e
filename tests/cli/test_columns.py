"""Spend pairs with exposure for certain, or not at all."""

import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.columns import expanded, listed, paired_spend
from deepcausalmmm_jax.cli.planning import _change, _day
from deepcausalmmm_jax.cli.role_options import by_channel_named, treatments_named

COLUMNS = ["imp_2", "imp_1", "clicks_1", "cost_1", "cost_2"]


def pairs(media, spend):
    return paired_spend(expanded(media, COLUMNS, "--media"), media, spend, COLUMNS)


@pytest.mark.parametrize(
    ("media", "spend", "message"),
    [
        (["imp_1", "imp_2"], ["imp_1=cost_1", "imp_1=cost_2"], "'imp_1' the columns 'cost_1' and 'cost_2'; keep one"),
        (["imp_1", "imp_2"], ["imp_1=cost_2", "cost_1", "cost_2"], "'imp_1' the columns 'cost_2' and 'cost_1'; keep"),
        (["imp_1"], ["imp_1=cost_*"], "'imp_1' the columns 'cost_1' and 'cost_2'; keep one"),
        (["imp_*", "clicks_*"], ["cost_*"], "cannot be paired"),  # cost_1 is of imp_1 or of clicks_1
        (["imp_*"], ["cost_1", "cost_2"], "cannot be paired"),  # the order of imp_* is the table's
        (["imp_1", "imp_2"], ["cost_1,cost_1"], "cannot be paired"),
        (
            ["imp_1", "imp_2"],
            ["cost_2,cost_1"],
            "'cost_2' to 'imp_1', as listed, and its name says 'imp_2'; .* --spend",
        ),
    ],
)
def test_spend_that_pairs_in_two_ways_is_refused(media, spend, message):
    with pytest.raises(dcm.DataError, match=message):
        pairs(media, spend)


def test_spend_pairs_by_glob_by_order_and_one_by_one():
    wanted = {"imp_1": "cost_1", "imp_2": "cost_2"}
    assert pairs(["imp_*"], ["cost_*"]) == wanted
    assert pairs(["imp_1,imp_2"], ["cost_1,cost_2"]) == wanted
    assert pairs(["imp_*"], ["imp_1=cost_1", " imp_2 = cost_2 "]) == wanted
    assert pairs(["clicks_?"], ["cost_2"]) == {"clicks_1": "cost_2"}


NAMED_WITH_SIGNS = ["Online, Video", "Online, Video (EUR)", "Preis, netto", "a=b", "tv", "promo"]


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["Online, Video"], ["Online, Video"]),
        (["tv, Online, Video,promo"], ["tv", "Online, Video", "promo"]),
        (["Online, Video=Online, Video (EUR),tv=promo"], ["Online, Video=Online, Video (EUR)", "tv=promo"]),
        (["Preis, netto=max,promo"], ["Preis, netto=max", "promo"]),
        (["a=b=Preis, netto"], ["a=b=Preis, netto"]),
        (["new=Online, Video,radio=Preis, netto"], ["new=Online, Video", "radio=Preis, netto"]),
        (["tv*,promo,", " a=b "], ["tv*", "promo", "a=b"]),
        (["Online,Video"], ["Online", "Video"]),
    ],
)
def test_a_comma_in_the_name_of_a_column_separates_nothing(texts, found):
    assert listed(texts, NAMED_WITH_SIGNS) == found


def test_columns_with_commas_and_signs_take_every_role():
    known = NAMED_WITH_SIGNS
    assert expanded(["Online, Video,tv"], known, "--media") == ["Online, Video", "tv"]
    media = ["Online, Video", "a=b"]
    wanted = {"Online, Video": "Online, Video (EUR)", "a=b": "tv"}
    assert paired_spend(media, media, ["Online, Video=Online, Video (EUR),a=b=tv"], known) == wanted
    assert [(entry.name, entry.baseline) for entry in treatments_named(["Preis, netto=max,a=b=2,promo"], known)] == [
        ("Preis, netto", "max"),
        ("a=b", 2.0),
        ("promo", "min"),
    ]
    assert by_channel_named(["tv=Online, Video"], known, "--reach") == {"tv": "Online, Video"}


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("Paid*Search*1.2", "Paid*Search", {"factor": 1.2}),
        ("Paid*Search=0", "Paid*Search", {"to": 0.0}),
        ("a=b=baseline", "a=b", {"to": "baseline"}),
        ("a=b*2", "a=b", {"factor": 2.0}),
    ],
)
def test_a_change_is_of_the_whole_name_before_its_last_sign(text, name, value):
    change = _change(text, None, None)
    assert change.name == name
    assert {key: getattr(change, key) for key in value} == value


def test_dates_of_a_scenario_are_written_as_in_the_other_tables():
    assert str(_day(pd.Timestamp("2024-01-29"))) == "2024-01-29"
    assert _day("Nord, West") == "Nord, West"
    assert _day(7) == 7
