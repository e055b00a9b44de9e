"""The page, in a real browser."""

import base64
import dataclasses
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from selenium.webdriver.common.by import By

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.plots.report.payload import _packed, region_data
from deepcausalmmm_jax.plots.report.tables import _accuracy, _media, _trust
from deepcausalmmm_jax.plots.theme import escaped
from tests.waiting import wait_until

WIDTHS = (1440, 420)
DRAW_ALL = "for (const f of figures) if (!state.drawn.has(f.dataset.key)) draw(f)"
DRAW_TWO = DRAW_ALL.replace("(!state", "(['fit', 'total'].includes(f.dataset.key) && !state")
EVERY_CHART = {
    "total", "waterfall", "donut", "over_time", "lines", "percent", "roi", "mroi", "cpik", "shares", "effectiveness",
    "response", "plan", "plan_outcome", "by_region", "roi_by_region", "adstock", "hill", "coefficients", "network", "heatmap",
    "effects", "fit", "scaled", "regions_fit", "holdout", "residuals", "autocorrelation", "refits", "refits_roi", "kpi",
    "exposure", "spend", "training", "first_roi", "controls", "control_ranges",
}  # fmt: skip


def console_errors(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def widen(browser, width):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 600},
    )


def picture(browser, path, limit=16_000):
    """Where somebody asked for pictures: to draw one of a long page takes the browser seconds."""
    if "DCM_SCREENSHOTS" not in os.environ:
        return
    height = min(limit, browser.execute_script("return document.documentElement.scrollHeight"))
    width = browser.execute_script("return innerWidth")
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    found = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    path.write_bytes(base64.b64decode(found["data"]))


def opened(browser, path, width=1440):
    browser.get_log("browser")
    widen(browser, width)
    browser.get(path.as_uri())
    # On a busy machine `get` has come back before the page was there.
    loaded = "return [location.href, document.readyState]"
    assert wait_until(lambda: browser.execute_script(loaded) == [path.as_uri(), "complete"])
    return browser


def test_a_console_error_would_be_seen(browser, tmp_path):
    page = tmp_path / "broken.html"
    page.write_text("<script>console.error('on purpose')</script>")
    opened(browser, page)
    assert "on purpose" in console_errors(browser)[0]


@pytest.mark.parametrize("width", [WIDTHS[0], pytest.param(WIDTHS[1], marks=pytest.mark.slow)])
def test_every_figure_of_the_report_is_drawn_without_a_console_error(browser, page, width, screenshots):
    opened(browser, page[0], width).execute_script(DRAW_ALL)
    drawn = browser.execute_script(
        "return figures.map(f => [f.dataset.key, f.querySelectorAll('.main-svg path, .main-svg .point').length, f.querySelector('.plot').scrollWidth - f.clientWidth])"
    )
    assert {name for name, _, _ in drawn} == EVERY_CHART
    assert all(marks > 0 for _, marks, _ in drawn), drawn
    assert all(beyond <= 0 for _, _, beyond in drawn), "a chart is wider than the page"
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert console_errors(browser) == []
    picture(browser, screenshots / f"report_{width}.png")


def test_names_with_markup_are_text(browser, page):
    opened(browser, page[0]).execute_script(DRAW_ALL)
    text = browser.execute_script("return document.body.innerText")
    assert "<script>throw 1</script>" in text
    assert "<b>tv</b>" in browser.execute_script("return document.getElementById('figure-total').textContent")
    assert console_errors(browser) == []


def test_the_first_page_and_the_tables_are_there_without_scripts(page):
    source = page[0].read_text()
    for words in (
        "What worked",
        "How certain is it?",
        "What to do",
        "What not to trust",
        "RMSE, naive: mean of the last 8 weeks",
        "The plan (26 weeks, 2024-01-01 to 2024-06-24) spends more on",
        "It is expected to bring 36 sales, 6 more than today&#39;s budget (20%).",
        "It beats today&#39;s budget in 90% of the draws.",
        "Prices stay as they were.",
    ):
        assert words in source
    assert "3 draws give rough intervals" in source
    assert escaped("<b>tv</b>") in source
    assert "<b>tv</b>" not in source


