"""The first page decides, and no two of its sentences contradict each other; five runs of known kind."""

import dataclasses
import re

import jax
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.io.grades import Grade
from deepcausalmmm_jax.plots.report.decision import _chance_of_order, _raised, _shifts, decision
from deepcausalmmm_jax.plots.report.plan_findings import plan_findings
from deepcausalmmm_jax.plots.theme import bare_names, labels
from deepcausalmmm_jax.trust.health_card import HealthCard, HealthCheck, HealthRow
from tests.planning.test_plan_advice import plan_with
from tests.plots.test_report import WIDTHS, console_errors, opened, picture
from tests.trust.kinds import KINDS, VERDICTS, of_kind, with_panel

NAMES = ("television_impressions", "paid_search_clicks")

DRAW_FIRST = (
    "for (const f of document.querySelectorAll('#summary .chart')) if (!state.drawn.has(f.dataset.key)) draw(f)"
)


@pytest.fixture(scope="module")
def kinds(national_ensemble, unsure_ensemble):
    made = {kind: of_kind(kind, national_ensemble, unsure_ensemble) for kind in KINDS}
    return {kind: with_panel(result, channels=NAMES) for kind, result in made.items()}


def decided(result, plan=None, currency=None):
    return decision(result, dcm.health(result), plan, currency)


ALL_DRAWN = [pytest.param(kind, marks=() if kind == "strong" else pytest.mark.slow) for kind in KINDS]


@pytest.mark.parametrize("kind", ALL_DRAWN)
def test_the_page_shows_verdict_reason_and_actions_at_both_widths(browser, kinds, kind, tmp_path, screenshots):
    path = kinds[kind].report(tmp_path / "report.html", currency="EUR")
    for width in WIDTHS:
        opened(browser, path, width).execute_script(DRAW_FIRST)
        shown = browser.execute_script("return document.querySelector('.verdict').innerText")
        assert VERDICTS[kind].value in shown.lower()
        assert browser.execute_script("return document.querySelectorAll('.actions li').length") > 0
        drawn = browser.execute_script("return figures.map(f => f.dataset.key).includes('first_roi')")
        assert drawn == (kind != "no spend")
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert console_errors(browser) == []
        picture(browser, screenshots / f"first_{kind.replace(' ', '_')}_{width}.png", 1400)
    text = browser.execute_script("return document.getElementById('summary').innerText")
    titles = "return Object.values(DATA.charts).flatMap(c => [c.layout.xaxis, c.layout.yaxis]).map(a => a?.title?.text ?? '')"
    assert not [title for title in browser.execute_script(titles) if re.search(r"\bcurrency\b", title)]
    assert ("EUR\u00a0" in text) == (kind != "no spend")
    assert "_impressions" not in browser.execute_script("return document.querySelector('.first').innerText")
    table = browser.execute_script("return document.getElementById('media').innerText")
    assert "television" in table
    assert "_impressions" not in table, "tables name channels as figures do"


@pytest.mark.parametrize("kind", KINDS)
def test_no_channel_is_told_to_grow_and_to_shrink(kinds, kind):
    actions = decided(kinds[kind]).actions
    for name in bare_names(NAMES).values():
        grow = [
            text for text in actions if name in text and ("room to grow" in text or f"earns most on {name}" in text)
        ]
        shrink = [text for text in actions if name in text and ("less than" in text or "would add little" in text)]
        assert not (grow and shrink), actions


@pytest.fixture
def saturated(kinds, monkeypatch):
    """A result whose curves are near their maximum at recent means, with returns of the test's choice by channel."""

    def made(low, mroi, roi, clear=(True, True)):
        result, summary = kinds["strong"], kinds["strong"].media_summary()
        figures = {"mroi": mroi, "mroi_low": low, "mroi_high": [2.0 * value for value in mroi], "roi": roi}
        table = summary.assign(**figures)
        trust = result.channel_trust
        known = trust._replace(table=trust.table.assign(distinguishable=list(clear)))
        today = result.today().assign(saturation=0.95)
        monkeypatch.setattr(dcm.Ensemble, "media_summary", lambda self: table)
        monkeypatch.setattr(dcm.Ensemble, "today", lambda self: today)
        monkeypatch.setattr(result, "channel_trust", known)
        monkeypatch.setattr("deepcausalmmm_jax.plots.report.decision._chance_of_order", lambda *_: 1.0)
        card = HealthCard((), dcm.Verdict.ACT, "Fine.")
        return decision(result, card, None, None).actions

    return made


