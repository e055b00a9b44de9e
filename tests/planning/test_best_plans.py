"""Searches end at plans, totals and prices that are known in closed form."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.optimizer.polytope import Polytope
from deepcausalmmm_jax.planning.optimizer.search import best_for_total
from deepcausalmmm_jax.planning.optimizer.shadow_prices import between_limits, binding, multipliers, total_price
from deepcausalmmm_jax.planning.optimizer.solvers import solver_for
from deepcausalmmm_jax.planning.optimizer.starts import starts
from deepcausalmmm_jax.planning.optimizer.tabulated import Curves, separable, tabulated
from deepcausalmmm_jax.planning.optimizer.utility import utility_of
from tests.planning.roots import UNIT, problem_of

HEIGHTS = np.array([1.0, 2.0, 4.0])  # the best plan gives 1, 4 and 16 parts of 21
SHARES = HEIGHTS**2 / 21.0
TODAY = np.array([10.0, 10.0, 10.0])
QUICK = dcm.Search(starts=1)


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr", "projected"])
@pytest.mark.parametrize("total", [30.0, 84e6])
def test_a_budget_is_split_where_the_last_unit_earns_the_same_everywhere(method, total):
    problem = problem_of(HEIGHTS, typical=total / 6)
    found = best_for_total(problem, total / 30 * TODAY, total, dcm.Search(method, starts=3))
    np.testing.assert_allclose(found.x, total * SHARES, rtol=2e-3)
    assert found.value == pytest.approx(problem.utilities(found.x[None])[0], rel=1e-12)
    assert found.value * UNIT == pytest.approx(np.sqrt(21.0 * total), rel=1e-6)
    assert found.method == method
    assert found.starts["best"].any()


@pytest.mark.parametrize("method", ["differential_evolution", "hybrid"])
def test_evolution_finds_the_same_plan_from_one_start(method):
    held = problem_of(HEIGHTS[1:], Polytope.nonnegative(2).with_box(high=np.array([3e6, np.inf])), typical=1e6)
    found = best_for_total(held, np.array([1e6, 1e6]), 1e7, dcm.Search(method, max_steps=30))
    np.testing.assert_allclose(found.x, [2e6, 8e6], rtol=0.02 if method == "differential_evolution" else 2e-3)
    assert found.value == pytest.approx(held.utilities(found.x[None])[0], rel=1e-12)
    assert len(found.starts) == 1


def test_revenue_and_the_mean_over_refits_are_maximised_where_they_are_asked_for():
    found = best_for_total(problem_of(HEIGHTS, value=1, refits=(0.5, 2.5)), TODAY, 84.0, QUICK)
    assert found.value * UNIT == pytest.approx(1.5 * 4.0 * 42.0, rel=1e-6)


def test_the_plan_of_a_nearby_total_is_among_the_starts():
    near = best_for_total(problem_of(HEIGHTS), TODAY, 84.0, QUICK, warm=np.array([4.0, 16.0, 64.0]))
    assert near.starts["start"].str.contains("plan of a nearby total").any()
    assert near.starts["value"].max() == pytest.approx(1.0)


def test_few_cells_have_eight_starts_and_slsqp_and_many_have_three_and_projected_gradients():
    assert [dcm.Search().starts_for(n) for n in (80, 81)] == [8, 3]
    assert dcm.Search(starts=5).starts_for(81) == 5
    assert [solver_for("auto", n)[0] for n in (80, 81)] == ["SLSQP", "projected"]


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_starts_that_end_within_a_hundredth_of_a_percent_of_the_best_found_it_in_any_unit(unit):
    problem = dataclasses.replace(problem_of(HEIGHTS), unit=unit)
    found = best_for_total(problem, TODAY, 84.0, dcm.Search("projected", starts=6))
    assert found.starts["best"].all()
    few = best_for_total(problem, TODAY, 84.0, dcm.Search("projected", starts=6, max_steps=1)).starts
    assert (few["best"] == (few["value"] >= 1.0 - 1e-4)).all()
    assert few["value"].max() == 1.0


def test_curves_of_cells_are_searched_only_where_cells_do_not_interact():
    apart = best_for_total(problem_of(HEIGHTS), TODAY, 84.0, dcm.Search(starts=4)).starts["start"]
    assert apart.str.startswith("on the curves").tolist() == [True, False, False]
    few = best_for_total(problem_of(HEIGHTS), TODAY, 84.0, dcm.Search(starts=3)).starts["start"]
    assert few.tolist()[1:] == ["today"]  # the model itself starts from one, not from two
    weeks = dataclasses.replace(problem_of(HEIGHTS), separable=False)
    together = best_for_total(weeks, TODAY, 84.0, dcm.Search(starts=4)).starts["start"]
    assert together.tolist() == [
        "today", "today, scaled", "best by each cell's own curve", "in proportion to marginal returns",
    ]  # fmt: skip
    cautious = dataclasses.replace(problem_of(HEIGHTS, refits=(0.5, 1.5)), utility=utility_of("cvar", 2, UNIT, 0.5))
    assert not best_for_total(cautious, TODAY, 84.0, QUICK).starts["start"].str.contains("on the curves").any()


# Shadow prices


def _at(x, polytope, total):
    return problem_of(HEIGHTS, polytope.with_total(total)), np.array(x, float)


def test_the_price_of_the_total_is_what_its_last_unit_earns():
    problem, x = _at(84.0 * SHARES, Polytope.nonnegative(3), 84.0)
    price = 0.5 * np.sqrt(21.0 / 84.0)
    assert total_price(problem, x) == pytest.approx(price)
    told = binding(problem, x, ["a", "b", "c"])
    assert told.to_dict("records") == [
        {"limit": "the total", "end": "equal", "value": 84.0, "shadow_price": pytest.approx(price)}
    ]


def test_a_limit_is_worth_what_its_cell_earns_above_the_price_of_the_total():
    """Cell c held at 16 in place of 64, cell a at 9 at least: b alone sets the price."""
    box = Polytope.nonnegative(3).with_box(np.array([9.0, 0.0, 0.0]), np.array([np.inf, np.inf, 16.0]))
    problem, x = _at([9.0, 25.0, 16.0], box, 50.0)
    assert between_limits(problem, x).tolist() == [False, True, False]
    price = 0.5 * 2.0 / 5.0
    sums, ends = multipliers(problem, x)
    np.testing.assert_allclose(sums, [price])
    np.testing.assert_allclose(ends, [0.5 / 3.0 - price, 0.0, 0.5 * 4.0 / 4.0 - price], atol=1e-12)
    told = binding(problem, x, ["a", "b", "c"])
    assert told[["limit", "end", "value"]].to_numpy().tolist() == [
        ["the total", "equal", 50.0],
        ["c", "most", 16.0],
        ["a", "least", 9.0],
    ]
    np.testing.assert_allclose(told["shadow_price"], [price, 0.5 - price, 0.5 / 3.0 - price])


def test_a_sum_at_its_end_takes_its_part_of_the_price_and_a_loose_one_none():
    """Cells a and b may spend 10 together, of which b gets four fifths; c sets the price of the total."""
    row = np.array([1.0, 1.0, 0.0])
    held = Polytope.nonnegative(3).with_sum(row, -np.inf, 10.0, "a + b").with_sum(row, 1.0, 99.0, "loose")
    problem, x = _at([2.0, 8.0, 64.0], held, 74.0)
    told = binding(problem, x, ["a", "b", "c"]).set_index("limit")
    assert set(told.index) == {"a + b", "the total"}
    of_total, of_sum = 0.5 * 4.0 / 8.0, 0.5 / np.sqrt(2.0)
    assert told.loc["the total", "shadow_price"] == pytest.approx(of_total)
    assert told.loc["a + b", "shadow_price"] == pytest.approx(of_sum - of_total)
    assert told.loc["a + b", ["end", "value"]].tolist() == ["most", 10.0]
    least = Polytope.nonnegative(3).with_sum(np.array([0.0, 0.0, 1.0]), 64.0, np.inf, "c")
    problem, x = _at([2.0, 8.0, 64.0], least, 74.0)
    told = binding(problem, x, ["a", "b", "c"]).set_index("limit")
    assert told.loc["the total", "shadow_price"] == pytest.approx(of_sum)
    assert told.loc["c", ["end", "value"]].tolist() == ["least", 64.0]
    assert told.loc["c", "shadow_price"] == pytest.approx(of_total - of_sum)


def test_a_cell_without_a_choice_is_told_as_fixed():
    problem, x = _at([9.0, 25.0, 16.0], Polytope.nonnegative(3).with_box(np.array([9.0, 0, 0]), [9.0, 99, 99]), 50.0)
    told = binding(problem, x, ["a", "b", "c"]).set_index("limit")
    assert told.loc["a", ["end", "value"]].tolist() == ["fixed", 9.0]
    for wider, end in ((5e-6, "fixed"), (5e-3, "least")):  # a range within a millionth of its end is none
        box = Polytope.nonnegative(3).with_box(np.array([9.0, 0, 0]), np.array([9.0 + wider, 99, 99]))
        told = binding(problem_of(HEIGHTS, box.with_total(50.0)), x, ["a", "b", "c"])
        assert told.set_index("limit").loc["a", "end"] == end


def test_a_small_cell_with_a_choice_is_not_told_as_fixed():
    """A cell between 0 and 1 where spend is typically 500,000: its whole range is two millionths of that."""
    box = Polytope.nonnegative(3).with_box(np.zeros(3), np.array([1.0, 99, 99]))
    problem = problem_of(HEIGHTS, box.with_total(42.0), typical=5e5)
    told = binding(problem, np.array([1.0, 25.0, 16.0]), ["a", "b", "c"]).set_index("limit")
    assert told.loc["a", ["end", "value"]].tolist() == ["most", 1.0]


# Curves of single cells


def test_curves_of_cells_say_what_the_problem_says_where_cells_do_not_interact():
    problem = problem_of(HEIGHTS, Polytope.nonnegative(3).with_box(np.full(3, 4.0), np.array([400.0, 400.0, 9.0])))
    curves = tabulated(problem, 300.0)
    np.testing.assert_allclose(curves.low, 4.0)
    np.testing.assert_allclose(curves.levels[-1], [292.0, 292.0, 9.0])  # all that a total leaves a cell, or its end
    own = separable(problem, curves)
    for x in (np.array([50.0, 7.0, 5.0]), np.array([291.0, 30.0, 9.0])):
        value, slope = own.value_and_slope(x)
        np.testing.assert_allclose(slope, problem.value_and_slope(x)[1], rtol=0.02)
        beyond_low = HEIGHTS @ (np.sqrt(x) - 2.0) / UNIT
        assert value == pytest.approx(beyond_low, rel=0.01)
    np.testing.assert_allclose(own.utilities(np.stack([x, x])), value)
    ends = own.value_and_slope(np.array([292.0, 292.0, 9.0]))
    more = own.value_and_slope(np.array([302.0, 292.0, 9.0]))
    assert more[0] - ends[0] == pytest.approx(10.0 * ends[1][0])  # beyond the last level as at it


def test_curves_of_cells_are_the_same_in_any_unit_of_spend():
    ours, theirs = (tabulated(problem_of(HEIGHTS, typical=unit), 9.0 * unit).levels for unit in (1.0, 1e-6))
    np.testing.assert_allclose(theirs, 1e-6 * ours)
    assert (np.diff(ours, axis=0) > 0).all()
    assert (np.diff(ours, axis=0)[1:] > np.diff(ours, axis=0)[:-1]).all()  # dense where spend is small


def test_a_plan_near_todays_spend_needs_few_levels_to_be_told_as_well():
    levels, misses = [], []
    for most in (1.3, 10.0, 1e6):
        problem = problem_of(HEIGHTS, Polytope.nonnegative(3).with_box(0.7 * TODAY, most * TODAY), typical=10.0)
        curves = tabulated(problem, float(most * TODAY.sum()))
        own, plans = separable(problem, curves), np.geomspace(0.7, most, 200)[:, None] * TODAY
        missed = [own.value_and_slope(x)[1] / problem.value_and_slope(x)[1] - 1.0 for x in plans]
        levels.append(len(curves.levels))
        misses.append(np.abs(missed).max())
    assert levels == [12, 22, 32]
    assert misses == sorted(misses)
    assert misses[-1] < 0.03


# Starts


def test_starts_are_todays_plan_its_scaled_one_the_best_by_curves_by_returns_and_random_ones():
    problem = problem_of(HEIGHTS, Polytope.nonnegative(3).with_total(84.0), typical=2.0)
    found = dict(starts(problem, np.array([10.0, 20.0, 30.0]), 84.0, tabulated(problem, 84.0), 6, 0))
    assert list(found) == [
        "today",
        "today, scaled",
        "best by each cell's own curve",
        "in proportion to marginal returns",
        "random 4",
        "random 5",
    ]
    for x in found.values():
        assert x.sum() == pytest.approx(84.0)
    np.testing.assert_allclose(found["today"], [18.0, 28.0, 38.0])  # the nearest one
    np.testing.assert_allclose(found["today, scaled"], [14.0, 28.0, 42.0])
    np.testing.assert_allclose(found["best by each cell's own curve"], 84.0 * SHARES, rtol=0.35)
    slope = HEIGHTS / np.sqrt(found["today"]) * [14.0, 28.0, 42.0]
    np.testing.assert_allclose(found["in proportion to marginal returns"], 84.0 * slope / slope.sum())
    assert not np.allclose(found["random 4"], found["random 5"])
    same = starts(problem, np.array([14.0, 28.0, 42.0]), 84.0, tabulated(problem, 84.0), 2, 0)
    assert [name for name, _ in same] == ["today", "best by each cell's own curve"]


@pytest.mark.parametrize(
    ("total", "x"), [(1.0, [1.0, 0.0]), (3.0, [2.0, 1.0]), (3.5, [2.0, 1.5]), (5.0, [3.0, 2.0]), (8.0, [4.0, 4.0])]
)
@pytest.mark.parametrize("low", [0.0, 10.0])
def test_the_best_by_curves_buys_the_steepest_pieces_of_their_concave_hulls(total, x, low):
    """The first curve is S-shaped: on its hull a unit brings 1 up to 2, then 0.25; the second brings 1, 0.5 and 0.15."""
    levels = low + np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [4.0, 4.0]])
    heights = np.array([[0.0, 0.0], [0.1, 1.0], [2.0, 1.5], [2.5, 1.8]])
    total = total + 2 * low
    problem = problem_of([1.0, 1.0], Polytope.nonnegative(2).with_total(total))
    found = dict(starts(problem, np.array([1.0, 1.0]), total, Curves(levels, heights, heights), 4, 0))
    np.testing.assert_allclose(found["best by each cell's own curve"], low + np.array(x), atol=1e-9)


@pytest.mark.parametrize(("number", "more"), [(2, []), (3, ["best by each cell's own curve"])])
def test_as_many_starts_are_made_as_are_asked_for(number, more):
    problem = problem_of(HEIGHTS, Polytope.nonnegative(3).with_total(84.0))
    found = starts(problem, TODAY, 84.0, tabulated(problem, 84.0), number, 0)
    assert [name for name, _ in found] == ["today", "today, scaled", *more]
    free = starts(problem, np.zeros(3), 84.0, tabulated(problem, 84.0), number, 0)
    np.testing.assert_allclose(free[1][1], 28.0)  # in proportion to typical spend where there is none today


def test_random_starts_follow_their_seed():
    problem = problem_of(HEIGHTS, Polytope.nonnegative(3).with_total(84.0))
    first, same, other = (starts(problem, TODAY, 84.0, tabulated(problem, 84.0), 6, seed)[-1][1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert not np.allclose(first, other)


@pytest.mark.parametrize("typical", [1e-3, 1.0, 1e6])
def test_a_cell_is_at_its_end_within_a_millionth_of_its_typical_spend(typical):
    problem = problem_of(HEIGHTS, typical=typical)
    x = typical * np.array([0.9e-6, 1.1e-6, 1.0])
    assert between_limits(problem, x).tolist() == [False, True, True]
