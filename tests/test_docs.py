"""The code on the pages and in the examples runs as it stands, and what the pages name exists."""

import functools
import inspect
import json
import pickle
import re
import runpy
import sys
from pathlib import Path

import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.inference import sample_posterior
from deepcausalmmm_jax.trust.refutations.wanted import RefutationTest
from tests.plots.conftest import as_ensemble
from tests.test_public_api import PUBLIC

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "deepcausalmmm_jax"
ALL_PAGES = sorted(DOCS.rglob("*.md"))
ELSEWHERE = (
    "index.md",
    "coming_from_deepcausalmmm.md",
    "notebook.md",
)  # run with the README, the notebook; needs torch
PAGES = [
    str(page.relative_to(DOCS)) for page in ALL_PAGES if "```python" in page.read_text() and page.name not in ELSEWHERE
]
CHANNELS = {"channel_1": "tv", "channel_2": "search", "channel_3": "social"}


DRAWING = ("tasks/uncertainty.md", "tasks/priors.md", "tasks/update.md")  # pages that ask about the draws themselves


@pytest.fixture(scope="module")
def fits():
    """Fits that pages have made, by what they were made of."""
    return {}


@pytest.fixture
def place(request, tmp_path, monkeypatch, small_panel, quick, fits):
    """A folder with panel.csv, where a fit runs 100 epochs, its 40 draws are slight variations of it (without chains on
    the pages about draws), and a bootstrap, once its arguments are checked, trains nothing; many fits are one, and of
    several refutations the first is made. Pages that fit the same panel with the same settings share the fit.
    """
    table = small_panel.to_dataframe()
    names = {name: table.columns[i] for i, name in enumerate(("geo", "week", "sales"))}
    table = table.rename(columns={old: new for new, old in names.items()})
    table = table.rename(columns=CHANNELS | {f"{old}_spend": f"{new}_spend" for old, new in CHANNELS.items()})
    table = table.rename(columns=dict(zip(small_panel.controls, ("price", "promo"), strict=True)))
    table.to_csv(tmp_path / "panel.csv", index=False)
    for settings, changes in (
        (dcm.Training, {"max_epochs": quick.training.max_epochs, "chunk_epochs": quick.training.chunk_epochs}),
        (dcm.PosteriorSettings, {"draws": 40}),
    ):
        plain = inspect.unwrap(settings.__init__)
        given = dict(zip(settings.__dataclass_fields__, plain.__defaults__, strict=True)) | changes
        monkeypatch.setattr(plain, "__defaults__", tuple(given.values()))
    monkeypatch.setattr(sample_posterior, "_DEFAULT", "laplace")
    page = getattr(request.node, "callspec", None)
    draws = page is not None and page.params.get("page") in DRAWING
    if not draws:
        monkeypatch.setattr(sample_posterior, "_drawn", lambda past, *rest: as_ensemble(dcm.FitResult(past.fitted), 40))
    asked, fit_many, refute = inspect.signature(dcm.bootstrap), dcm.fit_many, dcm.refute

    def untrained(*arguments, **options):
        return as_ensemble(asked.bind(*arguments, **options).arguments["result"])

    def one_for_all(*arguments, **options):
        asked = inspect.signature(fit_many).bind(*arguments, **options)
        asked.apply_defaults()
        panels, seeds = asked.arguments["panels"], asked.arguments["seeds"]
        assert asked.arguments["configs"] is None, "one fit cannot stand for those of several settings"
        return [shared(panels[0], holdout=asked.arguments["holdout"])] * (len(panels) * len(seeds))

    def one_of_its_tests(*arguments, **options):
        asked = inspect.signature(refute).bind(*arguments, **options).arguments
        assert set(asked["tests"]) <= set(map(str, RefutationTest))
        return refute(**asked | {"tests": asked["tests"][:1]})

    @functools.wraps(dcm.fit)
    def shared(*arguments, original=dcm.fit, **options):
        key = pickle.dumps((draws, arguments, sorted(options.items())))
        if key not in fits:
            fits[key] = original(*arguments, **options)
        return fits[key]

    @functools.wraps(dcm.simulate)
    def smaller(n_regions=20, n_weeks=120, *rest, original=dcm.simulate, **options):
        if n_regions >= 8:  # from where on fits have no draws; all of the README's number of channels and controls
            return original(8, 60, **options | {"n_channels": 5, "n_controls": 3})
        return original(n_regions, 104 if n_regions == 1 else min(n_weeks, 64), *rest, **options)

    monkeypatch.setattr(dcm, "simulate", smaller)  # a national panel has the shape of the fixture `national`
    monkeypatch.setattr(dcm, "fit", shared)
    monkeypatch.setattr(dcm, "bootstrap", untrained)
    monkeypatch.setattr(dcm, "fit_many", one_for_all)
    monkeypatch.setattr(dcm, "refute", one_of_its_tests)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks(page):
    return _fenced(DOCS / page, "python")


