"""Charts of totals follow the selected region, with its intervals; names are in the order people expect."""

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.plots.composition import donut_parts
from deepcausalmmm_jax.plots.contribution import BASE_NAME
from deepcausalmmm_jax.plots.report.region_totals import natural_order, region_measures, region_parts
from deepcausalmmm_jax.plots.theme import compact
from tests.plots.test_report import DRAW_ALL, console_errors, opened

CHOOSE = "const s = document.getElementById('region'); s.value = arguments[0]; s.dispatchEvent(new Event('change'));"


@pytest.mark.parametrize(
    ("names", "sorted_names"),
    [
        (["Geo10", "Geo2", "Geo1"], ["Geo1", "Geo2", "Geo10"]),
        (["north 2b", "North 2a", "5", "10"], ["5", "10", "North 2a", "north 2b"]),
        (["1a", "a1", "a"], ["1a", "a", "a1"]),
    ],
)
def test_regions_are_in_natural_order(names, sorted_names):
    assert [names[at] for at in natural_order(names)] == sorted_names


def test_parts_of_a_region_are_its_prediction_and_those_of_all_are_the_figures(small_result):
    predicted = np.where(small_result.panel.past, small_result.predict().values, 0.0).sum(axis=1)
    parts = region_parts(small_result)
    for table in parts.values():
        np.testing.assert_allclose(table.sum(axis=1), predicted, rtol=1e-5)
    waterfall, donut = dcm.plots.contribution_waterfall(small_result), dcm.plots.contribution_donut(small_result)
    np.testing.assert_allclose(np.asarray(waterfall.data[0].x, float), parts["waterfall"].sum())
    np.testing.assert_allclose(waterfall.data[1].x, predicted.sum(), rtol=1e-5)
    np.testing.assert_allclose(donut.data[0]["values"], parts["donut"].sum().clip(lower=0.0))
    assert waterfall.layout.title.text.endswith("all regions")


def test_bars_of_the_waterfall_have_the_colours_of_their_channels(small_result):
    from deepcausalmmm_jax.plots.theme import channel_colors

    steps = dcm.plots.contribution_waterfall(small_result).data[0]
    drawn = dict(zip(steps.y, steps.marker.color, strict=True))
    for name, color in channel_colors(small_result.panel.channels).items():
        assert drawn[name] == color
    np.testing.assert_allclose(np.asarray(steps.base, float)[1:], np.cumsum(np.asarray(steps.x, float))[:-1])


def test_intervals_of_a_region_lie_around_its_draws(small_ensemble):
    found = region_measures(small_ensemble)
    shown = found["roi_low"].notna()  # there are none where outcomes are of other weeks than contributions
    assert shown.mean(axis=None) > 0.8
    for name in ("pct_of_contribution", "roi", "effectiveness"):
        assert (found[f"{name}_low"] <= found[f"{name}_high"]).where(shown, True).all().all()
    outcome = small_ensemble.regional_summary()["incremental_outcome"].unstack("channel", sort=False)
    ratio = (found["roi_high"] / found["roi"]).where(shown, 1.0)
    whole = small_ensemble.region_intervals().sel(bound="high", component=list(ratio.columns))
    names = [str(name) for name in small_ensemble.panel.regions]
    drawn = whole.values / outcome.loc[names, ratio.columns]
    trust = small_ensemble.channel_trust.table
    least = 1.0 + 1.6449 * (trust["share_error"] / trust["share"]).to_numpy()
    wanted = np.where(shown.loc[names], np.maximum(drawn, least), 1.0)
    np.testing.assert_allclose(ratio.loc[names], wanted, rtol=0.01)


def test_no_region_is_known_better_than_all_together(small_ensemble):
    """Refits do not show how far curves may be off, in a region no more than in all."""
    found, trust = region_measures(small_ensemble), small_ensemble.channel_trust.table
    width = (found["roi_high"] - found["roi_low"]) / found["roi"]
    least = np.minimum(1.6449 * (trust["share_error"] / trust["share"]).to_numpy(), 1.0)  # the lower end stops at 0
    assert width.notna().mean(axis=None) > 0.8
    assert (width.fillna(np.inf) >= 1.999 * least).all().all()


def test_a_selected_region_shows_its_parts_and_keeps_zero_in_view(browser, page):
    opened(browser, page[0])
    browser.execute_script(CHOOSE + DRAW_ALL, "1")
    result, name = page[1], browser.execute_script("return DATA.regions.names[1]")
    parts = region_parts(result)
    shown = browser.execute_script("return document.getElementById('figure-waterfall').data.map(t => t.x)")
    np.testing.assert_allclose(shown[0], parts["waterfall"].loc[name], rtol=1e-3)
    assert shown[1][0] == pytest.approx(sum(shown[0]), rel=1e-6)
    pie = browser.execute_script("return document.getElementById('figure-donut').data[0].values")
    np.testing.assert_allclose(pie, parts["donut"].loc[name].clip(lower=0.0), rtol=1e-3)
    low, high = browser.execute_script("return document.getElementById('figure-roi')._fullLayout.xaxis.range")
    assert low <= 0 <= high
    titles = "return ['waterfall', 'donut'].map(k => document.querySelector(`[data-key=${k}] h3`).textContent)"
    assert all(title.endswith(f", {name}") for title in browser.execute_script(titles))
    assert console_errors(browser) == []


