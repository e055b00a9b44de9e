import dataclasses
import inspect

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.notes import ChannelNote, ChannelTrust, NoteKind
from deepcausalmmm_jax.plots.geography import geography_of, markets
from deepcausalmmm_jax.plots.report.decision import decision
from deepcausalmmm_jax.plots.report.findings import channel_sentences, findings
from deepcausalmmm_jax.plots.report.plan_findings import gain
from deepcausalmmm_jax.plots.report.tables import tables_of
from deepcausalmmm_jax.plots.theme import channel_colors, compact, labels

PANEL = ("panel_kpi", "panel_exposure", "panel_spend", "panel_gaps")
TABLES = ("response_curves", "cross_validation", "plan_against_history", "outcome_against_history", "refutation")
HEALTH = ("health_card",)  # of a health card, see tests/trust/test_health.py
EXPERIMENTS = ("experiment_values", "experiment_match")  # see tests/planning/test_plan_experiments.py
RUNS = ("run_changes",)  # of two runs, see tests/results/test_compare_runs.py
REACH = ("frequency_effect",)  # of a panel with reach and frequency, see tests/inference/test_reach.py
LEARNED = ("learned_graph", "graph_groups")  # of observations, see tests/dag/test_graph_groups.py
RESULT = [
    name
    for name in dcm.plots.__all__
    if name not in PANEL + TABLES + REACH + LEARNED + HEALTH + EXPERIMENTS + RUNS + ("region_map",)
]
VARIANTS = [
    ("contribution_over_time", {"kind": "lines"}), ("contribution_over_time", {"kind": "percent", "top": 1}),
    ("channel_returns", {"measure": "mroi"}), ("channel_returns", {"measure": "cpik"}),
    ("channel_returns", {"measure": "effectiveness"}), ("region_heatmap", {"measure": "roi", "top": 2}),
    ("actual_and_predicted", {"scaled": True}), ("distributions", {"column": "roi"}),
]  # fmt: skip


def draw(name, *arguments, **options):
    return getattr(dcm.plots, name)(*arguments, **options)


@pytest.mark.parametrize("name", dcm.plots.__all__)
def test_every_figure_is_documented_and_found_by_name(name):
    assert inspect.getdoc(getattr(dcm.plots, name))
    assert name in dir(dcm.plots)


def test_an_unknown_figure_names_those_there_are():
    with pytest.raises(AttributeError, match="has no figure 'pie'; it has training_progress"):
        _ = dcm.plots.pie


@pytest.mark.parametrize(("name", "options"), [*((name, {}) for name in RESULT), *VARIANTS])
def test_figures_of_a_result_have_a_title_axes_and_data(name, options, ensemble):
    figure = draw(name, ensemble, **options)
    assert isinstance(figure, go.Figure)
    assert figure.layout.title.text
    assert len(figure.data) > 0


@pytest.mark.slow
def test_every_place_names_the_size_where_shares_are_of_it(small_ensemble):
    kpi = small_ensemble.panel.kpi - 1.02 * small_ensemble.panel.kpi.mean(axis=1, keepdims=True)
    panel = dataclasses.replace(small_ensemble.panel, kpi=kpi)
    result = dcm.Ensemble(dataclasses.replace(small_ensemble.fitted, panel=panel), small_ensemble.replicates)
    table, notes = result.channel_trust
    result.channel_trust = ChannelTrust(table.assign(distinguishable=True), notes)
    of = "the size of sales (which lies around zero)"
    card = dcm.health(result)
    assert any(of in phrase for _, phrase in decision(result, card, None, None).tiles)
    worked = findings(result, None).worked
    assert f"of {of}." in worked[0]
    assert "taken from its weekly changes" in worked[1]
    (media,) = [one for own in tables_of(result, card, panel.diagnose()).values() for one in own if one.key == "media"]
    assert f"share of {of}" in media.header
    axes = [draw(name, result).layout.xaxis.title.text for name in ("contribution_total", "distributions")]
    assert axes == [f"% of {of}"] * 2
    assert "or its size" in draw("region_heatmap", result).data[0].colorbar.title.text
    said = " ".join([*worked, *media.header, *axes, *(row.figure + row.reason for row in card.rows)])
    assert "predicted sales" not in said


