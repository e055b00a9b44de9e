"""Traced programs on disk: found again without a trace, never for a call that they do not fit."""

import dataclasses
from types import FunctionType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepcausalmmm_jax.io import kept_programs
from deepcausalmmm_jax.io.kept_programs import forget_loaded, keep_in
from deepcausalmmm_jax.io.quick_compile import jit_kept, jit_once

X = np.linspace(-3.0, 3.0, 7, dtype=np.float32)


class Outcome(NamedTuple):
    """Of a small function."""

    sums: dict[str, jax.Array]
    nothing: None
    times: jax.Array


@pytest.fixture
def folder(tmp_path):
    """Where programs are kept during a test."""
    before, kept = jax.config.jax_compilation_cache_dir, list(kept_programs._at)
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    keep_in(tmp_path)
    is_alone, kept_programs._is_alone = kept_programs._is_alone, lambda: True  # tests have two devices
    forget_loaded()
    TRACED.clear()
    yield tmp_path
    forget_loaded()
    kept_programs._is_alone = is_alone
    jax.config.update("jax_compilation_cache_dir", before)
    keep_in(kept[0] if kept else None)


TRACED: list[tuple[tuple[int, ...], int]] = []  # what the function below was traced for, in turn


def scaled(x, *, times=1):
    """Called anew after `forget_loaded`, it stands for the same function in another process."""
    TRACED.append((x.shape, times))
    return Outcome({"all": x.sum(), "sine": jnp.sin(x) @ jnp.ones(x.shape)}, None, times * x)


@dataclasses.dataclass(frozen=True, repr=False)
class Alike:
    """A setting whose text does not tell its value."""

    factor: float

    def __repr__(self):
        return "Alike()"


def times(x, by):
    """A setting of the caller's."""
    return by.factor * x


def drawn(key, n):
    """So many random numbers."""
    return jax.random.normal(key, (n,))


def applied(x, function):
    """A function of the caller's."""
    return function(x)


def _files(folder):
    return sorted(folder.glob("traced-*"))


def _next_process(function, *static, jitted=jit_kept):
    """The function as another process has it: JAX knows a trace again by the function's identity."""
    forget_loaded()
    anew = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    anew.__kwdefaults__, anew.__qualname__ = function.__kwdefaults__, function.__qualname__
    return jitted(*static)(anew)


@pytest.mark.parametrize("jitted", [jit_kept, jit_once])
def test_the_next_process_runs_the_program_without_tracing_it(folder, jitted):
    first = _next_process(scaled, "times", jitted=jitted)(X, times=3)
    second = _next_process(scaled, "times", jitted=jitted)(X, times=3)
    assert TRACED == [((7,), 3)]
    assert jax.tree.structure(second) == jax.tree.structure(first)
    jax.tree.map(np.testing.assert_array_equal, second, first)


def test_a_call_that_differs_gets_a_program_of_its_own(folder):
    calls = [(X, 1), (X, 2), (X[:5], 1), (X.astype(np.int32), 1), (jnp.float32(2.0) * jnp.ones(7), 2)]
    for x, times in calls:
        np.testing.assert_allclose(_next_process(scaled, "times")(x, times=times).times, times * x, rtol=1e-6)
    assert len(_files(folder)) == len(TRACED) == 4  # the last call has the shape of the second
    with jax.default_matmul_precision("float32"):
        _next_process(scaled, "times")(X, times=1)
    assert len(_files(folder)) == 5


def test_arguments_that_read_alike_do_not_share_a_program(folder):
    for factor in (2.0, 3.0):
        np.testing.assert_allclose(_next_process(times, "by")(X, by=Alike(factor)), factor * X, rtol=1e-6)


def test_a_changed_package_finds_none_of_the_old_programs(folder):
    _next_process(scaled, "times")(X)
    before, kept_programs._ground = kept_programs._ground, lambda: "another source"
    try:
        _next_process(scaled, "times")(X)
    finally:
        kept_programs._ground = before
    assert len(TRACED) == len(_files(folder)) == 2


@pytest.mark.parametrize("content", [b"", b"not a program", None])
def test_a_damaged_file_is_compiled_and_written_again(folder, content):
    _next_process(scaled, "times")(X)
    (file,) = _files(folder)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if content is None else content)
    np.testing.assert_array_equal(_next_process(scaled, "times")(X).times, X)
    assert len(TRACED) == 2
    _next_process(scaled, "times")(X)
    assert len(TRACED) == 2


def test_a_program_whose_text_does_not_tell_all_that_it_is_made_of_is_not_kept(folder):
    for factor in (2.0, 3.0):
        found = _next_process(applied, "function")(X, lambda x, factor=factor: factor * x)
        np.testing.assert_allclose(found, factor * X, rtol=1e-6)
        np.testing.assert_allclose(_next_process(lambda x, factor=factor: factor * x)(X), factor * X, rtol=1e-6)
    assert _files(folder) == []


def test_keys_of_random_numbers_are_arguments_like_others(folder):
    found = [_next_process(drawn, "n")(jax.random.key(seed), 3) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[2], drawn(jax.random.key(1), 3))


@pytest.mark.parametrize(
    "switched", [lambda: jax.debug_nans(True), lambda: jax.disable_jit(), lambda: jax.default_device(jax.devices()[-1])]
)
def test_nothing_is_kept_where_jax_looks_into_a_trace_or_runs_elsewhere(folder, switched):
    with switched():
        np.testing.assert_array_equal(_next_process(scaled, "times")(X).times, X)
    assert _files(folder) == []


@pytest.mark.skipif(jax.device_count() < 2, reason="one device")
def test_beside_other_devices_nothing_is_kept_since_it_could_not_be_spread_over_them(folder):
    kept_programs._is_alone = lambda: jax.device_count() == 1
    np.testing.assert_array_equal(_next_process(scaled, "times")(X).times, X)
    assert _files(folder) == []


@pytest.mark.skipif(jax.device_count() < 2, reason="one device")
def test_arrays_on_another_device_stay_there(folder):
    there = jax.device_put(X, jax.devices()[1])
    assert _next_process(scaled, "times")(there).times.devices() == {jax.devices()[1]}
    assert _files(folder) == []


def test_programs_are_kept_only_while_jax_keeps_its_own_there(folder):
    jax.config.update("jax_compilation_cache_dir", None)
    _next_process(scaled, "times")(X)
    assert _files(folder) == []
