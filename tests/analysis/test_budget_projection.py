import numpy as np
import scipy.sparse as sp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from deepcausalmmm_jax.analysis.budget_constraints import Feasible
from deepcausalmmm_jax.analysis.budget_projection import project


def _random_limits(rng):
    """A box and crossed sums that some plan meets, often with no room to spare; where to be near to; weights."""
    n, k = int(rng.integers(2, 10)), int(rng.integers(1, 5))
    rows = (rng.random((k, n)) < rng.uniform(0.2, 0.9)).astype(float)
    inside = rng.uniform(0.5, 2.0, n)
    sums = rows @ inside
    tight = rng.random(k) < 0.3
    plan = Feasible(
        inside * np.where(rng.random(n) < 0.2, 1.0, rng.uniform(0, 1, n)),
        np.where(rng.random(n) < 0.5, inside * rng.uniform(1, 3, n), np.inf),
        sp.csr_matrix(rows),
        np.where(tight, sums, np.where(rng.random(k) < 0.7, sums * rng.uniform(0.7, 1, k), -np.inf)),
        np.where(tight, sums, np.where(rng.random(k) < 0.7, sums * rng.uniform(1, 1.3, k), np.inf)),
        tuple(f"sum {i}" for i in range(k)),
    )
    if rng.random() < 0.8:
        plan = plan.with_total(float(inside.sum()))
    return plan, inside, rng.normal(1.0, 3.0, n), rng.uniform(0.5, 2.0, n)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
@example(494)  # Newton's steps circle
@example(821)
def test_projection_is_the_nearest_plan(seed):
    plan, inside, y, weight = _random_limits(np.random.default_rng(seed))
    x = project(y, plan, weight)
    assert plan.violation(x) < 1e-9
    rows, equal = plan.rows.toarray(), plan.least == plan.most
    low, high = np.isfinite(plan.least) & ~equal, np.isfinite(plan.most) & ~equal
    basis = np.linalg.qr(rows[equal].T)[0] if equal.any() else np.zeros((len(x), 0))
    limits = [{"type": "eq", "fun": lambda z: basis.T @ (z - inside)}] if equal.any() else []
    both = np.concatenate([rows[low], -rows[high]])
    ends = np.concatenate([plan.least[low], -plan.most[high]])
    if len(ends):
        limits.append({"type": "ineq", "fun": lambda z: both @ z - ends})
    other = minimize(
        lambda z: (((z - y) ** 2) / weight).sum(),
        inside,
        method="SLSQP",
        bounds=list(zip(plan.low, plan.high, strict=True)),
        constraints=limits,
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert plan.violation(inside) < 1e-12
    assert (((x - y) ** 2) / weight).sum() <= (((inside - y) ** 2) / weight).sum() + 1e-9
    if plan.violation(other.x) < 1e-8:  # it gives up where sums follow from one another
        assert (((x - y) ** 2) / weight).sum() <= other.fun * (1 + 1e-6) + 1e-6


def test_a_projection_with_a_thousand_cells_and_crossed_sums_meets_them_all():
    rng = np.random.default_rng(0)
    channel, region = np.tile(np.arange(10), 100), np.repeat(np.arange(20), 50)
    today = rng.lognormal(0, 2, 1000)
    rows = np.concatenate([channel == np.arange(10)[:, None], region == np.arange(20)[:, None]]).astype(float)
    plan = Feasible(
        np.zeros(1000), np.full(1000, np.inf), sp.csr_matrix(rows), 0.8 * rows @ today, 1.2 * rows @ today, ("",) * 30
    ).with_total(today.sum())
    for step in (0.1, 1.0, 20.0):
        x = project(today * (1 + step * rng.normal(0, 1, 1000)), plan, today)
        assert plan.violation(x) < 1e-10
