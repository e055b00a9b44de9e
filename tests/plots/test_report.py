import dataclasses
import shutil
import subprocess
import sys

import pytest

import deepcausalmmm_jax as dcm


@pytest.fixture(scope="module")
def browser():
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no chromium with chromedriver on this machine")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-background-networking", "window-size=1440,1000"):  # fmt: skip
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    yield chrome
    chrome.quit()


def _console_errors(browser):
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_a_console_error_would_be_seen(browser, tmp_path):
    page = tmp_path / "broken.html"
    page.write_text("<script>console.error('on purpose')</script>")
    browser.get(page.as_uri())
    assert "on purpose" in _console_errors(browser)[0]


def test_report_opens_without_errors_and_draws_every_figure(browser, tmp_path, small_panel, quick):
    hostile = dataclasses.replace(small_panel, channels=("<b>tv</b>", "<script>throw 1</script>", "c & d"))
    result = dcm.fit(hostile, quick)
    path = dcm.report(result, tmp_path / "report.html")
    browser.get(path.as_uri())
    assert _console_errors(browser) == []
    drawn = browser.execute_script(
        "return [...document.querySelectorAll('.plotly-graph-div')].map(d => [d.id, d.querySelectorAll('path').length])"
    )
    assert {name for name, _ in drawn} >= {f"figure-{n}" for n in ("fit", "over_time", "total", "adstock", "hill", "network", "training", "regions")}  # fmt: skip
    assert all(paths > 0 for _, paths in drawn)
    text = browser.find_element("tag name", "body").text
    assert "<script>throw 1</script>" in text
    assert "rmse_mean8" in text


def test_report_loads_nothing_from_the_network(browser, tmp_path, small_result):
    path = small_result.report(tmp_path / "report.html")
    browser.get(path.as_uri())
    assert browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)") in (
        [],
        ["data:,"],
    )
    assert path.stat().st_size < 8_000_000


def test_report_into_a_file_as_folder_is_refused(tmp_path, small_result):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(dcm.OutputError, match="cannot be written"):
        small_result.report(tmp_path / "file" / "report.html")
    assert (tmp_path / "file").read_text() == "kept"


def test_importing_and_fitting_need_no_plotly():
    code = "import sys, deepcausalmmm_jax; sys.exit(any(m.split('.')[0] in ('plotly', 'jinja2', 'typer', 'tqdm') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