def _fenced(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), flags=re.S | re.M)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(page, place, capsys):
    names = {}
    for number, block in enumerate(blocks(page)):
        exec(compile(block, f"{page}, block {number}", "exec"), names)


@pytest.mark.slow
def test_the_readme_shows_the_code_and_the_output_of_the_first_page(place, capsys):
    readme, index = ROOT / "README.md", DOCS / "index.md"
    assert _fenced(readme, "python")[0] == _fenced(index, "python")[0]
    assert _fenced(readme, "text")[0] == _fenced(index, "text")[0]
    exec(compile(_fenced(readme, "python")[0], "README.md", "exec"), {})
    printed, shown = capsys.readouterr().out, _fenced(readme, "text")[0]
    words = re.compile(r"[a-z_]+[0-9]?")  # the numbers are those of a full training, here it is short
    assert sorted(words.findall(printed)) == sorted(words.findall(shown))  # the order of the channels too


def test_every_page_is_in_the_navigation():
    listed = (ROOT / "mkdocs.yml").read_text()
    for page in ALL_PAGES:
        assert f" {page.relative_to(DOCS)}\n" in listed


def test_the_reference_has_every_public_name_once():
    pages = "\n".join(page.read_text() for page in (DOCS / "api").glob("*.md"))
    documented = re.findall(r"^::: deepcausalmmm_jax\.(\S+)$", pages, flags=re.M)
    assert sorted(documented) == sorted([*PUBLIC, *(f"plots.{figure}" for figure in dcm.plots.__all__)])
    assert pages.count(":::") == len(documented)


@pytest.mark.parametrize("page", [ROOT / "README.md", *ALL_PAGES], ids=lambda page: page.name)
def test_pages_teach_no_path_into_the_package(page):
    folders = "|".join(path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "plots")
    assert not re.findall(rf"deepcausalmmm_jax\.(?:{folders})\b", page.read_text())


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ALL_PAGES], ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page):
    named = re.findall(r"`([\w./]+\.(?:py|md|ipynb|csv|npz|json|toml|txt))`", page.read_text())
    repository = ("benchmarks", "deepcausalmmm_jax", "docs", "examples", "tests")
    packages = tuple(path.name for path in PACKAGE.iterdir() if path.is_dir())
    for name in named:
        top = name.split("/")[0]
        if top in repository:
            assert (ROOT / name).exists(), f"{page.name} names {name}"
        elif top in packages:
            assert (PACKAGE / name).exists(), f"{page.name} names {name}"


def test_names_in_the_glossary_stand_in_the_files_beside_them():
    found = re.findall(r"`([\w/]+\.py)` `(?:\w+\.)?(\w+)`", (DOCS / "glossary.md").read_text())
    assert len(found) > 30
    for path, name in found:
        assert re.search(rf"(def|class) {name}\b|^    {name}:", (PACKAGE / path).read_text(), re.M), f"{path}: {name}"


def _script(name):
    sys.path.insert(0, str(DOCS / "scripts"))  # scripts import their neighbours
    try:
        return runpy.run_path(str(DOCS / "scripts" / f"{name}.py"))
    finally:
        sys.path.pop(0)


def test_the_picture_of_the_floors_is_that_of_the_imports():
    drawn = _script("draw_floors")
    names = [name for names in drawn["floors"]() for name in names]
    assert sorted(drawn["BOXES"]) == sorted(names)
    assert (DOCS / "floors.svg").read_text() == drawn["picture"](), "run python docs/scripts/draw_floors.py"


