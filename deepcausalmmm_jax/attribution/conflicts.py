"""Where lift tests and the KPI disagree."""

import numpy as np

from deepcausalmmm_jax.attribution.notes import ChannelNote, NoteKind
from deepcausalmmm_jax.data.experiments import errors_of
from deepcausalmmm_jax.model.parameters import Parameters
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
    """Notes on tests of a channel that disagree with the KPI; of one without a test, on what others' tests showed."""
    found = zip(fitted.config.experiments, disagreement(fitted), strict=True)
    notes = [
        ChannelNote(NoteKind.TEST_CONFLICT, (test.label,), abs(float(z)))
        for test, z in found
        if test.channel == channel and abs(z) > CONFLICT
    ]
    confounded = with_hidden_demand(fitted)
    if confounded and channel in untested(fitted):
        notes.append(ChannelNote(NoteKind.UNTESTED_DEMAND, confounded))
    return notes


def with_hidden_demand(fitted: Fitted) -> tuple[str, ...]:
    """Channels whose effect the KPI overstated: a lift test measured less, and the rest was found to be demand."""
    demand = Parameters.of(fitted.variables["params"]).demand if fitted.config.experiments else None
    if demand is None:
        return ()
    names, found = fitted.panel.channels, zip(fitted.config.experiments, disagreement(fitted), strict=True)
    overstated = {test.channel for test, z in found if z < -CONFLICT}
    return tuple(
        name for name, share in zip(names, np.asarray(demand), strict=True) if name in overstated and share > 0
    )


def untested(fitted: Fitted) -> tuple[str, ...]:
    """Channels without a lift test."""
    tested = {test.channel for test in fitted.config.experiments}
    return tuple(name for name in fitted.panel.channels if name not in tested)
