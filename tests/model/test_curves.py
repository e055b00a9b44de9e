"""Curves of every kind: the simulator's own arithmetic, continued week after week, alone and beside other kinds."""

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.config.curves import ADSTOCKS, SATURATIONS, CurveKind, CurveKinds
from deepcausalmmm_jax.data.simulation.curve_truth import true_activity
from deepcausalmmm_jax.model.curves import MediaCurves, activity, left_behind
from deepcausalmmm_jax.model.lift_tests import _activity

PAIRS = [(ADSTOCKS[i], SATURATIONS[i % len(SATURATIONS)], i % 3 == 0) for i in range(len(ADSTOCKS))]
MIXED = CurveKinds(tuple(CurveKind(*pair) for pair in PAIRS), max_lag=13)
EXPOSURE = np.random.default_rng(0).gamma(1.0, 1.0, (30, len(PAIRS), 2)).astype(np.float32)
NOTHING, SOME = np.zeros(EXPOSURE.shape[1:], np.float32), np.ones(EXPOSURE.shape[1:], np.float32)
INTENSITY = np.log(np.random.default_rng(1).gamma(5.0, 0.2, EXPOSURE.shape[1:])).astype(np.float32)


def curves_of(n_channels):
    rng = np.random.default_rng(2)
    ranges = {
        "decay": (0.2, 0.8), "delay": (0.5, 2.0), "slope": (0.8, 2.0), "half_saturation": (0.5, 2.0),
        "scale": (1.0, 4.0), "shape": (0.7, 2.0), "exponent": (0.3, 0.8),
    }  # fmt: skip
    own = {name: jnp.asarray(rng.uniform(*span, n_channels), jnp.float32) for name, span in ranges.items()}
    return MediaCurves(**own, locality=jnp.asarray(0.3), history=jnp.asarray(0.5))


CURVES = curves_of(len(PAIRS))


@pytest.mark.parametrize(("saturation", "first"), [(kind, i % 2 == 1) for i, kind in enumerate(SATURATIONS)])
def test_activity_is_that_of_the_simulator(saturation, first):
    kinds = CurveKinds(tuple(CurveKind(adstock, saturation, first) for adstock in ADSTOCKS), max_lag=13)
    found = jax.jit(lambda own: activity(EXPOSURE, own, NOTHING, NOTHING, kinds))(CURVES)
    table = pd.DataFrame(CURVES._asdict() | {"adstock": ADSTOCKS, "saturation": saturation, "saturation_first": first})
    expected = true_activity(np.moveaxis(EXPOSURE.astype(float), 2, 0), table)
    # Eight weeks of waits hold all but a little of a Poisson distribution with a mean of two.
    np.testing.assert_allclose(np.moveaxis(np.asarray(found), 2, 0), expected, rtol=3e-3, atol=1e-4)


def test_channels_of_several_kinds_are_each_what_they_are_alone():
    together = activity(EXPOSURE, CURVES, INTENSITY, SOME, MIXED)
    for m, kind in enumerate(MIXED.channels):
        alone = CurveKinds((kind,), MIXED.max_lag)
        own = activity(EXPOSURE[:, [m]], CURVES.of(np.array([m])), INTENSITY[[m]], SOME[[m]], alone)
        np.testing.assert_allclose(together[:, [m]], own, rtol=1e-6)


@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param(MIXED, id="mixed"),
        pytest.param(CurveKinds.same(len(PAIRS), "delayed_geometric"), id="plain", marks=pytest.mark.slow),
    ],
)
def test_weeks_after_others_are_what_they_are_in_one_go(kinds):
    @jax.jit
    def in_one_go_and_after(own):
        left = left_behind(EXPOSURE[:18], own, INTENSITY, SOME, kinds)
        after = activity(EXPOSURE[18:], own, INTENSITY, SOME, kinds, left)
        return activity(EXPOSURE, own, INTENSITY, SOME, kinds), after

    whole, after = in_one_go_and_after(CURVES)
    np.testing.assert_allclose(after, whole[18:], rtol=2e-4, atol=1e-5)