def test_a_region_filter_shows_the_region_and_reset_undoes_it(browser, page):
    opened(browser, page[0]).execute_script(DRAW_TWO)
    panel, result = page[1].panel, page[1]
    at = browser.execute_script("return DATA.regions.names")
    whole = browser.execute_script("return document.getElementById('figure-fit').data[0].y")
    choose = (
        "const s = document.getElementById('region'); s.value = arguments[0]; s.dispatchEvent(new Event('change'));"
    )
    browser.execute_script(choose + DRAW_TWO, "1")
    row = [str(name) for name in panel.regions].index(at[1])
    shown = browser.execute_script("return document.getElementById('figure-fit').data[0].y")
    np.testing.assert_allclose(shown, panel.kpi[row], rtol=1e-3, atol=panel.kpi[row].max() / 30_000)
    titles = browser.execute_script(
        "return ['fit', 'total'].map(k => document.querySelector(`[data-key=${k}] h3`).textContent)"
    )
    assert titles == [f"Actual and predicted, {at[1]}", f"Contribution of each channel, {at[1]}"]
    bars = browser.execute_script(
        "const b = document.getElementById('figure-total').data[0]; return [b.meta.channels, b.x]"
    )
    own = result.regional_summary().loc[at[1], "pct_of_contribution"]
    np.testing.assert_allclose(bars[1], own.loc[bars[0]], rtol=1e-3)
    browser.execute_script("document.getElementById('reset').click();" + DRAW_TWO)
    assert browser.execute_script("return document.getElementById('figure-fit').data[0].y") == whole
    assert console_errors(browser) == []


@pytest.mark.slow
def test_the_channel_filter_leaves_channels_out_of_all_charts_but_those_of_the_whole(browser, page):
    opened(browser, page[0])
    browser.execute_script("document.querySelector('#channels input').click();" + DRAW_ALL)
    gone = browser.execute_script("return DATA.channels[0]")
    shown = browser.execute_script(
        "return figures.filter(f => !['waterfall', 'donut', 'network', 'heatmap'].includes(f.dataset.key)).flatMap(f => f.querySelector('.plot').data).flatMap(t => t.meta?.channel ?? (t.hoverinfo === 'skip' ? [] : t.y) ?? [])"
    )
    assert escaped(gone) not in shown
    assert gone not in shown
    assert "2 of 3" in browser.execute_script("return document.getElementById('state').textContent")
    browser.execute_script("document.getElementById('no-channels').click();" + DRAW_ALL)
    label = browser.execute_script("return document.getElementById('figure-total').getAttribute('aria-label')")
    assert "nothing to show" in label
    assert console_errors(browser) == []


def test_the_csv_behind_a_chart_holds_what_is_drawn(browser, page, downloads):
    opened(browser, page[0])
    browser.find_element(By.CSS_SELECTOR, "[data-key=total] .csv").click()
    file = downloads / "total.csv"
    assert wait_until(file.exists), sorted(path.name for path in downloads.iterdir())
    table = pd.read_csv(file, index_col="channel")
    summary = page[1].media_summary()
    assert set(table.index) == set(page[1].panel.channels)
    np.testing.assert_allclose(table["estimate"], summary.loc[table.index, "pct_of_contribution"], rtol=1e-3)
    np.testing.assert_allclose(table["low"], summary.loc[table.index, "pct_of_contribution_low"], rtol=1e-3)


@pytest.mark.slow
def test_every_chart_has_words_a_table_and_keys(browser, page):
    opened(browser, page[0]).execute_script(
        DRAW_ALL + "; for (const d of document.querySelectorAll('.behind')) d.open = true;"
    )
    behind = "return [...document.querySelectorAll('.behind')].every(d => d.querySelectorAll('tr').length > 1)"
    assert wait_until(lambda: browser.execute_script(behind))
    found = browser.execute_script(
        "return figures.map(f => [f.dataset.key, f.querySelector('.plot').getAttribute('aria-label'), f.querySelectorAll('.behind tr').length, f.querySelector('.plot').tabIndex])"
    )
    for key, label, rows, tab in found:
        assert "rows:" in label, key
        assert rows > 1, key
        assert tab == 0
    pressed = "const b = document.querySelector('[data-key=lines] .legend button'); b.focus(); b.click(); return [document.activeElement.tagName, document.querySelector('[data-key=lines] .legend button').getAttribute('aria-pressed')]"
    assert browser.execute_script(pressed) == ["BUTTON", "false"]


