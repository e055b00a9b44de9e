import pytest

from deepcausalmmm_jax.io import program_cache


@pytest.fixture
def forgotten(monkeypatch):
    """How often all programs were forgotten."""
    calls = []
    monkeypatch.setattr(program_cache.jax, "clear_caches", lambda: calls.append(None))
    monkeypatch.setattr(program_cache, "_fitted_shapes", set())
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
