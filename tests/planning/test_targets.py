"""Targets decide the total: found where it is known in closed form, by the cells' curves and by the model."""

import dataclasses

import numpy as np
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.optimizer.polytope import Polytope
from deepcausalmmm_jax.planning.optimizer.search import mroi_of
from deepcausalmmm_jax.planning.optimizer.shadow_prices import binding, with_room
from deepcausalmmm_jax.planning.optimizer.total_search import largest_total
from deepcausalmmm_jax.planning.plan_notes import open_end
from deepcausalmmm_jax.planning.targets import Targets, best_plan
from tests.planning.roots import FREE, REVENUE, UNIT, Roots, problem_of

HEIGHTS = np.array([1.0, 2.0, 4.0])
TODAY = np.array([10.0, 10.0, 10.0])
QUICK = dcm.Search(starts=1)


def test_a_target_decides_the_total():
    problem = problem_of(HEIGHTS)
    by_roi = best_plan(problem, TODAY, Targets(target_roi=0.5), QUICK)
    assert by_roi.x.sum() == pytest.approx(21.0 / 0.5**2, rel=2e-3)
    by_mroi = best_plan(problem, TODAY, Targets(target_mroi=0.5), QUICK)
    assert by_mroi.x.sum() == pytest.approx(21.0 / (4.0 * 0.5**2), rel=2e-3)
    assert mroi_of(by_mroi) == pytest.approx(0.5, rel=2e-3)
    assert best_plan(problem, TODAY, Targets(total=84.0), QUICK).x.sum() == pytest.approx(84.0)
    assert best_plan(problem, TODAY, Targets(), QUICK).x.sum() == pytest.approx(30.0)


class Counted(Roots):
    """The same, counting how often the gradient was asked for."""

    asked = 0

    def values_and_slopes(self, plan, value):
        self.asked += 1
        return super().values_and_slopes(plan, value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "targets", [Targets(target_roi=0.05), Targets(target_roi=5.0), Targets(target_kpi=500.0)], ids=str
)
def test_a_target_far_from_today_costs_few_times_what_a_stated_total_costs(targets):
    def asked(wanted):
        problem = dataclasses.replace(problem_of(HEIGHTS), outcome=Counted(HEIGHTS))
        best_plan(problem, TODAY, wanted, dcm.Search())
        return problem.outcome.asked

    assert asked(targets) < 12 * asked(Targets(total=84.0))


class Substitutes(Roots):
    """KPI of sqrt(sum(a_i x_i)): all of a budget belongs in one cell, which the cells' own curves cannot tell."""

    def values(self, plans):
        kpi = FREE + np.sqrt(np.maximum(plans, 0.0) @ self.heights)[:, None] * self.refits
        return np.stack([kpi, REVENUE * kpi], axis=-1)[..., None]

    def values_and_slopes(self, plan, value):
        slope = self.refits[:, None] * 0.5 * self.heights / np.sqrt(np.maximum(plan @ self.heights, 1e-9))
        return self.values(plan[None])[0], slope * (1.0, REVENUE)[value]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("targets", "total"),
    [
        (Targets(target_roi=0.5), 1.6 / 0.5**2),
        (Targets(target_mroi=0.5), 0.4 / 0.5**2),
        (Targets(target_kpi=4.0), 16 / 1.6),
    ],
    ids=str,
)
def test_a_target_is_found_by_the_model_where_the_curves_of_single_cells_mislead(targets, total):
    heights = [1.0] * 5 + [1.6]
    problem = dataclasses.replace(problem_of(heights), outcome=Substitutes(heights))
    found = best_plan(problem, np.full(6, 5.0), targets, dcm.Search())
    assert found.x.sum() == pytest.approx(total, rel=2e-3)
    np.testing.assert_allclose(found.x, [0, 0, 0, 0, 0, total], atol=2e-2 * total)


@pytest.mark.parametrize("kpi", [3.0, 30.0])  # less than today's spend earns, and more
def test_a_target_kpi_is_reached_by_the_least_total(kpi):
    found = best_plan(problem_of([2.0]), TODAY[:1], Targets(target_kpi=kpi), QUICK)
    assert found.x == pytest.approx([kpi**2 / 4.0], rel=1e-3)
    assert found.value * UNIT >= kpi


