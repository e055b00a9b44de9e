"""What the checks before a fit see, where they say it is, and that clean panels pass them."""

import dataclasses
import importlib.util
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.diagnosis.columns import inflation
from deepcausalmmm_jax.data.diagnosis.findings import Check
from deepcausalmmm_jax.io.grades import Grade


def _planted():
    """The table of faults that `benchmarks/diagnosis.py` measures."""
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "diagnosis.py"
    spec = importlib.util.spec_from_file_location("planted", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FAULTS


FAULTS = _planted()
REGIONS = (1, 4)


@pytest.fixture(scope="module")
def clean():
    return {regions: dcm.simulate(regions, 120, 5, 3, seed=12)[0] for regions in REGIONS}


def found(panel, check):
    return [finding for finding in panel.diagnose().findings if finding.check is check]


@pytest.mark.parametrize("regions", REGIONS)
def test_a_clean_panel_passes_every_check(clean, regions):
    diagnosis = clean[regions].diagnose()
    assert diagnosis.findings == ()
    assert diagnosis.worst is Grade.PASS
    assert {row.check for row in diagnosis.rows} == set(Check)


@pytest.mark.parametrize("regions", REGIONS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_seen_by_its_check(clean, fault, regions):
    plant, check = FAULTS[fault]
    spoilt = plant(clean[regions], np.random.default_rng(0))
    findings = found(spoilt, check)
    assert findings
    assert all(finding.what and finding.why for finding in findings)


@pytest.mark.parametrize(
    ("fault", "grade"),
    [
        ("two zeros at the end", Grade.FAIL),
        ("a decimal point off by two", Grade.FAIL),
        ("exposure in thousands", Grade.FAIL),
        ("a constant channel", Grade.FAIL),
        ("a region cut into three", Grade.FAIL),
        ("prices 80% higher", Grade.LOOK),
        ("a near-copy", Grade.LOOK),
        ("a mediator among the controls", Grade.LOOK),
    ],
)
def test_what_makes_figures_wrong_fails_and_what_makes_them_doubtful_asks_for_a_look(clean, fault, grade):
    plant, check = FAULTS[fault]
    assert {finding.grade for finding in found(plant(clean[4], np.random.default_rng(0)), check)} == {grade}


def test_frequency_that_varies_passes():
    panel = dcm.simulate(2, 60, 3, 1, seed=1, reach_frequency=2)[0]
    assert found(panel, Check.FREQUENCY) == []
    told = next(row.what for row in panel.diagnose().rows if row.check is Check.FREQUENCY)
    assert told == "reach and frequency vary"


@pytest.mark.parametrize(
    ("frequency", "told"),
    [
        (2.0, ["90% of contacts came at about 2 per person reached"]),
        (40.0, ["came at about 40 per person", "up to 40 contacts per person reached in a week"]),
    ],
)
def test_one_frequency_for_all_weeks_says_nothing_of_others(clean, frequency, told):
    panel = clean[4]
    often = np.where(np.arange(5) == 1, np.where(panel.exposure > 0, frequency, 0.0), np.nan)
    findings = found(dataclasses.replace(panel, frequency=often), Check.FREQUENCY)
    assert [part in finding.what for part, finding in zip(told, findings, strict=True)] == [True] * len(told)
    assert {finding.column for finding in findings} == {panel.channels[1]}


def test_the_most_contacts_are_those_of_the_week_with_the_most(clean):
    panel, often = clean[1], np.full((1, 120, 5), np.nan)
    often[:, :, 1] = np.where(panel.exposure[:, :, 1] > 0, 30.0, 0.0)
    rare = np.flatnonzero(panel.exposure[0, :, 1] > 0)[0]
    often[0, rare, 1] = 100.0
    exposure = panel.exposure.copy()
    exposure[0, rare, 1] *= 1e-3  # far less than a twentieth of the contacts
    findings = found(dataclasses.replace(panel, frequency=often, exposure=exposure), Check.FREQUENCY)
    assert "up to 100 contacts per person reached in a week" in [finding.what for finding in findings]


def test_a_finding_names_column_region_and_week(clean):
    panel = clean[4]
    spend = panel.spend.copy()
    spend[2, 60:, 1] *= 3.0
    (jump,) = found(dataclasses.replace(panel, spend=spend), Check.PRICE_JUMP)
    assert jump.column == "channel_2"
    assert jump.region == str(panel.regions[2])
    at = [panel.week_label(week) for week in range(56, 65)]
    assert jump.weeks in at
    assert 2.5 < float(jump.what.split("-fold")[0].split()[-1]) < 3.5


def test_bookings_by_month_are_no_finding(clean):
    panel = clean[4]
    monthly = panel.spend.copy()
    for start in range(0, 120, 4):
        monthly[:, start] = monthly[:, start : start + 4].sum(axis=1)
        monthly[:, start + 1 : start + 4] = 0.0
    assert found(dataclasses.replace(panel, spend=monthly), Check.SPEND_MATCH) == []


def test_a_control_that_media_follow_is_not_taken_for_a_mediator():
    for seed in range(4):
        panel = dcm.simulate(4, 120, 3, 2, seed=seed, confounded=3)[0]  # every channel follows the first control
        assert found(panel, Check.MEDIATOR) == []


@pytest.mark.parametrize(
    ("cadence", "steps", "stretch"),
    [("daily", 28, "the 28 days before"), ("weekly", 4, "the 4 weeks before"), ("monthly", 1, "the month before")],
)
def test_a_budget_that_follows_the_kpi_of_a_month_is_seen_on_every_calendar(cadence, steps, stretch):
    rng = np.random.default_rng(0)
    kpi = 100.0 + rng.normal(0.0, 10.0, 400)
    past = np.convolve(kpi, np.ones(steps) / steps)[: len(kpi) - 1]
    exposure = np.concatenate([[100.0], past]) * np.exp(rng.normal(0.0, 0.01, 400))
    first = {"daily": "D", "weekly": "W-MON", "monthly": "MS"}[cadence]
    table = pd.DataFrame({"time": pd.date_range("1990-01-01", periods=400, freq=first), "sales": kpi, "tv": exposure})
    panel = dcm.Panel.from_dataframe(table.iloc[40:], time="time", kpi="sales", media=["tv"])
    assert panel.cadence == cadence
    (finding,) = found(panel, Check.FOLLOWS_KPI)
    assert f"the KPI of {stretch} explains" in finding.what


def test_a_few_days_do_not_show_what_follows_what():
    panel = dcm.simulate(1, 20, 2, 1, seed=3, cadence="daily")[0]
    told = {row.check: row.what for row in panel.diagnose().rows}
    assert len(panel.weeks) == 140
    assert told[Check.FOLLOWS_KPI] == told[Check.MEDIATOR] == "fewer than 280 days"


def test_brand_awareness_is_seen_in_a_national_table(shared_data):
    df = pd.read_csv(shared_data / "national" / "realistic_101.csv")
    panel = dcm.Panel.from_dataframe(
        df, time="week", kpi="sales", media=list(df.columns[2:9]), controls=[name for name in df if name[:2] == "c_"]
    )
    assert [finding.column for finding in found(panel, Check.MEDIATOR)] == ["c_brand_awareness"]


def test_what_fit_refuses_fails_and_is_said_once(clean):
    panel = clean[4]
    twins = panel.exposure.copy()
    twins[:, :, 0] = 2.0 * twins[:, :, 1]
    copies = dataclasses.replace(panel, exposure=twins, spend=None).diagnose()
    assert [(row.grade, row.check) for row in copies.findings] == [(Grade.FAIL, Check.COPIES)]
    flat = dataclasses.replace(panel, kpi=np.full(panel.kpi.shape, 5.0)).diagnose()
    (refusal,) = flat.findings
    assert refusal.check is Check.FITTABLE
    with pytest.raises(dcm.DataError, match="nothing can be learned"):
        dcm.fit(dataclasses.replace(panel, kpi=np.full(panel.kpi.shape, 5.0)), progress=False)
    assert "nothing can be learned" in refusal.what


@pytest.mark.parametrize("kind", ["short", "one channel", "no controls", "no spend", "planned weeks", "late region"])
def test_every_panel_that_can_be_built_can_be_diagnosed(clean, kind):
    panel = clean[4]
    odd = {
        "short": lambda: panel.select(weeks=slice(0, 5)),
        "one channel": lambda: dcm.simulate(1, 30, 1, 0, seed=1)[0],
        "no controls": lambda: dcm.simulate(2, 60, 3, 0, seed=1)[0],
        "no spend": lambda: dataclasses.replace(panel, spend=None, revenue_per_kpi=None),
        "planned weeks": lambda: dataclasses.replace(panel, weights=np.where(np.arange(120) < 110, panel.weights, 0.0)),
        "late region": lambda: dataclasses.replace(
            panel, weights=panel.weights * (np.arange(120) >= 60 * (np.arange(4) == 2)[:, None])
        ),
    }[kind]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        diagnosis = odd.diagnose()
    assert set(diagnosis.table["grade"]) <= {grade.value for grade in Grade}
    if kind in ("planned weeks", "late region"):
        assert diagnosis.findings == ()


def test_a_panel_without_any_kpi_is_refused(clean):
    panel = clean[1]
    with pytest.raises(dcm.DataError, match="nothing can be learned"):
        dataclasses.replace(panel, weights=np.zeros(panel.weights.shape)).diagnose()


def test_the_worst_comes_first_and_tables_escape_what_the_user_named(clean, tmp_path):
    hostile = ("<b>tv</b>", "=cmd()", "c", "d", "e")
    panel = dataclasses.replace(FAULTS["a near-copy"][0](clean[1], np.random.default_rng(0)), channels=hostile)
    panel = FAULTS["two zeros at the end"][0](panel, np.random.default_rng(0))
    diagnosis = panel.diagnose()
    grades = [Grade(grade) for grade in diagnosis.table["grade"]]
    assert grades == sorted(grades, key=[Grade.FAIL, Grade.LOOK, Grade.PASS, Grade.NOT_RUN].index)
    page = diagnosis.to_html(tmp_path / "checks.html").read_text()
    assert "<b>tv" not in page
    assert "=cmd()" in page
    back = pd.read_csv(diagnosis.to_csv(tmp_path / "checks.csv"), keep_default_na=False)
    assert len(back) == len(diagnosis.rows)
    assert repr(diagnosis).startswith("Diagnosis(fail: 1 to fix")


@given(share=st.floats(0.0, 0.9), seed=st.integers(0, 999))
@settings(max_examples=25, deadline=None)
def test_inflation_is_that_of_the_correlation_and_does_not_depend_on_units(share, seed):
    rng = np.random.default_rng(seed)
    first, noise = rng.standard_normal((2, 400))
    both = np.stack([first, share * first + np.sqrt(1 - share**2) * noise], axis=1)[None]
    used = np.ones((1, 400), bool)
    expected = 1.0 / (1.0 - np.corrcoef(both[0].T)[0, 1] ** 2)
    np.testing.assert_allclose(inflation(both, used), expected, rtol=0.02)
    np.testing.assert_allclose(inflation(both * [1e6, 1e-3], used), inflation(both, used), rtol=1e-6)


def test_inflation_counts_the_columns_that_explain_and_the_regions_that_are_seen():
    """A column that never moves explains nothing, and a region without a KPI has no mean to be taken out."""
    rng = np.random.default_rng(3)
    moving = rng.standard_normal((24, 5)) + rng.standard_normal((24, 1))
    columns, used = np.ones((3, 24, 9)), np.zeros((3, 24), bool)
    columns[0, :, :5], used[0] = moving, True
    first, others = moving[:, 0], np.column_stack([np.ones(24), moving[:, 1:]])
    left = first - others @ np.linalg.lstsq(others, first, rcond=None)[0]
    adjusted = 1.0 - (left @ left / (24 - 1 - 4)) / (first.var() * 24 / (24 - 1))
    np.testing.assert_allclose(inflation(columns, used)[0], 1.0 / (1.0 - adjusted), rtol=1e-6)
    np.testing.assert_array_equal(inflation(columns, used)[5:], 1.0)


def told(panel, check):
    (what,) = {row.what for row in panel.diagnose().rows if row.check is check}
    return what


def test_regions_that_began_later_are_no_more_independent_than_the_others(clean):
    panel = clean[4]
    moved = 100.0 + 10.0 * np.random.default_rng(0).normal(size=120)
    panel = dataclasses.replace(panel, kpi=np.tile(moved, (4, 1)))
    assert "120 weeks in 1.0 independent region," in told(panel, Check.SIZE)
    begins = np.array([0, 0, 60, 60])[:, None] <= np.arange(120)
    later = dataclasses.replace(panel, weights=panel.weights * begins, kpi=panel.kpi * begins)
    assert "90 weeks in 1.0 independent region," in told(later, Check.SIZE)  # it said 1.3


def test_a_region_without_a_kpi_does_not_shorten_the_weeks_of_the_others(clean):
    panel = clean[4]
    seen = (np.arange(4) < 1)[:, None] & np.ones(120, bool)
    alone = dataclasses.replace(panel, weights=panel.weights * seen, kpi=panel.kpi * seen)
    assert "120 weeks in 1.0 independent region," in told(alone, Check.SIZE)  # it said 30


def test_rows_before_the_first_kpi_of_a_region_are_not_said_to_have_one(clean):
    weights = clean[4].weights.copy()
    weights[1, :50] = 0.0
    panel = dataclasses.replace(clean[4], weights=weights)
    apart = ", apart from 50 region-weeks before the first KPI of a region"
    assert told(panel, Check.MISSING_KPI) == f"every row has a KPI{apart}"
    weights[0, 80:83] = 0.0
    assert told(panel, Check.MISSING_KPI).endswith(f"have no KPI, at most 3 weeks in a row, in 1 region{apart}")


def test_weeks_that_are_numbers_are_in_their_order():
    panel = dcm.simulate(4, 110, 2, 1, seed=3)[0]
    zero = np.array([95, 103, 110, 110])[:, None] <= np.arange(110)
    panel = dataclasses.replace(panel, weeks=pd.RangeIndex(1, 111), kpi=np.where(zero, 0.0, panel.kpi))
    (finding,) = found(panel, Check.ZEROS_AT_END)
    assert finding.weeks == "96 on"  # as text, 104 comes before 96


def test_what_the_same_week_explains_is_not_said_of_past_exposure(clean):
    """Beyond a control's own past, the past of a channel without memory tells nothing of it."""
    panel, rng = clean[1], np.random.default_rng(0)
    white = rng.gamma(2.0, size=(1, 120))
    follows = white + 0.5 * np.roll(white, 1, axis=1) + 0.05 * rng.normal(size=(1, 120))
    exposure, control = panel.exposure.copy(), panel.control.copy()
    exposure[:, :, 0], control[:, :, 0] = white, follows
    panel = dataclasses.replace(panel, exposure=exposure, control=control, spend=None)
    (finding,) = found(panel, Check.MEDIATOR)
    assert finding.what.startswith("exposure of the same week and those before explains 9")


def test_how_far_a_week_lies_from_its_neighbours_is_not_told_in_weekly_changes(clean):
    """A season of 300 changes the KPI by 26 from week to week and bends it by 1."""
    rng = np.random.default_rng(0)
    kpi = 1000.0 + 300.0 * np.sin(2.0 * np.pi * np.arange(120) / 52.0) + 2.0 * rng.normal(size=120)
    kpi[13] += 40.0
    (finding,) = found(dataclasses.replace(clean[1], kpi=kpi[None]), Check.KPI_OUTLIERS)
    bend = kpi[1:-1] - (kpi[:-2] + kpi[2:]) / 2.0
    usual = 1.4826 * np.median(np.abs(bend - np.median(bend)))
    times = min(kpi[13] - kpi[12], kpi[13] - kpi[14]) / usual
    assert finding.what.startswith("1 region-week lies more than 6 times as far from both neighbours as weeks usually")
    assert finding.what.endswith(f"the farthest {times:.0f} times")


def test_zeros_of_one_region_are_not_said_to_be_of_all_at_once(clean):
    kpi = clean[4].kpi.copy()
    kpi[:, [40, 60]] = 0.0
    n = kpi.shape[0]
    both = told(dataclasses.replace(clean[4], kpi=kpi), Check.ZERO_WEEKS)
    assert both == f"the KPI is 0 in {2 * n} region-weeks, of all regions at once, and far from 0 in the others"
    kpi[0, 50] = 0.0
    more = told(dataclasses.replace(clean[4], kpi=kpi), Check.ZERO_WEEKS)
    assert f"in {2 * n + 1} region-weeks, {2 * n} of them in all regions at once," in more
