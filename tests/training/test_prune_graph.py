import jax
import jax.numpy as jnp
import numpy as np
import pytest

from deepcausalmmm_jax.data.exposure_innovations import ExposureInnovations
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.model.graph import ExposureEquations, ExposureNoise, LinkTerms
from deepcausalmmm_jax.model.innovation_rows import innovation_rows, innovation_weights, later, over_groups
from deepcausalmmm_jax.model.windows import padded
from deepcausalmmm_jax.training.prepare import prepare
from deepcausalmmm_jax.training.prune_graph import Equations, refined_edges, supported

REGIONS, WEEKS, CHANNELS = 8, 200, 3


def _true(lags):
    """Channel 0 drives 1 in the same week and 2 at the longest lag, and 2 drives 0 one week later: a cycle in time."""
    links = np.zeros((1 + lags, CHANNELS, CHANNELS))
    links[0, 0, 1], links[lags, 0, 2] = 0.5, 0.4
    if lags:
        links[1, 2, 0] = -0.3
    return links


def _drawn(links, seed=0, persistence=0.0):
    """Innovations of skewed noise that follow links `[1 + lag, channel, channel]`."""
    rng = np.random.default_rng(seed)
    z, noise = np.zeros((2, REGIONS, WEEKS, CHANNELS))
    reach = np.linalg.inv(np.eye(CHANNELS) - links[0])
    shocks = np.log(rng.gamma(1.0, size=z.shape))
    for t in range(WEEKS):
        noise[:, t] = shocks[:, t] + (persistence * noise[:, t - 1] if t else 0.0)
        received = sum((z[:, t - lag] @ links[lag] for lag in range(1, len(links)) if lag <= t), np.zeros(1))
        z[:, t] = (noise[:, t] + received) @ reach
    national = z.mean(axis=0)
    trained = np.ones((REGIONS, WEEKS))
    trained[:, 0] = 0
    parts = (z - national, national, trained, np.ones((WEEKS, CHANNELS)), np.ones(CHANNELS))
    return ExposureInnovations(*(jnp.asarray(part, jnp.float32) for part in parts))


def _noise():
    return ExposureNoise(*(jnp.zeros((2, CHANNELS)) for _ in range(3)))


@pytest.mark.parametrize("lags", [0, 1, 2])
@pytest.mark.parametrize("persistence", [0.0, 0.4])
def test_one_step_finds_the_links_of_every_lag_within_a_few_of_their_errors(lags, persistence):
    true = _true(lags)
    inputs = _drawn(true, persistence=persistence)
    memory = jnp.full((2, CHANNELS), persistence if lags else 0.0)
    start = LinkTerms(jnp.asarray(0.9 * true[0], jnp.float32), jnp.asarray(0.9 * true[1:], jnp.float32))
    candidates = np.repeat(1 - np.eye(CHANNELS)[None], 1 + lags, axis=0)
    candidates[0] = true[0] != 0  # acyclic
    refined = refined_edges(
        Equations(start, _noise(), memory), jnp.asarray(candidates > 0), inputs, jnp.ones((REGIONS, WEEKS))
    )
    found, errors, learned = refined.edges, refined.errors, candidates > 0
    assert (np.abs(np.asarray(found) - true)[learned] < 5 * np.asarray(errors)[learned]).all()
    assert np.asarray(errors)[learned].max() < 0.1
    assert np.isinf(np.asarray(errors)[~learned]).all()


@pytest.mark.slow
def test_the_likelihood_prefers_the_true_lag_and_direction_in_time():
    innovations, weights = _drawn(_true(2)), jnp.ones((REGIONS, WEEKS))
    rows = innovation_rows(innovations, weights, 2)
    equations = ExposureEquations(CHANNELS, 2)

    def loss(links):
        terms = LinkTerms(jnp.asarray(links[0], jnp.float32), jnp.asarray(links[1:], jnp.float32))
        return float(equations.apply(equations.init(jax.random.key(0), terms, rows), terms, rows))

    backwards, other_lag = _true(2).transpose(0, 2, 1), _true(2)[[0, 2, 1]]
    assert loss(_true(2)) < min(loss(backwards), loss(other_lag), loss(np.zeros((3, 3, 3)))) - 50


