"""The planner in the page: its sliders, its best plan and its files agree with `optimize_budget`."""

import dataclasses
from importlib.resources import files

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.cli.limits import read_limits
from deepcausalmmm_jax.planning.spend_tables import outcome_at, spend_tables
from deepcausalmmm_jax.plots.report.planner import options_of, planner
from tests.plots.test_report import WIDTHS, console_errors, opened, picture
from tests.waiting import wait_until

MATH = (files("deepcausalmmm_jax.plots.report") / "templates" / "plan_math.js").read_text(encoding="utf-8")
FIGURES = "return planFigures(planner.tables, planner.plan.spend, planner.plan.spend.map(() => true))"
SPEND = "return planner.plan.spend"
MARGIN = 0.1


@pytest.fixture
def math(browser, tmp_path):
    """The planner's arithmetic alone, on a page of its own."""
    page = tmp_path / "math.html"
    page.write_text(f"<meta charset=utf-8><script>{MATH}</script>", encoding="utf-8")
    browser.get(page.as_uri())
    return lambda code, *given: browser.execute_script(code, *given)


@pytest.fixture(scope="module")
def best(page):
    """The plan that Python finds for today's total."""
    return dcm.optimize_budget(page[1])


def row(browser, number):
    return browser.find_elements(By.CSS_SELECTOR, ".plan-row")[number]


def typed(field, text):
    """Replace the text of a field."""
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(text)


def downloaded(browser, downloads, button, name):
    browser.execute_script(f"document.getElementById('{button}').click()")
    assert wait_until((downloads / name).exists)
    return downloads / name


def test_between_levels_curves_are_monotone_cubics(math):
    x = np.array([0.0, 0.02, 0.3, 1.0, 1.1, 2.0])
    for y in (x**0.4, x**3 / (x**3 + 1), np.array([0.0, 1.0, 1.0, 3.0, 2.5, 2.6])):
        at = np.linspace(0.0, 2.0, 41)
        code = "const c = curve(arguments[0], arguments[1]); return arguments[2].map((a) => valueAt(c, a))"
        found = math(code, x.tolist(), y.tolist(), at.tolist())
        np.testing.assert_allclose(found, PchipInterpolator(x, y)(at), atol=1e-12)


@pytest.mark.parametrize("total", [0.4, 1.0, 2.2])
def test_the_best_plan_of_s_shaped_curves_is_that_of_every_plan_on_a_grid(math, total):
    levels = np.linspace(0.0, 3.0, 61)
    curves = [
        height * levels**k / (levels**k + half**k) for height, half, k in ((1, 0.6, 4), (1.3, 0.9, 5), (0.5, 0.2, 1))
    ]
    code = """const [levels, curves, total, high] = arguments;
        const aim = curves.map((y) => curve(levels, y));
        return bestPlan({ aim, data: { base: high.map(() => 1) } }, total, high.map(() => 0), high)"""
    found = np.array(math(code, levels.tolist(), [c.tolist() for c in curves], total, [3.0, 3.0, 3.0]))
    assert found.sum() == pytest.approx(total)
    assert (found >= 0).all()
    cubic = [PchipInterpolator(levels, c) for c in curves]
    a, b = np.meshgrid(*2 * [np.linspace(0.0, total, 301)])
    kept = a + b <= total
    every = cubic[0](a[kept]) + cubic[1](b[kept]) + cubic[2](total - a[kept] - b[kept])
    assert sum(f(x) for f, x in zip(cubic, found, strict=True)) >= every.max() * (1 - 1e-4)


def test_a_total_is_shared_within_limits(math):
    shared = math("return scaledTo(10, [1, 2, 3], [0, 0, 3], [2, 9, 3])")
    np.testing.assert_allclose(shared, [2.0, 5.0, 3.0])
    np.testing.assert_allclose(math("return scaledTo(99, [1, 2, 3], [0, 0, 3], [2, 9, 3])"), [2.0, 9.0, 3.0])
    np.testing.assert_allclose(math("return scaledTo(0, [1, 2, 3], [0, 1, 3], [2, 9, 3])"), [0.0, 1.0, 3.0], atol=1e-6)


