import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.inference.cross_validate import _Compared, _errors, _fold, _groups
from deepcausalmmm_jax.model.training_data import training_data
from deepcausalmmm_jax.model.windows import padded
from deepcausalmmm_jax.training.objective import objective
from deepcausalmmm_jax.training.prepare import prepare
from deepcausalmmm_jax.training.schedule import Schedule
from deepcausalmmm_jax.training.structural import StructuralRecipe, structural_model

COUNTS = ["config", "seed", "fold"]


@pytest.fixture(scope="module")
def asked(quick):
    """Two configurations, two seeds, three folds: the same shapes, and so one program, whatever the panel."""
    stiff = quick.replace(penalties=dcm.Penalties(trend=0.005, seasonality=0.005))
    return {"configs": [quick, stiff], "horizon": 8, "folds": 3, "seeds": (0, 1)}


@pytest.fixture(scope="module")
def table(small_panel, asked):
    return dcm.cross_validate(small_panel, **asked)


def test_every_configuration_seed_and_fold_has_a_row(table, small_panel):
    assert len(table) == 2 * 2 * (3 + 1)
    assert not table.duplicated(COUNTS).any()
    folds = table[table["fold"] != "all"]
    assert list(folds["origin"].unique()) == [small_panel.week_label(origin) for origin in (36, 44, 52)]
    assert (folds["rmse"] > 0).all()


def test_a_fold_is_the_fit_that_holds_out_its_weeks(table, small_result):
    assert small_result.holdout == 8
    row = table[(table["config"] == 0) & (table["seed"] == 0) & (table["fold"] == 2)].iloc[0]
    holdout = small_result.metrics.loc["holdout"]
    # Rounding grows over an unfinished training; `test_padding_changes_no_term_and_no_gradient` is the sharper statement.
    np.testing.assert_allclose(row["rmse"], holdout["rmse"], rtol=0.1)
    np.testing.assert_allclose(row["rmse_last"], holdout["rmse_last"])
    assert row["naive"] == holdout["naive"]
    np.testing.assert_allclose(row["ratio"], row["rmse"] / row["rmse_naive"])


def _terms_and_gradient(ready, inputs, design, weights):
    """Terms of the objective at the start of training, and its gradient."""
    weights = jnp.asarray(weights, jnp.float32)

    @jax.jit
    def found(key):
        state = StructuralRecipe(design, Schedule(5, 5)).start(key, inputs, weights, ready.hyperparameters)
        model, data = structural_model(design), training_data(inputs, weights)

        def loss(parameters):
            return objective(parameters, state.fitted, model, data, ready.hyperparameters, state.multipliers)

        (_, evaluation), gradient = jax.value_and_grad(loss, has_aux=True)(state.parameters)
        return evaluation.terms, gradient

    return found(jax.random.key(0))


@pytest.mark.slow
@pytest.mark.parametrize("panel_name", ["small_panel", "reached_panel"])
def test_padding_changes_no_term_and_no_gradient(panel_name, quick, request):
    panel = request.getfixturevalue(panel_name)
    weights = training_weights(panel, 8)
    ready = prepare(panel, weights, quick)
    shape = ready.inputs.trend_basis.shape[1] + 3, ready.inputs.region_trend_basis.shape[1] + 2
    longer = padded(ready.inputs, 70, *shape)
    design = dataclasses.replace(ready.design, n_knots=shape[0], n_region_knots=shape[1])
    terms, gradient = _terms_and_gradient(ready, ready.inputs, ready.design, weights)
    padded_terms, padded_gradient = _terms_and_gradient(ready, longer, design, np.pad(weights, ((0, 0), (0, 10))))
    for name, ours in terms.items():
        np.testing.assert_allclose(ours, padded_terms[name], rtol=1e-4, atol=1e-7, err_msg=name)
    compared = 0
    for (path, ours), theirs in zip(jax.tree.leaves_with_path(gradient), jax.tree.leaves(padded_gradient), strict=True):
        if ours.shape == theirs.shape:  # knots of the trends are more
            np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=1e-5, err_msg=str(path))
            compared += 1
    assert compared > 10


def test_all_folds_together_pool_their_squared_errors(table):
    folds = table[(table["config"] == 1) & (table["seed"] == 1) & (table["fold"] != "all")]
    together = table[(table["config"] == 1) & (table["seed"] == 1) & (table["fold"] == "all")].iloc[0]
    np.testing.assert_allclose(together["rmse"], np.sqrt((folds["rmse"] ** 2).mean()))
    np.testing.assert_allclose(together["rmse_last"], np.sqrt((folds["rmse_last"] ** 2).mean()))


def test_naive_forecasts_are_compared_in_all_regions_with_the_mean_where_they_are_none():
    kpi = np.array([[1.0]] * 9 + [[100.0]])
    seasonal = np.array([[1.1]] * 9 + [[np.nan]])
    shown = {"model": kpi * 1.05, "mean": kpi * 1.1, "seasonal": seasonal}
    found = _errors([_Compared(kpi, np.ones_like(kpi), shown)])
    assert found["rmse_seasonal"] == pytest.approx(0.1)
    assert found["ratio"] == pytest.approx(0.5)  # it was 15.8: the season's forecast left out the large region


