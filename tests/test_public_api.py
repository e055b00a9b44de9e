import ast
import inspect
from pathlib import Path

import pytest

import deepcausalmmm_jax as dcm

PACKAGE = Path(dcm.__file__).parent
PUBLIC = [name for name in dcm.__all__ if name != "plots"]  # a namespace of figures


@pytest.mark.parametrize("name", ["Panel", "simulate", "Config", "fit", "FitResult", "load", "report", "DataError"])
def test_promised_names_are_there(name):
    assert name in dcm.__all__


def test_dir_shows_the_public_names_only_on_one_screen():
    assert dir(dcm) == sorted([*dcm.__all__, "__version__"])
    assert len(dcm.__all__) == len(set(dcm.__all__))
    assert len(dcm.__all__) <= 60
    modules = [name for name in dcm.__all__ if inspect.ismodule(getattr(dcm, name))]
    assert modules == ["plots"]


def test_what_is_imported_to_the_root_is_public_and_nothing_else():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    imported = [alias.asname or alias.name for node in imports for alias in node.names]
    assert sorted(name for name in imported if not name.startswith("_")) == sorted(dcm.__all__)


def test_each_public_thing_has_one_public_path():
    shared = [name for name in dcm.__all__ if name in dir(dcm.plots) and getattr(dcm, name) is getattr(dcm.plots, name)]
    assert shared == []
    things = [id(getattr(dcm, name)) for name in dcm.__all__]
    assert len(things) == len(set(things))
    for init in PACKAGE.rglob("__init__.py"):
        if init.parent not in (PACKAGE, PACKAGE / "plots"):
            body = ast.parse(init.read_text()).body
            assert all(isinstance(node, ast.Expr) for node in body), f"{init} exports names a second time"


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_and_method_is_documented(name):
    thing = getattr(dcm, name)
    assert inspect.getdoc(thing)
    if inspect.isclass(thing):
        for member, value in vars(thing).items():
            if not member.startswith("_") and (callable(value) or isinstance(value, property)):
                assert inspect.getdoc(value), f"{name}.{member} has no docstring"


def test_type_checkers_find_the_annotations():
    assert (PACKAGE / "py.typed").is_file()
