"""Every table of parameters shows what the forward pass uses, for parameters that no training has made tame."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import lfilter

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.holdout import training_weights
from deepcausalmmm_jax.ops.hill import hill
from deepcausalmmm_jax.training.estimate import start_state
from deepcausalmmm_jax.training.fitted import Fitted, TrainingRecord
from deepcausalmmm_jax.training.prepare import prepare

SIGNS = (("control_1", "positive"), ("control_2", "negative"))


@pytest.fixture(scope="module")
def panel():
    return dcm.simulate(3, 40, 2, 3, seed=2)[0]


def untrained(panel, adstock="geometric"):
    """A result whose parameters are random, small effects and wrong signs included."""
    priors = dcm.Priors(decay=(("channel_1", 0.5, 0.1),), control_sign=SIGNS)
    config = dcm.Config(graph="none", adstock=adstock, max_lag=13, priors=priors)
    weights = training_weights(panel, 8)
    ready = prepare(panel, weights, config)
    state = start_state(
        jax.random.key(0), ready.inputs, jnp.asarray(weights), ready.hyperparameters, design=ready.design, schedule=ready.schedule
    )  # fmt: skip
    rng = np.random.default_rng(1)
    moved = jax.tree.map(
        lambda leaf: np.asarray(leaf) + 0.3 * rng.standard_normal(leaf.shape).astype(np.float32), state.parameters
    )
    moved["media"] |= {"history": np.float32(-30.0)}  # nothing ran before the first week
    moved["control"] |= {
        "shared": np.array([0.004, 0.02, -0.03], np.float32),
        "region": 0.01 * moved["control"]["region"],
    }
    blank = TrainingRecord(np.zeros(0), np.zeros(0), np.zeros(0), {}, dcm.FitStatus.COMPLETED, 0.0)
    variables = jax.tree.map(np.asarray, {"params": moved, "fitted": state.fitted})
    return dcm.FitResult(Fitted(variables, panel, weights, ready.scales, config, blank, 0))


@pytest.mark.parametrize("adstock", ["geometric", "delayed_geometric", "delayed", "binomial"])
def test_carry_over_curves_and_coefficients_of_the_tables_make_the_contributions(panel, adstock):
    result = untrained(panel, adstock)
    scales, table = result.fitted.scales, result.curve_parameters
    kernels, coefficient = result.adstock_decay(), result.coefficients().values
    locality = 1.0 / (1.0 + math.exp(-float(result.fitted.variables["params"]["media"]["locality"])))
    for m, channel in enumerate(panel.channels):
        carried = lfilter(kernels[channel].to_numpy(), [1.0], panel.exposure[:, :, m] / scales.exposure[:, [m]], axis=1)
        half = table["half_saturation"].iloc[m] * scales.intensity[:, [m]] ** -locality
        slope = jnp.asarray(table["slope"].iloc[[m]].to_numpy())
        reached = np.asarray(hill(jnp.asarray(carried.T[:, None]), slope, jnp.asarray(half.T)))[:, 0].T
        made = reached * coefficient[:, :, m] * scales.kpi[:, None]
        found = result.contributions.sel(component=channel).values
        past = slice(0, len(kernels))  # a table ends with its last lag
        np.testing.assert_allclose(found[:, past], made[:, past], rtol=5e-3, atol=1e-4 * found.max())
    np.testing.assert_allclose(table["coefficient"], coefficient[:, :32].mean(axis=(0, 1)), rtol=1e-4)


def test_hill_curves_are_those_of_the_curve_parameters(panel):
    result = untrained(panel)
    curves, table = result.hill_curves(), result.curve_parameters
    for channel, drawn in curves.groupby("channel"):
        x, row = drawn["relative_exposure"].to_numpy(), table.loc[channel]
        by_hand = x ** row["slope"] / (x ** row["slope"] + row["half_saturation"] ** row["slope"])
        np.testing.assert_allclose(drawn["saturation"], by_hand, rtol=1e-4, atol=1e-6)


def test_controls_of_stated_sign_are_shown_as_the_forward_pass_uses_them(panel):
    result = untrained(panel)
    scales, found = result.fitted.scales, result.priors().set_index("name")["found"]
    for k, control in enumerate(panel.controls[:2]):
        z = (panel.control[:, :, k] - scales.control_center[:, [k]]) / scales.control_scale[:, [k]]
        share = result.contributions.sel(component=control).values / scales.kpi[:, None]
        effect = (share * z).sum(axis=1) / (z**2).sum(axis=1)
        assert float(found[control]) == pytest.approx(effect.mean(), rel=1e-3)
    assert 0 < found["control_1"] != pytest.approx(0.004, rel=0.5)  # softly above zero, not the parameter's size
    assert -0.02 < found["control_2"] < 0  # a parameter on the other side is an effect near zero


def test_stated_curves_are_beside_those_of_the_curve_parameters(panel):
    result = untrained(panel)
    row = result.priors().set_index("quantity").loc["decay"]
    assert row["found"] == pytest.approx(result.curve_parameters.loc["channel_1", "decay"])


def test_shares_are_contributions_over_the_kpi_learned_from(panel):
    result = untrained(panel)
    used = result.fitted.weights > 0
    media = result.contributions.sel(component=list(panel.channels)).values
    np.testing.assert_allclose(
        result.notes()["share"], 100 * media[used].sum(axis=0) / panel.kpi[used].sum(), rtol=1e-6
    )


def test_stated_priors_of_a_net_panel_are_shares_of_what_the_model_counts(panel):
    kpi = panel.kpi.copy()
    kpi[1] -= kpi[1].mean()
    result = untrained(dataclasses.replace(panel, kpi=kpi))
    used, scale = result.fitted.weights > 0, result.fitted.scales.kpi
    media = result.contributions.sel(component=list(panel.channels)).values
    np.testing.assert_allclose(
        result.notes()["share"], 100 * media[used].sum(axis=0) / (scale[:, None] * used).sum(), rtol=1e-6
    )


def test_priors_of_curves_are_shown_with_their_distance_in_logs(panel):
    result = untrained(panel)
    table = result.curve_parameters
    own = {"decay": table["decay"].iloc[1], "slope": table["slope"].iloc[0]}
    entries = (("channel_2", "decay", 0.3, 0.5), ("channel_1", "slope", 1.2, 0.1))
    config = result.config.replace(priors=dcm.Priors(curve=entries))
    rows = dcm.FitResult(dataclasses.replace(result.fitted, config=config)).priors().set_index("quantity")
    assert rows["name"].to_dict() == {"curve decay": "channel_2", "curve slope": "channel_1"}
    np.testing.assert_allclose(rows["found"], list(own.values()), rtol=1e-5)
    logits = np.log(own["decay"] / (1.0 - own["decay"])) - np.log(0.3 / 0.7)
    np.testing.assert_allclose(rows["sds_apart"], [logits / 0.5, np.log(own["slope"] / 1.2) / 0.1], rtol=1e-4)


def test_totals_of_effects_and_regions_stop_at_the_last_kpi(small_ensemble):
    fitted = small_ensemble.fitted
    weights = fitted.panel.weights.copy()
    weights[:, 54:] = 0.0
    panel = dataclasses.replace(fitted.panel, weights=weights)
    planned = dcm.Ensemble(dataclasses.replace(fitted, panel=panel), small_ensemble.replicates)
    summary = planned.media_summary()["incremental_outcome"]
    effects = planned.effects()
    alone = effects["through"] == ""
    assert alone.any()
    np.testing.assert_allclose(effects["direct"][alone], summary[alone], rtol=1e-4)
    ends = planned.region_intervals(level=1e-6).sel(bound="low", component=list(panel.channels)).values
    whole = small_ensemble.region_intervals(level=1e-6).sel(bound="low", component=list(panel.channels)).values
    assert (ends < whole).all()
