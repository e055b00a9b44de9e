"""The table of notes as it is shown: what holds for the intervals of all channels is said once, below it."""

import pandas as pd

from deepcausalmmm_jax.attribution.intervals import drifted
from deepcausalmmm_jax.attribution.notes import NOTE, ChannelNote, NoteKind, with_note
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.results.sampling_diagnostics import untrusted_or_not


def own_notes(result: FitResult, level: float = 0.9) -> pd.DataFrame:
    """`FitResult.notes`, with in the column `note` only what is of the one channel.

    Args:
        result: a fit or an ensemble.
        level: of an ensemble's intervals.
    """
    own = result.channel_trust.shown()
    if not isinstance(result, Ensemble):
        return own
    far = drifted(own, {"share": result.share_draws().to_numpy()}, level)
    own = with_note(own, far, ChannelNote(NoteKind.OUTSIDE_INTERVAL))
    return result.notes(level).assign(**{NOTE: own[NOTE]})


def doubt_of_draws(result: FitResult, called: str = "intervals") -> str:
    """A sentence where draws from the posterior are not to be trusted, with the way out; empty elsewhere.

    Args:
        result: a fit or an ensemble.
        called: what the reader knows the intervals as.
    """
    if not isinstance(result, Ensemble):
        return ""
    return " ".join(map(as_sentence, untrusted_or_not(result.replicates, called)))


def sentences_on_all(result: FitResult) -> list[str]:
    """What holds for the intervals of all channels, a sentence each."""
    if not isinstance(result, Ensemble):
        return []
    return list(map(as_sentence, result.coverage_notes))


def as_sentence(note: ChannelNote) -> str:
    """A note by itself; names within it keep their letters."""
    return f"{note.sentence[0].upper()}{note.sentence[1:]}."
