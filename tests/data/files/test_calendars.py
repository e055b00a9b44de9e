"""Files by the day, the month and the quarter."""

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm

N = 24


def table(when):
    rng = np.random.default_rng(0)
    made = {
        "when": when,
        "sales": rng.uniform(90, 99, N),
        "tv_spend": rng.uniform(1, 9, N),
        "price": rng.uniform(5, 6, N),
    }
    return pd.DataFrame(made)


MONTHS = pd.date_range("2022-01-01", periods=N, freq="MS")
FILES = {
    "months": (MONTHS.strftime("%Y-%m"), None, "monthly", "months from 'when'"),
    "month ends": (pd.date_range("2022-01-31", periods=N, freq="ME"), None, "monthly", "months from 'when'"),
    "names of months": (MONTHS.strftime("%b %Y"), None, "monthly", "months from 'when'"),
    "quarters": ([f"{2018 + i // 4}Q{i % 4 + 1}" for i in range(N)], None, "quarterly", "quarters from 'when'"),
    "days": (pd.date_range("2024-01-01", periods=N), "daily", "daily", "days from 'when'"),
    "numbers of months": (range(1, N + 1), "monthly", "monthly", "months from 'when'"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_on_its_own_calendar(name, tmp_path):
    when, stated, cadence, said = FILES[name]
    path = tmp_path / "file.csv"
    table(when).to_csv(path, index=False)
    panel = dcm.read_panel(path, time="when", media=["tv_spend"], cadence=stated)
    assert (panel.cadence, panel.shape) == (cadence, (1, N, 1, 1))
    np.testing.assert_allclose(panel.kpi[0], table(when).sales)
    schema = dcm.Schema.load(tmp_path / "file.csv.schema.toml")
    assert said in schema.summary
    again = dcm.read_panel(path)  # by the schema that was kept
    assert (again.cadence, again.weeks.tolist()) == (cadence, panel.weeks.tolist())


def test_days_are_brought_to_weeks_unless_they_are_to_stay(tmp_path):
    path = tmp_path / "file.csv"
    table(pd.date_range("2024-01-01", periods=N)).iloc[:21].to_csv(path, index=False)
    assert dcm.read_panel(path, media=["tv_spend"]).shape[1] == 3
    kept = dcm.Schema.load(tmp_path / "file.csv.schema.toml")
    assert dcm.read_panel(path, kept).cadence == "weekly"
    assert dcm.read_panel(path, kept, cadence="daily").shape[1] == 21


def test_months_are_not_made_of_weeks(tmp_path):
    path = tmp_path / "file.csv"
    table(pd.date_range("2024-01-01", periods=N, freq="7D")).to_csv(path, index=False)
    with pytest.raises(
        dcm.DataError, match="2024-01-01 and 2024-01-08 in one month; with cadence='monthly' each month"
    ):
        dcm.read_panel(path, media=["tv_spend"], cadence="monthly")
