"""Cells typed with a wrong unit are named before the fit, by column, region and week; ordinary panels have none."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepcausalmmm_jax.data.outliers import outliers
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.panel_notes import NoteKind, panel_notes

R, T = 4, 60


def _panel():
    """Bursts of exposure, a price, a mark of one week, a KPI with noise; spend that is heavy-tailed."""
    import pandas as pd

    rng = np.random.default_rng(1)
    bursts = rng.lognormal(0.0, 1.5, (R, T, 2)) * (rng.random((R, T, 2)) < 0.5)
    control = np.stack([3 + 0.1 * rng.normal(size=(R, T)), np.broadcast_to(np.arange(T) == 20, (R, T))], axis=-1)
    return Panel(
        regions=pd.Index([f"r{r}" for r in range(R)]),
        weeks=pd.RangeIndex(T),
        channels=("tv", "search"),
        controls=("price", "holiday"),
        kpi=100 + 10 * rng.normal(size=(R, T)),
        weights=np.ones((R, T)),
        present=np.ones((R, T), bool),
        exposure=bursts,
        control=control.astype(float),
        spend=bursts * 3.0,
        kpi_name="sales",
    )


PANEL = _panel()
COLUMNS = {"price": ("control", 0), "holiday": ("control", 1), "tv": ("exposure", 0), "search": ("spend", 1)}


def typed(name, region, week, factor=1e6):
    field, at = COLUMNS[name]
    values = getattr(PANEL, field).copy()
    values[region, week, at] = max(values[region, week, at], 1.0) * factor
    return dataclasses.replace(PANEL, **{field: values})


def test_an_ordinary_panel_has_none():
    assert outliers(PANEL) == []


@given(st.sampled_from(sorted(COLUMNS)), st.integers(0, R - 1), st.integers(0, T - 1))
@settings(max_examples=60, deadline=None)
def test_a_cell_a_million_times_too_large_is_found_wherever_it_is(name, region, week):
    found = outliers(typed(name, region, week))
    assert [(cell.region, cell.week) for cell in found] == [(f"r{region}", str(week))]
    assert name in found[0].column


@pytest.mark.parametrize(("week", "factor", "kind"), [(10, 1e6, NoteKind.HUGE_KPI), (58, 1e6, NoteKind.HUGE_KPI), (10, -1e6, NoteKind.OUTLIER)])  # fmt: skip
def test_a_kpi_of_a_wrong_size_is_noted_also_in_weeks_held_out(week, factor, kind):
    kpi = PANEL.kpi.copy()
    kpi[1, week] *= factor
    wrong = dataclasses.replace(PANEL, kpi=kpi)
    training = np.where(np.arange(T) < T - 8, wrong.weights, 0.0)
    named = [note for note in panel_notes(wrong, training) if note.kind is kind]
    assert len(named) == 1
    assert {"r1", str(week)} <= set(named[0].names)
    assert "region r1" in named[0].sentence


def test_the_largest_five_are_noted():
    control = PANEL.control.copy()
    control[:2, 30:33, 0] *= 1e5 * np.arange(1, 4)
    many = dataclasses.replace(PANEL, control=control)
    notes = [note for note in panel_notes(many, many.weights) if note.kind is NoteKind.OUTLIER]
    assert 1 <= len(notes) <= 5


def test_a_series_that_never_moves_has_none():
    flat = dataclasses.replace(PANEL, control=np.ones_like(PANEL.control), exposure=np.zeros_like(PANEL.exposure))
    assert outliers(flat) == []


@pytest.mark.parametrize("unit", [1e-3, 1e4])
def test_how_far_a_cell_lies_does_not_depend_on_the_unit_of_its_column(unit):
    panel = typed("price", 1, 5)
    other = dataclasses.replace(panel, control=panel.control * unit)
    (ours,), (theirs,) = outliers(other), outliers(panel)
    assert ours.times == pytest.approx(theirs.times)
    assert ours.value == pytest.approx(unit * theirs.value)


def test_the_only_cell_of_a_column_that_moves_has_nothing_to_be_compared_with():
    control = PANEL.control.copy()
    control[:, :, 1] = 0.0
    control[2, 20, 1] = 1e6
    assert outliers(dataclasses.replace(PANEL, control=control)) == []


def waves(low, high):
    return np.broadcast_to(np.resize([float(low), float(high)], T), (R, T)).copy()


# What is changed, the values in turn, the week of the cell, its column's median and usual deviation, how far is far.
EDGES = {
    "control": (lambda values: {"control": values[:, :, None], "controls": ("price",)}, (-1, 1), 21, 0.0, 1.0, 100.0),
    "exposure": (lambda values: {"exposure": values[:, :, None], "channels": ("tv",), "spend": None}, (0, 2), 21, 1.0, 1.0, 1000.0),
    "spend": (lambda values: {"spend": values[:, :, None], "exposure": PANEL.exposure[:, :, :1], "channels": ("tv",)}, (0, 2), 21, 1.0, 1.0, 1000.0),
    "KPI": (lambda values: {"kpi": values}, (99, 101), 20, 99.5, -0.5, 100.0),  # values above 100 count as 100
}  # fmt: skip


@pytest.mark.parametrize("column", EDGES)
@pytest.mark.parametrize(("beyond", "found"), [(0.0, 0), (0.5, 1)])
def test_a_cell_is_far_beyond_a_hundred_deviations_and_of_exposure_and_spend_beyond_a_thousand(column, beyond, found):
    made, (low, high), week, median, usual, far = EDGES[column]
    values = waves(low, high)
    values[2, week] = median + usual * (far + beyond)
    cells = outliers(dataclasses.replace(PANEL, **made(values)))
    assert [(cell.region, cell.week, cell.value) for cell in cells] == [("r2", str(week), values[2, week])] * found
    assert all(cell.times == far + beyond and cell.column.startswith(column) for cell in cells)


@pytest.mark.parametrize(("cells", "found"), [(3, 3), (4, 0)])
def test_a_twentieth_of_the_weeks_may_be_far_out_and_more_are_what_is_usual(cells, found):
    values = waves(-1, 1)
    values[1, 1 : 2 * cells : 2] = 500.0 * np.arange(1, cells + 1)
    named = outliers(dataclasses.replace(PANEL, control=values[:, :, None], controls=("price",)))
    assert [cell.value for cell in named] == [1500.0, 1000.0, 500.0][:found]


@pytest.mark.parametrize(("weeks", "found"), [(8, 1), (7, 0)])
def test_eight_weeks_show_what_is_usual(weeks, found):
    values = waves(-1, 1)
    values[0, 3] = 500.0
    present = np.ones((R, T), bool)
    present[0, weeks:] = False
    panel = dataclasses.replace(
        PANEL, control=values[:, :, None], controls=("price",), present=present, weights=1.0 * present
    )
    assert len([cell for cell in outliers(panel) if cell.column == "control 'price'"]) == found


@pytest.mark.parametrize(("cells", "found"), [(1, 1), (2, 0)])
def test_of_few_weeks_one_may_be_far_out(cells, found):
    values = waves(-1, 1)
    values[0, 1 : 2 * cells : 2] = 500.0
    present = np.ones((R, T), bool)
    present[0, 12:] = False
    panel = dataclasses.replace(
        PANEL, control=values[:, :, None], controls=("price",), present=present, weights=1.0 * present
    )
    assert len([cell for cell in outliers(panel) if cell.column == "control 'price'"]) == found
