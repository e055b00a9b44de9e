import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.model.windows import padded
from deepcausalmmm_jax.training.estimate import estimate
from deepcausalmmm_jax.training.prepare import prepare
from deepcausalmmm_jax.training.schedule import Schedule

COUNTS = ["config", "seed", "fold"]


@pytest.fixture(scope="module")
def table(small_panel, quick):
    stiff = quick.replace(penalties=dcm.Penalties(trend=0.005, seasonality=0.005))
    return dcm.cross_validate(small_panel, [quick, stiff], horizon=4, folds=3, seeds=(0, 1))


def test_every_configuration_seed_and_fold_has_a_row(table, small_panel):
    assert len(table) == 2 * 2 * (3 + 1)
    assert not table.duplicated(COUNTS).any()
    folds = table[table["fold"] != "all"]
    assert list(folds["origin"].unique()) == [small_panel.week_label(origin) for origin in (48, 52, 56)]
    assert (folds["rmse"] > 0).all()


def test_a_fold_is_the_fit_that_holds_out_its_weeks(table, small_panel, quick):
    for fold, origin in ((0, 48), (2, 56)):
        result = dcm.fit(small_panel.select(weeks=slice(0, origin + 4)), quick, holdout=4)
        row = table[(table["config"] == 0) & (table["seed"] == 0) & (table["fold"] == fold)].iloc[0]
        holdout = result.metrics.loc["holdout"]
        # Rounding grows over an unfinished training; `test_padding_changes_no_term` is the sharper statement.
        np.testing.assert_allclose(row["rmse"], holdout["rmse"], rtol=0.1)
        np.testing.assert_allclose(row["rmse_last"], holdout["rmse_last"])
        assert row["naive"] == holdout["naive"]
        np.testing.assert_allclose(row["ratio"], row["rmse"] / row["rmse_naive"])


def test_padding_changes_no_term(small_panel, quick):
    weights = training_weights(small_panel, 8)
    ready = prepare(small_panel, weights, quick)
    shape = ready.inputs.trend_basis.shape[1] + 3, ready.inputs.region_trend_basis.shape[1] + 2
    longer = padded(ready.inputs, 70, *shape)
    design = dataclasses.replace(ready.design, n_knots=shape[0], n_region_knots=shape[1])
    histories = []
    for inputs, sizes, w in (
        (ready.inputs, ready.design, weights),
        (longer, design, np.pad(weights, ((0, 0), (0, 10)))),
    ):
        _, history = estimate(
            jax.random.key(0),
            inputs,
            jnp.asarray(w, jnp.float32),
            ready.hyperparameters,
            design=sizes,
            schedule=Schedule(5, 5),
        )
        histories.append(history)
    for name, ours in histories[0].terms.items():
        np.testing.assert_allclose(ours, histories[1].terms[name], rtol=1e-4, atol=1e-7, err_msg=name)


def test_all_folds_together_pool_their_squared_errors(table):
    folds = table[(table["config"] == 1) & (table["seed"] == 1) & (table["fold"] != "all")]
    together = table[(table["config"] == 1) & (table["seed"] == 1) & (table["fold"] == "all")].iloc[0]
    np.testing.assert_allclose(together["rmse"], np.sqrt((folds["rmse"] ** 2).mean()))
    np.testing.assert_allclose(together["rmse_last"], np.sqrt((folds["rmse_last"] ** 2).mean()))


def test_settings_and_seeds_matter(table):
    errors = table[table["fold"] == "all"].set_index(["config", "seed"])["rmse"]
    assert errors.nunique() == 4


def test_weeks_after_a_fold_change_nothing(table, small_panel, quick):
    spoilt = small_panel.kpi.copy()
    spoilt[:, 56:] *= 100
    theirs = dcm.cross_validate(dataclasses.replace(small_panel, kpi=spoilt), quick, horizon=4, folds=3, seeds=(0, 1))
    ours, theirs = (part[(part["config"] == 0) & (part["fold"] != "all")] for part in (table, theirs))
    before = ours["fold"] < 2
    np.testing.assert_array_equal(ours["rmse"][before], theirs["rmse"][before])
    assert (ours["rmse"][~before] != theirs["rmse"][~before]).all()


def test_models_of_other_shapes_are_compared_in_one_call(small_panel, quick):
    short = dataclasses.replace(quick.training, max_epochs=10, chunk_epochs=10)
    others = [
        quick.replace(training=short),
        quick.replace(training=short, graph="none"),
        dcm.Config.paper(hidden_size=4, epochs=2, warm_start_epochs=2),
    ]
    table = dcm.cross_validate(small_panel, others, horizon=4, origins=[52])
    assert sorted(table["config"].unique()) == [0, 1, 2]
    assert np.isfinite(table["rmse"]).all()
    assert set(table.loc[(table["config"] == 2) & (table["fold"] != "all"), "status"]) == {"completed"}


def test_side_by_side_equals_one_by_one(small_panel, quick):
    short = quick.replace(training=dataclasses.replace(quick.training, max_epochs=50))
    ours = dcm.cross_validate(small_panel, short, horizon=4, folds=2, batch_size=2)
    theirs = dcm.cross_validate(small_panel, short, horizon=4, folds=2)
    np.testing.assert_allclose(ours["rmse"], theirs["rmse"], rtol=0.01)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"folds": 20}, dcm.DataError, "at least 12 are needed"),
        ({"origins": [58]}, dcm.DataError, "goes beyond the panel's 60 weeks"),
        ({"horizon": 0}, dcm.ConfigError, "horizon"),
        ({"folds": 1.5}, dcm.ConfigError, "folds"),
        ({"configs": []}, dcm.ConfigError, "at least one configuration"),
        ({"origins": []}, dcm.ConfigError, "at least one origin"),
    ],
)
def test_bad_requests_are_refused(small_panel, quick, arguments, error, message):
    with pytest.raises(error, match=message):
        dcm.cross_validate(small_panel, **{"configs": quick, "horizon": 4, **arguments})
