"""Whether draws may be trusted, and whether refits depend on where they start."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.intervals import standard_error
from deepcausalmmm_jax.attribution.notes import ChannelNote, NoteKind
from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.training.fitted import Replicates

_WORST_K, _WORST_R_HAT = 0.7, 1.3  # Vehtari et al. 2024; chains this short are not judged by the usual 1.01


def sampling_diagnostics(made: Replicates) -> pd.Series:
    """How members were made, how many there are, and whether draws may be trusted; as `Ensemble.sampling` says.

    Args:
        made: draws from the posterior, or refits.
    """
    facts: dict[str, object] = {"method": made.method, "draws": len(made)}
    if made.coordinates is not None:
        trusted = made.pareto_k < _WORST_K if made.method == "laplace" else made.r_hat < _WORST_R_HAT
        facts |= {"pareto_k": made.pareto_k, "r_hat": made.r_hat, "trusted": bool(trusted)}
    return pd.Series(facts)


def untrusted_or_not(made: Replicates, called: str = "intervals") -> list[ChannelNote]:
    """The note that draws from the posterior are not to be trusted, with the way out, where they are not.

    Args:
        made: draws from the posterior, or refits.
        called: what the reader knows the intervals as.
    """
    if sampling_diagnostics(made).get("trusted", True):
        return []
    return [ChannelNote(NoteKind.DRAWS_MISS if made.method == "laplace" else NoteKind.NOT_MIXED, (called,))]


def starts_compared(made: Replicates, shares: np.ndarray, channels: Sequence[str]) -> pd.DataFrame:
    """Shares of refits that were made twice, from both starts; as `Ensemble.warm_start_check` says.

    Args:
        made: the refits.
        shares: `[replicate, channel]`, of the KPI, of all refits.
        channels: their names.
    """
    check = 100 * made.check
    if not len(check):
        return pd.DataFrame(columns=["warm", "cold", "difference", "largest", "spread"])
    apart = check[:, 0] - check[:, 1]
    return pd.DataFrame(
        {
            "warm": check[:, 0].mean(axis=0),
            "cold": check[:, 1].mean(axis=0),
            "difference": apart.mean(axis=0),
            "largest": np.abs(apart).max(axis=0),
            "spread": 100 * standard_error(shares),
        },
        index=pd.Index(channels, name=CHANNEL),
    )
