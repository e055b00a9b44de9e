import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.model.share_prior import SharePrior, lost_shares, share_penalty
from deepcausalmmm_jax.posterior import density, linear, parameters
from deepcausalmmm_jax.posterior.inputs import posterior_inputs
from deepcausalmmm_jax.posterior.mode import CONVERGED, Density, maximise, starts
from deepcausalmmm_jax.posterior.parameters import coordinate_priors, prior_medians
from deepcausalmmm_jax.training.fitted import Fitted
from deepcausalmmm_jax.training.prepare import prepare

# One program each: operation by operation, every one of hundreds is compiled by itself.
contributions, log_density, marginal = map(jax.jit, (density.contributions, density.log_density, density.marginal))
columns, fitted_values, log_marginal = map(jax.jit, (linear.columns, linear.fitted_values, linear.log_marginal))
conditional = jax.jit(linear.conditional)
log_prior, quantities = map(jax.jit, (parameters.log_prior, parameters.quantities))


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def _inputs(n_regions, config=None, n_weeks=30, missing=0.1):
    panel, _ = dcm.simulate(n_regions, n_weeks, 2, 2, seed=1, missing=missing)
    config = config or dcm.Config()
    weights = training_weights(panel, 8)
    with jax.enable_x64(False):
        ready = prepare(panel, weights, config)
    fitted = Fitted({}, panel, weights, ready.scales, config, None, 0)
    n_channels = len(panel.channels)
    held = np.zeros((n_channels, n_channels)), np.full(n_regions, 0.05)
    return posterior_inputs(fitted, ready.inputs, ready.design, *held)[0], coordinate_priors(config)


def _somewhere(inputs, seed=0):
    flat, unravel = ravel_pytree(prior_medians(inputs))
    return unravel(0.3 * jax.random.normal(jax.random.key(seed), flat.shape))


def _covariance(found, made, inputs):
    """Of the observed region-weeks, written out: what is shared, what is a region's own, and persistent noise."""
    n_regions, n_weeks = inputs.kpi.shape
    seen, phi = np.asarray(inputs.weights > 0), float(found.persistence)
    whole = np.zeros((n_regions, n_weeks, n_regions, n_weeks))
    for r in range(n_regions):
        spell = np.cumsum(~seen[r])
        lag = np.abs(np.subtract.outer(np.arange(n_weeks), np.arange(n_weeks)))
        together = spell[:, None] == spell[None, :]
        noise = (float(found.noise) * float(inputs.noise_ratio[r])) ** 2 / (1.0 - phi**2)
        whole[r, :, r] += np.where(together, noise * phi**lag, 0.0) + np.asarray(made.own[r] @ made.own[r].T)
        for other in range(n_regions):
            whole[r, :, other] += np.asarray(made.shared[r] @ made.shared[other].T)
            if made.path is not None:
                whole[r, :, other] += np.asarray(made.path @ made.path.T)
    keep = seen.ravel()
    return whole.reshape(keep.size, keep.size)[np.ix_(keep, keep)], np.asarray(made.rest).ravel()[keep]


