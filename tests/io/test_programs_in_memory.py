import ctypes
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.io import program_cache


@pytest.fixture
def forgotten(monkeypatch):
    """How often all programs were forgotten."""
    calls = []
    monkeypatch.setattr(program_cache.jax, "clear_caches", lambda: calls.append(None))
    monkeypatch.setattr(program_cache, "_fitted_shapes", set())
    monkeypatch.setattr(program_cache.gc, "collect", lambda: 0)  # a second each, late in a run of all tests
    return calls


@pytest.mark.slow
def test_programs_of_a_few_shapes_stay(forgotten):
    for number in range(1000):
        program_cache.make_room_for(number % program_cache._MOST_SHAPES)
    assert forgotten == []


@pytest.mark.slow
def test_programs_of_ever_new_shapes_are_forgotten_in_time(forgotten):
    for number in range(10 * program_cache._MOST_SHAPES):
        program_cache.make_room_for(("shape", number))
        assert len(program_cache._fitted_shapes) <= program_cache._MOST_SHAPES
    assert len(forgotten) == 9


def _with_maps(monkeypatch, folder, number, allowed="65530\n"):
    (folder / "maps").write_text("7f00-7f01 r-xp 00000000 00:00 0\n" * number)
    (folder / "allowed").write_text(allowed)
    monkeypatch.setattr(program_cache, "_MAPS", folder / "maps")
    monkeypatch.setattr(program_cache, "_MAPS_ALLOWED", folder / "allowed")


@pytest.mark.parametrize(
    ("number", "allowed", "times"), [(39_000, "65530\n", 0), (40_000, "65530\n", 1), (40_000, "262144\n", 0)]
)
@pytest.mark.parametrize("comes", [lambda: program_cache.make_room_for("shape"), program_cache.make_room_for_more])
def test_programs_are_forgotten_well_before_the_system_allows_no_more_memory_maps(
    forgotten, monkeypatch, tmp_path, number, allowed, times, comes
):
    _with_maps(monkeypatch, tmp_path, number, allowed)
    comes()
    assert len(forgotten) == times


@pytest.mark.parametrize("absent", ["maps", "allowed"])
def test_a_system_that_counts_no_maps_keeps_its_programs(forgotten, monkeypatch, tmp_path, absent):
    _with_maps(monkeypatch, tmp_path, 100_000)
    (tmp_path / absent).unlink()
    program_cache.make_room_for_more()
    assert forgotten == []


@pytest.mark.parametrize("read", [dcm.load, dcm.FitResult.load, dcm.Ensemble.load], ids=["load", "fit", "ensemble"])
def test_reading_a_run_makes_room_however_it_is_read(small_ensemble, monkeypatch, tmp_path, read):
    saved = small_ensemble.save(tmp_path / "run.npz")
    calls = []
    monkeypatch.setattr(program_cache, "_has_many_maps", lambda: bool(calls.append(None)))
    read(saved)
    assert calls == [None]


def test_writing_a_report_makes_room(small_result, monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(program_cache, "_has_many_maps", lambda: bool(calls.append(None)))
    dcm.report(small_result, tmp_path / "report.html")
    assert calls == [None]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="this system counts no memory maps")
def test_what_is_forgotten_gives_its_memory_maps_back():
    compiled = jax.jit(lambda x: jnp.linalg.cholesky(jnp.eye(3) + x @ x.T).sum())
    compiled(jnp.ones((3, 3)))
    number = len(program_cache._MAPS.read_text().splitlines())
    program_cache.forget_programs()
    assert compiled._cache_size() == 0  # though the function itself is still there
    assert len(program_cache._MAPS.read_text().splitlines()) < number


def _resident_mib():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library returns memory by itself")
def test_what_is_forgotten_goes_back_to_the_system():
    library = ctypes.CDLL(None)
    library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    blocks = [library.malloc(2000) for _ in range(100_000)]
    for block in blocks:
        ctypes.memset(block, 1, 2000)
    library.malloc(2000)  # one block behind them keeps the C library from shrinking its memory by itself
    for block in blocks:
        library.free(block)
    before = _resident_mib()
    program_cache.forget_programs()
    assert _resident_mib() < before - 100
