"""How large is the report, how long does it take to write, to open and to draw; and does its planner plan as we do?

python benchmarks/report.py [saved.npz ...]   a saved fit or ensemble each; without any, quick fits with four refits
"""

import dataclasses
import shutil
import sys
import tempfile
import time
from pathlib import Path

from harness import record
from panels import dma_panel, meridian
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

import deepcausalmmm_jax as dcm

FLAGS = ("headless=new", "no-sandbox", "disable-gpu", "disable-background-networking", "window-size=1440,1000")


def quick_ensembles() -> dict[str, dcm.FitResult]:
    """The real panel and Meridian's, 100 epochs and four refits."""
    config = dcm.Config(training=dataclasses.replace(dcm.Training(), max_epochs=100, chunk_epochs=25))
    panels = {"dma, 190 x 101 x 13": (dma_panel(), 8), "meridian, 40 x 156 x 6": (meridian(), 13)}
    return {
        name: dcm.bootstrap(dcm.fit(panel, config, holdout), 4, checks=0) for name, (panel, holdout) in panels.items()
    }


def figures_of(result: dcm.FitResult, folder: Path, chrome: webdriver.Chrome) -> dict[str, float]:
    """Seconds and megabytes of one report."""
    dcm.report(result, folder / "warm.html")
    began = time.perf_counter()
    path = dcm.report(result, folder / "report.html")
    written = time.perf_counter() - began
    chrome.get(path.as_uri())
    opened = chrome.execute_script("return performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000
    draw = "const t = performance.now(); for (const f of figures) draw(f); return performance.now() - t"
    return {
        "refits": len(result.replicates) if isinstance(result, dcm.Ensemble) else 0,
        "megabytes": path.stat().st_size / 1e6,
        "write_again_seconds": written,
        "open_seconds": opened,
        "draw_all_seconds": chrome.execute_script(draw) / 1000,
        "charts": chrome.execute_script("return figures.length"),
        **planner_of(result, chrome),
    }


def planner_of(result: dcm.FitResult, chrome: webdriver.Chrome) -> dict[str, float]:
    """The best split of today's total in the page over that of `optimize_budget`; nothing where there is no planner."""
    if not chrome.execute_script("return planner !== null"):
        return {}
    best = (
        "const t = performance.now(); document.getElementById('plan-best').click(); const { tables, plan } = planner; "
        "return [performance.now() - t, planFigures(tables, plan.spend, plan.locked).outcome.estimate]"
    )
    milliseconds, outcome = chrome.execute_script(best)
    plan = dcm.optimize_budget(result)
    figure = "revenue" if "revenue" in plan.summary.index else "incremental_outcome"
    return {"best_seconds": milliseconds / 1000, "page_over_python": outcome / plan.summary.loc[figure, "plan"]}


def main() -> None:
    """Measure and record."""
    saved = {path: dcm.load(path) for path in sys.argv[1:]}
    options = webdriver.ChromeOptions()
    with tempfile.TemporaryDirectory() as folder:
        for flag in (*FLAGS, f"user-data-dir={folder}/profile"):
            options.add_argument(f"--{flag}")
        options.binary_location = shutil.which("chromium") or ""
        chrome = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        chrome.get("about:blank")
        found = {}
        for name, result in (saved or quick_ensembles()).items():
            found[Path(name).stem] = figures_of(result, Path(folder), chrome)
            print(name, {key: round(value, 2) for key, value in found[Path(name).stem].items()})
        chrome.quit()
    print(record("report", found))


if __name__ == "__main__":
    main()
