import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy.stats import multivariate_normal

from deepcausalmmm_jax.ops.kalman import ProcessScales, kalman_filter

NO_LIMIT = 1e3


def process(level_start=0.5, level_step=0.1, ar1=0.2, time_scale=3.0, season=0.1):
    return ProcessScales(*(jnp.asarray(value) for value in (level_start, level_step, ar1, time_scale, season)))


def series(n=30, seed=0):
    rng = np.random.default_rng(seed)
    basis = np.stack([np.cos(np.arange(n) / 8), np.sin(np.arange(n) / 8)], axis=1)
    return jnp.asarray(rng.normal(1.0, 0.3, n)), jnp.asarray(basis), jnp.full(n, 0.04)


def covariance(m, basis):
    n = len(basis)
    t = np.arange(n)
    walk = float(m.level_start) ** 2 + float(m.level_step) ** 2 * np.minimum(t[:, None], t)
    fading = float(m.ar1) ** 2 * np.exp(-np.abs(t[:, None] - t) / float(m.time_scale))
    return walk + fading + float(m.season) ** 2 * np.asarray(basis @ basis.T)


def test_likelihood_and_state_are_those_of_the_joint_normal_distribution():
    z, basis, noise = series()
    trained = np.arange(len(z)) % 5 != 2
    m = process()
    state, loss = kalman_filter(
        z, noise, jnp.asarray(trained), jnp.ones(len(z), bool), basis, m, jnp.asarray(1.0), NO_LIMIT
    )
    K = covariance(m, basis)
    C = K[np.ix_(trained, trained)] + 0.04 * np.eye(trained.sum())
    exact = -multivariate_normal(np.ones(trained.sum()), C).logpdf(
        np.asarray(z)[trained]
    ) - 0.5 * trained.sum() * np.log(2 * np.pi)
    np.testing.assert_allclose(loss, exact, rtol=1e-4)
    last = K[-1, trained] @ np.linalg.solve(C, np.asarray(z)[trained] - 1.0) + 1.0
    found = state.level + state.ar1 + basis[-1] @ state.season
    np.testing.assert_allclose(found, last, rtol=1e-3)


@pytest.mark.parametrize(("step", "expected"), [(10.0, "last"), (1e-6, "mean")])
def test_a_wandering_level_forecasts_the_last_week_and_a_steady_one_the_mean(step, expected):
    z, basis, noise = series()
    still = process(level_start=100.0, level_step=step, ar1=1e-6, season=1e-6)
    state, _ = kalman_filter(
        z, noise, jnp.ones(len(z), bool), jnp.ones(len(z), bool), basis, still, jnp.zeros(()), NO_LIMIT
    )
    wanted = z[-1] if expected == "last" else z.mean()
    np.testing.assert_allclose(state.level, wanted, rtol=1e-2)


def test_an_outlier_is_not_the_new_level():
    z, basis, noise = series()
    outlier = z.at[-1].set(50.0)
    steady = process(level_step=0.05, ar1=1e-3, season=1e-3)
    trained = jnp.ones(len(z), bool)
    before, _ = kalman_filter(z, noise, trained, jnp.ones(len(z), bool), basis, steady, jnp.asarray(1.0), 3.0)
    after, _ = kalman_filter(outlier, noise, trained, jnp.ones(len(z), bool), basis, steady, jnp.asarray(1.0), 3.0)
    assert abs(float(after.level - before.level)) < 0.5


def test_weeks_not_observed_change_nothing_but_time():
    z, basis, noise = series()
    trained = jnp.arange(len(z)) < 20
    one, loss = kalman_filter(z, noise, trained, jnp.ones(len(z), bool), basis, process(), jnp.asarray(1.0), 3.0)
    two, other = kalman_filter(
        jnp.where(trained, z, 99.0), noise, trained, jnp.ones(len(z), bool), basis, process(), jnp.asarray(1.0), 3.0
    )
    np.testing.assert_array_equal(one.level, two.level)
    np.testing.assert_array_equal(loss, other)


def test_the_state_after_the_past_is_the_same_however_many_weeks_follow():
    z, basis, noise = series()
    past = jnp.arange(len(z)) < 20
    with_future, loss = kalman_filter(z, noise, jnp.ones(len(z), bool), past, basis, process(), jnp.asarray(1.0), 3.0)
    every = jnp.ones(20, bool)
    alone, other = kalman_filter(z[:20], noise[:20], every, every, basis[:20], process(), jnp.asarray(1.0), 3.0)
    for found, expected in zip(with_future, alone, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(loss, other, rtol=1e-6)


def test_a_term_of_the_season_that_may_not_move_is_as_if_it_were_not_there():
    z, basis, noise = series()
    every, mean = jnp.ones(len(z), bool), jnp.asarray(1.0)
    scales = process()._replace(season=jnp.asarray([0.1, 0.0]))
    state, loss = kalman_filter(z, noise, every, every, basis, scales, mean, 3.0)
    alone, other = kalman_filter(z, noise, every, every, basis[:, :1], process(), mean, 3.0)
    assert float(loss) == pytest.approx(float(other), rel=1e-5)
    np.testing.assert_allclose(state.season, [float(alone.season[0]), 0.0], atol=1e-6)


def test_a_scale_for_each_term_of_another_season_is_refused():
    z, basis, noise = series()
    every, scales = jnp.ones(len(z), bool), process()._replace(season=jnp.ones(3))
    with pytest.raises(AssertionError, match=r"scales.season \(3,\) \[term\] or \[\] for season_basis \(30, 2\)"):
        kalman_filter(z, noise, every, every, basis, scales, jnp.asarray(1.0), 3.0)


def test_gradients():
    z, basis, noise = series(12)

    def loss(step, ar1, time_scale):
        moving = process()._replace(level_step=step, ar1=ar1, time_scale=time_scale)
        return kalman_filter(
            z, noise, jnp.ones(len(z), bool), jnp.ones(len(z), bool), basis, moving, jnp.asarray(1.0), NO_LIMIT
        )[1]

    check_grads(
        loss, (jnp.asarray(0.2), jnp.asarray(0.3), jnp.asarray(4.0)), order=1, modes=("rev",), rtol=2e-2, atol=2e-2
    )
