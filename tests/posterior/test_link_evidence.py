"""The link by its evidence: of the KPI itself, so that both links are compared on one scale."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.link_evidence import chosen_link
from deepcausalmmm_jax.inference import link_choice
from deepcausalmmm_jax.inference.link_choice import with_choices
from deepcausalmmm_jax.posterior import link_evidence
from deepcausalmmm_jax.training.fitted import LinkEvidence

LINKS = ("identity", "log")


def test_the_unit_of_the_kpi_moves_both_evidences_alike(small_result, monkeypatch):
    monkeypatch.setattr(link_evidence, "_evidence_as_read", lambda *_: 0.0)  # scaled arrays are the same in any unit
    fitted, panel = small_result.fitted, small_result.panel
    cents = dataclasses.replace(panel, kpi=100.0 * panel.kpi)
    hundredfold = dataclasses.replace(fitted, panel=cents, scales=fitted.scales._replace(kpi=100.0 * fitted.scales.kpi))
    before = link_evidence.link_evidence(fitted, panel, 0).log_evidence
    after = link_evidence.link_evidence(hundredfold, cents, 0).log_evidence
    np.testing.assert_allclose(before - after, np.log(100.0) * (fitted.weights > 0).sum(), rtol=1e-9)


def test_a_kpi_with_a_zero_leaves_the_identity_alone(small_result):
    kpi = small_result.panel.kpi.copy()
    kpi[0, 3] = 0.0
    panel = dataclasses.replace(small_result.panel, kpi=kpi)
    found = link_evidence.link_evidence(small_result.fitted, panel, 0)
    assert found.log_evidence.tolist() == [0.0, -np.inf]
    assert chosen_link(found) == "identity"


@pytest.mark.parametrize(("lead", "curve", "asked"), [
    (-0.5, "stated", ["identity"]),
    (3.0, "stated", ["identity", "log"]),
    (3.0, "auto", ["identity", "log chosen"]),
    (-3.0, "auto", ["identity", "identity chosen"]),
])  # fmt: skip
def test_the_link_is_settled_first_and_then_the_curve(small_result, monkeypatch, lead, curve, asked):
    made = []

    def fitted_with(config, how=""):
        made.append(f"{config.link}{how}")
        assert config.curve == "stated"
        return dataclasses.replace(small_result.fitted, config=config), small_result.fitted_panel.inputs

    found = LinkEvidence(LINKS, np.array([0.0, lead]))
    monkeypatch.setattr(link_choice, "link_evidence", lambda *_: found)
    monkeypatch.setattr(link_choice, "with_chosen_saturation", lambda config, fit: fit(config, " chosen"))
    fitted, _ = with_choices(dcm.Config(link="auto", curve=curve), fitted_with)
    assert made == asked
    assert fitted.link_evidence is found


def test_the_evidence_is_a_table_and_stays_with_a_saved_fit(small_result, tmp_path):
    assert small_result.link_evidence().empty
    found = LinkEvidence(LINKS, np.array([-4.0, -1.0]))
    result = dcm.FitResult(dataclasses.replace(small_result.fitted, link_evidence=found))
    table = result.link_evidence()
    assert list(table.index) == ["log", "identity"]
    assert table["chosen"].tolist() == [True, False]
    assert table["difference"].tolist() == [0.0, -3.0]
    again = dcm.load(result.save(tmp_path / "fit.npz"))
    assert again.fitted.link_evidence.links == LINKS
    np.testing.assert_array_equal(again.fitted.link_evidence.log_evidence, found.log_evidence)


def test_an_open_link_is_resolved_by_fit_alone(small_panel):
    with pytest.raises(dcm.ConfigError, match=r'link is "auto", which only dcm.fit resolves'):
        dcm.cross_validate(small_panel, dcm.Config(link="auto"), folds=2)
