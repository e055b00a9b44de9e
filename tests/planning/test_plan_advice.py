"""A plan says whether its gain is more than chance."""

import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from tests.plots.conftest import plan_of


def plan_with(low, high, figure="incremental_outcome", spend_change=0.0):
    """A plan whose summary has a gain with this interval."""
    rows = {"spend": [100.0, 100.0 + spend_change, spend_change, spend_change, spend_change]}
    rows[figure] = [30.0, 30.0 + (low + high) / 2, (low + high) / 2, low, high]
    columns = ["today", "plan", "change", "change_low", "change_high"]
    summary = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    made = plan_of(("tv", "radio"))
    return dcm.BudgetPlan(**{**vars(made), "summary": summary, "notes": ()})


@pytest.mark.parametrize(
    ("low", "high", "advised", "words"),
    [
        (1.0, 5.0, True, None),
        (-39.0, 76.0, False, "contains zero"),
        (0.0, 5.0, False, "contains zero"),
        (-5.0, -1.0, False, "lies below zero"),
    ],
)
def test_a_plan_is_advised_where_its_whole_gain_is_above_zero(low, high, advised, words):
    plan = plan_with(low, high)
    assert plan.gain_interval == (low, high)
    assert plan.advised is advised
    notes = plan.with_advice().notes
    assert notes == () if words is None else words in notes[0]


def test_what_a_larger_budget_costs_counts_against_its_revenue():
    assert plan_with(20.0, 30.0, "revenue", spend_change=10.0).gain_interval == (10.0, 20.0)
    assert not plan_with(5.0, 30.0, "revenue", spend_change=10.0).advised


def test_without_draws_nobody_knows():
    plan = plan_of(("tv", "radio"))
    assert plan.gain_interval is None
    assert not plan.advised
    assert "no interval" in plan.with_advice().notes[-1]