def test_the_best_split_of_todays_total_is_that_of_optimize_budget(browser, page, best):
    opened(browser, page[0])
    today = browser.execute_script(FIGURES)
    assert "This is today's budget." in browser.find_element(By.ID, "plan-verdict").text
    browser.execute_script("document.getElementById('plan-best').click()")
    spend, found = browser.execute_script(SPEND), browser.execute_script(FIGURES)
    revenue = best.summary.loc["revenue"]
    assert sum(spend) == pytest.approx(best.total, rel=1e-6)
    np.testing.assert_allclose(spend, best.channels["spend_plan"], rtol=0.01)
    assert today["outcome"]["estimate"] == pytest.approx(revenue["today"], rel=0.01)
    assert found["outcome"]["estimate"] == pytest.approx(revenue["plan"], rel=0.01)
    for end in ("low", "high"):
        assert found["outcome"][end] == pytest.approx(revenue[f"plan_{end}"], rel=0.01)
        assert found["roi"][end] == pytest.approx(best.summary.loc["roi", f"plan_{end}"], rel=0.01)
        assert found["gain"][end] == pytest.approx(revenue[f"change_{end}"], abs=0.01 * revenue["today"])
    assert found["mroi"]["estimate"] == pytest.approx(best.summary.loc["mroi", "plan"], rel=0.03)
    reliable = browser.find_element(By.ID, "plan-verdict").text.startswith("A gain")
    assert reliable == best.advised
    assert console_errors(browser) == []


@pytest.mark.slow
def test_gains_and_verdicts_count_profit_at_the_margin_of_the_plan(browser, page, tmp_path):
    """By revenue this plan gains, and the last unit of spend earns what it costs; by profit neither."""
    cheap = dataclasses.replace(page[1].panel, spend=page[1].panel.spend / 8.0)
    result = dcm.Ensemble(dataclasses.replace(page[1].fitted, panel=cheap), page[1].replicates)
    plan = dcm.optimize_budget(result, 1.1 * cheap.spend.sum(), margin=MARGIN)
    opened(browser, dcm.report(result, tmp_path / "report.html", plan=plan))
    pinned = "planner.plan.high = planner.plan.high.map((x) => 2 * x); planner.setTotal(arguments[0]); planner.plan.spend = arguments[1];"
    found = browser.execute_script(pinned + FIGURES, plan.total, plan.channels["spend_plan"].tolist())
    revenue, profit = plan.summary.loc["revenue"], plan.summary.loc["profit"]
    near = {"abs": 0.01 * MARGIN * revenue["plan"]}
    assert found["gain"]["estimate"] == pytest.approx(profit["change"], **near)
    assert (found["gain"]["low"], found["gain"]["high"]) == pytest.approx(plan.gain_interval, **near)
    assert profit["change"] < 0 < revenue["change"] - plan.summary.loc["spend", "change"]
    assert found["last"]["estimate"] > 1.0
    browser.execute_script("planner.setTotal(arguments[0])", plan.total)
    assert f"{100 * MARGIN:g}% of revenue" in browser.find_element(By.ID, "plan-gain-note").text
    told = browser.find_element(By.ID, "plan-verdict").text
    assert f"of revenue, at a margin of {100 * MARGIN:g}%, less than it costs" in told
    assert not told.startswith("A gain")
    assert console_errors(browser) == []


