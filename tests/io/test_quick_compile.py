"""Programs compiled with less effort: the same numbers, and no flag that the user or this XLA objects to."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepcausalmmm_jax.io import quick_compile
from deepcausalmmm_jax.io.quick_compile import QuickJit, jit_briefly, jit_often, jit_once, options_for_refits


@pytest.fixture
def options(monkeypatch):
    """The options with which a function is compiled, once it has been called; no flags of the user's."""
    monkeypatch.setenv("XLA_FLAGS", "")
    seen = {}

    def jit(function, **given):
        if "static_argnames" in given:
            seen.update(given["compiler_options"] or {})
        return plain(function, **given)

    plain = jax.jit
    monkeypatch.setattr(quick_compile.jax, "jit", jit)
    return seen


def _scaled(x, *, times=1):
    """Doubled, and times a number."""
    return jnp.sin(2.0 * x) * times


@pytest.mark.parametrize("jitted", [jit_briefly, jit_once, jit_often])
def test_a_function_keeps_its_numbers_name_and_static_arguments(jitted):
    quick = jitted("times")(_scaled)
    x = jnp.linspace(-3.0, 3.0, 7)
    np.testing.assert_allclose(quick(x, times=3), _scaled(x, times=3), rtol=1e-5)
    assert (quick.__name__, quick.__doc__) == (_scaled.__name__, _scaled.__doc__)
    assert quick.lower(x, times=2).compile()(x).shape == (7,)


@pytest.mark.parametrize("outer", [jax.jit, jax.vmap, lambda call: lambda x: jax.eval_shape(call, x)])
def test_within_another_trace_it_is_a_part_of_that(outer):
    quick, x = jit_once("times")(_scaled), jnp.linspace(-3.0, 3.0, 7)
    found = outer(lambda part: quick(part, times=3))(x)
    assert found.shape == (7,)
    if isinstance(found, jax.Array):
        np.testing.assert_allclose(found, _scaled(x, times=3), rtol=1e-5)


def test_what_runs_once_gets_less_effort_than_what_runs_often(options):
    jit_often()(_scaled)(1.0)
    often = dict(options)
    jit_once()(_scaled)(1.0)
    assert often.items() < options.items()
    once = dict(options)
    jit_briefly()(_scaled)(1.0)
    assert options["xla_backend_optimization_level"] < once["xla_backend_optimization_level"]


def test_flags_that_the_user_set_are_left_alone(options, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=3 --xla_cpu_use_fusion_emitters=true")
    jit_once()(_scaled)(1.0)
    assert options == {}


def test_a_flag_that_xla_does_not_have_is_left_out(options):
    quick = QuickJit(_scaled, (), (("xla_a_flag_of_another_version", True), ("xla_backend_optimization_level", 1)))
    assert float(quick(0.0)) == 0.0
    assert options == {"xla_backend_optimization_level": 1}


def test_devices_other_than_cpus_are_left_alone(options, monkeypatch):
    monkeypatch.setattr(quick_compile.jax, "default_backend", lambda: "gpu")
    quick_compile._is_known.cache_clear()
    try:
        jit_once()(_scaled)(1.0)
    finally:
        quick_compile._is_known.cache_clear()
    assert options == {}


def test_refits_of_small_panels_are_compiled_with_less_effort_than_those_of_large_ones(options, monkeypatch):
    assert options_for_refits(50_000)["xla_backend_optimization_level"] == 1
    assert options_for_refits(600_000) is None
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=2 --xla_cpu_use_fusion_emitters=true")
    assert options_for_refits(50_000) is None
