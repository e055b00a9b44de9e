import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.data.inputs import inputs_from, training_weeks
from deepcausalmmm_jax.data.scaling import scales_from
from deepcausalmmm_jax.model.design import Design
from deepcausalmmm_jax.ops.acyclicity import is_acyclic
from deepcausalmmm_jax.training.estimate import estimate, estimate_in_chunks, run_chunk, start_state
from deepcausalmmm_jax.training.hyperparameters import Hyperparameters
from deepcausalmmm_jax.training.prepare import prepare
from deepcausalmmm_jax.training.schedule import Schedule


@pytest.fixture(scope="module")
def arguments(small_panel, quick):
    weights = training_weights(small_panel, 8)
    inputs = inputs_from(small_panel, scales_from(small_panel, weights), weights, quick)
    design = Design.of(small_panel, quick, training_weeks(weights))
    static = {"design": design, "schedule": Schedule.of(quick)}
    return inputs, jnp.asarray(weights, jnp.float32), Hyperparameters.of(quick), static


@pytest.mark.slow
def test_mapped_over_keys_and_weights_it_equals_one_by_one(arguments):
    inputs, weights, hyperparameters, static = arguments
    # Few epochs: Adam divides by the size of the gradient, so rounding grows where a gradient is nearly zero.
    static = static | {"schedule": Schedule(max_epochs=20, chunk_epochs=5)}
    keys = jax.random.split(jax.random.key(3), 3)
    draws = weights * jax.random.exponential(jax.random.key(4), (3, *weights.shape))
    mapped, _ = jax.vmap(lambda key, w: estimate(key, inputs, w, hyperparameters, **static))(keys, draws)
    for i in range(3):
        single, _ = estimate(keys[i], inputs, draws[i], hyperparameters, **static)
        for ours, theirs in zip(jax.tree.leaves(single), jax.tree.leaves(mapped), strict=True):
            np.testing.assert_allclose(ours, theirs[i], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_chunks_on_the_host_give_the_same_numbers(arguments):
    inputs, weights, hyperparameters, static = arguments
    static = static | {"schedule": Schedule(max_epochs=20, chunk_epochs=5)}  # few epochs, as above
    seen = []
    by_chunks, record = estimate_in_chunks(
        jax.random.key(0), inputs, weights, hyperparameters, **static, on_chunk=lambda epoch, value: seen.append(epoch)
    )
    whole, _ = estimate(jax.random.key(0), inputs, weights, hyperparameters, **static)
    for ours, theirs in zip(jax.tree.leaves(by_chunks), jax.tree.leaves(whole), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert seen == [5, 10, 15, 20]
    assert int(record.epochs) == 20


def test_hidden_kpi_changes_nothing_bit_for_bit(small_panel, quick, small_result):
    scrambled = small_panel.kpi.copy()
    scrambled[:, -8:] *= np.random.default_rng(0).uniform(0.3, 3.0, scrambled[:, -8:].shape)
    other = dcm.fit(dataclasses.replace(small_panel, kpi=scrambled), quick, holdout=8)
    for ours, theirs in zip(
        jax.tree.leaves(small_result.fitted.variables), jax.tree.leaves(other.fitted.variables), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(small_result.predict().values, other.predict().values)


def test_same_seed_same_numbers_and_no_second_compilation(small_panel, quick, small_result, limit_traces):
    limit_traces(0)
    again = dcm.fit(small_panel, quick, holdout=8)
    np.testing.assert_array_equal(again.contributions.values, small_result.contributions.values)
    stiffer = quick.replace(penalties=dataclasses.replace(quick.penalties, trend=0.01))
    assert not np.allclose(dcm.fit(small_panel, stiffer).contributions, small_result.contributions)


@pytest.mark.slow
@pytest.mark.parametrize("config", [None, dcm.Config.paper("notears", hidden_size=4, epochs=20, warm_start_epochs=10)])
def test_a_new_shape_compiles_a_chunk_once(quick, config, limit_traces):
    panel, _ = dcm.simulate(3, 41, 2, 1, seed=5)
    limit_traces(0)
    with pytest.raises(AssertionError, match="traced > 0 times"):
        dcm.fit(panel, config or quick)
    limit_traces(1)
    assert len(dcm.fit(panel, config or quick).history) >= 20


def test_objective_is_the_sum_of_its_named_terms(small_result):
    history = small_result.history
    named = history.drop(columns=["objective", "acyclicity_h", "learning_rate"])
    assert {"huber", "noise", "media", "time_variation", "graph", "blend", "structure", "acyclicity", "volume"} <= set(
        named
    )
    np.testing.assert_allclose(named.sum(axis=1), history["objective"], rtol=1e-4, atol=1e-4)
    assert history["objective"].iloc[-1] < history["objective"].iloc[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("graph", "adstock"),
    [
        ("notears", "delayed_geometric"),
        ("dagma", "binomial"),
        ("triangular", "geometric"),
        ("none", "delayed"),
    ],
)  # each of both; neither knows of the other
def test_every_graph_and_adstock_trains_to_an_acyclic_additive_model(small_panel, quick, graph, adstock):
    free = dataclasses.replace(quick.penalties, graph=10.0)
    config = quick.replace(graph=graph, adstock=adstock, penalties=free, graph_threshold=0.0, graph_evidence=0.0)
    result = dcm.fit(small_panel, config)
    edges = result.adjacency.to_numpy()
    assert bool(is_acyclic(jnp.asarray(edges != 0)))
    assert (edges != 0).any() == (graph != "none")
    np.testing.assert_allclose(result.contributions.sum("component"), result.predict(), rtol=1e-5)


def test_a_region_without_weight_in_a_week_is_ignored_there(small_panel, quick):
    weights = small_panel.weights.copy()
    weights[1, 10:20] = 0
    spoilt = small_panel.kpi.copy()
    spoilt[1, 10:20] = 1e9
    masked = dataclasses.replace(small_panel, weights=weights)
    ours = dcm.fit(masked, quick).predict()
    theirs = dcm.fit(dataclasses.replace(masked, kpi=spoilt), quick).predict()
    np.testing.assert_array_equal(ours, theirs)


def test_doubling_all_exposure_units_changes_nothing_but_a_later_doubling_does(small_panel, quick, small_result):
    doubled = dcm.fit(dataclasses.replace(small_panel, exposure=2 * small_panel.exposure), quick)
    np.testing.assert_allclose(doubled.predict(), small_result.predict(), rtol=1e-3)
    exposure = small_panel.exposure.copy()
    exposure[:, -8:] *= 2
    more = small_result.predict(dataclasses.replace(small_panel, exposure=exposure))
    assert (more[:, -8:] > small_result.predict()[:, -8:]).mean() > 0.9
    np.testing.assert_array_equal(more[:, :-8], small_result.predict()[:, :-8])


@pytest.mark.slow
def test_the_shape_that_once_ended_in_a_segmentation_fault_trains():
    panel, config = dcm.simulate(50, 208, 30, 1, seed=0)[0], dcm.Config()
    short = dataclasses.replace(config.training, max_epochs=2, chunk_epochs=2)
    weights = training_weights(panel, 8)
    ready = prepare(panel, weights, config.replace(training=short))
    arguments = ready.inputs, jnp.asarray(weights, jnp.float32), ready.hyperparameters
    static = {"design": ready.design, "schedule": ready.schedule}
    state = run_chunk(start_state(jax.random.key(0), *arguments, **static), *arguments, **static)
    assert np.isfinite(state.history.objective).all()