def test_a_dragged_slider_and_its_file_are_a_plan_of_optimize_budget(browser, page, downloads):
    opened(browser, page[0])
    browser.execute_script("document.getElementById('planner').scrollIntoView()")
    slider = row(browser, 0).find_element(By.CSS_SELECTOR, "input[type=range]")
    ActionChains(browser).drag_and_drop_by_offset(slider, int(0.1 * slider.size["width"]), 0).perform()
    spend, today = browser.execute_script(SPEND), browser.execute_script("return DATA.planner.today")
    assert 1.1 < spend[0] / today[0] <= 1.3 + 1e-9
    assert spend[1:] == today[1:]
    shown = float(browser.find_element(By.ID, "plan-total").get_attribute("value").replace(",", ""))
    assert shown == pytest.approx(sum(spend), rel=1e-5)
    absolute, relative = read_limits(downloaded(browser, downloads, "plan-csv", "plan.csv"))
    assert relative == {}
    assert list(absolute) == list(page[1].panel.channels)
    total = float(browser.find_element(By.ID, "plan-command").text.split()[-1])
    plan = dcm.optimize_budget(page[1], total, limits=dcm.Limits(bounds=absolute), starts=1)
    np.testing.assert_allclose(plan.channels["spend_plan"], spend, rtol=1e-6)
    found = browser.execute_script(FIGURES)
    assert found["outcome"]["estimate"] == pytest.approx(plan.summary.loc["revenue", "plan"], rel=0.01)
    gain = plan.gain_interval
    assert found["gain"]["low"] == pytest.approx(gain[0], abs=0.01 * plan.summary.loc["revenue", "plan"])
    assert found["gain"]["high"] == pytest.approx(gain[1], abs=0.01 * plan.summary.loc["revenue", "plan"])


def test_locks_limits_total_and_reset_work_from_the_keyboard(browser, page):
    opened(browser, page[0])
    today = browser.execute_script("return DATA.planner.today")
    slider = row(browser, 1).find_element(By.CSS_SELECTOR, "input[type=range]")
    slider.send_keys(Keys.ARROW_RIGHT * 3)
    assert browser.execute_script(SPEND)[1] == pytest.approx(1.03 * today[1])
    assert "103% of today's" in slider.get_attribute("aria-valuetext")
    slider.send_keys(Keys.HOME)
    assert browser.execute_script(SPEND)[1] == pytest.approx(0.7 * today[1])
    row(browser, 1).find_element(By.CSS_SELECTOR, "input[type=checkbox]").send_keys(Keys.SPACE)
    total = browser.find_element(By.ID, "plan-total")
    typed(total, f"{1.04 * sum(today):.2f}{Keys.ENTER}")
    spend = browser.execute_script(SPEND)
    assert sum(spend) == pytest.approx(1.04 * sum(today), rel=1e-6)
    assert spend[1] == pytest.approx(0.7 * today[1])
    most = row(browser, 0).find_element(By.CSS_SELECTOR, ".plan-high input")
    typed(most, f"{1.05 * today[0]:.2f}{Keys.TAB}")
    browser.execute_script("document.getElementById('plan-best').click()")
    spend = browser.execute_script(SPEND)
    assert spend[0] <= 1.05 * today[0] * (1 + 1e-6)
    assert spend[1] == pytest.approx(0.7 * today[1])
    typed(most, f"much{Keys.TAB}")
    assert float(most.get_attribute("value").replace(",", "")) == pytest.approx(1.05 * today[0], rel=1e-4)
    browser.find_element(By.ID, "plan-reset").send_keys(Keys.ENTER)
    assert browser.execute_script(SPEND) == today
    assert console_errors(browser) == []


def test_amounts_are_read_as_they_are_meant_or_not_at_all(browser, page):
    opened(browser, page[0])
    meant = {"1500": 1500, "1,500.5": 1500.5, "1 500": 1500, "12'000": 12e3, "1.5M": 1.5e6, "20k": 20e3, "0": 0}
    guesses = ("1,5", "2.000.000", "-3", "much", "", "1e3")
    read = browser.execute_script("return arguments[0].map(amountFrom)", [*meant, *guesses])
    assert read[: len(meant)] == pytest.approx(list(meant.values()))
    assert read[len(meant) :] == [None] * len(guesses)


@pytest.mark.parametrize("width", [WIDTHS[0], pytest.param(WIDTHS[1], marks=pytest.mark.slow)])
def test_the_planner_fits_the_page(browser, page, width, screenshots):
    opened(browser, page[0], width)
    wide = browser.execute_script(
        "const p = document.getElementById('planner'); p.scrollIntoView(); return [...p.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > innerWidth).length"
    )
    assert wide == 0
    picture(browser, screenshots / f"planner_{width}.png")


