import ctypes
from pathlib import Path

import pytest

from deepcausalmmm_jax.io import program_cache


@pytest.fixture
def forgotten(monkeypatch):
    """How often all programs were forgotten."""
    calls = []
    monkeypatch.setattr(program_cache.jax, "clear_caches", lambda: calls.append(None))
    monkeypatch.setattr(program_cache, "_fitted_shapes", set())
    monkeypatch.setattr(program_cache.gc, "collect", lambda: 0)  # a second each, late in a run of all tests
    return calls


def test_programs_of_a_few_shapes_stay(forgotten):
    for number in range(1000):
        program_cache.make_room_for(number % program_cache._MOST_SHAPES)
    assert forgotten == []


def test_programs_of_ever_new_shapes_are_forgotten_in_time(forgotten):
    for number in range(10 * program_cache._MOST_SHAPES):
        program_cache.make_room_for(("shape", number))
        assert len(program_cache._fitted_shapes) <= program_cache._MOST_SHAPES
    assert len(forgotten) == 9


def _resident_mib():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


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
