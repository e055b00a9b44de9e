"""Where lift tests and the KPI disagree."""

import numpy as np

from deepcausalmmm_jax.attribution.notes import ChannelNote, NoteKind
from deepcausalmmm_jax.data.experiments import errors_of
from deepcausalmmm_jax.training.fitted import Fitted

CONFLICT = 2.0  # standard errors of the difference from which a test and the KPI disagree


def disagreement(fitted: Fitted) -> np.ndarray:
    """Measured lift less that of a fit without the tests, in standard errors of the difference, `[test]`; or NaN."""
    of, before = fitted.config.experiments, fitted.lifts_before
    if before is None:
        return np.full(len(of), np.nan)
    measured = np.array([test.lift for test in of])
    return np.asarray((measured - before.lift) / np.hypot(errors_of(of), before.sd))


def conflict_notes(fitted: Fitted, channel: str) -> list[ChannelNote]:
    """The notes on tests of a channel that disagree with the KPI."""
    found = zip(fitted.config.experiments, disagreement(fitted), strict=True)
    return [
        ChannelNote(NoteKind.TEST_CONFLICT, (test.label,), abs(float(z)))
        for test, z in found
        if test.channel == channel and abs(z) > CONFLICT
    ]