@pytest.mark.parametrize(("diverged", "rmse", "ratio"), [(0, 5.0, 0.5), (1, np.nan, np.nan), (2, np.nan, np.nan)])
def test_folds_of_which_one_diverged_have_no_error_together(diverged, rmse, ratio):
    """The calm fold alone was set against naive forecasts of both: a ratio of 0.1 where nobody knows it."""
    kpi, ones = np.array([[100.0, 102.0]]), np.ones((1, 2))
    folds = []
    for at, error in enumerate((1.0, 7.0)):
        model = np.full((1, 2), np.nan) if at >= 2 - diverged else kpi + error
        folds.append(_Compared(kpi, ones, {"model": model, "mean": kpi + 2.0 * error}))
    found = _errors(folds)
    assert found["rmse_naive"] == pytest.approx(10.0)
    assert found["rmse"] == pytest.approx(rmse, nan_ok=True)
    assert found["ratio"] == pytest.approx(ratio, nan_ok=True)
    assert np.isfinite(found["wmape"]) == (diverged == 0)


def test_settings_and_seeds_matter(table):
    errors = table[table["fold"] == "all"].set_index(["config", "seed"])["rmse"]
    assert errors.nunique() == 4


@pytest.mark.slow
def test_weeks_after_a_fold_change_nothing(table, small_panel, asked):
    spoilt = small_panel.kpi.copy()
    spoilt[:, 52:] *= 100
    # Both configurations, as in the table: one alone has arrays of another shape, and so a program of its own.
    theirs = dcm.cross_validate(dataclasses.replace(small_panel, kpi=spoilt), **{**asked, "seeds": 0})
    of_first = table[table["seed"] == 0].reset_index(drop=True)
    ours, theirs = (part[part["fold"] != "all"] for part in (of_first, theirs))
    before = ours["fold"] < 2
    np.testing.assert_array_equal(ours["rmse"][before], theirs["rmse"][before])
    assert (ours["rmse"][~before] != theirs["rmse"][~before]).all()


@pytest.mark.slow
def test_models_of_other_shapes_are_compared_in_one_call(small_panel, quick):
    short = dataclasses.replace(quick.training, max_epochs=10, chunk_epochs=10)
    others = [
        quick.replace(training=short, graph="none"),
        dcm.Config.paper(hidden_size=4, epochs=2, warm_start_epochs=2),
    ]
    table = dcm.cross_validate(small_panel, others, horizon=4, origins=[52])
    assert sorted(table["config"].unique()) == [0, 1]
    assert np.isfinite(table["rmse"]).all()
    assert set(table.loc[(table["config"] == 1) & (table["fold"] != "all"), "status"]) == {"completed"}


def halves(panel, first):
    """Two groups of regions: those at these positions, and the others."""
    names = np.asarray(panel.regions, object)
    chosen = np.isin(np.arange(len(names)), first)
    return ("a", tuple(names[chosen])), ("b", tuple(names[~chosen]))


def test_settings_that_see_other_arrays_share_no_program(small_panel, quick):
    settings = [
        quick,
        quick.replace(penalties=dcm.Penalties(trend=0.005)),
        quick.replace(link_groups=halves(small_panel, [0, 1])),
        quick.replace(link_groups=halves(small_panel, [0, 2])),
        quick.replace(season_length=40.0),
        quick.replace(links=dcm.Links(forbid=(("channel_1", "channel_2"),))),
        quick.replace(priors=dcm.Priors(share=(("channel_1", 0.05, 0.02),))),
    ]
    cut = [_fold(small_panel, origin, 4) for origin in (44, 52)]
    groups = _groups(small_panel, cut, settings)
    assert [group.settings for group in groups] == [[0, 1], [2], [3], [4], [5], [6]]
    for group in groups:
        for (_, fold), preparation in group.ready.items():
            chex.assert_trees_all_equal(preparation.inputs, group.ready[group.settings[0], fold].inputs)


@pytest.mark.slow
def test_each_grouping_of_regions_has_the_errors_that_it_has_alone(small_panel, quick):
    short = quick.replace(training=dataclasses.replace(quick.training, max_epochs=10, chunk_epochs=10))
    settings = [short.replace(link_groups=halves(small_panel, first)) for first in ([0, 1], [1])]
    together = dcm.cross_validate(small_panel, settings, horizon=4, origins=[52])
    alone = dcm.cross_validate(small_panel, settings[1], horizon=4, origins=[52])
    np.testing.assert_array_equal(together["rmse"][2:], alone["rmse"])
    assert together["rmse"][0] != together["rmse"][2]


@pytest.mark.slow
def test_two_side_by_side_are_as_all_at_once(table, small_panel, asked):
    ours = dcm.cross_validate(small_panel, **asked, batch_size=2)
    np.testing.assert_allclose(ours["rmse"], table["rmse"], rtol=0.05)  # after a hundred epochs


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"folds": 20}, dcm.DataError, "at least 12 are needed"),
        ({"origins": [58]}, dcm.DataError, "goes beyond the panel's 60 weeks"),
        ({"horizon": 0}, dcm.ConfigError, "horizon"),
        ({"folds": 1.5}, dcm.ConfigError, "folds"),
        ({"configs": []}, dcm.ConfigError, "at least one configuration"),
        ({"origins": []}, dcm.ConfigError, "at least one origin"),
        ({"origins": 2}, dcm.DataError, "The first origin leaves 2 weeks to train on"),
        ({"origins": "52"}, dcm.ConfigError, "origins must be a whole number"),
    ],
)
def test_bad_requests_are_refused(small_panel, quick, arguments, error, message):
    with pytest.raises(error, match=message):
        dcm.cross_validate(small_panel, **{"configs": quick, "horizon": 4, **arguments})
