"""How well channels' shares are known where there are draws of them."""

import numpy as np

from deepcausalmmm_jax.attribution.fitted_panel import FittedPanel
from deepcausalmmm_jax.attribution.notes import (
    REACH,
    ChannelNote,
    ChannelTrust,
    NoteKind,
    clear_from,
    clear_or_not,
    tiny_or_not,
)
from deepcausalmmm_jax.data.inputs import Inputs
from deepcausalmmm_jax.posterior.prior import log_share_spread

_LEARNED = 0.8  # share of the prior spread of log shares above which the data have added little
_OF_THE_FIT = {NoteKind.NO_CLEAR_EFFECT, NoteKind.UNKNOWN_ERROR, NoteKind.TINY, NoteKind.MAY_BE_MORE}


def says_little(fit: FittedPanel, shares: np.ndarray, *, from_posterior: bool) -> np.ndarray:
    """Whether the draws of a channel's share are nearly as spread out as under the priors alone, `[channel]`.

    Args:
        fit: the fit, whose stated priors of shares, returns and the total count too.
        shares: `[draw, channel]`, of the KPI.
        from_posterior: whether these are draws from the posterior; refits do not show what a prior says.
    """
    if not (from_posterior and isinstance(fit.inputs, Inputs)):
        return np.zeros(shares.shape[1], bool)
    spread = np.log(np.maximum(shares, 1e-12)).std(axis=0)
    return spread > _LEARNED * log_share_spread(fit.config, shares.shape[1], fit.inputs.stated_priors)


def judged_by_draws(trust: ChannelTrust, shares: np.ndarray, says_little: np.ndarray, *, refits: bool) -> ChannelTrust:
    """The table of a fit with draws and its notes, of which those on the size of an effect are judged again.

    Args:
        trust: of the fit, with the errors of the draws.
        shares: `[draw, channel]`, of the KPI.
        says_little: `[channel]`, whether the data say little of a channel.
        refits: whether the draws are refits, which show no more of a share than that the noise moves it.
    """
    table, clear = trust.table, clear_from(len(shares))
    share, z = table["share"].to_numpy() / 100.0, table["z"].to_numpy()
    high = np.quantile(shares, 0.95, axis=0)
    if refits:
        high = np.fmax(high, share + REACH * table["share_error"].to_numpy() / 100.0)
    notes = []
    for m, found in enumerate(trust.notes):
        first = clear_or_not(z[m], clear) + tiny_or_not(share[m], high[m])
        first += [ChannelNote(NoteKind.NEAR_PRIOR)] if says_little[m] else []
        notes.append((*first, *(note for note in found if note.kind not in _OF_THE_FIT)))
    return ChannelTrust(table.assign(distinguishable=table["z"] >= clear), tuple(notes))
