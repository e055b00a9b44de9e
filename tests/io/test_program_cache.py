import os
import stat
import subprocess
import sys

import jax
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.io import program_cache as compilation


@pytest.fixture(autouse=True)
def without_a_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("DEEPCAUSALMMM_JAX_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = jax.config.jax_compilation_cache_dir, jax.config.jax_persistent_cache_min_compile_time_secs
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    jax.config.update("jax_compilation_cache_dir", before[0])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", before[1])


def test_the_library_keeps_nothing_unless_asked():
    script = "import jax, deepcausalmmm_jax; print(jax.config.jax_compilation_cache_dir)"
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert told.strip() == "None"


def test_the_folder_is_the_users_alone_and_named_after_versions_and_processor(tmp_path):
    place = dcm.keep_programs()
    assert place.parent == tmp_path / "deepcausalmmm_jax"
    assert jax.__version__ in place.name
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert jax.config.jax_compilation_cache_dir == str(place)


def test_what_jax_was_told_stays(tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "own"))
    assert dcm.keep_programs() == tmp_path / "own"


@pytest.mark.parametrize("wish", ["off", "0", "OFF"])
def test_it_can_be_switched_off(monkeypatch, tmp_path, wish):
    monkeypatch.setenv("DEEPCAUSALMMM_JAX_CACHE", wish)
    assert dcm.keep_programs() is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_done_without(tmp_path):
    (tmp_path / "deepcausalmmm_jax").write_text("in the way")
    assert dcm.keep_programs() is None
    assert not jax.config.jax_compilation_cache_dir


def test_a_folder_of_someone_else_is_done_without(monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    assert dcm.keep_programs() is None


def test_what_was_used_longest_ago_goes_first(monkeypatch):
    place = dcm.keep_programs()
    for age, name in enumerate(("new", "middle", "old")):
        (place / name).write_bytes(bytes(100))
        os.utime(place / name, (1e9 - age, 1e9 - age))
    monkeypatch.setattr(compilation, "_LIMIT", 250)
    jax.config.update("jax_compilation_cache_dir", None)
    dcm.keep_programs()
    assert sorted(path.name for path in place.iterdir()) == ["middle", "new"]


def test_a_program_is_found_again_by_the_next_process(tmp_path):
    script = (
        "import jax, jax.numpy as jnp, deepcausalmmm_jax as dcm; dcm.keep_programs(); "
        "jax.config.update('jax_persistent_cache_min_compile_time_secs', 0.0); "
        "print(jax.jit(lambda x: jnp.sin(x).sum())(jnp.ones(7)))"
    )
    kept = []
    for _ in range(2):
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
        kept.append({path.name for path in tmp_path.rglob("*-cache")})
    assert kept[0]
    assert kept[1] == kept[0]
