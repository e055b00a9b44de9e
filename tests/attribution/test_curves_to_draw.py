"""Curves for a figure: intervals come from runs at fewer levels than the curves have."""

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution import curves_to_draw as module
from deepcausalmmm_jax.attribution.response import response_table


@pytest.fixture(scope="module")
def whole(small_ensemble):
    """The table with each member run at every level."""
    fit, replicates = small_ensemble.fitted_panel, small_ensemble.replicates
    return response_table(fit, replicates, None, "all", module.curve_levels(), 0.9, with_marginal=False).table


def test_intervals_are_those_of_runs_at_every_level(small_ensemble, whole):
    table, widest = (
        small_ensemble.spend_response(),
        whole.groupby("channel")["incremental_outcome_high"].transform("max"),
    )
    for name in ("incremental_outcome_low", "incremental_outcome_high"):
        assert ((table[name] - whole[name]).abs() < 0.004 * widest).all(), name
    some = whole["multiplier"] > 0
    for name in ("roi_low", "roi_high"):  # also where spend is next to nothing
        np.testing.assert_allclose(table[name][some], whole[name][some], rtol=0.05, err_msg=name)
    alike = [name for name in whole if not name.endswith(("_low", "_high"))]
    assert table[alike].equals(whole[alike])


def test_intervals_are_exact_where_members_were_run(small_ensemble, whole):
    at = whole["multiplier"].isin(module._DRAWN_AT)
    assert at.sum() == 3 * len(module._DRAWN_AT)
    for name in ("incremental_outcome_low", "incremental_outcome_high", "roi_low", "roi_high"):
        np.testing.assert_allclose(small_ensemble.spend_response()[name][at], whole[name][at], rtol=1e-6, err_msg=name)


def test_too_many_members_leave_the_curves_without_intervals(small_ensemble, monkeypatch):
    monkeypatch.setattr(module, "_MOST_WORK", 1.0)
    other = dcm.Ensemble(small_ensemble.fitted, small_ensemble.replicates)
    assert not any(name.endswith("_low") for name in other.spend_response())
