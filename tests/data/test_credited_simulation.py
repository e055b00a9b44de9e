import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.credited import baselines_of
from deepcausalmmm_jax.data.scaling import scales_from


@pytest.fixture(scope="module")
def made():
    return dcm.simulate(5, 80, 3, 2, seed=7, treatments=2, events=2, noise=0.0, outliers=0.0)


def test_treatments_and_events_are_added_to_the_same_panel(made):
    (panel, truth), (plain, other) = made, dcm.simulate(5, 80, 3, 2, seed=7, noise=0.0, outliers=0.0)
    np.testing.assert_array_equal(panel.exposure, plain.exposure)
    added = truth.components.sel(component=list(truth.credited.index)).sum("component").values
    np.testing.assert_allclose(panel.kpi, plain.kpi + added)
    assert truth.parameters["share"].sum() * panel.kpi.sum() == pytest.approx(
        other.parameters["share"].sum() * plain.kpi.sum()
    )


def test_their_roles_and_truth_are_those_of_the_panel(made):
    panel, truth = made
    assert [entry.baseline for entry in panel.treatments] == ["min", "max"]
    assert panel.event_names == ("event_1", "event_2")
    at = [panel.controls.index(name) for name in truth.credited.index]
    baseline = baselines_of(panel, scales_from(panel, panel.weights)).value[:, None, at]
    parts = truth.components.sel(component=list(truth.credited.index)).values
    above = panel.control[:, :, at] - baseline
    assert (parts[above == 0] == 0).all()
    np.testing.assert_allclose(parts.sum(axis=(0, 1)), truth.credited["incremental_outcome"])
    np.testing.assert_allclose(truth.components.sum("component"), panel.kpi, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"treatments": -1}, "treatments must be a whole number"),
        ({"events": 1.5}, "events must be a whole number"),
        ({"events": 400}, "events must be at most"),
        ({"treatments": 1, "kind": "multiplicative"}, "'multiplicative' has no such effects"),
        ({"treatments": 1, "cadence": "daily"}, "without a cadence"),
    ],
)
def test_requests_that_cannot_be_are_refused(options, message):
    with pytest.raises(dcm.DataError, match=message):
        dcm.simulate(2, 30, 2, 1, **options)
