"""Utility of a plan: one figure from the outcomes that the replicates give it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import betainc

from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.errors import ConfigError

Objective = Literal["mean", "quantile", "mean_variance", "cvar"]
OBJECTIVES: tuple[Objective, ...] = ("mean", "quantile", "mean_variance", "cvar")


@dataclass(frozen=True, eq=False)
class Utility:
    """A weighted mean of the sorted outcomes, less a multiple of their variance.

    Attributes:
        ranked: `[replicate]`, weight of the lowest outcome, the second lowest, ...; sums to 1.
        aversion: weight of half the variance, per unit of outcome.
    """

    ranked: np.ndarray
    aversion: float

    @property
    def is_mean(self) -> bool:
        """Whether it is the plain mean, which is a sum over cells where cells do not interact."""
        return not self.aversion and bool(np.ptp(self.ranked) == 0)

    def __call__(self, outcomes: np.ndarray) -> float:
        """Utility of outcomes `[replicate]`, in their unit."""
        spread = 0.5 * self.aversion * outcomes.var() if self.aversion else 0.0
        return float(self.ranked @ np.sort(outcomes) - spread)

    def weights(self, outcomes: np.ndarray) -> np.ndarray:
        """What one unit more of each outcome adds to the utility, `[replicate]`, in the unit of the outcomes."""
        weight = np.empty(len(outcomes))
        weight[np.argsort(outcomes, kind="stable")] = self.ranked
        return np.asarray(weight - self.aversion * (outcomes - outcomes.mean()) / len(outcomes))


def utility_of(objective: Objective, n_replicates: int, today: float, risk: float | None) -> Utility:
    r"""The utility of an objective.

    - `mean`: mean over the replicates.
    - `quantile`: the quantile `risk` (default 0.1), estimated as a weighted mean of all sorted outcomes, whose gradient
      is continuous (Harrell & Davis 1982).
    - `cvar`: mean of the worst share `risk` (default 0.1) of the outcomes (Rockafellar & Uryasev 2000).
    - `mean_variance`: mean less `risk` (default 1) times half the variance over today's outcome, so that `risk` has no
      unit (Markowitz 1952).

    Args:
        objective: one of the above.
        n_replicates: number of outcomes.
        today: outcome of today's plan, unit of the outcome.
        risk: parameter of the objective; None for its default.

    Raises:
        ConfigError: an unknown objective, a risk out of range, or an objective over refits where there are none.
    """
    require(objective in OBJECTIVES, "objective", objective, "one of " + ", ".join(OBJECTIVES))
    even = np.full(n_replicates, 1.0 / n_replicates)
    if objective == "mean":
        if risk is not None:
            others = ", ".join(name for name in OBJECTIVES if name != "mean")
            raise ConfigError(f"risk is for the objectives {others}; name one of them, or leave risk out.")
        return Utility(even, 0.0)
    if n_replicates < 2:
        raise ConfigError(
            f"The objective {objective!r} is taken over refits, and this fit has none; bootstrap it first, or use "
            'objective="mean".'
        )
    if objective == "mean_variance":
        aversion = 1.0 if risk is None else risk
        require(np.isfinite(aversion) and aversion >= 0, "risk", risk, "0 or more for mean_variance")
        return Utility(even, aversion / max(abs(today), 1e-300))
    share = 0.1 if risk is None else risk
    require(0 < share < 1, "risk", risk, f"between 0 and 1 for {objective}")
    if objective == "quantile":
        below, above = (n_replicates + 1) * share, (n_replicates + 1) * (1 - share)
        at = betainc(below, above, np.arange(n_replicates + 1) / n_replicates)
        return Utility(np.diff(at), 0.0)
    filled = np.clip(share * n_replicates - np.arange(n_replicates), 0.0, 1.0)
    return Utility(filled / filled.sum(), 0.0)
