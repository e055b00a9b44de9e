import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepcausalmmm_jax.ops.smoothing import Motion, compressed, smoothed

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


def ours(rows, seen, motion, about=None):
    roots = Motion(jnp.asarray(motion[0]), jnp.sqrt(motion[1]), jnp.sqrt(motion[2]))
    course = np.zeros((WEEKS, STATES)) if about is None else about
    left = seen - np.einsum("tni,ti->tn", rows, course)
    few, shown = compressed(jnp.asarray(rows.swapaxes(1, 2)), jnp.asarray(left), jnp.ones(left.shape))
    path, likelihood = smoothed(roots, few, shown, jnp.asarray(course))
    # What compression drops, the part of the series that no state explains, is the same under every motion.
    rest = (left**2).sum() - (shown**2).sum()
    return path, likelihood - 0.5 * rest


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
    exact = -0.5 * np.linalg.slogdet(C)[1] - 0.5 * z @ np.linalg.solve(C, z)
    np.testing.assert_allclose(likelihood, exact, rtol=1e-3, atol=1e-3)


def test_a_course_to_compute_about_changes_digits_alone():
    rows, seen, _, motion = world(3)
    about = np.random.default_rng(4).normal(size=(WEEKS, STATES))
    plain, moved = ours(rows, seen, motion), ours(rows, seen, motion, about)
    np.testing.assert_allclose(moved[0], plain[0], atol=1e-4)
    np.testing.assert_allclose(moved[1], plain[1], rtol=1e-4)


@pytest.mark.parametrize("precision", [1e2, 1e5, 1e9])
def test_single_precision_is_enough_where_thousands_of_regions_agree(precision):
    rows, seen, _, motion = world(5)
    rows = rows * np.sqrt(precision)
    rows[:, :, 2] = -0.3 * rows[:, :, 1] * (1 + 1e-3 * rows[:, :, 2] / np.sqrt(precision))
    with jax.enable_x64(True):
        exact = [np.asarray(part) for part in ours(rows, seen, motion)]
    found = ours(rows, seen, motion)
    np.testing.assert_allclose(found[0], exact[0], rtol=2e-2, atol=2e-3 * np.abs(exact[0]).max())
    np.testing.assert_allclose(found[1], exact[1], rtol=1e-3)


@pytest.mark.parametrize("n_series", [2, 300, 1100])
def test_many_series_say_as_few_what_they_say(n_series):
    rng = np.random.default_rng(0)
    rows, seen = rng.normal(size=(3, 5, n_series)), rng.normal(size=(3, n_series))
    precision = rng.uniform(0, 2, seen.shape)
    few, shown = compressed(*map(jnp.asarray, (rows, seen, precision)))
    assert few.shape[1] <= 5
    gram = np.einsum("tin,tjn,tn->tij", rows, rows, precision)
    np.testing.assert_allclose(np.einsum("tni,tnj->tij", few, few), gram, rtol=1e-3, atol=1e-3)
    said = np.einsum("tin,tn,tn->ti", rows, seen, precision)
    np.testing.assert_allclose(np.einsum("tni,tn->ti", few, shown), said, rtol=1e-3, atol=2e-3)


def test_weeks_that_say_nothing_leave_the_state_where_it_was_expected():
    _, _, _, motion = world(0)
    course, likelihood = ours(np.zeros((WEEKS, SERIES, STATES)), np.zeros((WEEKS, SERIES)), motion)
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
