import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.optimizer.dual_newton import _crossing
from deepcausalmmm_jax.planning.optimizer.polytope import Polytope, refuse_total, total_range
from deepcausalmmm_jax.planning.optimizer.projection import project
from tests.planning.polytopes import missed, random_case, too_far

_INF = np.inf
_SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(4))
def test_the_projection_meets_the_limits_and_no_plan_within_them_is_nearer(block):
    found = []
    for seed in range(200 * block, 200 * (block + 1)):
        case = random_case(seed)
        assert missed(case.plan, np.clip(case.inside, case.plan.low, case.plan.high)) < 1e-12
        x = project(case.y, case.plan, case.weight)
        if missed(case.plan, x) > 1e-9 or too_far(case, x) > 1e-6:
            found.append(seed)
    assert found == []


# Cells of low and high, sums of cells with least and most, y, weight, and the nearest plan worked out by hand.
_BY_HAND = {
    "a total beside a loose sum of the same cells": ([0, 0], [_INF] * 2, {(0, 1): [(2, 2), (1, 3)]}, [3, 1], [1, 1], [2, 0]),
    "the same sum twice, with other ends": ([0, 0], [_INF] * 2, {(0, 1): [(-_INF, 6), (-_INF, 4)]}, [5, 3], [1, 1], [3, 1]),
    "sums that leave one plan": ([0, 0], [_INF] * 2, {(0, 1): [(3, 3)], (0,): [(-_INF, 1)], (1,): [(-_INF, 2)]}, [9, 0], [1, 1], [1, 2]),
    "a sum of nothing": ([0, 0, 0], [_INF] * 3, {(0, 1): [(0, 0)], (0, 1, 2): [(5, 5)]}, [4, 4, 4], [1, 1, 1], [0, 0, 5]),
    "a sum that is its cells' least": ([1, 2, 0], [_INF] * 3, {(0, 1): [(-_INF, 3)], (0, 1, 2): [(5, 5)]}, [4, 4, 4], [1, 1, 1], [1, 2, 2]),
    "a sum that is its cells' most": ([0, 0, 0], [1, 2, _INF], {(0, 1): [(3, _INF)], (0, 1, 2): [(5, 5)]}, [0, 0, 0], [1, 1, 1], [1, 2, 2]),
    "a sum within another": ([0, 0, 0], [_INF] * 3, {(0, 1): [(4, _INF)], (0, 1, 2): [(6, 6)]}, [0, 0, 9], [1, 1, 1], [2, 2, 2]),
    "sums that cross": ([0, 0, 0], [_INF] * 3, {(0, 1): [(3, 3)], (1, 2): [(3, 3)]}, [0, 0, 0], [1, 1, 1], [1, 2, 1]),
    "parts that follow from the total": ([0, 0, 0], [_INF] * 3, {(0, 1): [(4, 4)], (2,): [(2, 2)], (0, 1, 2): [(6, 6)]}, [3, 0, 0], [1, 1, 1], [3.5, 0.5, 2]),
    "fixed cells": ([2, 0, 0], [2, _INF, _INF], {(0, 1, 2): [(6, 6)]}, [9, 1, 1], [1, 1, 1], [2, 2, 2]),
    "only fixed cells": ([2, 3], [2, 3], {(0, 1): [(5, 5)]}, [0, 9], [1, 1], [2, 3]),
    "weights": ([0, 0], [_INF] * 2, {(0, 1): [(5, 5)]}, [1, 1], [1, 2], [2, 3]),
    "a cell at its end": ([0, 0], [2.5, _INF], {(0, 1): [(8, 8)]}, [2, 2], [1, 1], [2.5, 5.5]),
    "a sum of millions beside one of thousandths": ([0, 0, 0], [_INF] * 3, {(0, 1): [(2e-3, 2e-3)], (0, 1, 2): [(1e6, 1e6)]}, [3e-3, 0, 0], [1, 1, 1], [2e-3, 0, 1e6 - 2e-3]),
    "no sums": ([0, 1], [2, _INF], {}, [3, 0], [1, 1], [2, 1]),
}  # fmt: skip


