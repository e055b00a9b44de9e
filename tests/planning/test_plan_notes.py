"""What plans assume is said in the calendar of the panel."""

from types import SimpleNamespace

import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.plan_notes import plan_notes


def test_notes_of_a_plan_of_months_speak_of_months():
    table = pd.DataFrame({"month": pd.date_range("2023-01-01", periods=14, freq="MS"), "sales": 9.0})
    table = table.assign(tv=range(14), weekly_flyer=range(14))
    panel = dcm.Panel.from_dataframe(table, time="month", kpi="sales", media=["tv", "weekly_flyer"])
    horizon = SimpleNamespace(notes=("Spend of last week.",), panel=panel, in_currency=True, has_revenue=True)
    told = plan_notes(horizon, SimpleNamespace(channel=[0], split="channel"), True)
    assert told == (
        "Spend of last month.",
        "Some cells get more exposure than in any training month; see `extrapolation`.",
        "Not budgeted (no spend data), left as they were: weekly_flyer.",
    )


@pytest.mark.parametrize(("in_currency", "unit"), [(True, "unit of spend"), (False, "exposure unit")])
def test_a_plan_without_spend_has_returns_on_exposure(in_currency, unit):
    panel, _ = dcm.simulate(1, 20, 1, 1, seed=0)
    horizon = SimpleNamespace(notes=(), panel=panel, in_currency=in_currency, has_revenue=False)
    told = plan_notes(horizon, SimpleNamespace(channel=[0], split="channel"), False)
    assert told[-1] == f"No revenue per KPI is known: ROI is in KPI units per {unit}."
