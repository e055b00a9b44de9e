import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.checks import refuse_unfit
from deepcausalmmm_jax.data.holdout import fewest_steps, training_weights

PANEL = dcm.simulate(3, 40, 2, 1, seed=0)[0]


def without_kpi(*cells, panel=PANEL):
    """The panel without a KPI in some `(regions, weeks)`."""
    weights = panel.weights.copy()
    for regions, weeks in cells:
        weights[regions, weeks] = 0.0
    return dataclasses.replace(panel, weights=weights)


def hidden(panel, holdout):
    """Positions of the weeks whose KPI is held out."""
    return np.flatnonzero(panel.has_kpi & ~(training_weights(panel, holdout) > 0).any(axis=0))


ALL = slice(None)


@pytest.mark.parametrize("planned", [0, 1, 5, 10])
def test_planned_weeks_behind_the_last_kpi_are_no_part_of_the_holdout(planned):
    panel = without_kpi((ALL, slice(40 - planned, None)))
    assert hidden(panel, 8).tolist() == list(range(32 - planned, 40 - planned))
    assert training_weights(panel, 8)[:, 32 - planned :].sum() == 0
    assert training_weights(panel, None)[:, : 40 - planned].all()


def test_a_region_whose_kpi_is_late_does_not_move_the_holdout():
    late = without_kpi((0, slice(37, None)))
    assert hidden(late, 8).tolist() == list(range(32, 40))


def test_a_week_without_a_kpi_inside_the_holdout_is_not_counted():
    assert hidden(without_kpi((ALL, 36)), 4).tolist() == [35, 37, 38, 39]


def test_a_gap_just_before_the_holdout_belongs_to_neither():
    panel = without_kpi((ALL, slice(34, 36)))
    assert hidden(panel, 4).tolist() == [36, 37, 38, 39]
    assert np.flatnonzero(training_weights(panel, 4).any(axis=0))[-1] == 33


def test_weeks_that_the_user_gave_no_weight_count_as_weeks_without_a_kpi():
    weights = PANEL.weights * np.where(np.arange(40) < 38, 0.5, 0.0)
    assert hidden(dataclasses.replace(PANEL, weights=weights), 3).tolist() == [35, 36, 37]


@given(
    observed=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=40, max_size=40),
    holdout=st.integers(1, 8),
)
@settings(max_examples=40, deadline=None)
def test_exactly_the_last_weeks_with_a_kpi_are_hidden_and_nothing_else(observed, holdout):
    panel = dataclasses.replace(PANEL, weights=np.array(observed, float).T)
    with_kpi = np.flatnonzero(panel.has_kpi)
    if len(with_kpi) - holdout < 12:
        with pytest.raises(dcm.DataError, match="weeks"):
            training_weights(panel, holdout)
        return
    left = training_weights(panel, holdout)
    assert hidden(panel, holdout).tolist() == with_kpi[-holdout:].tolist()
    np.testing.assert_array_equal(left[:, : with_kpi[-holdout]], panel.weights[:, : with_kpi[-holdout]])


@pytest.mark.parametrize(
    ("gone", "holdout", "message"),
    [
        (slice(30, None), 30, "holdout=30 holds out all of the panel's 30 weeks with a KPI; shorten it"),
        (slice(30, None), 20, "has 30 weeks with a KPI, which leaves 10 to train on after a holdout of 20"),
        (slice(0, 25), 4, "has 15 weeks with a KPI, which leaves 11 to train on"),
        (slice(10, None), None, "has 10 weeks with a KPI, which leaves 10 to train on"),
        (ALL, 8, "No week of the panel has a KPI in column 'sales'"),
        (ALL, None, "No week of the panel has a KPI in column 'sales'"),
    ],
)
def test_a_holdout_that_the_weeks_with_a_kpi_do_not_carry_is_refused(gone, holdout, message):
    with pytest.raises(dcm.DataError, match=message):
        training_weights(without_kpi((ALL, gone)), holdout)


def test_a_region_that_has_its_kpi_in_the_holdout_alone_is_refused_by_name():
    panel = without_kpi((1, slice(0, 32)), (ALL, slice(38, None)))
    with pytest.raises(dcm.DataError, match=f"Region {panel.regions[1]} has no observed KPI in the training weeks"):
        refuse_unfit(panel, training_weights(panel, 6))


def test_the_past_ends_with_the_last_kpi_of_any_region():
    panel = without_kpi((0, slice(30, None)), (ALL, slice(35, None)), (ALL, 20))
    assert panel.n_past_weeks == 35
    assert panel.has_kpi[[19, 20, 34, 35]].tolist() == [True, False, True, False]
    np.testing.assert_array_equal(panel.past, np.broadcast_to(np.arange(40) < 35, (3, 40)))
    assert len(panel.until_last_kpi().weeks) == 35
    assert without_kpi((ALL, ALL)).n_past_weeks == 0


@pytest.mark.parametrize("holdout", [0, -1, True, 1.5, "8", np.float64(3)])
def test_a_holdout_that_is_no_number_of_weeks_is_refused(holdout):
    with pytest.raises(dcm.DataError, match="holdout must be a whole number of weeks, 1 or more, got"):
        training_weights(PANEL, holdout)


def test_twelve_weeks_are_enough_and_the_shortest_holdout_is_one():
    assert training_weights(PANEL, 28).any(axis=0).sum() == 12
    assert hidden(PANEL, np.int64(1)).tolist() == [39]
    with pytest.raises(
        dcm.DataError, match="which leaves 11 to train on after a holdout of 29; at least 12 are needed"
    ):
        training_weights(PANEL, 29)


@pytest.mark.parametrize(("cadence", "fewest"), [("daily", 84), ("weekly", 12), ("monthly", 12), ("quarterly", 12)])
def test_twelve_steps_are_needed_and_of_days_twelve_weeks(cadence, fewest):
    assert fewest_steps(dataclasses.replace(PANEL, cadence=Cadence(cadence))) == fewest
