"""What is to be as large as can be: a figure over the outcomes that the refits give."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import beta

from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.errors import ConfigError

Objective = Literal["mean", "quantile", "mean_variance", "cvar"]
OBJECTIVES: tuple[Objective, ...] = ("mean", "quantile", "mean_variance", "cvar")


@dataclass(frozen=True, eq=False)
class Utility:
    """A utility of outcomes: weights for the sorted outcomes, less their variance.

    Attributes:
        ranked: `[replicate]`, weight of the lowest outcome, the second lowest, ...; sums to 1.
        aversion: weight of half the variance, per unit of outcome.
    """

    ranked: np.ndarray
    aversion: float

    @property
    def is_mean(self) -> bool:
        """Whether it is the plain mean, which is a sum over cells where they share nothing."""
        return not self.aversion and bool(np.ptp(self.ranked) == 0)

    def __call__(self, outcomes: np.ndarray) -> float:
        """Of outcomes `[replicate]`."""
        spread = 0.5 * self.aversion * outcomes.var() if self.aversion else 0.0
        return float(self.ranked @ np.sort(outcomes) - spread)


def utility_of(objective: Objective, n_replicates: int, today: float, risk: float | None) -> Utility:
    r"""The utility that an objective means.

    - `mean`: the mean over refits.
    - `quantile`: the quantile `risk` (0.1 when None) as a weighted mean of all sorted outcomes, whose slope does not
      jump (Harrell & Davis 1982).
    - `cvar`: the mean of the worst share `risk` (0.1 when None) of the outcomes (Rockafellar & Uryasev 2000).
    - `mean_variance`: mean less `risk` (1 when None) times half the variance over today's outcome, so that `risk` has
      no unit (Markowitz 1952).

    Raises:
        ConfigError: an unknown objective, a risk out of range, or an objective over refits without any.
    """
    require(objective in OBJECTIVES, "objective", objective, "one of " + ", ".join(OBJECTIVES))
    even = np.full(n_replicates, 1.0 / n_replicates)
    if objective == "mean":
        return Utility(even, 0.0)
    if n_replicates < 2:
        raise ConfigError(
            f"The objective {objective!r} is over refits and this is a fit without any; bootstrap it first, or take "
            'objective="mean".'
        )
    if objective == "mean_variance":
        aversion = 1.0 if risk is None else risk
        require(np.isfinite(aversion) and aversion >= 0, "risk", risk, "0 or more for mean_variance")
        return Utility(even, aversion / max(abs(today), 1e-300))
    share = 0.1 if risk is None else risk
    require(0 < share < 1, "risk", risk, f"between 0 and 1 for {objective}")
    if objective == "quantile":
        at = beta.cdf(
            np.arange(n_replicates + 1) / n_replicates, (n_replicates + 1) * share, (n_replicates + 1) * (1 - share)
        )
        return Utility(np.diff(at), 0.0)
    filled = np.clip(share * n_replicates - np.arange(n_replicates), 0.0, 1.0)
    return Utility(filled / filled.sum(), 0.0)
