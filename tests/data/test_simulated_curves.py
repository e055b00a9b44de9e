"""Simulated panels with other curves: what is drawn, what is missing, and what is refused."""

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.config.curves import ADSTOCKS, SATURATIONS, CurveKind
from deepcausalmmm_jax.data.simulation.curve_truth import true_activity


@pytest.mark.parametrize(
    "kinds",
    [{"adstock": adstock, "saturation": SATURATIONS[i % 6]} for i, adstock in enumerate(ADSTOCKS)],
    ids=lambda kinds: kinds["adstock"],
)
def test_contributions_are_coefficients_times_the_curves_that_were_asked_for(kinds):
    panel, truth = dcm.simulate(2, 60, 3, 1, seed=4, flighted=0, **kinds, saturation_first=True)
    relative = panel.exposure / panel.exposure.mean(axis=1, keepdims=True)
    active = true_activity(relative, truth.parameters)
    found = truth.contributions.values / truth.coefficients.values / active
    np.testing.assert_allclose(
        found, np.broadcast_to(found[:, :1, :1], found.shape), rtol=1e-3
    )  # impressions are whole
    has = CurveKind(**kinds).parameters
    for name in ("decay", "delay", "slope", "half_saturation", "scale", "shape", "exponent"):
        assert truth.parameters[name].notna().all() == (name in has)


def test_plain_panels_are_what_they_were_and_others_share_their_budgets():
    plain, truth = dcm.simulate(2, 60, 3, 1, seed=4)
    named, _ = dcm.simulate(2, 60, 3, 1, seed=4, adstock="geometric", saturation="hill")
    other, _ = dcm.simulate(2, 60, 3, 1, seed=4, adstock=["none", "geometric", "binomial"], saturation="log")
    np.testing.assert_array_equal(plain.kpi, named.kpi)
    np.testing.assert_array_equal(plain.exposure, other.exposure)
    assert "saturation" not in truth.parameters


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"saturation": "hil"}, "There is no saturation 'hil'; did you mean 'hill'"),
        ({"adstock": ["none", "none"]}, "adstock names 2 kinds for 3 channels"),
        ({"saturation_first": 1}, "saturation_first must be True or False"),
        ({"kind": "tanh", "saturation": "log"}, "only for the kind 'hill'"),
        ({"cadence": "daily", "adstock": "none"}, "without a cadence"),
    ],
)
def test_kinds_that_do_not_exist_or_fit_are_refused(bad, sentence):
    with pytest.raises(dcm.DataError, match=sentence):
        dcm.simulate(2, 60, 3, 1, seed=4, **bad)
