"""The code on the pages and in the examples runs as it stands, on short trainings and few refits."""

import inspect
import json
import re
import runpy
import sys
from pathlib import Path

import pytest

import deepcausalmmm_jax as dcm
from tests.plots.conftest import as_ensemble

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("start.md", *(f"tasks/{page.name}" for page in sorted((ROOT / "docs" / "tasks").glob("*.md"))))
CHANNELS = {"channel_1": "tv", "channel_2": "search", "channel_3": "social"}


@pytest.fixture
def place(tmp_path, monkeypatch, small_panel, quick):
    """A folder with panel.csv, in which a fit runs 100 epochs, and a bootstrap checks its arguments and trains nothing."""
    table = small_panel.to_dataframe()
    names = {name: table.columns[i] for i, name in enumerate(("geo", "week", "sales"))}
    table = table.rename(columns={old: new for new, old in names.items()})
    table = table.rename(columns=CHANNELS | {f"{old}_spend": f"{new}_spend" for old, new in CHANNELS.items()})
    table = table.rename(columns=dict(zip(small_panel.controls, ("price", "promo"), strict=True)))
    table.to_csv(tmp_path / "panel.csv", index=False)
    given = dict(zip(dcm.Training.__dataclass_fields__, dcm.Training.__init__.__defaults__, strict=True))
    given |= {"max_epochs": quick.training.max_epochs, "chunk_epochs": quick.training.chunk_epochs}
    monkeypatch.setattr(dcm.Training.__init__, "__defaults__", tuple(given.values()))
    asked = inspect.signature(dcm.bootstrap)

    def untrained(*arguments, **options):
        return as_ensemble(asked.bind(*arguments, **options).arguments["result"])

    monkeypatch.setattr(dcm, "bootstrap", untrained)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks(page):
    return re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / page).read_text(), flags=re.S | re.M)


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(page, place, capsys):
    assert blocks(page), f"{page} has no code"
    names = {}
    for number, block in enumerate(blocks(page)):
        exec(compile(block, f"{page}, block {number}", "exec"), names)


def test_every_page_is_in_the_navigation():
    listed = (ROOT / "mkdocs.yml").read_text()
    for page in (ROOT / "docs").rglob("*.md"):
        assert str(page.relative_to(ROOT / "docs")) in listed


COLUMNS = ["--region", "geo", "--time", "week", "--kpi", "sales", "--media", "tv", "search", "social", "--controls", "price", "promo"]  # fmt: skip
SCRIPTS = {
    "csv_to_plan.py": (["panel.csv", *COLUMNS, "--spend", "tv_spend", "search_spend", "social_spend", "--revenue-per-kpi", "10", "--weeks", "13", "--out", "run"], "run/report.html"),
    "own_benchmark.py": (["panel.csv", *COLUMNS, "--folds", "2", "--figure", "folds.html"], "folds.html"),
    "bootstrap_gpu.py": (["fit.npz", "--to", "ensemble.npz"], "ensemble.npz"),
}  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS)
def test_examples_run(script, place, small_result, monkeypatch, capsys):
    arguments, made = SCRIPTS[script]
    small_result.save(place / "fit.npz")
    monkeypatch.setattr(sys, "argv", [script, *arguments])
    runpy.run_path(str(ROOT / "examples" / script), run_name="__main__")
    assert (place / made).stat().st_size > 1000


def test_the_notebook_is_valid_and_its_cells_run(place, capsys):
    notebook = json.loads((ROOT / "examples" / "ten_minutes.ipynb").read_text())
    assert notebook["nbformat"] == 4
    assert all(cell["cell_type"] in ("markdown", "code") and cell["id"] for cell in notebook["cells"])
    names = {}
    for number, cell in enumerate(cell for cell in notebook["cells"] if cell["cell_type"] == "code"):
        exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
    assert (place / "report.html").exists()
