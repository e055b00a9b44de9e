"""Evidence of kinds of saturation: equal where the kinds are, kept with the fit, and decisive beyond a nat."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.curve_evidence import chosen
from deepcausalmmm_jax.config.curves import BY_EVIDENCE
from deepcausalmmm_jax.inference import curve_choice
from deepcausalmmm_jax.inference.curve_choice import with_chosen_saturation
from deepcausalmmm_jax.posterior import evidence
from deepcausalmmm_jax.training.fitted import CurveEvidence


@pytest.mark.slow
def test_a_hill_curve_of_known_slope_one_has_the_evidence_of_michaelis_menten(trained, monkeypatch):
    monkeypatch.setattr(evidence, "BY_EVIDENCE", ("michaelis_menten",))
    known = dataclasses.replace(trained.config.posterior, slope=1.0, slope_spread=1e-6)
    fitted = dataclasses.replace(trained.fitted, config=trained.config.replace(posterior=known))
    found = evidence.curve_evidence(fitted, trained.fitted_panel.until_last_kpi.inputs, seed=0)
    assert found.kinds == ("hill", "michaelis_menten")
    assert found.log_evidence[0] == pytest.approx(found.log_evidence[1], abs=0.05)


@pytest.mark.parametrize(("nats", "kind"), [((0.0, -3.0), "hill"), ((0.0, 0.9), "hill"), ((0.0, 1.1), "logistic")])
def test_another_kind_of_the_same_family_is_chosen_where_it_leads_by_more_than_a_nat(nats, kind):
    assert chosen(CurveEvidence(("hill", "logistic"), np.array(nats))) == kind


@pytest.mark.parametrize(
    ("nats", "kind"),
    [
        ((0.0, 0.0, -9.0, -9.0, 0.1), "linear"),  # one kind, which leads the mean of any two
        ((0.0, -9.0, 0.2, 0.1, -9.0), "log"),  # two kinds of a family that are equally good against one
        ((0.0, -9.0, 0.2, -9.0, -9.0), "log"),
        ((0.2, 0.1, 0.3, -2.0, -9.0), "hill"),  # the best kind of all, in a family that explains less on average
    ],
)
def test_the_family_is_chosen_by_the_mean_evidence_of_its_kinds(nats, kind):
    assert chosen(CurveEvidence(BY_EVIDENCE, np.array(nats))) == kind


def test_the_fit_is_made_once_more_only_where_another_kind_is_chosen(small_result, monkeypatch):
    asked = []

    def fitted_with(config):
        asked.append(config.saturation)
        return dataclasses.replace(small_result.fitted, config=config), small_result.fitted_panel.inputs

    for lead, made in ((-0.5, ["hill"]), (9.0, ["hill", "linear"])):
        found = CurveEvidence(("hill", "linear"), np.array([0.0, lead]))
        monkeypatch.setattr(curve_choice, "curve_evidence", lambda *_, own=found: own)
        asked.clear()
        fitted, _ = with_chosen_saturation(dcm.Config(), fitted_with)
        assert asked == made
        assert (fitted.config.saturation, fitted.curve_evidence) == (made[-1], found)


def test_the_evidence_is_a_table_and_stays_with_a_saved_fit(small_result, tmp_path):
    assert small_result.curve_evidence().empty
    found = CurveEvidence(("hill", "log", "linear"), np.array([-4.0, 0.0, -1.0]))
    config = small_result.config.replace(saturation="log")
    result = dcm.FitResult(dataclasses.replace(small_result.fitted, config=config, curve_evidence=found))
    table = result.curve_evidence()
    assert list(table.index) == ["log", "linear", "hill"]
    assert table["chosen"].tolist() == [True, False, False]
    assert table["probability"].sum() == pytest.approx(1.0)
    assert table["family"].tolist() == ["no_maximum", "linear", "maximum"]
    np.testing.assert_allclose(table["family_probability"], table["probability"])  # one kind of each
    again = dcm.load(result.save(tmp_path / "fit.npz"))
    assert again.fitted.curve_evidence.kinds == found.kinds
    np.testing.assert_array_equal(again.fitted.curve_evidence.log_evidence, found.log_evidence)