def test_a_target_keeps_to_the_limits():
    held = problem_of(HEIGHTS, Polytope.nonnegative(3).with_box(np.full(3, 1.0), np.full(3, 20.0)))
    assert best_plan(held, TODAY, Targets(target_roi=0.1), QUICK).x.sum() == pytest.approx(60.0)
    assert best_plan(held, TODAY, Targets(target_kpi=1.0), QUICK).x.sum() == pytest.approx(3.0)
    most = 7.0 * np.sqrt(20.0)
    with pytest.raises(dcm.ConfigError, match=f"a KPI of 40; the most is {most:.1f}.*, at a total of 60"):
        best_plan(held, TODAY, Targets(target_kpi=40.0), QUICK)
    with pytest.raises(dcm.ConfigError, match=r"target ROI of 9; the best is 2.33.*, at a total of 3"):
        best_plan(held, TODAY, Targets(target_roi=9.0), QUICK)
    closed = problem_of(HEIGHTS, Polytope.nonnegative(3).with_box(high=np.zeros(3)))
    with pytest.raises(dcm.ConfigError, match="The limits allow no spend at all"):
        best_plan(closed, TODAY, Targets(target_roi=1.0), QUICK)


def test_the_last_unit_of_a_total_at_all_upper_ends_is_that_of_the_cell_that_loses_least_by_it():
    """Cells return 0.25, 0.5 and 1 there; the mean of these by spend, 0.58, reached the target at a total of 12."""
    held = problem_of(HEIGHTS, Polytope.nonnegative(3).with_box(high=np.full(3, 4.0)))
    found = best_plan(held, TODAY, Targets(target_mroi=0.5), QUICK)
    np.testing.assert_allclose(found.x, [1.0, 4.0, 4.0], rtol=5e-3)
    whole = best_plan(held, TODAY, Targets(total=12.0), QUICK)
    assert mroi_of(whole) == pytest.approx(0.25)
    assert with_room(whole.problem, whole.x).tolist() == [True, False, False]
    by_cell = binding(whole.problem, whole.x, ["a", "b", "c"]).set_index("limit")["shadow_price"]
    assert by_cell[["b", "c"]].tolist() == pytest.approx([0.25, 0.75])