@pytest.mark.parametrize(
    ("parts", "drawn"), [([2.0, 1.0], True), ([2.0, 0.0], True), ([2.0, -0.5], False), ([-2.0, 1.0], False)]
)
def test_parts_with_both_signs_are_no_shares(small_result, monkeypatch, parts, drawn):
    weekly = pd.DataFrame([[2.0, 1.0], parts], columns=["baseline, trend, season and controls", "channel_1"])
    monkeypatch.setattr("deepcausalmmm_jax.plots.contribution.grouped_contributions", lambda *_: weekly)
    if drawn:
        assert len(draw("contribution_over_time", small_result, kind="percent").data) == 2
    else:
        with pytest.raises(dcm.DataError, match="In 1 of 2 weeks the prediction or a part of it is below zero"):
            draw("contribution_over_time", small_result, kind="percent")


@pytest.mark.parametrize("name", PANEL)
def test_figures_of_a_panel_need_no_fit(name, small_panel):
    assert len(draw(name, small_panel).data) > 0


@pytest.mark.parametrize("measure", ["incremental_outcome", "roi", "mroi"])
def test_response_curves_show_today_and_draw_what_was_not_seen_dotted(curves, measure):
    figure = dcm.plots.response_curves(curves, "sales", measure)
    today = [trace for trace in figure.data if trace.mode == "markers"]
    assert [trace.x[0] for trace in today] == [1e6, 1e6]
    assert {trace.line.dash for trace in figure.data if trace.mode == "lines"} >= {"dot"}


def test_response_curves_draw_the_largest_and_leave_out_what_has_no_spend(curves):
    assert {trace.meta["channel"] for trace in dcm.plots.response_curves(curves, top=1).data} == {"channel_1"}
    second = curves["channel"] == "channel_2"
    figure = dcm.plots.response_curves(curves.assign(spend=curves["spend"].mask(second)))
    assert {trace.meta["channel"] for trace in figure.data} == {"channel_1"}
    for spend in (np.nan, 3.0 * curves["multiplier"]):  # what stands in for spend is exposure
        figure = dcm.plots.response_curves(curves.assign(spend=spend, exposure=3.0 * curves["multiplier"]))
        assert figure.layout.title.text.startswith("Response to exposure")
        assert {trace.x[0] for trace in figure.data if trace.mode == "markers"} == {1.0}


def test_response_of_a_result_is_its_summary_at_today_and_zero_at_nothing(small_result):
    table = small_result.spend_response().set_index(["channel", "multiplier"])["incremental_outcome"]
    summary = small_result.media_summary()["incremental_outcome"]
    np.testing.assert_allclose(table.xs(1.0, level="multiplier"), summary, rtol=1e-5)
    np.testing.assert_allclose(table.xs(0.0, level="multiplier"), 0.0, atol=1e-6 * summary.max())


@pytest.mark.parametrize(("today", "planned", "words"), [
    (100.0, 112.0, "112 sales, 12 more than today's budget (12%)."), (100.0, 95.0, "95 sales, 5 less than today's budget (5%)."),
    (1e9, 1.001e9, "1B sales, 1M more than today's budget (0.1%): moving money gains little."), (0.0, 4.0, "4 sales, 4 more than today's budget."),
    (173e3, 404e3, "404k sales, 231k more than today's budget (134%)."),
])  # fmt: skip
def test_what_a_plan_gains_is_said_also_where_it_is_little(today, planned, words):
    assert words in gain(today, planned, "sales")