def test_tables_are_the_model_where_channels_do_not_meet(page):
    result = page[1]
    tables = spend_tables(result.fitted_panel, result.replicates, past(result))
    assert tables.error < 0.01
    now = outcome_at(tables.values, tables.today[None] / tables.base)[:, 0]
    np.testing.assert_allclose(now, tables.whole, rtol=0.01)
    np.testing.assert_allclose(tables.today, result.media_summary()["spend"])


def past(result):
    from deepcausalmmm_jax.attribution.horizon import past_weeks

    return past_weeks(result.fitted_panel)


@pytest.mark.slow
def test_a_page_without_spend_or_additivity_has_no_planner_and_says_why(bare_result, page, monkeypatch):
    assert planner(bare_result, None, None) == (None, "This figure needs spend; give the panel its spend columns.")
    monkeypatch.setattr("deepcausalmmm_jax.plots.report.planner._ADDS_UP", -1.0)
    found, reason = planner(page[1], None, None)
    assert found is None
    assert "do not add up" in reason
    assert "plan with optimize_budget" in reason


@pytest.mark.slow
def test_ranges_of_some_of_the_draws_are_said_to_be(national_ensemble, small_ensemble, monkeypatch):
    monkeypatch.setattr("deepcausalmmm_jax.plots.report.planner._ADDS_UP", np.inf)  # of fits as short as these
    first = "Ranges are 90% intervals from "
    assert f"{first}60 draws. " in planner(national_ensemble, None, None)[0].sentences[0]
    monkeypatch.setattr("deepcausalmmm_jax.planning.spend_tables._MOST_DRAWS", 3)
    thinned = planner(national_ensemble, None, None)[0].sentences[0]
    assert f"{first}3 of 60 draws, so that their ends may differ from those of the first page" in thinned
    assert f"{first}3 of 4 refits alone." in planner(small_ensemble, None, None)[0].sentences[0]


def test_without_draws_there_is_no_range_and_one_set_of_tables_is_enough(math):
    code = f"""const values = new Float32Array({[0.0, 3.0, 4.0, 0.0, 1.0, 2.0]});
        const packed = btoa(String.fromCharCode(...new Uint8Array(values.buffer)));
        const data = {{ channels: ["a", "b"], levels: [0, 1, 2], sets: 1, values: packed, today: [10, 20], base: [10, 20],
            whole: [4], level: 0.9, in_revenue: false }};
        return planFigures(planTables(data), [20, 20], [true, true])"""
    found = math(code)
    assert found["outcome"] == {"estimate": pytest.approx(5.0), "low": None, "high": None}
    assert found["gain"]["estimate"] == pytest.approx(1.0)  # KPI units: what it costs is in other units
    assert found["roi"]["estimate"] == pytest.approx(5.0 / 40.0)


def test_the_next_unit_beyond_the_last_level_returns_what_the_curve_rises_by_there(math):
    code = f"""const values = new Float32Array({[0.0, 3.0, 6.0, 0.0, 1.0, 2.0]});
        const packed = btoa(String.fromCharCode(...new Uint8Array(values.buffer)));
        const data = {{ channels: ["a", "b"], levels: [0, 1, 2], sets: 1, values: packed, today: [2, 1], base: [2, 1],
            whole: [4], free: [0, 1.5], level: 0.9, in_revenue: true }};
        const tables = planTables(data);
        return [planFigures(tables, [4, 2], [false, true]), channelReturns(tables, 0, 4), channelReturns(tables, 1, 2)]"""
    whole, first, second = math(code)
    assert second == pytest.approx({"roi": (1.5 + 2.0) / 2.0, "mroi": 1.0})  # free exposure counts, as in all tables
    assert first == pytest.approx({"roi": 1.5, "mroi": 1.5})  # it was 0 at twice today's spend, and so was the plan's
    assert whole["mroi"]["estimate"] == pytest.approx(8.0 / 6.0)
    assert whole["last"]["estimate"] == pytest.approx(1.0)