@pytest.mark.slow
def test_charts_that_do_not_follow_a_region_keep_their_intervals(browser, page):
    opened(browser, page[0])
    read = "return ['mroi', 'cpik'].map(k => [document.querySelector(`[data-key=${k}] h3`).textContent, document.getElementById(`figure-${k}`).data.map(t => t.x)])"
    whole = browser.execute_script(DRAW_ALL + ";" + read)
    assert all(title.endswith("90% intervals") and len(traces) == 4 for title, traces in whole)
    assert browser.execute_script(CHOOSE + DRAW_ALL + ";" + read, "1") == whole


@pytest.mark.slow
@pytest.mark.parametrize("everywhere", [True, False])
def test_a_negative_part_is_named_where_it_is_negative_and_counts_in_the_whole(
    browser, small_ensemble, monkeypatch, tmp_path, everywhere
):
    own, names = donut_parts(small_ensemble), [str(name) for name in small_ensemble.panel.regions]
    own.loc[names if everywhere else names[:1], "channel_1"] *= -1
    for module in ("composition", "report.region_totals"):
        monkeypatch.setattr(f"deepcausalmmm_jax.plots.{module}.donut_parts", lambda *_: own)
    opened(browser, small_ensemble.report(tmp_path / "report.html"))
    order = browser.execute_script("return DATA.regions.names")
    read = "const f = document.querySelector('[data-key=donut]'); return [f.querySelector('h3').textContent, f.querySelector('.plot').layout.annotations[0].text, state.drawn.get('donut').table.rows]"
    for at, name in (("", "all regions"), *((str(order.index(name)), name) for name in names)):
        title, middle, rows = browser.execute_script(CHOOSE + DRAW_ALL + ";" + read, at)
        signed = (own.loc[name] if at else own.sum()).rename({BASE_NAME: "baseline"})
        remark = " (negative, not drawn: channel_1; percentages are of the parts drawn)"
        assert title == f"Composition of the prediction, {name}" + (remark if signed["channel_1"] < 0 else "")
        assert dict(rows) == pytest.approx(signed.to_dict(), rel=1e-3)
        assert middle == f"{compact(signed.sum())}<br>sales"
    assert console_errors(browser) == []


@pytest.mark.slow
def test_shares_over_time_are_left_out_where_a_part_is_negative(browser, page):
    opened(browser, page[0])
    shown = "return document.getElementById('figure-percent').innerText"
    browser.execute_script("DATA.charts.percent.data[1].y[3] = -1;" + DRAW_ALL)
    assert browser.execute_script(shown).startswith("A part is below zero at times here")
    assert browser.execute_script("return state.drawn.get('percent').table.rows") == []
    assert console_errors(browser) == []


def test_controls_show_what_they_move_by_week_and_how_far(small_result):
    weekly = small_result.weekly_contributions()[list(small_result.panel.controls)]
    drawn = {trace.name: np.asarray(trace.y) for trace in dcm.plots.controls_over_time(small_result).data}
    bars = {trace.name: trace for trace in dcm.plots.control_ranges(small_result).data if trace.type == "bar"}
    for name, values in weekly.items():
        np.testing.assert_allclose(drawn[name], values)
        at = list(bars["lower end"].y).index(name)
        ends = [bars[end].x[at] for end in ("lower end", "upper end")]
        np.testing.assert_allclose(ends, values.quantile([0.05, 0.95]))


def test_response_curves_are_smooth_and_go_through_their_points(curves):
    figure = dcm.plots.response_curves(curves)
    line = next(trace for trace in figure.data if trace.mode == "lines" and trace.name == "channel_1")
    dotted = [trace for trace in figure.data if trace.line.dash == "dot" and trace.meta["channel"] == "channel_1"]
    points = dict(zip([*line.x, *dotted[0].x], [*line.y, *dotted[0].y], strict=True))
    assert len(points) >= 60
    own = curves[curves["channel"] == "channel_1"]
    for spend, outcome in zip(own["spend"], own["incremental_outcome"], strict=True):
        assert points[spend] == pytest.approx(outcome)
    assert dotted[0].x[0] == pytest.approx(1.5e6)  # the last point that is known to be no extrapolation
    assert (np.diff([points[x] for x in sorted(points)]) > 0).all()