def test_the_last_unit_of_a_total_at_the_ends_of_all_sums_is_that_of_the_sum_that_loses_least_by_it():
    """Cells a and b may spend 8 together and c 4: the first sum's last unit returns 0.395, c's 1."""
    first, second = np.array([1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    sums = Polytope.nonnegative(3).with_sum(first, -np.inf, 8.0, "a + b").with_sum(second, -np.inf, 4.0, "only c")
    held, price = problem_of(HEIGHTS, sums), 0.5 / np.sqrt(1.6)
    whole = best_plan(held, TODAY, Targets(total=12.0), QUICK)
    np.testing.assert_allclose(whole.x, [1.6, 6.4, 4.0], rtol=5e-3)
    assert mroi_of(whole) == pytest.approx(price, rel=5e-3)
    assert with_room(whole.problem, whole.x).tolist() == [True, True, False]
    told = binding(whole.problem, whole.x, ["a", "b", "c"])
    assert told[["limit", "end", "value"]].to_numpy().tolist() == [
        ["only c", "most", 4.0],
        ["the total", "equal", 12.0],
    ]
    assert told["shadow_price"].tolist() == pytest.approx([1.0 - price, price], rel=5e-3)
    found = best_plan(held, TODAY, Targets(target_mroi=0.5), QUICK)  # 12 was said to return 0.59
    np.testing.assert_allclose(found.x, [1.0, 4.0, 4.0], rtol=2e-2)


@pytest.mark.parametrize("ends", [(-np.inf, 84.0), (84.0, np.inf)])
def test_a_sum_of_all_cells_takes_nothing_of_the_price_of_an_equal_total(ends):
    """Raising it alone gains nothing, since the total holds."""
    all_of = Polytope.nonnegative(3).with_sum(np.ones(3), *ends, "all")
    whole = best_plan(problem_of(HEIGHTS, all_of), TODAY, Targets(total=84.0), QUICK)
    told = binding(whole.problem, whole.x, ["a", "b", "c"])
    assert told["limit"].tolist() == ["the total"]
    assert told["shadow_price"].tolist() == pytest.approx([0.25], rel=1e-3)  # half of it was the sum's
    assert with_room(whole.problem, whole.x).all()


def test_a_target_that_free_exposure_reaches_needs_no_spend():
    with_free = dataclasses.replace(problem_of([2.0]), nothing=np.zeros(1))
    with pytest.raises(dcm.ConfigError, match="A KPI of 29 needs no spend: exposure that was free already reaches it"):
        best_plan(with_free, TODAY[:1], Targets(target_kpi=29.0), QUICK)
    assert best_plan(with_free, TODAY[:1], Targets(target_kpi=32.0), QUICK).x == pytest.approx([1.0], rel=5e-3)


def test_a_figure_decides_the_total_where_it_is_given_and_none_is_zero():
    assert [Targets(**{name: 2.0}).searched for name in ("total", "target_roi", "target_mroi", "target_kpi")] == [
        False, True, True, True,
    ]  # fmt: skip
    assert not Targets().searched
    for name in ("total", "target_roi", "target_mroi", "target_kpi"):
        with pytest.raises(dcm.ConfigError, match=f"{name} must be a number above 0, got 0"):
            Targets(**{name: 0.0})


def test_spend_that_the_limits_require_is_planned_though_the_target_is_reached_without():
    required = problem_of([2.0], Polytope.nonnegative(1).with_box(low=np.array([3.0])))
    with_free = dataclasses.replace(required, nothing=np.zeros(1))
    assert best_plan(with_free, TODAY[:1], Targets(target_kpi=29.0), QUICK).x == pytest.approx([3.0])


def test_where_nothing_is_spent_today_a_total_or_a_target_has_to_be_given():
    with pytest.raises(dcm.ConfigError, match="Nothing is spent in these weeks today; give the total"):
        best_plan(problem_of([2.0]), np.zeros(1), Targets(), QUICK)
    assert best_plan(problem_of([2.0]), np.zeros(1), Targets(total=1e-3), QUICK).x == pytest.approx([1e-3])
    assert best_plan(problem_of([2.0]), np.zeros(1), Targets(target_roi=0.5), QUICK).x == pytest.approx(
        [16.0], rel=2e-3
    )


@pytest.mark.slow
def test_what_became_of_the_starts_is_said_also_where_the_curves_plan_is_kept():
    def roi(found):
        """A figure that plans from all starts miss."""
        return found.value * UNIT / found.x.sum() - 0.1 * (found.method == "SLSQP")

    found = largest_total(problem_of(HEIGHTS), TODAY, dcm.Search(), roi, 0.5, "ROI")
    assert found.method == "projected"
    assert found.x.sum() == pytest.approx(21.0 / 0.5**2, rel=2e-3)
    assert found.starts["best"].any()
    assert found.starts["start"].str.contains("on the curves, from").any()  # those of the model's own search


@pytest.mark.slow
@pytest.mark.parametrize(
    ("targets", "total"),
    [
        (Targets(target_roi=0.5), 21.0 / 0.5**2),
        (Targets(target_mroi=0.5), 21.0 / (4.0 * 0.5**2)),
        (Targets(target_kpi=20.0), 20.0**2 / 21.0),
    ],
    ids=str,
)
@pytest.mark.parametrize("separable", [True, False])
def test_targets_of_a_mean_over_refits_are_held_against_the_estimate(targets, total, separable):
    """Refits that find half as much again on average: by their mean, the totals would differ by a factor of 2.25."""
    refits = dataclasses.replace(problem_of(HEIGHTS, refits=(1.0, 2.0)), separable=separable)
    held = dataclasses.replace(refits, estimate=problem_of(HEIGHTS))
    assert best_plan(held, TODAY, targets, QUICK).x.sum() == pytest.approx(total, rel=2e-3)
    other = best_plan(refits, TODAY, targets, QUICK).x.sum()
    assert other == pytest.approx(total * (1 / 2.25 if targets.target_kpi else 2.25), rel=2e-3)


def test_a_target_that_only_the_refits_reach_is_refused_with_the_most_that_the_estimate_does():
    polytope = Polytope.nonnegative(3).with_box(np.full(3, 1.0), np.full(3, 20.0))
    refits = problem_of(HEIGHTS, polytope, refits=(1.0, 2.0))
    held = dataclasses.replace(refits, estimate=problem_of(HEIGHTS, polytope))
    most = 7.0 * np.sqrt(20.0)
    with pytest.raises(dcm.ConfigError, match=f"a KPI of 40; the most is {most:.1f}.*, at a total of 60"):
        best_plan(held, TODAY, Targets(target_kpi=40.0), QUICK)
    assert best_plan(refits, TODAY, Targets(target_kpi=40.0), QUICK).x.sum() < 60.0


@pytest.mark.parametrize(("total", "said"), [(1e6, True), (9e5, False), (30.0, False)])
def test_a_target_that_sets_no_limit_is_said_to(total, said):
    notes = open_end(total, 100.0, 1e4)
    assert bool(notes) == said
    assert all("still met at 10,000 times today's spend" in note for note in notes)
