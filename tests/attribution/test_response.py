import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm


@pytest.fixture(scope="module")
def curves(small_result):
    return dcm.response_curves(small_result, multipliers=[0, 0.5, 1, 2, 20])


def test_the_curve_at_todays_spend_is_the_roi_table(small_result, curves):
    today, table = curves.today.set_index("channel"), small_result.media_summary()
    for name in ("incremental_outcome", "spend", "exposure", "roi", "mroi"):
        np.testing.assert_allclose(today[name], table[name], rtol=1e-12)


def test_curves_begin_at_zero_rise_and_label_what_training_never_saw(curves):
    for _, curve in curves.table.groupby("channel"):
        assert curve["incremental_outcome"].iloc[0] == 0.0
        assert (np.diff(curve["incremental_outcome"]) > 0).all()
        assert not curve["extrapolation"].iloc[:3].any()
        assert curve["extrapolation"].iloc[-1]


def test_regional_curves_add_up_to_the_national_one(small_result, curves):
    regional = dcm.response_curves(small_result, by="region", multipliers=[0.5, 2])
    total = regional.table.groupby(["channel", "multiplier"])["incremental_outcome"].sum()
    national = curves.table.set_index(["channel", "multiplier"])["incremental_outcome"]
    np.testing.assert_allclose(total, national.loc[total.index], rtol=1e-6)


def test_a_settled_week_is_the_coefficient_times_the_hill_curve(small_panel, small_result):
    fitted = small_result.fitted  # its parameters, read as those of a model without a graph
    config = dataclasses.replace(fitted.config, graph="none")
    result = dcm.FitResult(dataclasses.replace(fitted, config=config))
    curves = dcm.response_curves(result, weeks="steady", by="region", multipliers=[1, 3])
    fitted = result.fitted
    parameters = fitted.variables["params"]["coefficients"]
    level = np.exp(parameters["level"] + parameters["region"]) * fitted.scales.kpi[:, None]
    shape, half = (result.curve_parameters[name].to_numpy() for name in ("slope", "half_saturation"))
    locality = 1 / (1 + np.exp(-fitted.variables["params"]["media"]["locality"]))
    half = half * fitted.scales.intensity**-locality
    mean = small_panel.exposure[:, -52:].mean(axis=1) / fitted.scales.exposure
    for multiplier in (1.0, 3.0):
        x = mean * multiplier
        expected = level * x**shape / (x**shape + half**shape)
        found = curves.table[curves.table["multiplier"] == multiplier]["incremental_outcome"]
        np.testing.assert_allclose(found.to_numpy().reshape(3, 4).T, expected, rtol=0.02)  # 1 % of carry-over is left


@pytest.mark.parametrize("by", ["all", "region"])
def test_weeks_after_the_panel_bring_about_their_number_of_settled_weeks(small_result, by):
    week, quarter = (dcm.response_curves(small_result, weeks=weeks, by=by).today for weeks in ("steady", 13))
    rest = {"rtol": 0.35}  # the first weeks build up, coefficients drift back
    np.testing.assert_allclose(quarter["incremental_outcome"], 13 * week["incremental_outcome"], **rest)
    for name in ("spend", "exposure"):  # of one week, as the outcome
        np.testing.assert_allclose(quarter[name], 13 * week[name], rtol=1e-6)
    np.testing.assert_allclose(week["roi"], week["revenue"] / week["spend"], rtol=1e-9)
    np.testing.assert_allclose(quarter["roi"], week["roi"], **rest)
    np.testing.assert_allclose(quarter["mroi"], week["mroi"], **rest)


def test_refits_put_bounds_on_every_estimate(small_ensemble):
    table = dcm.response_curves(small_ensemble, multipliers=[1, 2], level=0.8).table
    summary = small_ensemble.media_summary(0.8)
    today = table[table["multiplier"] == 1.0].set_index("channel")
    for name in ("incremental_outcome", "roi", "mroi"):
        refits = small_ensemble.draws(name)  # as they are; the summary's intervals may be wider
        for end, at in (("low", 0.1), ("high", 0.9)):
            np.testing.assert_allclose(today[f"{name}_{end}"], refits.quantile(at), rtol=1e-4)
        assert (summary[f"{name}_low"] <= today[f"{name}_low"] * (1 + 1e-4)).all()
        assert (summary[f"{name}_high"] >= today[f"{name}_high"] * (1 - 1e-4)).all()
    assert (table["revenue_low"] <= table["revenue_high"]).all()


def test_units_are_said_and_half_saturation_is_in_them(small_result, curves):
    assert curves.units.spend == "spend, currency"
    assert curves.units.outcome == "sales, KPI units"
    half = curves.half_saturation.set_index("channel")
    assert (half["multiplier"] > 0).all()
    assert "without" not in curves.period


def test_curves_are_drawn_with_their_units_on_the_axes(small_ensemble, curves):
    figure = curves.plot()
    assert {trace.meta["channel"] for trace in figure.data} == set(curves.today["channel"])
    assert figure.layout.xaxis.title.text == "spend, currency"
    assert figure.layout.yaxis.title.text == "incremental sales, KPI units"
    assert curves.plot("all", "mroi").layout.yaxis.title.text == "marginal ROI, revenue per unit of spend"
    dotted = [trace for trace in figure.data if trace.line.dash == "dot"]
    beyond = curves.table.groupby("channel")["extrapolation"].any().sum()
    assert len(dotted) == beyond > 0
    regional = dataclasses.replace(curves, table=curves.table.assign(region="north"))
    both = dataclasses.replace(curves, table=pd.concat([curves.table, regional.table]))
    assert len(both.plot("north").data) == len(figure.data)
    units = curves.units._replace(spend="exposure units (no spend given)", in_currency=False)
    assert dataclasses.replace(curves, units=units).plot().layout.xaxis.title.text == "exposure (1 = today)"
    for asked, message in (
        ((), "name one of them, such as all, north"),
        (("mars",), "no curves of region 'mars'"),
        (("all", "sales"), "measure must be"),
    ):
        with pytest.raises(dcm.ConfigError, match=message):
            both.plot(*asked)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weeks": 0}, "weeks must be None"),
        ({"weeks": "soon"}, "weeks must be None"),
        ({"by": "town"}, "all or region"),
        ({"multipliers": [-1]}, "0 or more"),
        ({"level": 2}, "between 0 and 1"),
    ],
)
def test_bad_questions_are_refused_in_one_sentence(small_result, options, message):
    with pytest.raises(dcm.ConfigError, match=message):
        dcm.response_curves(small_result, **options)
