import inspect

import pytest

import deepcausalmmm_jax as dcm

PUBLIC = [name for name in vars(dcm) if not name.startswith("_") and not inspect.ismodule(getattr(dcm, name))]


@pytest.mark.parametrize("name", ["Panel", "simulate", "Config", "fit", "FitResult", "load", "report", "DataError"])
def test_promised_names_are_there(name):
    assert name in PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_and_method_is_documented(name):
    thing = getattr(dcm, name)
    assert inspect.getdoc(thing)
    if inspect.isclass(thing):
        for member, value in vars(thing).items():
            if not member.startswith("_") and (callable(value) or isinstance(value, property)):
                assert inspect.getdoc(value), f"{name}.{member} has no docstring"
