import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepcausalmmm_jax.ops.smoothing import smoothed

WEEKS, STATES, SERIES = 12, 3, 4


def world(seed, silent=()):
    """Rows `[week, series, state]`, what was seen of them, and the joint covariance of the state over all weeks."""
    rng = np.random.default_rng(seed)
    fade = np.diag([0.9, 1.0, 0.0])
    fade[2, 1] = 1.0  # the third is the second a week ago, so its covariance is singular beside it
    moved, start = np.diag([0.3, 0.1, 0.0]), np.diag([0.5, 1.0, 1.0])
    rows, seen = rng.normal(size=(WEEKS, SERIES, STATES)), rng.normal(size=(WEEKS, SERIES))
    rows[list(silent)] = 0.0
    joint = np.zeros((WEEKS * STATES, WEEKS * STATES))
    spread = start
    for t in range(WEEKS):
        onwards = spread
        for later in range(t, WEEKS):
            a, b = slice(t * STATES, (t + 1) * STATES), slice(later * STATES, (later + 1) * STATES)
            joint[b, a], joint[a, b] = onwards, onwards.T
            onwards = fade @ onwards
        spread = fade @ spread @ fade.T + moved
    return rows, seen, joint, (fade, moved, start)


def ours(rows, seen, motion):
    information = np.einsum("tni,tnj->tij", rows, rows)
    evidence = np.einsum("tni,tn->ti", rows, seen)
    return smoothed(*map(jnp.asarray, motion), jnp.asarray(information), jnp.asarray(evidence))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sets(st.integers(0, WEEKS - 1), max_size=5))
def test_the_course_and_its_likelihood_are_those_of_the_joint_normal_distribution(seed, silent):
    rows, seen, joint, motion = world(seed, silent)
    design = np.zeros((WEEKS * SERIES, WEEKS * STATES))
    for t in range(WEEKS):
        design[t * SERIES : (t + 1) * SERIES, t * STATES : (t + 1) * STATES] = rows[t]
    z, C = seen.ravel(), design @ joint @ design.T + np.eye(WEEKS * SERIES)
    course, likelihood = ours(rows, seen, motion)
    np.testing.assert_allclose(np.ravel(course), joint @ design.T @ np.linalg.solve(C, z), rtol=2e-3, atol=2e-4)
    exact = -0.5 * np.linalg.slogdet(C)[1] - 0.5 * z @ np.linalg.solve(C, z) + 0.5 * z @ z
    np.testing.assert_allclose(likelihood, exact, rtol=1e-3, atol=1e-3)


def test_weeks_that_say_nothing_leave_the_state_where_it_was_expected():
    _, _, _, motion = world(0)
    nothing = jnp.zeros((WEEKS, STATES, STATES)), jnp.zeros((WEEKS, STATES))
    course, likelihood = smoothed(*map(jnp.asarray, motion), *nothing)
    np.testing.assert_array_equal(course, 0.0)
    assert float(likelihood) == 0.0


@pytest.mark.parametrize("copies", [1, 3])
def test_it_maps_over_several_motions(copies):
    rows, seen, _, motion = world(1)
    scale = jnp.linspace(0.5, 2.0, copies)
    courses, likelihoods = jax.vmap(lambda s: ours(rows, seen, (motion[0], s * motion[1], motion[2])))(scale)
    assert courses.shape == (copies, WEEKS, STATES)
    alone, worth = ours(rows, seen, (motion[0], 0.5 * motion[1], motion[2]))
    np.testing.assert_allclose(courses[0], alone, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(likelihoods[0], worth, rtol=1e-4)
