"""Limits, targets and search as groups: the same plan as by keywords, and never both."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm


def test_groups_and_keywords_are_the_same_plan(small_result):
    by_keyword = dcm.optimize_budget(
        small_result, 180_000, weeks=8, relative_bounds=(0.3, 2.0), fixed=["channel_1"], method="projected", starts=2
    )
    by_group = dcm.optimize_budget(
        small_result,
        weeks=8,
        limits=dcm.Limits(relative_bounds=(0.3, 2.0), fixed=["channel_1"]),
        targets=dcm.Targets(total=180_000),
        search=dcm.Search("projected", starts=2),
    )
    assert by_group.method == "projected"
    pd.testing.assert_frame_equal(by_group.table, by_keyword.table)


def test_tables_of_curves_take_groups_relative_bounds_and_minimum_flights():
    table = pd.DataFrame(
        {"channel": ["a", "b", "c"], "bottom": 0.0, "top": [30.0, 20.0, 10.0], "half_saturation": 10.0, "slope": 1.0}
    ).assign(spend_today=[10.0, 10.0, 10.0])
    plan = dcm.optimize_budget_from_curves(table, 30.0, limits=dcm.Limits(relative_bounds=(0.8, 1.2)))
    assert plan.table["spend_plan"].between(8 - 1e-6, 12 + 1e-6).all()
    flown = dcm.optimize_budget_from_curves(table, 30.0, limits=dcm.Limits(minimum={"c": 9.0}))
    spend = flown.table["spend_plan"].iloc[2]
    assert spend < 1e-6 or spend >= 9 * (1 - 1e-6)
    np.testing.assert_allclose(flown.total, 30.0, rtol=1e-6)
    with pytest.raises(dcm.DataError, match="Relative bounds need the column 'spend_today'"):
        dcm.optimize_budget_from_curves(
            table.drop(columns="spend_today"), 30.0, limits=dcm.Limits(relative_bounds=(0.8, 1.2))
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"limits": dcm.Limits(), "bounds": {"channel_1": (0, 1)}, "fixed": ["channel_2"]},
            r"Give bounds and fixed within limits=Limits\(...\), or leave limits out; not both",
        ),
        ({"total": 1e5, "targets": dcm.Targets(target_roi=1.0)}, r"Give total within targets=Targets\(...\)"),
        ({"search": dcm.Search(), "seed": 0}, r"Give seed within search=Search\(...\)"),
        ({"limits": {"bounds": {}}}, "Setting limits must be of class Limits, got {'bounds': {}}"),
        ({"bounds": {"chanel_1": (0, 1)}}, "^bounds names the channel 'chanel_1'; did you mean 'channel_1'\\?$"),
    ],
)
def test_a_setting_is_given_in_one_way(small_result, options, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.optimize_budget(small_result, weeks=8, **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dcm.Limits(bounds=[1]), "bounds must be a mapping"),
        (lambda: dcm.Limits(relative_bounds="ab"), "relative_bounds must be a pair"),
        (lambda: dcm.Limits(bounds_per="town"), "bounds_per must be key or cell"),
        (lambda: dcm.Limits(bounds_per="cell"), "says what bounds refer to, but there are none"),
        (lambda: dcm.Targets(1.0, target_kpi=2.0), "Give one of total, .* got total and target_kpi"),
        (lambda: dcm.Targets(float("inf")), "total must be a number above 0"),
        (lambda: dcm.Targets(target_roi=True), "target_roi must be a number above 0"),
        (lambda: dcm.Search("newton"), "method must be one of auto, SLSQP"),
        (lambda: dcm.Search(starts=2.5), "starts must be a whole number, 1 or more, got 2.5"),
        (lambda: dcm.Search(max_steps=True), "max_steps must be a whole number"),
        (lambda: dcm.Search(seed=-1), "seed must be a whole number, 0 or more"),
    ],
)
def test_groups_check_themselves(make, message):
    with pytest.raises(dcm.ConfigError, match=message):
        make()


def _paused(result):
    """Channel 1 off everywhere in the last weeks, channel 2 off in the first region."""
    panel = result.fitted.panel
    exposure, spend = panel.exposure.copy(), panel.spend.copy()
    for array in (exposure, spend):
        array[:, -8:, 0] = 0.0
        array[0, -8:, 1] = 0.0
    changed = dataclasses.replace(panel, exposure=exposure, spend=spend)
    return dcm.FitResult(dataclasses.replace(result.fitted, panel=changed))


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ({"relative_bounds": (0.5, 1.5)}, "none today: channel_1, 1 of 4 cells of channel_2."),
        ({"relative_bounds": {"channel_1": (0.5, 1.5), "channel_2": (0.5, 1.5)}}, "none today: channel_1."),
        (
            {"relative_bounds": {"channel_2": (0.5, 1.5), ("channel_1", "region_1"): (0, 2)}, "bounds_per": "cell"},
            "none today: 1 of 4 cells of channel_2, channel_1 in region_1.",
        ),
        ({"relative_bounds": (0.5, None)}, None),  # open upwards: nothing is ruled out
    ],
)
def test_what_relative_bounds_rule_out_is_told(small_result, options, note):
    plan = dcm.optimize_budget(_paused(small_result), weeks=8, by="channel_region", starts=1, max_steps=2, **options)
    told = [text for text in plan.notes if text.startswith("Relative bounds allow no spend where there is ")]
    assert [text.endswith(note) for text in told] == [True] if note else not told


def test_a_minimum_above_what_the_limits_allow_is_told_as_such(small_result):
    with pytest.raises(dcm.ConfigError, match="minimum of channel_1 is 5,000, but its limits require spend there and"):
        dcm.optimize_budget(
            small_result, weeks=8, by="channel_week", minimum={"channel_1": 5_000}, bounds={"channel_1": (10, 100)},
            bounds_per="cell", starts=1, max_steps=2,
        )  # fmt: skip
    with pytest.raises(dcm.ConfigError, match="minimum flights together with the other limits; lower the minima"):
        dcm.optimize_budget(
            small_result, weeks=8, by="channel_week", minimum={"channel_1": 5_000}, starts=1, max_steps=2,
            bounds={"channel_1": (100, 400), "channel_2": (0, 1e5), "channel_3": (0, 1e5)},
        )  # fmt: skip