def test_a_gain_of_which_refits_are_unsure_is_not_called_little():
    assert gain(1e3, 1.001e3, "sales", (-80.0, 90.0)).endswith("(0.1%; 90% range: -80 to 90).")
    assert gain(1e3, 1.001e3, "sales", (-80.0, 90.0), 0.5).endswith("(0.1%; 50% range: -80 to 90).")


@pytest.mark.parametrize(("independent", "said"), [(3.9, False), (2.0, True), (1.0, True)])
def test_regions_that_move_together_are_mentioned_on_the_first_page(independent, said, small_result):
    variables = small_result.fitted.variables
    share = {"fitted": variables["fitted"] | {"effective": np.float32(independent / 4)}}
    result = dcm.FitResult(dataclasses.replace(small_result.fitted, variables=variables | share))
    sentence = f"The 4 regions move together: on what moves all of them at once they carry as much information as {independent:.0f} independent region"
    assert any(sentence in words for words in findings(result, None).certainty) == said


def test_notes_of_channels_become_sentences_with_all_channels_that_they_apply_to():
    tiny, late = ChannelNote(NoteKind.TINY, value=0.005), ChannelNote(NoteKind.LATE_START, ("2024-05-06",))
    unclear = ChannelNote(NoteKind.NO_CLEAR_EFFECT)  # said elsewhere
    told = channel_sentences(("tv", "radio", "print"), [(unclear, tiny), (), (tiny, late)], "sales")
    assert told == ["tv and print are tiny (under 0.5% of sales).", "print starts late, in week 2024-05-06."]


def test_where_no_effect_is_clear_the_findings_do_not_name_a_winner(small_result):
    table, notes = small_result.channel_trust
    result = dcm.FitResult(small_result.fitted)
    result.channel_trust = ChannelTrust(table.assign(distinguishable=False), notes)
    worked = findings(result, None).worked[0]
    assert worked.startswith("These data cannot tell")
    assert "drove" not in worked


def test_plan_stands_beside_history(plan):
    figure = dcm.plots.plan_against_history(plan.channels)
    assert {trace.name: max(trace.x) for trace in figure.data} == {"today": 100.0, "plan": 150.0}
    assert len(dcm.plots.outcome_against_history(plan.channels).data) == 2


def test_cross_validation_puts_naive_forecasts_beside_the_model(scores):
    figure = dcm.plots.cross_validation(scores)
    assert [trace.name for trace in figure.data] == ["model", "naive: training mean", "naive: last week"]
    assert figure.data[0].x[-1] == "all folds"


def test_the_best_naive_forecast_is_said_to_be_that_of_all_regions(small_result):
    best = small_result.metrics.loc["holdout", "naive"]
    table = small_result.forecasts(by_region=True)
    own = table[(table["held_out"] == True) & table["kpi"].notna()]  # noqa: E712
    for region, of_region in own.groupby("region"):
        names = [trace.name for trace in draw("actual_and_predicted", small_result, region=region).data]
        error = {name: ((of_region["kpi"] - of_region[name]) ** 2).mean() for name in ("mean", "last", "mean8")}
        assert not [name for name in names if name and name.endswith("(best)")], (min(error, key=error.get), best)
        assert [name.endswith("(best over all regions)") for name in names if name].count(True) == 1


@pytest.mark.parametrize(("largest", "left_out"), [(3.0, 0), (3e6, 4)])
def test_held_out_weeks_of_zero_are_left_out_on_logarithmic_axes_alone(small_result, largest, left_out):
    """A KPI of counts is zero in many weeks."""
    kpi = small_result.panel.kpi.copy()
    kpi[:, -8:] = small_result.forecasts(by_region=True)["prediction"].mean()
    kpi[0, -8:-4], kpi[1, -1] = 0.0, largest * kpi[1, -1]
    panel = dataclasses.replace(small_result.panel, kpi=kpi)
    figure = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel)).plot("holdout_scatter")
    points = figure.data[1]
    assert (points.x == 0).sum() == 4 - left_out
    assert len(points.x) == 8 * len(panel.regions) - left_out
    assert ("at or below zero" in figure.layout.title.text) == (figure.layout.xaxis.type == "log") == bool(left_out)


