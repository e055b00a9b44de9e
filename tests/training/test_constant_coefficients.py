"""Training holds the coefficients of a single region constant over time: paths of one region can follow its noise."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.model.coefficients import is_constant_in_training

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def noise_taken_for_variation():
    """A panel on which weekly paths, where they were trained, gave media 195% of the KPI, with errors of a point."""
    panel, truth = dcm.simulate(1, 104, 2, 1, seed=7001, noise=0.02, media_share=0.3, drift=0.0, confounded=0, links=0)
    return panel, 100.0 * truth.contributions.values.sum() / panel.kpi.sum()


def _without_draws():
    return dcm.Config(posterior=dcm.PosteriorSettings(method="none"))


def test_noise_is_not_taken_for_effects_that_vary(noise_taken_for_variation):
    panel, true = noise_taken_for_variation
    result = dcm.fit(panel, _without_draws(), holdout=8, progress=False)
    assert result.notes()["share"].sum() < true + 15.0
    assert (result.notes()["share_error"] > 1.0).all()
    weekly = result.coefficients().values[0]
    np.testing.assert_allclose(weekly, np.broadcast_to(weekly[:1], weekly.shape), rtol=1e-6)


def test_draws_of_that_panel_leave_most_of_the_kpi_to_the_baseline(noise_taken_for_variation):
    panel, true = noise_taken_for_variation
    total = dcm.fit(panel, holdout=8, progress=False).share_draws().sum(axis=1)
    assert total.mean() < true + 20.0


def test_a_fit_that_goes_on_from_coefficients_that_varied_holds_them_constant(national, quick):
    panel, _ = national
    before = dcm.fit(panel.select(weeks=slice(0, 100)), quick, holdout=8, progress=False)
    own = before.fitted.variables["params"]["coefficients"]
    rng = np.random.default_rng(0)
    varied = {**own, "path": 5.0 * rng.standard_normal(own["path"].shape).astype(np.float32)}
    varied["gru"] = {**own["gru"], "readout": np.ones_like(own["gru"]["readout"])}
    variables = {**before.fitted.variables, "params": {**before.fitted.variables["params"], "coefficients": varied}}
    changed = dcm.FitResult(dataclasses.replace(before.fitted, variables=variables))
    assert np.ptp(changed.coefficients().values[0, :, 0]) > 0.0
    later = dcm.update(changed, panel, progress=False).result
    weekly = later.coefficients().values[0]
    np.testing.assert_allclose(weekly, np.broadcast_to(weekly[:1], weekly.shape), rtol=1e-6)


def test_several_regions_have_the_variation_that_training_learns(small_result, national, quick):
    assert not is_constant_in_training(2)
    assert "time_variation" in small_result.tuning.index
    assert "time_variation" not in dcm.fit(national[0], quick, holdout=8, progress=False).tuning.index
