"""Lift tests beside the model: what was measured, and what the model says with and without the tests."""

import jax
import numpy as np
import pandas as pd
from jax import Array

from deepcausalmmm_jax.attribution.channel_errors import channel_errors
from deepcausalmmm_jax.attribution.conflicts import CONFLICT, disagreement
from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.model_lifts import model_lifts
from deepcausalmmm_jax.axes import CHANNEL, Variables
from deepcausalmmm_jax.config.lift_tests import LiftTest
from deepcausalmmm_jax.data.experiments import LiftTests, errors_of
from deepcausalmmm_jax.training.fitted import LiftsBefore
from deepcausalmmm_jax.training.prepare import lift_tests_of


def lifts_before(
    fit: FittedPanel, tests: LiftTests[Array], of: tuple[LiftTest, ...], drawn: Variables | None
) -> LiftsBefore:
    """What a fit to the KPI alone says of tests, in their units.

    Args:
        fit: without the tests, on its panel up to the last week with a KPI.
        tests: as the model reads them.
        of: the same as stated.
        drawn: draws of the variables, for the standard deviations; None to take the channels' standard errors.
    """
    unit = errors_of(of)
    lift = model_lifts(fit, tests)
    sd = (
        _relative_errors(fit, of) * np.abs(lift)
        if drawn is None
        else model_lifts(fit, tests, drawn).std(axis=0, ddof=1)
    )
    return LiftsBefore(lift * unit, sd * unit)


def lift_table(fit: FittedPanel, sets: Variables) -> pd.DataFrame:
    """One row per lift test: what was measured, what the model says, and whether the two disagree.

    Args:
        fit: on its panel up to the last week with a KPI.
        sets: of the model's variables, with a leading axis: draws or refits, or the estimate alone.

    Returns:
        By test: `channel`, `start`, `end`, `regions`, `kind`, `unit`; `measured` and `standard_error`; `model_before`
        and `before_sd` of a fit to the KPI alone; `model_after` and `after_sd` of this fit; `z`, measured less before
        in standard errors of the difference; `conflict`, whether |z| is above 2. Standard deviations are those of draws
        or refits. A fit without them takes the standard error of the channel, see `channel_errors`, for `before_sd`,
        and for `after_sd` that of the channel's tests together, or of them and the KPI where they are too inexact to
        show hidden demand. A bootstrap keeps `model_before` of the fit that it is of: where that has draws, their mean,
        though `model_after` is of the end of training then, which is another estimate. Empty without tests.
    """
    of, tests, before = fit.config.experiments, lift_tests_of(fit.fitted), fit.fitted.lifts_before
    error = errors_of(of)
    columns = {
        CHANNEL: [test.channel for test in of],
        "start": [test.start for test in of],
        "end": [test.end for test in of],
        "regions": ["all" if t.regions is None else ", ".join(map(str, t.regions)) for t in of],
        "kind": [test.kind for test in of],
        "unit": [test.unit for test in of],
        "measured": [test.lift for test in of],
        "standard_error": [test.standard_error for test in of],
    }
    unknown = np.full(len(of), np.nan)
    if tests is None or before is None:
        before = LiftsBefore(unknown, unknown)
    after = unknown if tests is None else model_lifts(fit, tests) * error
    after_sd = unknown
    if tests is not None:
        channel = np.asarray(tests.channel)
        after_sd = known_from_tests(after, error, channel, before.sd, np.asarray(tests.demand_scale)[channel] > 0)
    if tests is not None and _count(sets) > 1:
        after_sd = model_lifts(fit, tests, sets).std(axis=0, ddof=1) * error
    z = disagreement(fit.fitted)
    table = columns | {
        "model_before": before.lift,
        "before_sd": before.sd,
        "model_after": after,
        "after_sd": after_sd,
        "z": z,
        "conflict": np.abs(z) > CONFLICT,
    }
    return pd.DataFrame(table, index=pd.Index([test.label for test in of], name="test"))


def known_from_tests(
    lift: np.ndarray, error: np.ndarray, channel: np.ndarray, before_sd: np.ndarray, shows_demand: np.ndarray
) -> np.ndarray:
    """Standard errors of lifts by all tests of the same channel, `[test]`, in the tests' units.

    Tests of one channel measure one effect, so each says of the lift of another as much as of its own, in proportion.

    Args:
        lift: what the model says of each.
        error: of each measurement.
        channel: positions of the tested channels.
        before_sd: standard errors by the KPI alone.
        shows_demand: whether the channel has hidden demand, of which the KPI says nothing.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.abs(lift[:, None] / lift)  # lift of the row in lifts of the column
        known = np.where((channel[:, None] == channel) & (times > 0) & np.isfinite(times), (times * error) ** -2.0, 0.0)
        np.fill_diagonal(known, error**-2.0)
        return np.asarray((known.sum(axis=1) + np.where(shows_demand, 0.0, before_sd**-2.0)) ** -0.5)


def _count(sets: Variables) -> int:
    return len(jax.tree.leaves(sets)[0])


def _relative_errors(fit: FittedPanel, of: tuple[LiftTest, ...]) -> np.ndarray:
    """Standard error of each tested channel's effect as a share of it, `[test]`."""
    errors = channel_errors(fit)
    return np.array([errors[fit.panel.channels.index(test.channel)] for test in of])