def test_the_report_prints_and_loads_nothing_from_the_network(browser, page, screenshots):
    opened(browser, page[0])
    pdf = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
    (screenshots / "report.pdf").write_bytes(pdf)
    assert pdf.startswith(b"%PDF")
    assert browser.execute_script("return state.drawn.size") == len(EVERY_CHART), "all charts are drawn for print"
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert [name for name in loaded if not name.startswith(("data:", "blob:"))] == []
    assert "Content-Security-Policy" in page[0].read_text()
    assert page[0].stat().st_size < 8_000_000


@pytest.mark.slow
def test_the_page_fits_paper_and_wide_tables_fit_the_screen(browser, page):
    opened(browser, page[0])
    narrow = "return ['media', 'plan-channels'].map(id => document.getElementById(id)).filter(t => t && t.scrollWidth > t.parentElement.clientWidth).map(t => t.id)"
    assert browser.execute_script(narrow) == []
    try:
        widen(browser, 717)  # A4 with Chromium's margins
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        browser.execute_script("printing(true)")
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"), "print is shrunk"
        whole = "return [...document.querySelectorAll('.chart, .scroll, #plan-board')].every(e => getComputedStyle(e).breakInside === 'avoid')"
        assert browser.execute_script(whole)
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_tooltips_are_worded_and_show_no_powers_of_ten(browser, page):
    opened(browser, page[0])
    traces = browser.execute_script(
        "return Object.entries(DATA.charts).flatMap(([key, chart]) => chart.data.map(t => [key, t.type, t.hoverinfo ?? '', t.hovertemplate ?? '', JSON.stringify([t.customdata, t.text])]))"
    )
    for key, kind, info, template, texts in traces:
        assert info == "skip" or template or kind == "box", f"{key} has plotly's own tooltip"
        assert not re.search(r"\de-\d", texts or ""), key


@pytest.mark.slow
def test_figures_that_the_report_does_not_hold_open_too(browser, curves, scores, ensemble, tmp_path, screenshots):
    from plotly.offline import get_plotlyjs

    panel = dataclasses.replace(ensemble.panel, regions=pd.Index(["TX", "NY", "CA", "HI"]), region_name="state")
    states = dcm.FitResult(dataclasses.replace(ensemble.fitted, panel=panel))
    figures = [dcm.plots.response_curves(curves, measure=measure) for measure in ("incremental_outcome", "roi", "mroi")]
    figures += [
        dcm.plots.cross_validation(scores),
        dcm.plots.region_map(states),
        dcm.plots.panel_gaps(panel, order="panel"),
    ]
    parts = [figure.to_html(full_html=False, include_plotlyjs=False) for figure in figures]
    path = tmp_path / "figures.html"
    path.write_text(f"<meta charset=utf-8><script>{get_plotlyjs()}</script>{''.join(parts)}")
    opened(browser, path)
    marks = "return [...document.querySelectorAll('.plotly-graph-div')].map(d => d.querySelectorAll('path').length)"
    assert len(browser.execute_script(marks)) == len(figures)
    # Plotly draws after the page has loaded, on a busy machine seconds later.
    assert wait_until(lambda: all(browser.execute_script(marks))), browser.execute_script(marks)
    assert console_errors(browser) == []
    picture(browser, screenshots / "figures.png")


@pytest.mark.slow
def test_a_bare_result_gives_a_report_that_says_what_is_left_out(browser, bare_result, tmp_path, screenshots):
    path = bare_result.report(tmp_path / "bare.html")
    opened(browser, path).execute_script(DRAW_ALL)
    assert console_errors(browser) == []
    text = browser.execute_script("return document.getElementById('absent').innerText")
    for reason in (
        "needs spend",
        "needs several regions",
        "needs held-out weeks",
        "needs refits",
        "needs a link",
        "No plan was given",
    ):
        assert reason in text
    assert not browser.execute_script("return document.getElementById('region')")
    assert {"roi", "by_region", "holdout", "refits", "network", "plan"}.isdisjoint(
        browser.execute_script("return figures.map(f => f.dataset.key)")
    )
    picture(browser, screenshots / "bare.png")


