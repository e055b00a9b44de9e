import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "deepcausalmmm_jax"
NAME = "deepcausalmmm_jax"
FLOORS = [
    {"types", "errors", "checks", "published", "priors", "config", "telling"},
    {"ops", "data", "files", "archive", "columns", "compilation"},
    {"model"},
    {"train"},
    {"posterior"},
    {"checkpoint", "analysis"},
    {"plots"},
    {"result", "plan"},
    {"ensemble"},
    {"inference"},
    {
        "fitting",
        "fitting_many",
        "taking_over",
        "structure",
        "validation",
        "bootstrapping",
        "responding",
        "budgeting",
        "scenarios",
        "curve_planning",
    },
    {"benchmarking"},
    {"cli", "cli_benchmark", "cli_budget", "cli_limits"},
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == NAME:
                yield from (f"{NAME}.{alias.name}" for alias in node.names)
            else:
                yield node.module


def _part(module):
    return module.split(".")[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_down(path):
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    for module in _imports(path):
        top = module.split(".")[0]
        if top == NAME:
            assert FLOOR[_part(module)] <= FLOOR[own], f"{path.name} imports {module} from a higher floor"
        if own == "ops":
            assert top in ("jax", "functools", "typing", NAME), f"ops imports {module}"
        if own == "data":
            assert top not in ("jax", "flax", "optax"), f"data imports {module}"
        if own == "plots":
            assert not module.startswith((f"{NAME}.train", f"{NAME}.model")), f"plots imports {module}"
        if top == "plotly":
            assert own == "plots", f"{path.name} imports plotly"


def test_no_two_files_import_each_other():
    def dotted(path):
        return ".".join((NAME, *path.relative_to(PACKAGE).with_suffix("").parts))

    arrows = {dotted(path): set(_imports(path)) for path in FILES}
    mutual = [(a, b) for a in arrows for b in arrows[a] if a in arrows.get(b, ())]
    assert mutual == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_prints_and_only_one_file_may_pmap(path):
    source = path.read_text()
    calls = {node.func.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}  # fmt: skip
    assert "print" not in calls or path.stem.split("_")[0] == "cli"
    assert "pmap" not in source or path.name == "distributed.py"