@pytest.mark.parametrize("name", _BY_HAND)
def test_the_projection_is_what_is_worked_out_by_hand(name):
    low, high, sums, y, weight, right = _BY_HAND[name]
    plan = Polytope(
        np.array(low, float), np.array(high, float), sp.csr_matrix((0, len(low))), np.zeros(0), np.zeros(0), ()
    )
    for cells, pairs in sums.items():
        for least, most in pairs:
            plan = plan.with_sum(np.isin(np.arange(len(low)), cells).astype(float), least, most, "")
    x = project(np.array(y, float), plan, np.array(weight, float))
    assert missed(plan, x) <= 1e-9
    np.testing.assert_allclose(x, right, rtol=1e-9, atol=1e-15 * max(right) + 1e-13)


@settings(max_examples=60, deadline=None)
@given(seed=_SEEDS)
def test_a_plan_within_the_limits_is_its_own_projection(seed):
    case = random_case(seed)
    inside = np.clip(case.inside, case.plan.low, case.plan.high)
    moved = project(inside, case.plan, case.weight) - inside
    assert np.linalg.norm(moved / np.sqrt(case.weight)) <= 1e-9 * np.linalg.norm(inside / np.sqrt(case.weight))


@settings(max_examples=60, deadline=None)
@given(seed=_SEEDS)
def test_projections_are_no_farther_apart_than_what_is_projected(seed):
    case = random_case(seed)
    other = case.y + np.sqrt(case.weight) * np.random.default_rng(seed).normal(0, 1, len(case.y))
    x, z = (project(y, case.plan, case.weight) for y in (case.y, other))
    root = np.sqrt(case.weight)
    rounding = 1e-6 * (np.linalg.norm((x - case.y) / root) + np.linalg.norm((z - other) / root))
    assert np.linalg.norm((x - z) / root) <= np.linalg.norm((case.y - other) / root) + rounding


@settings(max_examples=40, deadline=None)
@given(seed=_SEEDS, factor=st.sampled_from([1e-6, 1e6]))
def test_units_of_spend_and_of_weights_do_not_matter(seed, factor):
    case = random_case(seed)
    plan = case.plan
    scaled = Polytope(
        plan.low * factor, plan.high * factor, plan.rows, plan.least * factor, plan.most * factor, plan.names
    )
    x = project(case.y, plan, case.weight)
    z = project(case.y * factor, scaled, case.weight / factor) / factor
    root = np.sqrt(case.weight)
    assert np.linalg.norm((x - z) / root) <= 1e-4 * np.linalg.norm((x - case.y) / root) + 1e-9 * np.linalg.norm(
        x / root
    )


@pytest.mark.parametrize("contradiction", [1e-9, -1e-9, 1e-12, 1e-15])
def test_limits_that_contradict_each_other_in_the_last_digits_are_met_to_those(contradiction):
    today = np.random.default_rng(0).lognormal(0, 2, 30)
    parts = (np.arange(30) % 3 == np.arange(3)[:, None]).astype(float)
    plan = Polytope(
        0.5 * today, 1.5 * today, sp.csr_matrix(parts), parts @ today, parts @ today, ("", "", "")
    ).with_total(today.sum() * (1 + contradiction))
    x = project(today * np.random.default_rng(1).normal(1, 1, 30), plan, today)
    assert missed(plan, x) <= max(1.1 * abs(contradiction), 2e-12)  # all of it on the smallest sum would be 6 times


def test_a_projection_with_a_thousand_cells_and_crossed_sums_meets_them_all():
    rng = np.random.default_rng(0)
    channel, region = np.tile(np.arange(10), 100), np.repeat(np.arange(20), 50)
    today = rng.lognormal(0, 2, 1000)
    rows = np.concatenate([channel == np.arange(10)[:, None], region == np.arange(20)[:, None]]).astype(float)
    plan = Polytope(
        np.zeros(1000), np.full(1000, np.inf), sp.csr_matrix(rows), 0.8 * rows @ today, 1.2 * rows @ today, ("",) * 30
    ).with_total(today.sum())
    for step in (0.1, 1.0, 20.0):
        x = project(today * (1 + step * rng.normal(0, 1, 1000)), plan, today)
        assert missed(plan, x) < 1e-10


