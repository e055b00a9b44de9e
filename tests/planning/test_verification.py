"""The last check of a plan: it meets every limit, or is mended, or refused; and it is never worse than today's spend."""

import numpy as np
import pandas as pd
import pytest

import deepcausalmmm_jax as dcm
from deepcausalmmm_jax.planning.optimizer.polytope import Polytope
from deepcausalmmm_jax.planning.optimizer.problem import Problem
from deepcausalmmm_jax.planning.optimizer.search import Found
from deepcausalmmm_jax.planning.optimizer.utility import utility_of
from deepcausalmmm_jax.planning.optimizer.verification import refuse_missed, verified


def _found(x, plan, outcome):
    problem = Problem(outcome, utility_of("mean", 1, 1.0, None), 0, np.zeros(1), plan, np.ones(2), 1.0)
    starts = pd.DataFrame({"start": ["today"], "value": [1.0], "best": [True]})
    return Found(np.asarray(x), float(problem.utilities(np.asarray(x)[None])[0]), "made up", starts, problem)


class _Sum:
    """An outcome of twice the first cell and once the second."""

    def values(self, plans):
        return np.tile((plans @ [2.0, 1.0])[:, None, None, None], (1, 1, 2, 1))


def test_a_plan_that_misses_a_limit_is_mended_and_one_worse_than_today_is_not_returned():
    limits = Polytope.nonnegative(2).with_box(high=np.array([6.0, np.inf]))
    held, today, names = limits.with_total(10.0), np.array([5.0, 5.0]), ["a", "b"]
    mended = verified(_found([8.0, 2.0], held, _Sum()), limits, today, names, lambda _: True)
    np.testing.assert_allclose(mended.x, [6.0, 4.0])
    assert mended.value == pytest.approx(16.0)
    worse = verified(_found([1.0, 9.0], held, _Sum()), limits, today, names, lambda _: True)
    np.testing.assert_array_equal(worse.x, today)
    assert worse.value == pytest.approx(15.0)
    kept = verified(_found([1.0, 9.0], held, _Sum()), limits, np.array([7.0, 3.0]), names, lambda _: True)
    np.testing.assert_array_equal(kept.x, [1.0, 9.0])  # today's spend is not within the limits
    with pytest.raises(dcm.PlanError, match=r"spends 8 on a, which must be at most 6: it misses this limit by 2"):
        refuse_missed(held, np.array([8.0, 2.0]), names)
    with pytest.raises(
        dcm.PlanError, match="spends 9 on the total, which must be at least 10: it misses this limit by 1"
    ):
        refuse_missed(held, np.array([5.0, 4.0]), names)
    with pytest.raises(dcm.PlanError, match="minimum flight"):
        verified(_found([6.0, 4.0], held, _Sum()), limits, today, names, lambda _: False)


@pytest.mark.parametrize(
    ("plan", "least", "most", "swept"),
    [
        ([9.99995, 5e-5], 0.0, np.inf, [10.0, 0.0]),  # left over by a solver: no spend, and no return on it
        ([9.9995, 5e-4], 0.0, np.inf, [9.9995, 5e-4]),
        ([9.99995, 5e-5], 5e-5, np.inf, [9.99995, 5e-5]),  # as little as was asked for
        ([9.99995, 5e-5], 0.0, 9.99995, [9.99995, 5e-5]),  # the other cell is full
    ],
)
def test_crumbs_of_spend_are_swept_together(plan, least, most, swept):
    limits = Polytope.nonnegative(2).with_box(low=np.array([0.0, least]), high=np.array([most, np.inf]))
    held = limits.with_total(10.0)
    found = verified(_found(plan, held, _Sum()), limits, np.array([0.0, 10.0]), ["a", "b"], lambda _: True)
    np.testing.assert_array_equal(found.x, swept)
    assert found.value == pytest.approx(2.0 * swept[0] + swept[1], abs=1e-12)