@pytest.mark.parametrize("n_regions", [1, 3])
def test_marginal_likelihood_is_that_of_the_whole_covariance(double, n_regions):
    inputs, priors = _inputs(n_regions)
    found = quantities(_somewhere(inputs), inputs, priors)
    made = columns(found, contributions(found, inputs), inputs, priors)
    covariance, rest = _covariance(found, made, inputs)
    _, log_determinant = np.linalg.slogdet(covariance)
    expected = -0.5 * log_determinant - 0.5 * rest @ np.linalg.solve(covariance, rest)
    assert float(log_marginal(found, made, inputs)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("n_regions", [1, 3])
def test_mean_of_the_linear_part_is_that_of_the_whole_covariance(double, n_regions):
    inputs, priors = _inputs(n_regions, missing=0.0)
    found = quantities(_somewhere(inputs), inputs, priors)
    media = contributions(found, inputs)
    made = columns(found, media, inputs, priors)
    covariance, rest = _covariance(found, made, inputs)
    seen = np.asarray(inputs.weights > 0)
    lag = np.abs(np.subtract.outer(np.arange(seen.shape[1]), np.arange(seen.shape[1])))
    phi = float(found.persistence)
    noise = np.kron(np.diag((float(found.noise) * np.asarray(inputs.noise_ratio)) ** 2), phi**lag / (1.0 - phi**2))
    shock = 0.0
    if n_regions > 1:  # the week's shock is no part of the prediction
        shock = float(found.shock) ** 2 * np.kron(np.ones((n_regions, n_regions)), np.eye(seen.shape[1]))
    signal = (covariance - noise - shock) @ np.linalg.solve(covariance, rest)
    linear = conditional(found, made, inputs, jax.random.key(0), 0.0)
    predicted = np.asarray(fitted_values(found, media, linear, inputs) - (inputs.kpi - made.rest)).ravel()
    np.testing.assert_allclose(predicted, signal, atol=1e-6)


def test_draws_of_the_linear_part_have_the_mean_in_their_middle(double):
    inputs, priors = _inputs(1)
    found = quantities(_somewhere(inputs), inputs, priors)
    made = columns(found, contributions(found, inputs), inputs, priors)
    keys = jax.random.split(jax.random.key(1), 400)
    drawn = jax.vmap(lambda key: conditional(found, made, inputs, key))(keys)
    mean = conditional(found, made, inputs, keys[0], 0.0)
    error = np.abs(np.asarray(drawn.control).mean(axis=0) - np.asarray(mean.control))
    assert (error < 4 * np.asarray(drawn.control).std(axis=0) / 20).all()
    assert (np.asarray(drawn.control).std(axis=0) > 0).all()


def test_a_week_without_weight_says_nothing(double):
    inputs, priors = _inputs(1)
    place = _somewhere(inputs)
    weights = inputs.weights.at[0, 5].set(0.0)
    as_it_is = log_density(place, inputs, weights, priors)
    changed = dataclasses.replace(inputs, kpi=inputs.kpi.at[0, 5].set(99.0))
    assert float(log_density(place, changed, weights, priors)) == pytest.approx(float(as_it_is), abs=1e-9)


@pytest.mark.slow
def test_regions_of_two_groups_have_the_contributions_of_their_own_blend(double):
    inputs, priors = _inputs(3)
    found, one = quantities(_somewhere(inputs), inputs, priors), np.array([[0.0, 0.4], [0.0, 0.0]])
    by_region = dataclasses.replace(inputs, blend=jnp.asarray(np.stack([one, 0 * one, one])))
    linked, apart = (dataclasses.replace(inputs, blend=jnp.asarray(blend)) for blend in (one, 0 * one))
    activity = [
        np.asarray(jax.jit(contributions)(found, own) / density.level_of(found, own))
        for own in (by_region, linked, apart)
    ]
    np.testing.assert_allclose(activity[0][[0, 2]], activity[1][[0, 2]], rtol=1e-12)
    np.testing.assert_allclose(activity[0][1], activity[2][1], rtol=1e-12)


def test_training_has_the_prior_of_shares_of_the_posterior(double):
    inputs, priors = _inputs(1)
    medians, own = prior_medians(inputs), SharePrior.of(dcm.PosteriorSettings())
    none = log_prior(medians, inputs, priors)
    for total, apart in ((0.0, 0.0), (-2.5, 0.7), (1.8, -1.4), (0.3, 2.0)):
        where = medians._replace(total=jnp.asarray(total), split=jnp.array([apart, -apart]))
        found = share_penalty(quantities(where, inputs, priors).share, own)
        assert float(found) == pytest.approx(float(none - log_prior(where, inputs, priors)), rel=1e-5, abs=1e-6)


_STATED = {"share": {"channel_1": (0.06, 0.001)}, "total": (0.2, 0.002)}


def _shares_drawn(found, inputs, priors, draws, tests):
    """Shares of the channels, and of all, with regions' own coefficients, `[draw, channel + 1]`, given KPI and tests."""
    media = contributions(found, inputs)
    made, by_week = columns(found, media, inputs, priors), inputs.unit[:, None] * (inputs.weights > 0)

    def one(key):
        own = 1.0 + linear.conditional(found, made, inputs, key, 1.0, tests).media_region
        if inputs.states_lost:
            return jnp.append(*lost_shares(media * own[:, None], density._sold(inputs)))
        shares = jnp.einsum("rtm,rm,rt->m", media, own, by_week) / by_week.sum()
        return jnp.append(shares, shares.sum())

    return np.asarray(jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(5), draws)))


@pytest.mark.slow
@pytest.mark.parametrize("link", ["identity", "log"])
@pytest.mark.parametrize("what", _STATED)
def test_a_stated_share_holds_with_the_coefficients_that_regions_have_of_their_own(double, what, link):
    """Else these would be free to take the share to where the KPI has it."""
    inputs, priors = _inputs(3, dcm.Config(link=link, priors=dcm.Priors(**{what: _STATED[what]})))
    found = quantities(_somewhere(inputs), inputs, priors)
    shares = _shares_drawn(found, inputs, priors, 200, density.tested(found, inputs))
    drawn, (value, sd) = (shares[:, 0], (0.06, 0.001)) if what == "share" else (shares[:, -1], (0.2, 0.002))
    assert drawn.mean() == pytest.approx(value, abs=sd)
    assert drawn.std() == pytest.approx(sd, rel=0.2)