@pytest.mark.parametrize(
    ("low", "mroi", "roi", "full"),
    [
        ([2.5, 0.1], [3.3, 0.2], [9.0, 2.0], ["paid_search"]),  # the first earns well above what it costs
        ([0.1, 0.1], [0.8, 0.2], [9.0, 2.0], ["paid_search"]),  # and here it earns most of those compared
        ([2.5, 0.1], [3.3, 1.5], [9.0, 2.0], []),  # the second brings nearly as much as a mean unit
    ],
)
def test_more_of_a_channel_that_earns_is_not_said_to_add_little(saturated, low, mroi, roi, full):
    actions = saturated(low, mroi, roi)
    assert any("earns most on television" in text for text in actions)
    assert [text for text in actions if "would add little" in text] == [
        f"More exposure of {name} would add little: it is saturated." for name in full
    ]


@pytest.mark.parametrize(
    ("clear", "doubted", "words"),
    [
        (True, (), "The next unit of spend earns most on channel_3"),
        (False, (), "Among channels with a clear effect, the next unit of spend earns most on channel_2"),
        (True, ("channel_3",), "Among channels with a clear effect that no check doubts, the next unit of spend earns"),
    ],
)
def test_what_earns_most_is_said_to_be_of_those_compared(small_ensemble, monkeypatch, clear, doubted, words):
    figures = {"mroi": [1.0, 2.0, 9.0], "mroi_low": [0.9, 1.9, 0.0], "mroi_high": [1.1, 2.1, 20.0]}
    summary, trust = small_ensemble.media_summary().assign(**figures), small_ensemble.channel_trust
    known = trust._replace(table=trust.table.assign(distinguishable=[True, True, clear]))
    monkeypatch.setattr(dcm.Ensemble, "media_summary", lambda self: summary)
    monkeypatch.setattr(small_ensemble, "channel_trust", known)
    monkeypatch.setattr("deepcausalmmm_jax.plots.report.decision._chance_of_order", lambda *_: 1.0)
    row = HealthRow(HealthCheck.DATA, Grade.LOOK, "", doubted=doubted)
    (told,) = _shifts(small_ensemble, HealthCard((row,), dcm.Verdict.ACT, "Fine.")).told
    assert told.startswith(words)


def test_a_channel_below_break_even_has_no_room_to_grow(kinds):
    actions = " ".join(decided(kinds["losing"]).actions)
    assert "room to grow" not in actions


def test_a_channel_in_doubt_is_to_be_tested_and_not_to_grow(kinds):
    result = kinds["strong"]
    doubted = result.panel.channels[0]
    bare, row = bare_names(NAMES)[doubted], dcm.health(result).rows[0]
    rows = (row._replace(grade=Grade.LOOK, decides=True, reason="it may follow sales", doubted=(doubted,)),)
    card = HealthCard(rows, dcm.Verdict.TEST_FIRST, "It may follow sales.")
    actions = decision(result, card, None, None).actions
    assert [text for text in actions if bare in text] == [
        f"Test {bare} with an experiment first: its effect is in doubt, whatever the interval says."
    ]
    assert not [text for text in actions if "in small steps" in text]
    clear = result.channel_trust.table["distinguishable"]
    sure = {phrase: value for value, phrase in decision(result, card, None, None).tiles}
    assert clear[doubted]
    assert sure["channels show a clear effect that no check puts in doubt"] == f"{int(clear.sum()) - 1} of {len(clear)}"
    planned = decision(result, card, plan_with(1.0, 2.0), None).actions
    assert planned[0].startswith("Settle what the verdict names before the plan is carried out")