def test_the_tested_channels_of_lift_tests_have_their_own_kinds():
    channel = jnp.array([6, 2, 2, 0])
    exposure, intensity, history = (jnp.asarray(array) for array in (EXPOSURE, INTENSITY, SOME))
    picked = jax.jit(lambda at: _activity(exposure[:, at], at, CURVES, intensity[at], history[at], MIXED, None))
    whole = activity(EXPOSURE, CURVES, INTENSITY, SOME, MIXED)
    np.testing.assert_allclose(picked(channel), whole[:, channel], rtol=1e-5)


@pytest.mark.slow
def test_draws_of_curves_may_be_mapped_over():
    draws = jax.tree.map(lambda leaf: jnp.stack([leaf, 0.9 * leaf]), CURVES)
    found = jax.jit(jax.vmap(lambda own: activity(EXPOSURE, own, INTENSITY, SOME, MIXED)))(draws)
    np.testing.assert_allclose(found[0], activity(EXPOSURE, CURVES, INTENSITY, SOME, MIXED), rtol=1e-5)


def test_gradients_of_every_parameter_are_finite_and_those_of_other_kinds_are_zero():
    def total(own):
        return activity(EXPOSURE, own, INTENSITY, SOME, MIXED).sum()

    gradient = jax.jit(jax.grad(total))(CURVES)
    for name in ("decay", "delay", "slope", "half_saturation", "scale", "shape", "exponent"):
        values = np.asarray(getattr(gradient, name))
        assert np.isfinite(values).all()
        assert ((values != 0) == np.array(MIXED.having(name))).all()


def test_the_plain_model_keeps_its_parameters(small_result):
    assert set(small_result.fitted.variables["params"]["media"]) == {
        "decay", "delay", "slope", "half_saturation", "locality", "history",
    }  # fmt: skip


@pytest.fixture(scope="module")
def mixed(small_panel, quick):
    own = (
        dcm.ChannelCurves("channel_1", adstock="weibull_pdf", saturation="log"),
        dcm.ChannelCurves("channel_2", adstock="none", saturation="linear"),
    )
    priors = dcm.Priors(half_life=(("channel_3", 4.0, 0.2),))
    return dcm.fit(small_panel, quick.replace(curves=own, priors=priors), holdout=8)


@pytest.mark.slow
def test_tables_show_what_each_channel_has_and_nothing_else(mixed):
    table = mixed.curve_parameters
    assert list(table["saturation"]) == ["log", "linear", "hill"]
    shown = table[["decay", "delay", "slope", "half_saturation", "scale", "shape"]].notna().to_numpy()
    assert shown.tolist() == [
        [False, False, False, True, True, True],
        [False, True, False, False, False, False],  # without carry-over there is no delay, which is 0
        [True, True, True, True, False, False],
    ]
    np.testing.assert_allclose(mixed.adstock_decay().sum()[:2], 1.0, rtol=1e-5)
    assert mixed.adstock_decay()["channel_2"].tolist() == [1.0] + [0.0] * 12
    today = mixed.today()
    assert today["saturation"].isna().tolist() == today["headroom"].isna().tolist() == [True, True, False]
    assert today.loc["channel_2", "activity"] == pytest.approx(today.loc["channel_2", "relative_exposure"] / 2)


@pytest.mark.slow
def test_a_stated_half_life_is_found_beside_the_estimate(mixed):
    row = mixed.priors().set_index("quantity").loc["half_life"]
    decay = mixed.curve_parameters.loc["channel_3", "decay"]
    assert row["found"] == pytest.approx(np.log(0.5) / np.log(decay), rel=1e-5)
    assert abs(row["sds_apart"]) < 3


@pytest.mark.slow
def test_a_fit_with_other_curves_opens_again(mixed, tmp_path):
    again = dcm.load(mixed.save(tmp_path / "fit.npz"))
    assert again.config == mixed.config
    pd.testing.assert_frame_equal(again.curve_parameters, mixed.curve_parameters)