@pytest.mark.slow
def test_a_stated_marginal_return_holds_with_the_coefficients_that_regions_have_of_their_own(double):
    inputs, priors = _inputs(3, dcm.Config(priors=dcm.Priors(mroi={"channel_1": (1.0, 0.01)})))
    found = quantities(_somewhere(inputs), inputs, priors)
    value, sd = float(inputs.stated.marginal[0]), float(inputs.stated.marginal_precision[0]) ** -0.5
    made = columns(found, contributions(found, inputs), inputs, priors)
    tests, level = density.tested(found, inputs), density.level_of(found, inputs)

    def one(key):
        drawn = linear.conditional(found, made, inputs, key, 1.0, tests)
        terms = linear.variation_terms(contributions(found, inputs), inputs)
        varied = jnp.einsum("tmk,mk->tm", terms, drawn.variation)[:, :, None]
        own = level[:, None] * (1.0 + drawn.media_region.T + varied)  # [week, channel, region]
        return density._marginal_by_region(own, found, inputs)[0].sum()

    shares = np.asarray(jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(5), 200)))
    assert shares.mean() == pytest.approx(value, abs=sd)
    assert shares.std() == pytest.approx(sd, rel=0.2)


@pytest.mark.parametrize("what", _STATED)
def test_a_stated_share_is_as_likely_as_the_kpi_makes_it(double, what):
    priors_stated = dcm.Priors(**{what: {"channel_1": (0.06, 0.05)} if what == "share" else (0.2, 0.05)})
    inputs, priors = _inputs(3, dcm.Config(priors=priors_stated))
    plain, _ = _inputs(3)
    where = _somewhere(inputs)
    gained = log_density(where, inputs, inputs.weights, priors) - log_density(where, plain, inputs.weights, priors)
    shares = _shares_drawn(quantities(where, inputs, priors), inputs, priors, 4000, None)
    known, value = (shares[:, 0], 0.06) if what == "share" else (shares[:, -1], 0.2)
    spread = np.hypot(known.std(), 0.05)
    expected = np.log(0.05 / spread) - 0.5 * ((value - known.mean()) / spread) ** 2
    assert float(gained) == pytest.approx(expected, rel=0.02, abs=0.02)


def test_shares_are_what_the_coordinates_say(double):
    inputs, priors = _inputs(1)
    found = quantities(_somewhere(inputs), inputs, priors)
    media, seen = contributions(found, inputs), np.asarray(inputs.weights > 0)
    shares = (np.asarray(media) * seen[:, :, None]).sum(axis=(0, 1)) / seen.sum()
    np.testing.assert_allclose(shares, found.share, rtol=1e-6)
    assert float(found.share.sum()) < 1.0


def test_a_stated_decay_takes_the_place_of_the_default(double):
    config = dcm.Config(priors=dcm.Priors(decay=(("channel_1", 0.6, 0.01),)))
    inputs, priors = _inputs(1, config)
    zero = prior_medians(inputs)
    values = jnp.linspace(-3.0, 3.0, 601)

    def nats(coordinate):
        return log_prior(zero._replace(decay=zero.decay.at[0].set(coordinate)), inputs, priors)

    density = np.exp(np.asarray(jax.vmap(nats)(values)))
    decay = np.asarray(jax.nn.sigmoid(priors.decay_spread * values))
    assert (density * decay).sum() / density.sum() == pytest.approx(0.6, abs=0.002)
    spread = np.sqrt((density * (decay - 0.6) ** 2).sum() / density.sum())
    assert spread == pytest.approx(0.01, rel=0.05)


def test_all_starts_come_to_rest_and_at_one_height(double):
    inputs, priors = _inputs(1, n_weeks=60, missing=0.0)
    density = Density(inputs, priors, 4)
    found = maximise(density, starts(inputs, 4, np.random.default_rng(0)))
    assert (np.linalg.norm(found.gradient, axis=1) <= CONVERGED).all()
    assert np.ptp(found.value) < 0.1


@pytest.mark.slow
def test_values_and_gradients_do_not_depend_on_how_many_are_evaluated_at_once(double):
    inputs, priors = _inputs(2)
    places = starts(inputs, 9, np.random.default_rng(0))
    places[3, 0] = np.nan  # no density there
    one, four = Density(inputs, priors, 1), Density(inputs, priors, 4)
    found, expected = one.at(places), four.at(places)
    np.testing.assert_allclose(found.value, expected.value, rtol=1e-9)
    np.testing.assert_allclose(found.gradient, expected.gradient, rtol=1e-6, atol=1e-9)
    assert found.value[3] == -np.inf
    for each in (one, four):
        np.testing.assert_allclose(each.values(places), expected.value, rtol=1e-9)