def test_what_must_not_be_used_moves_no_budget(kinds):
    found = decided(kinds["unstable"], plan_with(1.0, 2.0))
    assert found.verdict == "do not use"
    assert found.actions[0] == "Do not move budget on these figures."
    assert not [text for text in found.actions if "spends" in text]


def test_a_plan_whose_gain_may_be_a_loss_shows_no_shift(kinds):
    for low, high, words in ((-39.0, 76.0, "may well lose"), (-9.0, -2.0, "so it loses")):
        told = plan_findings(plan_with(low, high, "revenue"), "sales", "EUR")
        assert len(told) == 1
        assert "not advised" in told[0]
        assert words in told[0]
        assert "spends" not in told[0]
    told = plan_findings(plan_with(5.0, 9.0, "revenue"), "sales", "EUR")
    assert any("spends more on" in text for text in told)


def moving(plan, today, planned):
    """The plan with the spend of the two channels."""
    channels = pd.DataFrame({"spend_today": today, "spend_plan": planned}, index=list(NAMES))
    return dcm.BudgetPlan(**{**vars(plan), "channels": channels})


def test_a_channel_that_loses_money_is_not_raised_by_one_sentence_and_cut_by_the_next(kinds):
    advised = plan_with(5.0, 9.0, "revenue")
    told = decided(kinds["losing"], moving(advised, [100.0, 100.0], [80.0, 120.0])).actions
    assert any("spends more on paid_search" in text for text in told)
    assert any("a smaller total loses less" in text for text in told)
    assert not any("step by step" in text for text in told)
    told = decided(kinds["losing"], moving(advised, [100.0, 100.0], [120.0, 80.0])).actions
    assert any("paid_search returns less" in text and "reduce it step by step" in text for text in told)


def test_of_several_channels_that_lose_money_only_those_that_the_plan_raises_are_said_to_be(kinds):
    summary = kinds["losing"].media_summary()
    losing = list(NAMES)
    plan = moving(plan_with(5.0, 9.0, "revenue"), [100.0, 100.0], [80.0, 120.0])
    raised = _raised(plan, losing)
    assert raised == [NAMES[1]]
    assert _raised(moving(plan, [100.0, 100.0], [100.0, 100.0]), losing) == []
    assert set(losing) <= set(summary.index)


def test_the_range_of_a_gain_has_the_plans_own_level():
    plan = dcm.BudgetPlan(**{**vars(plan_with(5.0, 9.0, "revenue")), "level": 0.8})
    told = " ".join(plan_findings(plan, "sales", "EUR"))
    assert "90% range" not in told


def test_the_last_steps_of_a_solver_are_no_moves():
    told = plan_findings(moving(plan_with(5.0, 9.0, "revenue"), [1e6, 1e6], [1.0002e6, 0.8e6]), "sales", "EUR")
    assert "less on" in told[0]
    assert "more on" not in told[0]


@pytest.mark.parametrize(("low", "advised"), [(5.0, True), (-39.0, False)])
def test_nothing_is_to_be_settled_before_a_plan_that_is_not_advised(kinds, low, advised):
    plan = moving(plan_with(low, 9.0, "revenue"), [100.0, 100.0], [120.0, 80.0])
    told = decided(kinds["weak"], plan).actions
    assert any(text.startswith("Settle what the verdict names") for text in told) == advised


def test_amounts_have_a_currency_only_where_one_is_given(kinds):
    known, unknown = decided(kinds["strong"], currency="EUR"), decided(kinds["strong"])
    assert known.tiles[0][0].startswith("EUR\u00a0")
    assert not re.search("[€$£]|EUR", " ".join(value for value, _ in unknown.tiles))
    assert "currency of the data" in unknown.tiles[0][1]


def test_the_tiles_are_the_totals_of_the_table(kinds):
    result = kinds["strong"]
    tiles = {phrase.split(" (")[0]: value for value, phrase in decided(result).tiles}
    summary = result.media_summary()
    roi = (summary["roi"] * summary["spend"]).sum() / summary["spend"].sum()
    assert tiles["ROI: revenue per unit of spend"] == f"{roi:.3g}"


