import dataclasses

import jax
import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.horizon import past_weeks
from deepcausalmmm_jax.attribution.prices import priced
from deepcausalmmm_jax.planning import what_if


def test_scenarios_are_the_difference_of_two_predictions(small_result, small_panel, small_ensemble):
    change = dcm.Change("channel_3", 1.2, regions=["region_2"], weeks=("2022-06-06", "2022-07-04"))
    table = dcm.scenario(small_result, change).set_index(["by", "label"])
    first, last = small_panel.weeks.get_indexer(pd.to_datetime(["2022-06-06", "2022-07-04"]))
    exposure = small_panel.exposure.copy()
    exposure[1, first : last + 1, 2] *= 1.2
    changed = small_result.predict(dataclasses.replace(small_panel, exposure=exposure)) - small_result.predict()
    np.testing.assert_allclose(table.loc[("all", "all"), "change"], float(changed.sum()), rtol=1e-3)
    assert abs(table.loc[("region", "region_1"), "change"]) < 1e-5 * abs(float(changed.sum()))
    np.testing.assert_allclose(
        table.loc[("all", "all"), "spend_change"], 0.2 * small_panel.spend[1, first : last + 1, 2].sum()
    )
    bounded = dcm.scenario(small_ensemble, [change, dcm.Change("control_1", to=0.0)])
    assert (bounded["change_low"] <= bounded["change_high"]).all()


def test_what_is_not_changed_gains_exactly_nothing(small_result, monkeypatch):
    """Two passes that are optimised apart round apart: other regions gained some ten-thousandths."""
    as_users_have_it = {"xla_backend_optimization_level": 1}
    gained = jax.jit(what_if._gained._function, static_argnames="design", compiler_options=as_users_have_it)
    monkeypatch.setattr(what_if, "_gained", gained)
    weeks = small_result.panel.weeks[[20, 30]]
    change = dcm.Change("channel_1", 1.2, regions=["region_1"], weeks=tuple(weeks))
    table = dcm.scenario(small_result, change).set_index("label")
    untouched = table.loc[["region_2", "region_3", "region_4", *small_result.panel.weeks[:20]]]
    assert not untouched.filter(like="change").to_numpy().any()
    assert table.loc["region_1", "change"] > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dcm.Change("tv", 1.2), "neither a channel nor a control"),
        (dcm.Change("channel_1", -1.0), "0 or more"),
        (dcm.Change("channel_1", 1.2, regions=["mars"]), "'mars'"),
        (dcm.Change("channel_1", 1.2, weeks=("1999-01-04", "1999-02-01")), "which are not among those of the scenario"),
        (dcm.Change("channel_1", 1.2, weeks="2022-01-10"), "the first and the last one"),
        (dcm.Change("channel_1", 1.2, weeks=("2022-01-10",)), "the first and the last one"),
        (dcm.Change("control_1", to=float("nan")), "control_1 must give finite values"),
        ([], "changes nothing"),
    ],
)  # fmt: skip
def test_scenarios_that_make_no_sense_are_refused(small_result, change, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.scenario(small_result, change)


@pytest.mark.slow
@pytest.mark.parametrize(("cadence", "weeks"), [("monthly", 130), ("quarterly", 260)])
def test_a_month_is_named_by_any_of_its_days(cadence, weeks, quick):
    panel, _ = dcm.simulate(2, weeks, 2, 1, seed=0, cadence=cadence)
    result = dcm.fit(panel, quick, holdout=None, progress=False)
    step, after = panel.weeks[4], panel.weeks[5]
    middle, last, beyond = (
        step + pd.Timedelta(days=10),
        after - pd.Timedelta(days=1),
        panel.cadence.later(panel.weeks, 1),
    )

    def without(day):
        return dcm.scenario(result, dcm.Change("channel_1", 0.0, weeks=(str(day.date()),) * 2))

    right = without(step)
    for day in (middle, last):
        pd.testing.assert_frame_equal(without(day), right)
    with pytest.raises(dcm.ConfigError, match="which are not among those of the scenario"):
        without(beyond[0])


def test_a_panel_of_months_has_so_many_months(small_result, small_panel):
    months = pd.date_range("2020-01-01", periods=60, freq="MS")
    panel = dataclasses.replace(small_panel, weeks=months, cadence=type(small_panel.cadence)("monthly"))
    result = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel))
    with pytest.raises(dcm.ConfigError, match="The panel has 60 months; weeks=99 does not lie within them"):
        dcm.scenario(result, dcm.Change("channel_1", 0.0), weeks=99)


def test_where_no_price_is_known_no_exposure_is_told_as_spend(small_result, small_panel):
    """Impressions taken off the air were once in the column of money saved."""
    bare = dataclasses.replace(small_result.fitted, panel=dataclasses.replace(small_panel, spend=None))
    change = dcm.Change("channel_1", 0.0, weeks=tuple(small_panel.weeks[[20, 23]]))
    table = dcm.scenario(dcm.FitResult(bare), change)
    assert (table["spend_change"] == 0.0).all()
    np.testing.assert_allclose(table["change"], dcm.scenario(small_result, change)["change"], rtol=1e-5)
    priced = dcm.scenario(dcm.FitResult(bare), change, cost={"channel_1": 0.5}).iloc[0]
    assert priced["spend_change"] == pytest.approx(-0.5 * small_panel.exposure[:, 20:24, 0].sum(), rel=1e-9)


def test_a_cost_prices_the_exposure_of_a_channel_whose_spend_column_has_only_zeros(small_result, small_panel):
    """A scenario said that 20% more of it costs nothing, a plan that nothing is spent on it today."""
    cost, by_channel = {"channel_1": 0.5}, {}
    for column in (0.0, np.nan):
        spend = small_panel.spend.copy()
        spend[:, :, 0] = column
        result = dcm.FitResult(
            dataclasses.replace(small_result.fitted, panel=dataclasses.replace(small_panel, spend=spend))
        )
        paid = dcm.scenario(result, dcm.Change("channel_1", 1.2), cost=cost).iloc[0]["spend_change"]
        assert paid == pytest.approx(0.2 * 0.5 * small_panel.exposure[:, :, 0].sum(), rel=1e-9)
        by_channel[column] = past_weeks(result.fitted_panel, cost=cost).spend.sum(axis=(0, 1))
    np.testing.assert_allclose(
        by_channel[0.0], [0.5 * small_panel.exposure[:, :, 0].sum(), *small_panel.spend.sum(axis=(0, 1))[1:]]
    )


def test_weeks_that_were_free_stay_free_where_a_cost_is_given_for_weeks_to_come(small_panel):
    """The past has a price, so that a spend of 0 says that nothing was paid: the cost is what more of it costs."""
    spend = np.zeros((4, 8, 3))
    coming = dataclasses.replace(small_panel.select(weeks=slice(0, 8)), spend=spend)
    found = priced(coming, {"channel_1": 0.5}, priced(small_panel, None))
    assert (found.spend == 0).all()
    np.testing.assert_allclose(found.price[:, :, 0], 0.5)
