"""`update FILE` makes of a file what the first reading made of it: switches of words, products, prices by what was sold."""

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.run_columns import panel_like
from deepcausalmmm_jax.data.panel_changes import columns_of

WEEKS = 30
ROLES = {
    "prices of what is sold": ({}, ["flag", "radio_reach", "radio_frequency"]),
    "prices in a column of another name": (
        {"revenue_per_kpi": "aov"},
        ["flag", "radio_reach", "radio_frequency"],
    ),
    "a price that is a control too": (
        {"revenue_per_kpi": "price", "controls": ["price"]},
        ["flag", "radio_reach", "radio_frequency", "revenue_per_sale"],
    ),
    "words": ({}, ["radio_reach", "radio_frequency", "revenue_per_sale"]),
    "reach times frequency": ({}, ["flag", "revenue_per_sale"]),
}


def table(step, n):
    """One row a day, or one every seven days."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "day": pd.date_range("2024-01-01", periods=n, freq=f"{step}D").strftime("%Y-%m-%d"),
            "sales": rng.poisson(3, n),
            "tv_impressions": rng.integers(1, 900, n),
            "radio_reach": rng.integers(1, 90, n),
            "radio_frequency": rng.uniform(1, 2, n).round(2),
            "price": rng.uniform(1, 2, n).round(3),
            "revenue_per_sale": rng.uniform(2, 3, n).round(2),
            "flag": rng.choice(["fair", "rain", ""], n),
        }
    )


def read(file, **roles):
    return dcm.read_panel(file, keep_schema=False, **roles)


@pytest.mark.filterwarnings("ignore::deepcausalmmm_jax.DataWarning")
@pytest.mark.parametrize("case", ROLES)
@pytest.mark.parametrize("step", [1, 7])
def test_the_file_is_read_as_it_was_the_first_time(step, case, tmp_path):
    roles, dropped = ROLES[case]
    whole = table(step, WEEKS * 7 // step).drop(columns=dropped)
    whole = whole.rename(columns={"revenue_per_sale": roles["revenue_per_kpi"]} if "aov" in roles.values() else {})
    whole.to_csv(tmp_path / "whole.csv", index=False)
    whole[: (WEEKS - 4) * 7 // step].to_csv(tmp_path / "first.csv", index=False)
    run, wanted = read(tmp_path / "first.csv", **roles), columns_of(read(tmp_path / "whole.csv", **roles))
    again = panel_like(tmp_path / "whole.csv", run, None, mask_missing_kpi=False, keep_trailing_zeros=False)
    found = columns_of(again)
    assert list(found) == list(wanted)
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-12, err_msg=name)


@pytest.mark.filterwarnings("ignore::deepcausalmmm_jax.DataWarning")
def test_a_word_that_the_run_did_not_have_is_refused(tmp_path):
    whole = table(7, WEEKS)
    whole.to_csv(tmp_path / "first.csv", index=False)
    run = read(tmp_path / "first.csv")
    whole.assign(flag=[*whole["flag"][:-1], "snow"]).to_csv(tmp_path / "whole.csv", index=False)
    with pytest.raises(dcm.DataError, match="has 'snow' in column 'flag', which the run does not know; fit the file"):
        panel_like(tmp_path / "whole.csv", run, None, mask_missing_kpi=False, keep_trailing_zeros=False)


def test_a_price_by_the_day_may_be_a_control_and_the_revenue(tmp_path):
    days = table(1, WEEKS * 7)
    days.to_csv(tmp_path / "days.csv", index=False)
    panel = read(tmp_path / "days.csv", revenue_per_kpi="price", controls=["price"], media=["tv_impressions"])
    by_week = days.groupby(np.arange(len(days)) // 7)
    np.testing.assert_allclose(panel.control[0, :, 0], by_week["price"].mean())
    earned = (days["price"] * days["sales"]).groupby(np.arange(len(days)) // 7).sum()
    np.testing.assert_allclose((panel.kpi * panel.revenue_per_kpi)[0], earned)


@pytest.mark.filterwarnings("ignore::deepcausalmmm_jax.DataWarning")
@pytest.mark.parametrize("layout", ["a row per channel", "a row per number", "a row per channel and day"])
def test_a_long_file_is_read_as_it_was_the_first_time(layout, tmp_path):
    wide = pd.concat([table(1 if "day" in layout else 7, 210 if "day" in layout else WEEKS)] * 2, ignore_index=True)
    wide["region"] = np.repeat(["north", "south"], len(wide) // 2)
    wide["tv_spend"], wide["radio_spend"] = 0.02 * wide["tv_impressions"], 0.5 * wide["radio_reach"]
    keys, shared = ["region", "day"], ["sales", "price", "revenue_per_sale"]
    if layout == "a row per number":
        long = wide[[*keys, "sales", "tv_impressions", "tv_spend"]].melt(keys, var_name="metric", value_name="value")
    else:
        media = {"tv": "tv_impressions", "radio": "radio_reach"}
        long = pd.concat(
            wide[[*keys, *shared]].assign(channel=name, impressions=wide[of], spend=wide[f"{name}_spend"])
            for name, of in media.items()
        )
        long = long[(long["channel"] == "tv") | (long["impressions"] > 20)]  # no row where nothing ran
    long.to_csv(tmp_path / "whole.csv", index=False)
    long[long["day"] < "2024-07-01"].to_csv(tmp_path / "first.csv", index=False)
    run, wanted = read(tmp_path / "first.csv"), columns_of(read(tmp_path / "whole.csv"))
    again = panel_like(tmp_path / "whole.csv", run, None, mask_missing_kpi=False, keep_trailing_zeros=False)
    found = columns_of(again)
    assert len(again.weeks) == WEEKS
    assert list(found) == list(wanted)
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-12, err_msg=name)