MISSING = [
    ("channel_returns", "spend"), ("spend_and_effect_share", "spend"), ("region_heatmap", "several regions"),
    ("regional_fit", "several regions"), ("holdout_scatter", "held-out weeks"), ("distributions", "refits"),
    ("graph_network", "a link between channels"), ("graph_heatmap", "a link between channels"), ("region_map", "US states"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "what"), MISSING)
def test_a_figure_without_its_data_says_what_it_needs(name, what, bare_result):
    with pytest.raises(dcm.DataError, match=what):
        draw(name, bare_result)


def test_without_held_out_weeks_the_metrics_are_those_of_training_alone(bare_result):
    assert bare_result.panel.shape[0] == 1
    assert list(bare_result.metrics.index) == ["train"]


def test_panels_without_spend_and_results_without_training_say_so(bare_result):
    with pytest.raises(dcm.DataError, match="needs spend"):
        dcm.plots.panel_spend(bare_result.panel)
    record = dataclasses.replace(
        bare_result.fitted.record, objective=np.zeros(0), acyclicity=np.zeros(0), learning_rate=np.zeros(0), terms={}
    )
    untrained = dcm.FitResult(dataclasses.replace(bare_result.fitted, record=record))
    with pytest.raises(dcm.DataError, match="needs a training record"):
        dcm.plots.training_progress(untrained)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r, t: dcm.plots.contribution_over_time(r, "pie"), "kind must be one of"),
        (lambda r, t: dcm.plots.channel_returns(r, "gain"), "measure must be one of"),
        (lambda r, t: dcm.plots.region_heatmap(r, "gain"), "measure must be one of"),
        (lambda r, t: dcm.plots.actual_and_predicted(r, region="nowhere"), "no region 'nowhere'"),
        (lambda r, t: dcm.plots.distributions(r, "gain"), "column must be one of"),
        (lambda r, t: dcm.plots.response_curves(t.drop(columns="spend")), "no column 'spend'"),
        (lambda r, t: dcm.plots.response_curves(t, measure="gain"), "measure must be one of"),
        (lambda r, t: dcm.plots.response_curves(t.iloc[:0]), "no rows"),
        (lambda r, t: dcm.plots.response_curves(t.assign(region=range(len(t)))), "several regions"),
        (lambda r, t: dcm.plots.plan_against_history(t), "no column 'spend_today'"),
        (lambda r, t: dcm.plots.cross_validation(t), "table of cross_validate"),
    ],
)
def test_bad_requests_are_one_sentence(call, message, ensemble, curves):
    with pytest.raises(dcm.DeepCausalMMMError, match=message):
        call(ensemble, curves)


def test_a_channel_keeps_its_colour_in_every_figure(ensemble):
    colors = channel_colors(ensemble.panel.channels)
    over_time = dcm.plots.contribution_over_time(ensemble, "lines")
    seen = {trace.name: trace.line.color for trace in over_time.data if trace.name in colors}
    bars = dcm.plots.contribution_total(ensemble).data[0]
    seen_in_bars = dict(zip(bars.y, bars.marker.color, strict=True))
    assert seen == seen_in_bars == colors


def test_sixty_channels_have_sixty_colours():
    assert len(set(channel_colors([str(i) for i in range(60)]).values())) == 60


def test_intervals_are_drawn_where_the_refits_put_them(ensemble):
    summary = ensemble.media_summary()
    figure = dcm.plots.channel_returns(ensemble, "roi")
    drawn = {
        trace.name: dict(zip(trace.y, trace.x, strict=True)) for trace in figure.data if trace.name in ("low", "high")
    }
    for end in ("low", "high"):
        assert drawn[end] == pytest.approx(summary[f"roi_{end}"].to_dict())


