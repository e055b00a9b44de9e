import ast
import inspect
import subprocess
import sys
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
    assert len(dcm.__all__) <= 80
    modules = [name for name in dcm.__all__ if inspect.ismodule(getattr(dcm, name))]
    assert modules == ["plots"]


def test_the_root_names_each_public_thing_where_type_checkers_find_it():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    found = {
        alias.asname: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert found.pop("plots") == dcm.__name__
    assert found == {name: f"{dcm.__name__}.{module}" for name, module in dcm._PLACE.items()}
    assert sorted(found) == sorted(PUBLIC)


def test_importing_the_package_and_asking_for_help_import_no_jax():
    script = (
        "import sys, deepcausalmmm_jax.cli.app as command_line\n"
        "from typer.testing import CliRunner\n"
        "assert CliRunner().invoke(command_line.app, ['--help']).exit_code == 0\n"
        "print(sorted({'jax', 'pandas', 'numpy', 'plotly'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'deepcausalmmm_jax' has no attribute 'fitt'"):
        dcm.fitt()


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