@pytest.mark.parametrize("page", sorted((DOCS / "tasks").glob("*.md")), ids=lambda page: page.name)
def test_a_task_page_has_a_picture_with_a_description(page):
    assert _script("site_checks")["has_picture"](page.read_text()), "the site is not built without it"


def test_pictures_are_small_drawn_by_the_script_and_shown():
    shown = "\n".join(page.read_text() for page in [ROOT / "README.md", *ALL_PAGES])
    source = (DOCS / "scripts" / "pictures.py").read_text()
    for picture in (DOCS / "assets").iterdir():
        assert picture.stat().st_size <= 150_000
        if picture.suffix in (".svg", ".png"):
            assert picture.name in shown, f"no page shows {picture.name}"
            assert picture.name.startswith("notebook_") or f'"{picture.stem}"' in source


def test_equations_become_mathml_and_a_page_is_told_by_its_first_sentence():
    equation = _script("equations")["on_page_content"](r'<p><span class="arithmatex">\(\alpha_m &lt; 1\)</span></p>')
    assert equation.startswith("<p><math")
    assert "&lt;" in equation.replace("&#x0003C;", "&lt;")
    first = _script("site_checks")["first_sentence"]
    assert first("# Title\n\n![x](y)\n\nOne [page](p.md) of\nwords. Another.") == "One page of words."


def test_the_page_on_the_command_line_has_the_commands():
    page = _script("command_line")["on_page_markdown"]((DOCS / "api" / "command_line.md").read_text())
    assert re.findall(r"^## (\w+)$", page, flags=re.M).count("fit") == 1
    for command in ("demo", "fit", "bootstrap", "curves", "optimize", "scenario", "simulate", "report", "benchmark"):
        assert f"\n## {command}\n" in page
    assert re.search(r"^\| `--out` \| required \| \w+", page, flags=re.M)
    assert re.search(r"^\| `--holdout` \| `8` \|", page, flags=re.M)


COLUMNS = ["--region", "geo", "--time", "week", "--kpi", "sales", "--media", "tv", "search", "social", "--controls", "price", "promo"]  # fmt: skip
SCRIPTS = {
    "csv_to_plan.py": (["panel.csv", *COLUMNS, "--spend", "tv_spend", "search_spend", "social_spend", "--revenue-per-kpi", "10", "--weeks", "13", "--out", "run"], "run/report.html"),
    "own_benchmark.py": (["panel.csv", *COLUMNS, "--folds", "2", "--figure", "folds.html"], "folds.html"),
    "bootstrap_gpu.py": (["fit.npz", "--to", "ensemble.npz"], "ensemble.npz"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_examples_run(script, place, small_result, monkeypatch, capsys):
    arguments, made = SCRIPTS[script]
    small_result.save(place / "fit.npz")
    monkeypatch.setattr(sys, "argv", [script, *arguments])
    runpy.run_path(str(ROOT / "examples" / script), run_name="__main__")
    assert (place / made).stat().st_size > 1000


@pytest.mark.slow
def test_the_notebook_has_kept_what_it_shows_and_its_cells_run(place, capsys):
    """On a shorter file of the same columns, by the rules by which `make notebook` runs it."""
    run = _script("notebook")["run"]
    notebook = json.loads((ROOT / "examples" / "csv_to_decision.ipynb").read_text())
    assert notebook["nbformat"] == 4
    assert all(cell["cell_type"] in ("markdown", "code") and cell["id"] for cell in notebook["cells"])
    columns = pd.read_csv(ROOT / "examples" / "weekly_sales.csv").columns
    pd.read_csv(place / "panel.csv")[list(columns)].to_csv(place / "weekly_sales.csv", index=False)
    page, names = (DOCS / "notebook.md").read_text(), {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        assert source in page, "run make notebook"
        if cell["cell_type"] == "code":
            assert cell["outputs"], "run make notebook"
            printed, shown = run(source, names)
            assert printed or shown is not None
    assert (place / "run" / "report.html").exists()
