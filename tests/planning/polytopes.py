"""Limits of every kind that some plan meets, and a certificate that a plan is the nearest: not by the package's means."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

from deepcausalmmm_jax.planning.optimizer.polytope import Polytope


class Case(NamedTuple):
    plan: Polytope
    inside: np.ndarray  # [cell], meets the limits
    y: np.ndarray  # [cell], where to be near to
    weight: np.ndarray  # [cell]


def random_case(seed):
    """1 to 400 cells of 1e-3 to 1e9, weights over 6 decades, sums that repeat, contain, cross and imply one another."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([rng.integers(1, 9), rng.integers(9, 60), rng.integers(60, 401)], p=[0.6, 0.35, 0.05]))
    decades = rng.choice([0.0, 1.0, 3.0, 12.0])
    scale = 10.0 ** (rng.uniform(-3 + decades / 2, 9 - decades / 2) + rng.uniform(-decades / 2, decades / 2, n))
    inside = scale * rng.uniform(0.5, 2.0, n) * (rng.random(n) >= rng.choice([0, 0.3]))
    rows = _rows(rng, n)
    least, most = _ends(rng, rows @ inside)
    low = np.where(rng.random(n) < rng.choice([0, 0.3, 1]), inside, inside * rng.choice([0, 1]) * rng.random(n))
    wide = np.where(rng.random(n) < rng.choice([0, 0.5, 1]), inside * rng.uniform(1, 3, n), np.inf)
    high = np.where(rng.random(n) < rng.choice([0, 0, 0.3]), inside, wide)
    y = (
        inside * (1 + rng.normal(0, 0.1, n)),
        inside * rng.normal(1, 3, n),
        inside.mean() * rng.normal(1, 3, n),
        np.zeros(n),
        inside * 10.0 ** rng.uniform(-3, 3, n),
    )[rng.integers(5)]
    weight = (np.ones(n), np.maximum(inside, 0.05 * scale), 10.0 ** rng.uniform(-3, 3, n))[rng.integers(3)]
    plan = Polytope(low, high, sp.csr_matrix(rows), least, most, ("",) * len(rows))
    return Case(plan, inside, y, weight)


def _rows(rng, n):
    rows = [np.ones(n)]
    for kind in rng.integers(0, 7, rng.choice([2, 5, 20])):
        old, ends = rows[rng.integers(len(rows))], np.sort(rng.integers(0, n, 2))
        some = rng.random(n) < rng.uniform(0.1, 0.9)
        stretch = (np.arange(n) >= ends[0]) & (np.arange(n) <= ends[1])
        rows.append((np.ones(n), old, old * some, 1 - old, np.maximum(old, some), 1.0 * stretch, 1.0 * some)[kind])
    if rng.random() < 0.3:  # channels and regions
        across = int(rng.integers(1, 7))
        rows += [1.0 * (np.arange(n) % across == i) for i in range(across)]
        rows += [1.0 * (np.arange(n) // across == i) for i in range(min(n // across, 10))]
    return np.array(rows[rng.integers(2) :])


def _ends(rng, sums):
    """Equal, two-sided, one-sided and slack, with the sums inside or at an end."""
    below, above = (
        np.where(rng.random(len(sums)) < 0.4, sums, sums * rng.uniform(*span, len(sums))) for span in ((0.2, 1), (1, 5))
    )
    kind = rng.choice(4, len(sums), p=rng.dirichlet(np.ones(4)))
    return (
        np.choose(kind, [sums, below, below, np.full(len(sums), -np.inf)]),
        np.choose(kind, [sums, above, np.full(len(sums), np.inf), above]),
    )


def missed(plan, x):
    """Largest miss of a sum, relative to itself; infinite where a cell is outside its ends."""
    if not ((x >= plan.low) & (x <= plan.high)).all():
        return np.inf
    sums = plan.rows @ x
    off = np.abs(np.clip(sums, plan.least, plan.most) - sums)
    size = np.max([np.where(np.isfinite(end), np.abs(end), 0.0) for end in (sums, plan.least, plan.most)], axis=0)
    return float(np.divide(off, size, out=np.zeros_like(off), where=off > 0).max(initial=0.0))


def too_far(case, x):
    """By how much x may be farther from y than the nearest plan, as a share of the distance; 0 is exact.

    x is nearest where no plan z within the limits has (x - y) (z - x) / s below 0. The least is a linear program; the
    nearest plan is not farther from x than twice the distance, so that it need not look farther.
    """
    root = np.sqrt(case.weight)
    away = (x - case.y) / root
    distance = float(np.linalg.norm(away))
    size = float(np.linalg.norm(x / root))
    if distance <= 1e-9 * size:
        return 0.0
    rows, sums = case.plan.rows.toarray() * root * distance, case.plan.rows @ x
    unit = np.maximum(np.abs(rows).max(axis=1), 1e-300)
    least, most = np.minimum(case.plan.least - sums, 0) / unit, np.maximum(case.plan.most - sums, 0) / unit
    ends = np.concatenate([most, -least])
    near = ends < 3 * len(x)  # others cannot be reached
    box = np.clip([(case.plan.low - x) / root / distance, (case.plan.high - x) / root / distance], -2, 2)
    within = np.concatenate([rows / unit[:, None], -rows / unit[:, None]])[near]
    for exact in (1e-10, 1e-7):  # the first is sometimes asked too much
        options = {"primal_feasibility_tolerance": exact, "dual_feasibility_tolerance": exact}
        found = linprog(away / distance, A_ub=within, b_ub=ends[near], bounds=box.T, options=options)
        if found.status == 0:
            break
    assert found.status == 0
    return -float(found.fun)
