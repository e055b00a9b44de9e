"""With many draws a search begins with a few of them, and its plan is that of all."""

import dataclasses

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.attribution.horizon import past_weeks
from deepcausalmmm_jax.planning import outcome as module
from deepcausalmmm_jax.planning.budget_problem import Aim, budget_problem
from deepcausalmmm_jax.planning.cells import cells_of
from deepcausalmmm_jax.planning.optimizer.polytope import Polytope
from deepcausalmmm_jax.planning.optimizer.search import best_for_total
from deepcausalmmm_jax.planning.outcome import REVENUE, Outcome, rows_by_part
from tests.planning.roots import problem_of
from tests.planning.test_best_plans import HEIGHTS, TODAY
from tests.plots.conftest import as_ensemble

DRAWS = 25  # no multiple of a piece


@pytest.fixture
def two_threads(monkeypatch):
    monkeypatch.setattr(module, "threads_for", lambda most: min(2, most))
    monkeypatch.setattr(module, "_LITTLE", 0)


@pytest.fixture(scope="module")
def asked(small_result):
    """The fit, 25 draws around it, the last 8 weeks and their cells."""
    drawn = as_ensemble(small_result, DRAWS)
    fit = small_result.fitted_panel
    horizon = past_weeks(fit, 8)
    return fit, drawn, horizon, cells_of(horizon, "channel", fit.scales.exposure)


def test_draws_in_pieces_are_the_draws_in_their_order(asked, two_threads):
    fit, drawn, horizon, cells = asked
    outcome = Outcome(fit, drawn.replicates.variables, horizon, cells)
    assert len(outcome._in_pieces()) == 7
    values, slopes = outcome.values_and_slopes(cells.today, REVENUE)
    assert slopes.shape == (DRAWS, 3)
    np.testing.assert_allclose(values, outcome.values(cells.today[None])[0], rtol=1e-5)
    for at in (0, 7, DRAWS - 1):
        own = jax.tree.map(lambda a, k=at: np.asarray(a)[k : k + 1], drawn.replicates.variables)
        alone = Outcome(fit, own, horizon, cells).values_and_slopes(cells.today, REVENUE)
        np.testing.assert_allclose(slopes[at], alone[1][0], rtol=1e-4, atol=1e-6 * np.abs(slopes).max())


@given(st.integers(1, 500), st.integers(1, 40))
def test_every_draw_is_in_one_part_and_the_last_fills_up_what_is_short(n, parts):
    rows = rows_by_part(n, min(parts, n))
    assert set(rows.ravel()) == set(range(n))
    in_order = np.swapaxes(rows, 0, 1).ravel()
    np.testing.assert_array_equal(in_order[:n], np.arange(n))
    assert (in_order[n:] == n - 1).all()


def test_the_few_are_some_of_the_draws(asked, two_threads):
    fit, drawn, horizon, cells = asked
    outcome = Outcome(fit, drawn.replicates.variables, horizon, cells)
    few = outcome.few()
    assert few is not None
    assert len(few.rows) == len(set(few.rows)) == 8
    assert few.rows.min() < DRAWS / 4
    assert few.rows.max() > DRAWS * 3 / 4  # evenly spread
    for mine, whole in zip(few.values_and_slopes(cells.today, REVENUE), outcome.values_and_slopes(cells.today, REVENUE), strict=True):  # fmt: skip
        np.testing.assert_array_equal(mine, whole[few.rows])
    np.testing.assert_array_equal(few.values(cells.today[None]), outcome.values(cells.today[None])[:, few.rows])


def test_terms_of_channels_of_many_plans_are_those_of_each(asked, two_threads):
    fit, drawn, horizon, cells = asked
    outcome = Outcome(fit, drawn.replicates.variables, horizon, cells)
    plans = np.linspace(0.0, 2.0, 5)[:, None] * cells.today
    whole = outcome.by_channel(plans)
    for at in (0, 4):
        np.testing.assert_allclose(whole[at], outcome.by_channel(plans[at : at + 1])[0], rtol=1e-5)


def test_few_draws_or_another_objective_than_the_mean_have_no_rough_problem(asked, two_threads):
    fit, drawn, horizon, cells = asked
    box = Polytope.nonnegative(3)
    for objective, count, is_there in (("mean", DRAWS, True), ("mean", 6, False), ("cvar", DRAWS, False)):
        some = dataclasses.replace(drawn.replicates, variables=jax.tree.map(lambda a, n=count: np.asarray(a)[:n], drawn.replicates.variables))  # fmt: skip
        aim = Aim(objective, None, REVENUE, None, 0.9)
        problem = budget_problem(fit, some, horizon, cells, box, aim, has_target=False)
        assert (problem.rough is not None) == is_there
        assert (problem.quick() is problem) != is_there


@pytest.mark.parametrize("method", ["SLSQP", "projected"])
def test_the_plan_of_a_search_that_begins_roughly_is_that_of_all_draws(method):
    """The few draws here have other best plans than all have."""
    whole = problem_of(HEIGHTS)
    roughly = dataclasses.replace(whole, rough=problem_of(HEIGHTS[::-1]))
    expected = 84.0 * HEIGHTS**2 / (HEIGHTS**2).sum()
    for separable in (True, False):
        problem = dataclasses.replace(roughly, separable=separable)
        found = best_for_total(problem, TODAY, 84.0, dcm.Search(method, starts=4))
        np.testing.assert_allclose(found.x, expected, rtol=2e-3)
        assert found.starts["best"].all()
        assert len(found.starts) == (3 if separable else 4)  # a row for each start, however many went on
