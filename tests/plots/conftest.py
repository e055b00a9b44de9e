"""A headless browser, and results that have, or lack, what figures need."""

import dataclasses
import os
import shutil
from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.units import Units
from deepcausalmmm_jax.training.fitted import Replicates

FLAGS = (
    "headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-background-networking",
    "disable-component-update", "disable-sync", "no-first-run",
)  # fmt: skip


@pytest.fixture(scope="session")
def downloads(tmp_path_factory) -> Path:
    """Folder in which the browser puts files."""
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory) -> Path:
    """Folder for pages on paper, and for pictures where DCM_SCREENSHOTS names it; else one that pytest throws away."""
    folder = Path(os.environ.get("DCM_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory, downloads):
    """Chromium, driven by selenium."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no chromium with chromedriver on this machine")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"user-data-dir={tmp_path_factory.mktemp('profile')}", "window-size=1440,1000"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # Pages of all tests come from one place, of which a browser saves a second file only after it has asked.
    options.add_experimental_option("prefs", {"profile.default_content_setting_values.automatic_downloads": 1})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    chrome.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
    yield chrome
    chrome.quit()


def as_ensemble(result: dcm.FitResult, replicates: int = 3) -> dcm.Ensemble:
    """The result with refits that are slight variations of it: figures with intervals need no training."""
    rng = np.random.default_rng(0)

    def moved(leaf):
        copies = np.repeat(np.asarray(leaf)[None], replicates, axis=0)
        return copies + 0.01 * rng.standard_normal(copies.shape).astype(copies.dtype) if copies.dtype.kind == "f" else copies  # fmt: skip

    n_channels = len(result.panel.channels)
    status, epochs = np.ones(replicates, int), np.full(replicates, 25)
    variables = {
        "params": jax.tree.map(moved, result.fitted.variables["params"]),
        "fitted": jax.tree.map(
            lambda leaf: np.repeat(np.asarray(leaf)[None], replicates, axis=0), result.fitted.variables["fitted"]
        ),
    }
    check = np.zeros((0, 2, n_channels))
    made = Replicates(variables, status, epochs, check, "weights", 8, 0, True, 1.0, 0.0)
    return dcm.Ensemble(result.fitted, made)


def linked(result: dcm.FitResult) -> dcm.FitResult:
    """The result with a channel graph: the first channel drives the others, the last one the other way round."""
    variables, n = result.fitted.variables, len(result.panel.channels)
    edges = np.zeros((n, n), np.float32)
    edges[0, 1:] = 0.4
    edges[0, -1] = -0.2
    params = {**variables["params"], "graph": {**variables["params"]["graph"], "edge": edges}}
    kept = {**variables["fitted"]["graph"], "kept": (edges != 0).astype(np.float32)}
    changed = {"params": params, "fitted": {**variables["fitted"], "graph": kept}}
    return dcm.FitResult(dataclasses.replace(result.fitted, variables=changed))


@pytest.fixture(scope="session")
def ensemble(small_result) -> dcm.Ensemble:
    """Refits, spend, links and a holdout: every figure has its data."""
    return as_ensemble(linked(small_result))


@pytest.fixture(scope="session")
def bare_result(small_panel, quick) -> dcm.FitResult:
    """One region, no spend, no holdout, no links."""
    panel = dataclasses.replace(
        small_panel.select(regions=[small_panel.regions[0]]), spend=None, revenue_per_kpi=None, population=None
    )
    training = dataclasses.replace(quick.training, max_epochs=25)
    return dcm.fit(panel, quick.replace(graph="none", training=training), holdout=None)


@pytest.fixture(scope="session")
def curves() -> pd.DataFrame:
    """Response curves of two channels, with intervals, and an end beyond the range seen in training."""
    multiplier = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
    frames = []
    for channel, size in (("channel_1", 100.0), ("channel_2", 60.0)):
        outcome = size * multiplier / (multiplier + 1.0)
        frame = pd.DataFrame({"channel": channel, "multiplier": multiplier, "spend": 1e6 * multiplier, "incremental_outcome": outcome})  # fmt: skip
        frames.append(frame.assign(roi=outcome / 100, mroi=0.4 - 0.1 * multiplier, extrapolation=multiplier > 1.5))
    table = pd.concat(frames, ignore_index=True)
    return table.assign(
        incremental_outcome_low=0.8 * table["incremental_outcome"],
        incremental_outcome_high=1.3 * table["incremental_outcome"],
    )


@pytest.fixture(scope="session")
def scores() -> pd.DataFrame:
    """What `cross_validate` returns of two folds."""
    rows = [
        {"config": 0, "seed": 0, "fold": fold, "origin": origin, "rmse": rmse, "rmse_mean": 9.0, "rmse_last": 8.0}
        for fold, origin, rmse in ((0, "2024-01-01", 7.0), (1, "2024-03-01", 6.0), ("all", "", 6.5))
    ]
    return pd.DataFrame(rows)


def plan_of(channels) -> dcm.BudgetPlan:
    """A plan that moves money from the first channel to the last; the tables that no figure reads are empty."""
    nothing = pd.DataFrame()
    return dcm.BudgetPlan(
        table=nothing,
        channels=pd.DataFrame(
            {"spend_today": 100.0, "spend_plan": np.linspace(50.0, 150.0, len(channels)), "incremental_outcome_today": 10.0, "incremental_outcome_plan": 12.0},
            index=pd.Index(channels, name="channel"),
        ),
        summary=pd.DataFrame({"today": [100.0, 30.0], "plan": [100.0, 36.0]}, index=["spend", "incremental_outcome"]),
        binding=nothing, starts=nothing, draws=nothing, total=300.0, split="channel", objective="outcome", method="x",
        chance_better=0.9, shadow_price=1.5, level=0.9, period="26 weeks, 2024-01-01 to 2024-06-24",
        units=Units("spend, currency", "sales, KPI units", "revenue, currency", "revenue per unit of spend"),
        notes=("Prices stay as they were.",),
    )  # fmt: skip


@pytest.fixture
def plan(small_panel) -> dcm.BudgetPlan:
    """Money from the first channel to the last."""
    return plan_of(small_panel.channels)


@pytest.fixture(scope="session")
def page(small_result, tmp_path_factory):
    """Every section, and names that would be markup if they were not escaped."""
    names = ("<b>tv</b>", "<script>throw 1</script>", 'c & d, "quoted"')
    panel = dataclasses.replace(small_result.panel, channels=names, spend=8.0 * small_result.panel.spend)
    record = dataclasses.replace(small_result.fitted.record, status=dcm.FitStatus.CONVERGED)
    fitted = dataclasses.replace(small_result.fitted, panel=panel, record=record)
    hostile = as_ensemble(linked(dcm.FitResult(fitted)))
    path = tmp_path_factory.mktemp("report") / "report.html"
    return dcm.report(hostile, path, plan=plan_of(names)), hostile
