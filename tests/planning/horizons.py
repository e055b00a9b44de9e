"""Weeks of a plan made by hand, so that what spend buys can be worked out on paper."""

import dataclasses

import numpy as np
import pandas as pd

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.horizon import Horizon

USUAL = np.array([[10.0, 2.0, 1.0], [30.0, 6.0, 1.0]])  # exposure of a mean week, by region and channel


def two_weeks():
    """Two regions, three weeks, of which the last two are planned.

    TV costs 2 in region a and 4 in region b, and was free in b in the last week; radio, at 5, is off; mail has no
    price; there is no row of region b in the first week of the plan.
    """
    weeks = pd.date_range("2024-01-01", periods=3, freq="7D")
    rows = [(r, w, 1.0, 0.0, 0.0, 0.0) for r in "ab" for w in weeks]
    table = pd.DataFrame(rows, columns=["region", "week", "kpi", "tv", "radio", "mail"])
    panel = dcm.Panel.from_dataframe(table, region="region", time="week", kpi="kpi", media=["tv", "radio", "mail"])
    exposure = np.zeros((2, 3, 3))
    exposure[:, 1:, 0] = [[5.0, 15.0], [0.0, 7.0]]
    exposure[:, :, 2] = 9.0
    present = np.array([[True, True, True], [True, False, True]])
    price = np.full((2, 2, 3), np.nan)
    price[:, :, 0], price[:, :, 1] = [[2.0], [4.0]], 5.0
    spend = np.where(np.isnan(price), np.nan, 0.0)
    spend[0, :, 0] = [10.0, 30.0]
    return Horizon(
        panel=dataclasses.replace(panel, exposure=exposure, present=present),
        start=1,
        stop=3,
        counted=present[:, 1:],
        worth=np.ones((2, 2)),
        spend=spend,
        price=price,
        in_currency=True,
        has_revenue=False,
    )