def test_at_the_ends_of_all_limits_the_last_unit_is_of_the_channel_that_loses_least_by_it(math):
    values = [0.0, 2.0, 3.0, 0.0, 1.0, 5.0]
    code = f"""const values = new Float32Array({values});
        const packed = btoa(String.fromCharCode(...new Uint8Array(values.buffer)));
        const data = {{ channels: ["a", "b"], levels: [0, 1, 2], sets: 1, values: packed, today: [1, 1], base: [1, 1],
            whole: [3], level: 0.9, in_revenue: true }};
        const tables = planTables(data), [spend, low, high] = arguments;
        return atEnds(tables, spend, low, high)"""
    assert math(code, [2, 2], [0, 0], [2, 2]) == [True, False]
    assert math(code, [1, 1], [1, 1], [2, 2]) == [False, True]
    assert math(code, [2, 1], [2, 0], [2, 1]) == [False, True]  # the first is locked
    assert math(code, [1, 2], [1, 2], [1, 2]) == [True, True]


@pytest.mark.parametrize(
    ("planned", "options"),
    [
        ({"weeks": None}, ""),
        ({"weeks": "panel"}, ""),
        ({"weeks": 8}, "--weeks 8 "),
        ({"weeks": (-8, 0)}, "--weeks 8 "),
        ({"weeks": (-9, -1)}, None),
        ({"weeks": None, "next_weeks": 13}, "--next-weeks 13 "),
        ({"weeks": 8, "frequency": {"on line": 2.5}}, "--weeks 8 --at-frequency 'on line=2.5' "),
        ({"weeks": 8, "cost": {"on line": 0.01}}, "--weeks 8 --cost 'on line=0.01' "),
    ],
)
def test_the_command_plans_the_weeks_frequencies_and_costs_that_amounts_are_for(small_result, plan, planned, options):
    weeks, end = planned["weeks"], len(small_result.panel.weeks)
    weeks = tuple(end + at for at in weeks) if isinstance(weeks, tuple) else weeks
    assert options_of(small_result, dataclasses.replace(plan, **{**planned, "weeks": weeks})) == options


def test_channels_that_a_plan_prices_by_their_cost_are_on_the_page_too(small_result, tmp_path):
    """The page had two of three channels of such a plan, and 30% less spend today."""
    spend = small_result.panel.spend.copy()
    spend[:, :, 0] = np.nan
    panel = dataclasses.replace(small_result.panel, spend=spend)
    result = dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel))
    plan = dcm.optimize_budget(result, cost={"channel_1": 0.01}, max_steps=1, starts=1)
    kept = dcm.load(plan.save(tmp_path / "plan"))
    for made in (plan, kept):
        shown = planner(result, made, None)[0]
        assert shown.data["channels"] == list(panel.channels)
        np.testing.assert_allclose(shown.data["today"], plan.channels["spend_today"])
        assert shown.data["whole"][0] == pytest.approx(plan.summary.loc["revenue", "today"], rel=1e-4)
        assert shown.options == "--cost channel_1=0.01 "
    elsewhere = dataclasses.replace(plan, weeks="panel", cost={"channel_1": 0.01, "channel_2": 1.0})
    shown = planner(result, elsewhere, None)[0]
    np.testing.assert_allclose(shown.data["today"], plan.channels["spend_today"])
    assert shown.options == "--cost channel_1=0.01 "


@pytest.mark.slow
def test_the_page_states_the_weeks_of_its_plan(browser, small_result, plan, tmp_path):
    made = dataclasses.replace(plan, weeks=8)
    opened(browser, dcm.report(small_result, tmp_path / "report.html", plan=made))
    assert "optimize --weeks 8 --bounds" in browser.find_element(By.ID, "planner").text
    opened(browser, dcm.report(small_result, tmp_path / "report.html", plan=dataclasses.replace(made, weeks=(3, 9))))
    told = browser.find_element(By.ID, "planner").text
    assert "optimize --" not in told
    assert "the command line has no option" in told


def test_spend_in_millions_and_returns_in_pennies_are_not_rounded_away(browser, page):
    opened(browser, page[0])
    said = "return [amountText(0.0042), amountText(123456.7), digits(2.5e-7), String(cents(0.00423456)), String(cents(1234.567)), totalText(0.0042), totalText(1200)]"
    assert browser.execute_script(said) == ["0.0042", "123,457", "0.00000025", "0.0042346", "1234.57", "0.0042", "1200.00"]  # fmt: skip