@pytest.mark.parametrize(("n_regions", "batch", "searches"), [(1, 4, 16), (3, 16, 16), (4, 1, 2), (4, 4, 4)])
def test_few_regions_have_many_searches_and_many_regions_no_more_than_cost_little(double, n_regions, batch, searches):
    inputs, priors = _inputs(n_regions)
    assert Density(inputs, priors, batch).n_starts == searches


@pytest.mark.parametrize("batch", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_curvature_is_the_hessian(double, batch):
    inputs, priors = _inputs(1)
    place, _ = ravel_pytree(_somewhere(inputs))
    density = Density(inputs, priors, batch)
    curvature = density.curvature(np.asarray(place))
    step = 1e-3
    ahead, here, behind = density.at(np.stack([place.at[2].add(d) for d in (step, 0.0, -step)])).value
    assert curvature[2, 2] == pytest.approx(-(ahead - 2 * here + behind) / step**2, rel=1e-2)


def test_a_stated_mroi_is_a_normal_density_of_the_marginal_share(double):
    """Of one region; with several, their own coefficients count too, see above."""
    inputs, priors = _inputs(1, dcm.Config(priors=dcm.Priors(mroi={"channel_1": (1.0, 0.5)})))
    free = dataclasses.replace(inputs, stated=inputs.stated._replace(marginal=None, marginal_precision=None))
    where = _somewhere(inputs)
    found = marginal(quantities(where, inputs, priors), inputs)[0]
    nats = -0.5 * inputs.stated.marginal_precision[0] * (found - inputs.stated.marginal[0]) ** 2
    difference = log_density(where, inputs, inputs.weights, priors) - log_density(where, free, free.weights, priors)
    assert abs(float(nats)) > 1e-3
    assert float(difference) == pytest.approx(float(nats), rel=1e-6)


def test_under_a_log_link_a_stated_share_is_a_normal_density_of_what_is_lost(double):
    inputs, priors = _inputs(1, dcm.Config(link="log", priors=dcm.Priors(share={"channel_1": (0.3, 0.1)})))
    free = dataclasses.replace(
        inputs, stated=inputs.stated._replace(share_precision=0.0 * inputs.stated.share), states_lost=False
    )
    where = _somewhere(inputs)
    kpi = np.exp(inputs.kpi + inputs.kpi_level[:, None]) * inputs.unit[:, None] * (inputs.weights > 0)
    effect = contributions(quantities(where, inputs, priors), inputs)[..., 0]
    lost = float((kpi * (1.0 - np.exp(-effect))).sum() / kpi.sum())
    difference = log_density(where, inputs, inputs.weights, priors) - log_density(where, free, free.weights, priors)
    assert float(difference) == pytest.approx(-0.5 * ((lost - 0.3) / 0.1) ** 2, rel=1e-6)


@pytest.mark.parametrize("n_regions", [1, 2])
def test_pairs_of_the_season_beyond_the_second_have_a_scale_of_their_own_in_draws(double, n_regions):
    scales = dcm.Penalties(seasonality=0.04, season_peaks=0.01, seasonality_region=0.03, season_peaks_region=0.02)
    inputs, priors = _inputs(n_regions, dcm.Config(harmonics=3, penalties=scales))
    at_medians = prior_medians(inputs)
    found = quantities(at_medians, inputs, priors)
    np.testing.assert_allclose(found.seasonality, 2 * [0.04, 0.04, 0.01])
    wider = quantities(at_medians._replace(season_peaks=jnp.ones(())), inputs, priors)
    np.testing.assert_array_equal(wider.seasonality > found.seasonality, 2 * [False, False, True])
    assert float(wider.seasonality[2]) == pytest.approx(0.01 * np.exp(dcm.PosteriorSettings().peaks_spread))
    if n_regions > 1:
        np.testing.assert_allclose(found.seasonality_region, 2 * [0.03, 0.03, 0.02])
        of_regions = quantities(at_medians._replace(season_peaks_region=jnp.ones(())), inputs, priors)
        spread = np.exp(dcm.PosteriorSettings().peaks_spread)
        np.testing.assert_allclose(of_regions.seasonality_region, 2 * [0.03, 0.03, 0.02 * spread])
    smooth, _ = _inputs(n_regions, dcm.Config(harmonics=2))
    assert prior_medians(smooth).season_peaks is None
