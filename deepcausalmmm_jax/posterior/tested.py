"""Lift tests given the KPI: the part of the posterior in which they meet the linear coefficients."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from deepcausalmmm_jax.ops.cholesky import inverse_root


class Tested(NamedTuple):
    """Lift tests under some curves, in standard errors of each test."""

    measured: Array  # [test]
    response: Array  # [test, region, channel], lift at the national coefficients, see `model.lift_tests.lifts`
    variation: Array  # [test, channel, term], change of the lift by each term of a coefficient's variation over time


class LiftGivenKpi(NamedTuple):
    """Distribution of the tests' lifts given curves, scales and KPI.

    They are linear in standard normal shocks, those of what regions share and those of each region's own coefficients:
    a lift is its mean, plus `own` times the regions' shocks, less `shared` times the shared shocks.
    """

    mean: Array  # [test]
    shared: Array  # [test, shared]
    own: Array  # [test, region, own]


def log_density_given_kpi(tests: Tested, lift: LiftGivenKpi) -> Array:
    """Log density of the measured lifts given the KPI, up to a constant."""
    root = _inverse_root(lift)
    white = root @ (tests.measured - lift.mean)
    return jnp.log(jnp.diagonal(root)).sum() - 0.5 * white @ white


def shocks_given_tests(
    tests: Tested, lift: LiftGivenKpi, shock: Array, shocks: Array, error: Array
) -> tuple[Array, Array]:
    """Shocks given the tests too, from shocks given the KPI alone, by Matheron's rule.

    A draw given the KPI implies lifts. What the tests measured beyond them, less a draw of their errors, is spread over
    the shocks in proportion to their covariance with the lifts (Journel & Huijbregts 1978; Doucet 2010).

    Args:
        tests: as measured.
        lift: their distribution given the KPI.
        shock: `[shared]`, of what regions share.
        shocks: `[region, own]`, of each region's own coefficients.
        error: `[test]`, a draw of the errors.

    Returns:
        Both shocks.
    """
    implied = lift.mean + jnp.einsum("kri,ri->k", lift.own, shocks) - lift.shared @ shock
    root = _inverse_root(lift)
    gain = root.T @ (root @ (tests.measured - error - implied))
    return shock - gain @ lift.shared, shocks + jnp.einsum("k,kri->ri", gain, lift.own)


def _inverse_root(lift: LiftGivenKpi) -> Array:
    """Inverse Cholesky factor of the covariance of the measured lifts given the KPI, `[test, test]`."""
    covariance = lift.shared @ lift.shared.T + jnp.einsum("kri,lri->kl", lift.own, lift.own)
    return inverse_root(covariance + jnp.eye(covariance.shape[0]))
