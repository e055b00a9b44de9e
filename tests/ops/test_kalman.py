import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy.stats import multivariate_normal

from deepcausalmmm_jax.ops.kalman import Motion, track

NO_LIMIT = 1e3


def motion(level_start=0.5, level_step=0.1, swing=0.2, memory=3.0, season=0.1):
    return Motion(*(jnp.asarray(value) for value in (level_start, level_step, swing, memory, season)))


def series(n=30, seed=0):
    rng = np.random.default_rng(seed)
    basis = np.stack([np.cos(np.arange(n) / 8), np.sin(np.arange(n) / 8)], axis=1)
    return jnp.asarray(rng.normal(1.0, 0.3, n)), jnp.asarray(basis), jnp.full(n, 0.04)


def covariance(m, basis):
    n = len(basis)
    t = np.arange(n)
    walk = float(m.level_start) ** 2 + float(m.level_step) ** 2 * np.minimum(t[:, None], t)
    fading = float(m.swing) ** 2 * np.exp(-np.abs(t[:, None] - t) / float(m.memory))
    return walk + fading + float(m.season) ** 2 * np.asarray(basis @ basis.T)


def test_likelihood_and_state_are_those_of_the_joint_normal_distribution():
    z, basis, noise = series()
    seen = np.arange(len(z)) % 5 != 2
    m = motion()
    state, loss = track(z, noise, jnp.asarray(seen), jnp.ones(len(z), bool), basis, m, jnp.asarray(1.0), NO_LIMIT)
    K = covariance(m, basis)
    C = K[np.ix_(seen, seen)] + 0.04 * np.eye(seen.sum())
    exact = -multivariate_normal(np.ones(seen.sum()), C).logpdf(np.asarray(z)[seen]) - 0.5 * seen.sum() * np.log(
        2 * np.pi
    )
    np.testing.assert_allclose(loss, exact, rtol=1e-4)
    last = K[-1, seen] @ np.linalg.solve(C, np.asarray(z)[seen] - 1.0) + 1.0
    found = state.level + state.swing + basis[-1] @ state.season
    np.testing.assert_allclose(found, last, rtol=1e-3)


@pytest.mark.parametrize(("step", "expected"), [(10.0, "last"), (1e-6, "mean")])
def test_a_wandering_level_forecasts_the_last_week_and_a_steady_one_the_mean(step, expected):
    z, basis, noise = series()
    still = motion(level_start=100.0, level_step=step, swing=1e-6, season=1e-6)
    state, _ = track(z, noise, jnp.ones(len(z), bool), jnp.ones(len(z), bool), basis, still, jnp.zeros(()), NO_LIMIT)
    wanted = z[-1] if expected == "last" else z.mean()
    np.testing.assert_allclose(state.level, wanted, rtol=1e-2)


def test_a_freak_week_is_not_the_new_level():
    z, basis, noise = series()
    freak = z.at[-1].set(50.0)
    steady = motion(level_step=0.05, swing=1e-3, season=1e-3)
    seen = jnp.ones(len(z), bool)
    before, _ = track(z, noise, seen, jnp.ones(len(z), bool), basis, steady, jnp.asarray(1.0), 3.0)
    after, _ = track(freak, noise, seen, jnp.ones(len(z), bool), basis, steady, jnp.asarray(1.0), 3.0)
    assert abs(float(after.level - before.level)) < 0.5


def test_weeks_not_observed_change_nothing_but_time():
    z, basis, noise = series()
    seen = jnp.arange(len(z)) < 20
    one, loss = track(z, noise, seen, jnp.ones(len(z), bool), basis, motion(), jnp.asarray(1.0), 3.0)
    two, other = track(
        jnp.where(seen, z, 99.0), noise, seen, jnp.ones(len(z), bool), basis, motion(), jnp.asarray(1.0), 3.0
    )
    np.testing.assert_array_equal(one.level, two.level)
    np.testing.assert_array_equal(loss, other)


def test_the_state_after_the_past_is_the_same_however_many_weeks_follow():
    z, basis, noise = series()
    past = jnp.arange(len(z)) < 20
    with_future, loss = track(z, noise, jnp.ones(len(z), bool), past, basis, motion(), jnp.asarray(1.0), 3.0)
    every = jnp.ones(20, bool)
    alone, other = track(z[:20], noise[:20], every, every, basis[:20], motion(), jnp.asarray(1.0), 3.0)
    for found, expected in zip(with_future, alone, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(loss, other, rtol=1e-6)


def test_gradients():
    z, basis, noise = series(12)

    def loss(step, swing, memory):
        moving = motion()._replace(level_step=step, swing=swing, memory=memory)
        return track(
            z, noise, jnp.ones(len(z), bool), jnp.ones(len(z), bool), basis, moving, jnp.asarray(1.0), NO_LIMIT
        )[1]

    check_grads(
        loss, (jnp.asarray(0.2), jnp.asarray(0.3), jnp.asarray(4.0)), order=1, modes=("rev",), rtol=2e-2, atol=2e-2
    )