@pytest.mark.parametrize("lags", [0, 1, 3])
def test_a_week_without_data_takes_the_weeks_that_need_it_with_it(lags):
    innovations = _drawn(_true(0))
    gap = innovations.trained.at[2, 50].set(0.0)
    weighted = innovation_weights(innovations._replace(trained=gap), jnp.ones((REGIONS, WEEKS)), lags)
    missing = np.asarray(weighted.regional[2, :, 0] == 0)
    assert set(np.flatnonzero(missing)) == {*range(1 + lags), *range(50, 51 + lags)}
    assert not np.asarray(weighted.regional_follows[2, 51 : 52 + lags]).any()
    np.testing.assert_allclose(weighted.national[1 + lags :], 1.0)


def test_values_of_earlier_weeks():
    series = jnp.arange(1.0, 5.0)[None, :, None]
    np.testing.assert_array_equal(later(series, 2, 1)[0, :, 0], [0, 0, 1, 2])
    np.testing.assert_array_equal(later(series, 9, 1)[0, :, 0], [0, 0, 0, 0])


@pytest.mark.slow
def test_weeks_that_only_pad_the_arrays_change_nothing(small_panel, quick):
    weights = training_weights(small_panel, 8)
    inputs = prepare(small_panel, weights, quick.replace(link_lags=2)).inputs
    longer = padded(inputs, 70, inputs.trend_basis.shape[1], inputs.region_trend_basis.shape[1])
    rng = np.random.default_rng(0)
    links = LinkTerms(jnp.zeros((3, 3)), jnp.asarray(rng.normal(size=(2, 3, 3)), jnp.float32))
    equations, found = ExposureEquations(3, 2), []
    for given, more in ((inputs, 0), (longer, 10)):
        rows = innovation_rows(given.innovations, jnp.asarray(np.pad(weights, [(0, 0), (0, more)])), 2)
        found.append(jax.jit(equations.init_with_output)(jax.random.key(0), links, rows)[0])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


def _pair(innovations, lag):
    """The edge 0 -> 1 at a lag, refined from half a standard deviation, and all other edges at zero."""
    candidates = np.zeros((2, CHANNELS, CHANNELS), bool)
    candidates[lag, 0, 1] = True
    start = 0.5 * candidates
    links = LinkTerms(jnp.asarray(start[0], jnp.float32), jnp.asarray(start[1:], jnp.float32))
    equations = Equations(links, _noise(), jnp.zeros((2, CHANNELS)))
    return refined_edges(equations, jnp.asarray(candidates), innovations, jnp.ones((REGIONS, WEEKS)))


@pytest.mark.parametrize("lag", [0, 1])
def test_a_lagged_edge_that_the_national_mean_alone_shows_is_no_edge(lag):
    true = np.zeros((2, CHANNELS, CHANNELS))
    true[lag, 0, 1] = 0.5
    linked, apart = _drawn(true), _drawn(np.zeros((1, CHANNELS, CHANNELS)), seed=1)
    assert supported(_pair(linked, lag), 0.1, 4.0)[lag, 0, 1]
    # Flights in every region at once: large in the mean, nothing in the deviations.
    flights = 3.0 * linked.national
    coincidence = apart._replace(regional=0.5 * apart.regional, national=flights)
    found = _pair(coincidence, lag)
    assert found.edges[lag, 0, 1] > 4 * found.errors[lag, 0, 1]
    assert np.abs(found.regional[lag, 0, 1]) < 4 * found.regional_errors[lag, 0, 1]
    assert supported(found, 0.1, 4.0)[lag, 0, 1] == (lag == 0)  # within a week the rule is as it was
    nothing = coincidence._replace(regional=jnp.zeros_like(coincidence.regional))  # one region, or national media
    assert supported(_pair(nothing, lag), 0.1, 4.0)[lag, 0, 1]


def _in_groups(links_by_group, group):
    """Innovations of regions that follow the links of their group, around the mean of their group."""
    n_groups, parts = len(links_by_group), [_drawn(links) for links in links_by_group]
    members = np.eye(n_groups)[group].T
    total = np.stack([np.asarray(parts[g].regional + parts[g].national)[r] for r, g in enumerate(group)])
    means = np.stack([total[own > 0].mean(axis=0) for own in members])
    regional = total - means[group]
    on_air = np.ones((n_groups, WEEKS, CHANNELS))
    arrays = (regional, means, np.asarray(parts[0].trained), on_air, np.ones(CHANNELS), members)
    return ExposureInnovations(*(jnp.asarray(array, jnp.float32) for array in arrays))


