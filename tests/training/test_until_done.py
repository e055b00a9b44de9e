"""The loop over chunks, alone and for many fits side by side."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.training.until_done import differing_as, run_until_done

_MARK = jnp.ones(())


class _Progress(NamedTuple):
    status: jax.Array


class _State(NamedTuple):
    progress: _Progress
    left: jax.Array  # int32, chunks
    steps: dict[str, jax.Array]
    key: jax.Array
    pruned: jax.Array


def _start(chunks):
    steps = {"of two": jnp.zeros((2, 3)), "of one": jnp.zeros(())}
    running = _Progress(jnp.asarray(FitStatus.RUNNING, jnp.int32))
    return _State(running, chunks, steps, jax.random.key(3), jnp.asarray(False))


def _chunk(state):
    key, own = jax.random.split(state.key)
    left = state.left - 1
    status = jnp.where(left > 0, FitStatus.RUNNING, FitStatus.CONVERGED).astype(jnp.int32)
    steps = {"of two": state.steps["of two"] + jax.random.normal(own, (2, 3)), "of one": state.steps["of one"] + 1.0}
    return _State(_Progress(status), left, steps, key, left == 1)


@pytest.mark.slow
def test_each_of_many_fits_stops_where_it_would_have_stopped_alone():
    together = jax.vmap(lambda chunks: run_until_done(_chunk, _start(chunks), _MARK))(jnp.asarray([1, 4, 2], jnp.int32))
    np.testing.assert_array_equal(together.steps["of one"], [1.0, 4.0, 2.0])
    np.testing.assert_array_equal(together.progress.status, [FitStatus.CONVERGED] * 3)
    for at, chunks in enumerate((1, 4, 2)):
        alone = run_until_done(_chunk, _start(jnp.asarray(chunks, jnp.int32)), _MARK)
        np.testing.assert_allclose(together.steps["of two"][at], alone.steps["of two"], rtol=1e-6)
        assert jax.random.key_data(alone.key).tolist() == jax.random.key_data(together.key[at]).tolist()
        assert jax.tree.map(lambda leaf: leaf.dtype, alone) == jax.tree.map(lambda leaf: leaf.dtype, _start(alone.left))


def test_the_loop_carries_one_array_of_each_type_of_number():
    program = jax.make_jaxpr(lambda: run_until_done(_chunk, _start(jnp.asarray(2, jnp.int32)), _MARK))()
    (loop,) = (equation for equation in program.eqns if equation.primitive.name == "while")
    assert len(loop.outvars) == 4  # numbers, whole numbers, truth values, a key


@pytest.mark.parametrize("told", [True, False])
def test_a_loop_told_that_its_fits_differ_is_batched_once_though_they_begin_alike(told):
    passes = []

    @jax.custom_batching.custom_vmap
    def scaled(value, weight):
        return value * weight

    @scaled.def_vmap
    def count(axis_size, in_batched, value, weight):
        passes.append(in_batched)
        return value * weight, True

    def chunk(state, weight):
        new = scaled(state.steps["of one"] + 1.0, weight)
        status = jnp.where(new < 20.0, FitStatus.RUNNING, FitStatus.CONVERGED).astype(jnp.int32)
        return state._replace(progress=_Progress(status), steps={**state.steps, "of one": new})

    def fit(weight):
        start = _start(jnp.asarray(1, jnp.int32))
        return run_until_done(lambda state: chunk(state, weight), start, weight if told else _MARK)

    together = jax.vmap(fit)(jnp.asarray([2.0, 3.0]))
    np.testing.assert_array_equal(together.steps["of one"], [30.0, 39.0])
    assert (len(passes) == 1) == told


@pytest.mark.parametrize("mark", [1.0, jnp.nan])
def test_what_a_loop_begins_with_is_not_changed_by_its_mark(mark):
    before = _start(jnp.asarray(2, jnp.int32))._replace(left=jnp.asarray([jnp.nan, -0.0, jnp.inf]))
    after = differing_as(jnp.asarray(mark), before)
    np.testing.assert_array_equal(after.left, before.left)
    assert jnp.signbit(after.left[1])
    assert jax.random.key_data(after.key).tolist() == jax.random.key_data(before.key).tolist()
    assert jax.tree.map(lambda leaf: leaf.dtype, after) == jax.tree.map(lambda leaf: leaf.dtype, before)