@pytest.mark.parametrize("currency", ["", 5, "a very long currency", "E\nR"])
def test_a_currency_is_a_short_text(kinds, currency, tmp_path):
    with pytest.raises(dcm.ConfigError, match="currency must be a short text"):
        kinds["strong"].report(tmp_path / "report.html", currency=currency)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["tv_impressions", "search_clicks"], ["tv", "search"]),
        (["tv_impression", "tv_clicks"], ["tv_impression", "tv_clicks"]),
        (["impressions", "_spend"], ["impressions", "_spend"]),
        (["TV Impressions", "view"], ["TV", "view"]),
    ],
)
def test_units_are_left_out_of_labels_where_no_two_become_alike(names, shown):
    assert list(bare_names(names).values()) == shown
    assert list(labels(names).values()) == shown


def test_experiments_are_shown_where_there_are_any(kinds, monkeypatch, tmp_path):
    table = pd.DataFrame(
        {"channel": [NAMES[0]], "measured": [10.0], "model_after": [np.nan], "z": [3.0], "conflict": [True]},
        index=pd.Index(["spring"], name="test"),
    )
    monkeypatch.setattr(dcm.Ensemble, "lift_tests", lambda self: table)
    page = kinds["strong"].report(tmp_path / "report.html").read_text()
    assert 'id="lift-tests"' in page
    assert "<td>conflict</td>" in page


def test_a_failed_refutation_is_shown_and_decides(kinds, tmp_path):
    row = {
        "test": "placebo",
        "changed": "a channel of noise",
        "figure": 4.2,
        "unit": "standard errors",
        "grade": "fail",
    }
    made = dcm.Refutation(pd.DataFrame([row | {"meaning": "not to be trusted"}]), pd.DataFrame(), "By refits.", 1.0)
    page = kinds["strong"].report(tmp_path / "report.html", refutations=made).read_text()
    assert "4.2 standard errors" in page
    assert '<div class="verdict do-not-use">' in page
    assert "did not survive a refutation (placebo)" in page


def test_data_checks_are_in_the_report_and_not_said_twice(kinds, tmp_path):
    result = kinds["strong"]
    fixed = np.full_like(result.panel.control, 3.0)
    page = with_panel(result, control=fixed).report(tmp_path / "report.html").read_text()
    assert page.count("control never varies within a region") == 1
    assert "The data checks ask for attention: constant columns" in page


def test_a_result_without_draws_moves_no_money_and_names_the_command_that_gives_intervals(trained, plan):
    record = dataclasses.replace(trained.fitted.record, status=dcm.FitStatus.CONVERGED, seconds=60.0)
    result = dcm.FitResult(dataclasses.replace(trained.fitted, record=record))
    for told in (decided(result).actions, decided(result, plan).actions):
        assert not [
            text for text in told if any(word in text for word in ("earns most", "spends more", "room to grow"))
        ]
        command = next(text for text in told if "deepcausalmmm-jax bootstrap RUN" in text)
        assert re.search(r"200 refits, about \d+ minutes", command)
    assert any("is not to be carried out yet" in text for text in told)


def test_refits_that_agree_are_not_sure_of_what_the_fit_does_not_know(small_ensemble):
    """Every refit gives one channel the higher return, and the fit's errors leave the order open."""
    made = small_ensemble.replicates
    same = jax.tree.map(lambda own: np.repeat(own[:1], 4, axis=0), made.variables)
    ensemble = dcm.Ensemble(small_ensemble.fitted, dataclasses.replace(made, variables=same))
    rows = ensemble.media_summary().sort_values("mroi")
    assert (ensemble.draws("mroi")[rows.index[-1]] > ensemble.draws("mroi")[rows.index[0]]).all()
    apart, error = rows["mroi"].iloc[-1] - rows["mroi"].iloc[0], (rows["mroi_high"] - rows["mroi_low"]) / 3.29
    chance = _chance_of_order(ensemble, rows.iloc[0], rows.iloc[-1])
    assert 0.5 < chance < 1.0
    assert chance == pytest.approx(norm.cdf(apart / np.hypot(error.iloc[0], error.iloc[-1])), abs=1e-3)