@pytest.mark.parametrize("total", [1e3, 1e6, 1e9])
def test_small_limits_that_clash_are_refused_however_large_the_total(total):
    rows = sp.csr_matrix([[1.0, 1.0, 0.0]])
    clash = Polytope(
        np.array([6.0, 6.0, 0.0]), np.full(3, np.inf), rows, np.array([-np.inf]), np.array([10.0]), ("a + b",)
    )
    with pytest.raises(dcm.ConfigError, match=r"No plan meets all limits: the closest one misses a \+ b by 2;"):
        refuse_total(clash, total)
    within = dataclasses.replace(clash, most=np.array([12.0]))
    refuse_total(within, total)
    assert total_range(dataclasses.replace(within, high=np.array([np.inf, np.inf, total]))) == pytest.approx(
        (12.0, total + 12.0)
    )


def _plan(low=(0.0, 0.0, 0.0), high=(_INF, _INF, _INF), **sums):
    """Limits on three cells; a sum is named by its cells, as `ab`."""
    plan = Polytope(np.array(low, float), np.array(high, float), sp.csr_matrix((0, 3)), np.zeros(0), np.zeros(0), ())
    for name, (least, most) in sums.items():
        plan = plan.with_sum(np.array([cell in name for cell in "abc"], float), least, most, name)
    return plan


def test_a_plan_misses_a_limit_by_a_share_of_it():
    plan = _plan((2.0, 0.0, 0.0), (4.0, 10.0, _INF), ab=(5.0, 8.0))
    np.testing.assert_allclose(
        plan.violations(np.array([1.0, 11.0, 3.0])), [0.5, -11e9 / 15, -3e9 / 15, -0.75, 0.1, 0, -1.4, 0.5]
    )
    assert (_plan().violations(np.array([1.0, np.nan, 0.0])) == np.inf).any()


@pytest.mark.parametrize(
    ("plan", "total"),
    [
        (_plan((1.0, 2.0, 0.0), (4.0, 5.0, 6.0)), (3.0, 15.0)),
        (_plan((1.0, 2.0, 0.0), (4.0, 5.0, 6.0), ab=(4.0, 7.0)), (4.0, 13.0)),
        (_plan(high=(4.0, _INF, 1.0), bc=(-_INF, 7.0)), (0.0, 11.0)),
        (_plan(high=(4.0, _INF, 1.0), ab=(3.0, _INF)), (3.0, _INF)),
        (_plan(ab=(3.0, 9.0)), (3.0, _INF)),
        (_plan(ab=(3.0, 9.0), bc=(2.0, 4.0)), (3.0, 13.0)),
    ],
)
def test_the_totals_that_the_limits_allow_are_those_worked_out_by_hand(plan, total):
    assert total_range(plan) == pytest.approx(total)


@pytest.mark.parametrize(
    ("total", "told"),
    [
        (4.0 * (1 - 2e-9), "below the least that the limits allow, 4; raise the total or lower the limits"),
        (13.0 * (1 + 2e-9), "above the most that the limits allow, 13; lower the total or raise the limits"),
        (0.0, "The total must be above 0, got 0"),
        (-1.0, "The total must be above 0, got -1"),
        (_INF, "The total must be above 0, got inf"),
        (3.0, "The total, 3, is 1 below the least"),
        (15.5, "The total, 15.5, is 2.5 above the most"),
    ],
)
def test_totals_outside_are_refused_with_how_far_and_rounding_is_none(total, told):
    plan = _plan((1.0, 2.0, 0.0), (4.0, 5.0, 6.0), ab=(4.0, 7.0))
    with pytest.raises(dcm.ConfigError, match=told):
        refuse_total(plan, total)
    for inside in (4.0 * (1 - 0.5e-9), 13.0 * (1 + 0.5e-9)):
        refuse_total(plan, inside)


def test_every_limit_that_cannot_be_met_is_named_with_what_is_missing():
    with pytest.raises(dcm.ConfigError, match="the closest one misses ab by 3, c by 2; widen these"):
        total_range(_plan((5.0, 6.0, 4.0), ab=(0.0, 8.0), c=(-_INF, 2.0)))


@pytest.mark.parametrize(
    ("slope", "crosses"),
    [
        (lambda at, within: 3.0 - at, 3.0),
        (lambda at, within: 3.0 if within < 2.0 else -5.0, 2.0),  # a jump below zero
        (lambda at, within: -1.0 - at, None),
        (lambda at, within: 3.0, None),  # flat: it never crosses
    ],
)
def test_a_decreasing_function_crosses_zero_where_it_does_or_nowhere(slope, crosses):
    assert _crossing(slope, lambda: np.array([2.0, 4.0])) == crosses
