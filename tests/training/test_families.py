"""Each model family prepares, describes and refuses for itself; nobody else asks which model a fit is of."""

import re
from pathlib import Path

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.training.families import FAMILIES, family_for, family_of, model_for
from deepcausalmmm_jax.training.paper.family import PaperFamily
from deepcausalmmm_jax.training.prepare import prepare
from deepcausalmmm_jax.training.structural_family import StructuralFamily

CONFIGS = {"structural": dcm.Config(), "paper": dcm.Config.paper()}
PACKAGE = Path(dcm.__file__).parent


@pytest.mark.parametrize("name", FAMILIES)
def test_the_design_of_a_panel_leads_back_to_its_family(small_panel, name):
    family = family_of(CONFIGS[name])
    ready = prepare(small_panel, small_panel.weights, CONFIGS[name])
    assert family is FAMILIES[name] is family_for(ready.design)
    assert type(model_for(ready.design)) is type(family.module(ready.design))
    assert ready.schedule == family.schedule(CONFIGS[name])


def test_families_differ_in_what_they_can_answer():
    structural, paper = FAMILIES["structural"], FAMILIES["paper"]
    assert isinstance(structural, StructuralFamily)
    assert isinstance(paper, PaperFamily)
    for name in ("posterior", "forecast_errors", "noise", "exposure_levels", "learned_scales", "stated_priors"):
        assert getattr(structural, f"has_{name}")
        assert not getattr(paper, f"has_{name}")
    assert structural.has_memory
    assert not structural.controls_follow_exposure
    assert paper.controls_follow_exposure
    assert not paper.has_memory


def test_all_published_epochs_are_run_in_whole_chunks():
    schedule = FAMILIES["paper"].schedule(dcm.Config.paper(epochs=101))
    assert schedule.max_epochs == 151
    assert schedule.max_epochs % schedule.chunk_epochs == 0


def test_exposure_on_the_curve_is_in_the_familys_unit(small_panel):
    training = small_panel.exposure[:, :52]
    for name, config in CONFIGS.items():
        scales = prepare(small_panel, small_panel.weights, config).scales
        scaled, unit = FAMILIES[name].curve_exposure(small_panel, scales, 52, training)
        assert scaled.shape == training.shape
        assert (unit > 0).all()
        if name == "paper":
            np.testing.assert_allclose(scaled.sum(axis=-1), 1.0, rtol=1e-5)
        else:
            np.testing.assert_allclose(scaled * scales.exposure[:, None, :], training)


def test_no_branch_on_the_model_is_left_outside_settings_and_families():
    # `benchmarking` names rows of its table so; `xref="paper"` is Plotly's.
    allowed = {"config/settings.py", "config/kpi_link.py", "training/families.py", "benchmarking/suite.py"}
    branch = re.compile(r"""(?<!ref=)(?<!ref": )["'](paper|structural)["']""")
    found = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if branch.search(path.read_text())}
    assert found <= allowed