def _alone(innovations, g):
    """The regions of one group as a panel of their own."""
    own = np.flatnonzero(innovations.in_group[g])
    return ExposureInnovations(
        innovations.regional[own], innovations.national[g], innovations.trained[own], innovations.on_air[g], jnp.ones(3)
    ), own


GROUP = np.array([0, 1, 0, 0, 1, 0, 1, 0])


@pytest.mark.slow
def test_the_likelihood_of_graphs_by_group_is_that_of_each_group_alone():
    lags = 1
    innovations, rng = _in_groups([_true(lags), 0.0 * _true(lags)], GROUP), np.random.default_rng(3)
    links = LinkTerms(
        jnp.asarray(np.triu(rng.normal(size=(2, 3, 3)), 1) + np.tril(rng.normal(size=(2, 3, 3)), -1) / 5, jnp.float32),
        jnp.asarray(rng.normal(size=(2, lags, 3, 3)), jnp.float32),
    )
    weights = jnp.asarray(rng.uniform(0.5, 1.5, (REGIONS, WEEKS)), jnp.float32)
    together = ExposureEquations(CHANNELS, lags, groups=2)
    rows = innovation_rows(innovations, weights, lags)
    variables = together.init(jax.random.key(0), links, rows)
    apart = 0.0
    for g in range(2):
        own, at = _alone(innovations, g)
        of_group = jax.tree.map(lambda array, g=g: array[g], links)
        apart += ExposureEquations(CHANNELS, lags).apply(variables, of_group, innovation_rows(own, weights[at], lags))
    np.testing.assert_allclose(together.apply(variables, links, rows), apart, rtol=1e-5)


@pytest.mark.slow
def test_a_channel_that_a_group_never_has_says_nothing_of_the_noise_that_groups_share():
    """Its zeros counted as weeks without noise: the scale of the means came out at a quarter of what it is."""
    innovations, weights = _in_groups([_true(0)] * 2, GROUP), jnp.ones((REGIONS, WEEKS))
    absent = innovations._replace(on_air=innovations.on_air.at[1, :, 2].set(0.0))
    found, usual = (innovation_weights(own, weights, 0) for own in (absent, innovations))
    assert not found.national[1, :, 2].any()
    assert not found.regional[GROUP == 1, :, 2].any()
    np.testing.assert_array_equal(found.national[:, :, :2], usual.national[:, :, :2])
    np.testing.assert_array_equal(found.national[0], usual.national[0])
    counted = innovation_rows(absent, weights, 0).observations
    np.testing.assert_allclose(counted, [5 * (WEEKS - 1), 3 * (WEEKS - 1) * 2 / 3], rtol=1e-5)


@pytest.mark.slow
def test_the_edges_of_a_group_are_refined_by_its_own_regions():
    true = _true(1)
    innovations, weights = _in_groups([true, 0.0 * true], GROUP), jnp.ones((REGIONS, WEEKS))
    candidates = jnp.asarray(np.stack([true != 0, true != 0]))
    links = LinkTerms(jnp.full((2, 3, 3), 0.2), jnp.full((2, 1, 3, 3), 0.2))

    def refined(own, links, candidates, weights=weights):
        return refined_edges(Equations(links, _noise(), jnp.zeros((2, 3))), candidates, own, weights)

    found = over_groups(refined, innovations, links, candidates)
    for g in range(2):
        own, at = _alone(innovations, g)
        alone = refined(own, jax.tree.map(lambda array, g=g: array[g], links), candidates[g], weights[at])
        for together, apart in zip(found, alone, strict=True):
            np.testing.assert_allclose(together[g], apart, rtol=2e-4, atol=2e-5)
    kept = np.asarray(jax.vmap(lambda one: supported(one, 0.1, 4.0))(found))
    np.testing.assert_array_equal(kept[0], true != 0)
    assert not kept[1].any()
