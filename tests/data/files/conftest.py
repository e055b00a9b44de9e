"""The table of an export that reads as it stands."""

import numpy as np
import pandas as pd
import pytest

from tests.data.files.exports import WEEKS


@pytest.fixture
def plain():
    rng = np.random.default_rng(5)
    imp = rng.integers(1_000, 90_000, WEEKS)
    clicks = rng.integers(100, 9_000, WEEKS)
    table = pd.DataFrame({"week": pd.date_range("2023-01-02", periods=WEEKS, freq="7D").strftime("%Y-%m-%d")})
    table["sales"] = rng.uniform(4_000, 6_000, WEEKS).round(2)
    table["tv_impressions"], table["tv_spend"] = imp, (0.05 * imp).round(2)
    table["search_clicks"], table["search_spend"] = clicks, (0.4 * clicks).round(2)
    table["price"] = rng.uniform(8, 12, WEEKS).round(2)
    return table
