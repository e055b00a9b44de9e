"""What a KPI unit is worth in weeks for which nobody has said it."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.worth import usual_worth

N, PLANNED = 60, 8


def unpriced(regions=("a", "b")):
    """A panel whose revenue per KPI is not known."""
    weeks = pd.date_range("2022-01-03", periods=N, freq="W-MON")
    rows = [(region, week, 100.0, 5.0) for region in regions for week in weeks]
    table = pd.DataFrame(rows, columns=["geo", "week", "sales", "tv"])
    return dcm.Panel.from_dataframe(table, region="geo", time="week", kpi="sales", media=["tv"])


def test_what_planned_weeks_are_worth_is_not_mixed_with_weeks_that_have_no_revenue():
    panel = unpriced()
    worth = np.zeros(panel.kpi.shape)
    worth[:, -PLANNED:] = [[10.0], [20.0]]
    found = usual_worth(dataclasses.replace(panel, revenue_per_kpi=worth), panel)
    assert found == pytest.approx([10.0, 20.0])
    nowhere = usual_worth(dataclasses.replace(panel, revenue_per_kpi=0.0 * worth), panel)
    assert nowhere == pytest.approx([0.0, 0.0])


def test_the_past_says_what_a_kpi_is_worth_where_it_knows():
    panel = unpriced()
    worth = np.full(panel.kpi.shape, 4.0)
    past = dataclasses.replace(panel, revenue_per_kpi=worth).select(weeks=slice(0, N - PLANNED))
    worth = worth.copy()
    worth[:, -PLANNED:] = 40.0
    assert usual_worth(dataclasses.replace(panel, revenue_per_kpi=worth), past) == pytest.approx([4.0, 4.0])
