import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "deepcausalmmm_jax"
NAME = "deepcausalmmm_jax"
FLOORS = [  # from the ground up; a folder reads the floors below its own and itself, never its neighbours
    {"errors"},
    {"axes", "checks", "progress"},
    {"steps"},
    {"config", "io", "ops"},
    {"data"},
    {"model", "dag"},
    {"parallel"},
    {"training"},
    {"posterior", "attribution"},
    {"results"},
    {"planning", "inference"},
    {"trust"},
    {"plots"},
    {"benchmarking"},
    {"cli"},
]
# Methods that open a floor above, for the user's convenience: inside a function, so that importing the file does not.
DOORS = {
    ("results/fit_result.py", f"{NAME}.plots.report.write"),  # FitResult.report
    ("results/fit_result.py", f"{NAME}.plots.of_result"),  # FitResult.plot
    ("results/fit_result.py", f"{NAME}.planning.budget_plan"),  # the type of its argument
    ("results/fit_result.py", f"{NAME}.trust.refutations.refutation"),  # the type of its argument
    ("planning/budget_plan.py", f"{NAME}.plots.budget"),  # BudgetPlan.plot
    ("trust/health_card.py", f"{NAME}.plots.health"),  # HealthCard.plot
    ("planning/experiments/experiment_plan.py", f"{NAME}.plots.experiments"),  # ExperimentPlan.plot
    ("planning/response_curves.py", f"{NAME}.plots.response"),  # ResponseCurves.plot
    ("trust/refutations/refutation.py", f"{NAME}.plots.refuted"),  # Refutation.plot
}
LOOSE = {"errors", "axes", "checks", "progress", "steps"}  # the only modules at the root
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


class Read(NamedTuple):
    """What the laws of this file ask of a source file: read once, for all of them."""

    imports: tuple[str, ...]
    imports_beside_types: tuple[str, ...]  # without those for the type checker alone
    prints: bool


@cache
def _read(path):
    nodes = list(ast.walk(ast.parse(path.read_text())))
    for_types = [node for node in nodes if getattr(getattr(node, "test", None), "id", "") == "TYPE_CHECKING"]
    typed = {id(inner) for node in for_types for inner in ast.walk(node)}
    calls = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    beside = tuple(module for node in nodes if id(node) not in typed for module in _named(node))
    return Read(tuple(module for node in nodes for module in _named(node)), beside, "print" in calls)


def _imports(path):
    return _read(path).imports


def _named(node):
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        if node.module == NAME:
            yield from (f"{NAME}.{alias.name}" for alias in node.names)
        else:
            yield node.module


def _imports_when_loaded(path):
    """Modules that importing the file imports: not those of functions, nor those for the type checker alone."""

    def inside(node):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            return
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _named(node)
        elif not isinstance(node, ast.FunctionDef):
            for child in ast.iter_child_nodes(node):
                yield from inside(child)

    return set(inside(ast.parse(path.read_text())))


def _part(module):
    return module.split(".")[1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_down(path):
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    for module in _imports(path):
        top = module.split(".")[0]
        if top == NAME:
            below = FLOOR[_part(module)] < FLOOR[own] or _part(module) == own
            door = (str(path.relative_to(PACKAGE)), module) in DOORS
            assert below or door, f"{path.relative_to(PACKAGE)} imports {module}, which is on no lower floor"
        if own == "ops":
            assert top in ("jax", "chex", "optax", "collections", "functools", "typing", NAME), f"ops imports {module}"
        if own == "data":
            assert top not in ("jax", "flax", "optax"), f"data imports {module}"
        if own == "plots":
            assert not module.startswith((f"{NAME}.training", f"{NAME}.model")), f"plots imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_plots_draw(path):
    """Other floors may name a figure as the type of what a method returns, for the type checker alone."""
    drawn = any(module.split(".")[0] == "plotly" for module in _read(path).imports_beside_types)
    assert not drawn or path.relative_to(PACKAGE).parts[0] == "plots", f"{path.name} imports plotly"


@pytest.mark.parametrize("path", sorted((PACKAGE / "planning" / "optimizer").rglob("*.py")), ids=lambda path: path.name)
def test_the_optimiser_knows_nothing_of_a_fit(path):
    allowed = {f"{NAME}.errors", f"{NAME}.axes", f"{NAME}.checks", f"{NAME}.steps"}
    for module in _imports(path):
        if module.split(".")[0] in (NAME, "jax", "flax"):
            assert module in allowed or module.startswith(f"{NAME}.planning.optimizer."), (
                f"{path.name} imports {module}"
            )


@pytest.mark.parametrize(("file", "module"), sorted(DOORS))
def test_a_door_to_a_floor_above_is_used_and_opens_only_when_called(file, module):
    assert module in set(_imports(PACKAGE / file)), "a door that nobody uses: take it off the list"
    assert module not in _imports_when_loaded(PACKAGE / file)


def test_the_root_of_the_package_holds_only_what_every_folder_needs():
    assert {path.stem for path in PACKAGE.glob("*.py")} == LOOSE | {"__init__"}
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert folders | LOOSE == set(FLOOR)


def test_no_two_files_import_each_other():
    def dotted(path):
        return ".".join((NAME, *path.relative_to(PACKAGE).with_suffix("").parts))

    arrows = {dotted(path): _imports_when_loaded(path) for path in FILES}
    mutual = [(a, b) for a in arrows for b in arrows[a] if a in arrows.get(b, ())]
    assert mutual == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_prints_and_only_one_file_may_pmap(path):
    assert not _read(path).prints or path.parent.name == "cli"
    assert "pmap" not in path.read_text() or path.name == "engines.py"