def test_a_plan_without_spend_is_refused(small_result, tmp_path, plan):
    plan = dataclasses.replace(plan, channels=plan.channels.drop(columns="spend_plan"))
    with pytest.raises(dcm.DataError, match="no column 'spend_plan'"):
        dcm.report(small_result, tmp_path / "report.html", plan=plan)
    assert not (tmp_path / "report.html").exists()


def test_what_is_no_result_and_no_plan_is_refused(small_result, tmp_path, plan):
    with pytest.raises(dcm.DataError, match="needs the result of fit, bootstrap or load, got str"):
        dcm.report("fit.npz", tmp_path / "report.html")
    with pytest.raises(dcm.DataError, match="what optimize_budget returns, got DataFrame"):
        dcm.report(small_result, tmp_path / "report.html", plan=plan.channels)


def test_report_into_a_file_as_folder_is_refused(tmp_path, small_result):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(dcm.OutputError, match="cannot be written"):
        small_result.report(tmp_path / "file" / "report.html")
    assert (tmp_path / "file").read_text() == "kept"


def test_importing_and_fitting_need_no_plotly():
    code = "import sys, deepcausalmmm_jax; deepcausalmmm_jax.plots.__all__; sys.exit(any(m.split('.')[0] in ('plotly', 'jinja2', 'typer', 'tqdm') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_a_fit_waits_for_no_scipy_stats():
    """It takes a third of a second to import."""
    code = "import sys, deepcausalmmm_jax.inference.fit; sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_regions_are_packed_to_a_thousandth_of_their_largest_week():
    grid = np.array([[0.0, 1.0, np.nan, 250.0], [1e9, -5e8, 3.0, np.nan], [0.0, 0.0, 0.0, 0.0]])
    packed = _packed(grid)
    whole = np.frombuffer(base64.b64decode(packed["packed"]), "<i2").reshape(grid.shape)
    back = np.where(whole == -32768, np.nan, whole * np.asarray(packed["step"])[:, None])
    assert (np.isnan(back) == np.isnan(grid)).all()
    error = np.nanmax(np.abs(back - grid), axis=1)
    assert (error <= np.nanmax(np.abs(grid), axis=1) / 30_000).all()


def test_many_regions_and_channels_stay_within_the_page(small_result, monkeypatch):
    monkeypatch.setattr("deepcausalmmm_jax.plots.report.payload._BUDGET", 5_000)
    held = region_data(small_result)
    assert 1 <= len(held["names"]) < held["all"] == 4
    kpi = small_result.panel.kpi.sum(axis=1)
    assert held["names"][0] == str(small_result.panel.regions[int(kpi.argmax())])


def scaled_down(result, factor):
    """The same fit of a KPI in larger units, and so with smaller figures."""
    own = result.fitted
    kpi = own.scales._replace(kpi=own.scales.kpi * factor)
    return dcm.FitResult(dataclasses.replace(own, panel=dataclasses.replace(own.panel, kpi=own.panel.kpi * factor), scales=kpi))  # fmt: skip


@pytest.mark.parametrize("factor", [1e-4, 1e-9])
def test_figures_of_a_small_kpi_are_shown_in_significant_digits(small_result, factor):
    result = scaled_down(small_result, factor)
    errors = result.metrics["rmse"]
    np.testing.assert_allclose(errors, factor * small_result.metrics["rmse"], rtol=1e-6)
    for table in (_accuracy(result.metrics, result.panel.cadence), _media(result)):
        shown = [cell for row in table.rows for cell in row[1:]]
        assert "0" not in shown
        assert not [cell for cell in shown if re.search(r"\de-\d", cell)]
    (rmse,) = [row[1:] for row in _accuracy(result.metrics, result.panel.cadence).rows if row[0] == "RMSE"]
    np.testing.assert_allclose([float(cell) for cell in rmse], errors, rtol=0.006)


@pytest.mark.slow
def test_what_holds_for_all_intervals_is_said_once_below_the_table_of_shares(small_ensemble, small_result):
    table = _trust(small_ensemble)
    sentences = [note.sentence for note in small_ensemble.coverage_notes]
    assert sentences
    for sentence in sentences:
        assert sentence[1:] in table.note
        assert not any(sentence[1:] in cell for row in table.rows for cell in row)
    assert "level and curve" in _trust(small_result).note