def test_what_is_beyond_the_top_is_added_up(small_result):
    whole = dcm.plots.contribution_over_time(small_result)
    some = dcm.plots.contribution_over_time(small_result, top=1)
    assert [trace.name for trace in some.data][-1] == "other channels"
    total = lambda figure: np.sum([trace.y for trace in figure.data], axis=0)  # noqa: E731
    np.testing.assert_allclose(total(some), total(whole))


def test_names_are_shown_as_text(small_result):
    panel = dataclasses.replace(small_result.panel, channels=("<b>tv</b>", "c & d", "x"))
    result = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel))
    assert "&lt;b&gt;tv&lt;/b&gt;" in dcm.plots.contribution_total(result).data[0].y


@given(st.lists(st.text("ab…_1", min_size=1, max_size=40), unique=True, max_size=12))
def test_no_two_names_share_a_label(names):
    shown = labels(names)
    assert len(set(shown.values())) == len(names)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1_234_567, "1.23M"), (999_999, "1M"), (5e12, "5,000B"), (12.345, "12.3"), (-4.5e9, "-4.5B"), (0, "0")],
)
def test_labels_have_three_digits(value, text):
    assert compact(value) == text


def test_the_markets_of_the_data_file_lie_in_the_country():
    assert len(markets()) == 210
    assert markets()["501"] == ("New York NY", 40.7, -74.0)
    assert all(18 < market.latitude < 72 and -160 < market.longitude < -66 for market in markets().values())


def test_a_title_keeps_its_subject_apart_from_the_regions_it_is_of(small_result):
    figure = dcm.plots.contribution_over_time(small_result)
    assert figure.layout.title.text == "Contribution over time, all regions"
    assert figure.layout.meta["subject"] == "Contribution over time"


def test_states_and_markets_are_recognised_only_when_all_are_known(small_panel):
    def at(name, regions):
        return dataclasses.replace(small_panel, regions=pd.Index(regions), region_name=name)

    assert geography_of(at("state", ["Texas", "new york", "CA", "DC"])).kind == "states"
    assert geography_of(at("dma_code", [501, 803, 602, 506])).kind == "markets"
    assert geography_of(at("code", [501, 803, 602, 506])) is None
    assert geography_of(at("dma_code", [501, 803, 602, 1])) is None
    assert geography_of(small_panel) is None


@pytest.mark.parametrize(("name", "regions"), [("state", ["TX", "NY", "CA", "HI"]), ("dma", [501, 803, 743, 744])])
def test_the_map_places_every_region(small_result, name, regions):
    panel = dataclasses.replace(small_result.panel, regions=pd.Index(regions), region_name=name)
    result = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel))
    for measure in ("pct_of_contribution", "roi"):
        points = dcm.plots.region_map(result, measure).data[-1]
        assert len(points.x) == 4
        assert np.isfinite(np.asarray(points.marker.color)).all()


@pytest.mark.parametrize(("value", "text"), [(np.inf, "∞"), (-np.inf, "−∞"), (np.nan, "–"), (1.234e6, "1.23M")])
def test_numbers_without_an_end_are_shown_as_such(value, text):
    assert compact(value) == text


def test_an_interval_without_an_end_is_drawn_beyond_the_axis(small_ensemble, monkeypatch):
    table = small_ensemble.media_summary().assign(cpik_high=np.inf)
    monkeypatch.setattr(dcm.Ensemble, "media_summary", lambda self, *, planned=False: table)
    figure = dcm.plots.channel_returns(small_ensemble, "cpik")
    ends = np.concatenate([np.asarray(trace.x, float) for trace in figure.data if trace.mode == "lines"])
    assert np.isfinite(ends[~np.isnan(ends)]).all()
    assert np.nanmax(ends) > 4.0 * table["cpik"].max()
