"""Spend pairs with exposure for certain, or not at all."""

import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.columns import expanded, paired_spend

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
