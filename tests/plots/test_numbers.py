"""Numbers in sentences and tables: as people write them, whatever their size."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.notes import ChannelTrust
from deepcausalmmm_jax.plots.report.changes import changes_tables
from deepcausalmmm_jax.plots.report.findings import _certainty
from deepcausalmmm_jax.plots.report.plan_tables import plan_tables
from deepcausalmmm_jax.plots.report.tables import signed
from deepcausalmmm_jax.trust.estimate_checks import clear_row, returns_row


@pytest.mark.parametrize(
    ("value", "said"), [(1234.5, "+1,234"), (-123.4, "-123"), (4.2e-5, "+0.000042"), (0.0, "0"), (np.nan, "–")]
)
def test_changes_are_no_powers_of_ten(value, said):
    assert signed(value) == said


@pytest.mark.parametrize(
    ("today", "planned", "said"),
    [(0.0, 50.0, "+50 (off today)"), (50.0, 0.0, "-50 (-100%)"), (0.0, 0.0, "as today"), (50.0, 50.0, "as today")],
)
def test_a_channel_that_a_plan_starts_is_not_as_today(plan, today, planned, said):
    first = plan.channels.index[:1]
    channels = plan.channels.assign(roi_today=1.0, roi_plan=1.0, mroi_today=1.0, mroi_plan=1.0)
    channels.loc[first, ["spend_today", "spend_plan"]] = today, planned
    rows = plan_tables(dataclasses.replace(plan, channels=channels))[0].rows
    assert next(row for row in rows if row[0] == first[0])[3] == said


def test_many_independent_regions_are_no_power_of_ten(small_result):
    panel = small_result.panel
    shown = SimpleNamespace(regions=range(200), channels=panel.channels, cadence=panel.cadence)
    many = SimpleNamespace(metrics=small_result.metrics, panel=shown, effective_regions=123.4)
    told = " ".join(_certainty(many, small_result.notes()))
    assert "as much information as 123 independent regions." in told


def test_an_implausible_return_in_thousands_is_written_out(small_result):
    panel = dataclasses.replace(small_result.panel, spend=small_result.panel.spend / 1e5)
    row = returns_row(dcm.FitResult(dataclasses.replace(small_result.fitted, panel=panel)))
    assert "e+" not in row.figure + row.reason
    assert "implausible" in row.reason


def test_one_clear_channel_has_its_effect(small_result, monkeypatch):
    known = small_result.channel_trust
    for clear, word in (([True, False, False], "has"), ([True, True, False], "have")):
        table = known.table.assign(distinguishable=clear, share=[1.0, 1.0, 8.0])
        monkeypatch.setattr(dcm.FitResult, "channel_trust", ChannelTrust(table, known.notes))
        assert f" {word} a clear effect" in clear_row(dcm.FitResult(small_result.fitted)).reason


def test_figures_of_two_runs_have_their_standard_errors(small_result, earlier_result):
    found = dcm.compare_runs(earlier_result, small_result)
    table = next(table for table in changes_tables(found) if table.key == "changed_figures")
    row = found.figures.loc["share"].iloc[0]
    before, after = table.rows[0][2:4]
    for cell, column in ((before, "before"), (after, "after")):
        value, error = (float(part.strip("()")) for part in cell.split())
        assert value == pytest.approx(row[column], rel=0.01)
        assert error == pytest.approx(row[f"{column}_error"], rel=0.01)
