"""Modules are imported beside a wait, and one that fails is left to whoever needs it."""

import sys
from importlib.util import find_spec

import pytest

from deepcausalmmm_jax.cli.fit_results import WHILE_TRAINING
from deepcausalmmm_jax.io.import_ahead import import_ahead


def test_modules_after_one_that_fails_are_imported_too(tmp_path, monkeypatch):
    (tmp_path / "broken_ahead.py").write_text("raise RuntimeError('no')")
    (tmp_path / "sound_ahead.py").write_text("found = 1")
    monkeypatch.syspath_prepend(tmp_path)
    import_ahead(["broken_ahead", "absent_ahead", "sound_ahead"]).join()
    assert sys.modules.pop("sound_ahead").found == 1
    assert "broken_ahead" not in sys.modules


@pytest.mark.parametrize("name", WHILE_TRAINING)
def test_what_is_imported_while_training_exists(name):
    assert find_spec(name) is not None
