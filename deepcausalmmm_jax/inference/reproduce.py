"""Fits a saved run again and compares: the same figures, or where they differ and by how much."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from deepcausalmmm_jax.axes import CHANNEL
from deepcausalmmm_jax.errors import ConfigError, FitStatus
from deepcausalmmm_jax.inference.fit import fit
from deepcausalmmm_jax.inference.sample_posterior import sample_posterior
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult

_FACTS = ("python", "platform", "device", "commit")
_CHANCE = 3.0  # standard errors of two means of draws up to which they agree where the machine or a version differs


@dataclass(frozen=True, eq=False)
class Reproduction:
    """A run beside the same fit made again.

    Attributes:
        shares: by channel: `saved` and `again`, percent of the predicted KPI, `difference`, and `by_chance`, the
            standard error of that of two means of as many independent draws; 0 where shares are no means of draws.
        largest_prediction_difference: over region-weeks, as a share of the mean absolute prediction.
        versions: by package or fact of the machine that differs: `saved` and `again`.
        tolerance: difference in a share that still counts as equal, percentage points.
    """

    shares: pd.DataFrame
    largest_prediction_difference: float
    versions: pd.DataFrame
    tolerance: float

    @property
    def allowed(self) -> pd.Series:
        """By channel, the largest difference that counts as equal, percentage points.

        Chains of draws part company at the first rounding that differs. So where the machine or a version does, means
        of draws agree only as far as chance lets them.
        """
        chance = (_CHANCE if len(self.versions) else 0.0) * self.shares["by_chance"]
        return chance.clip(lower=self.tolerance).rename("allowed")

    @property
    def same(self) -> bool:
        """Whether every share is the same within what is allowed."""
        return bool((self.shares["difference"].abs() <= self.allowed).all())

    def summary(self) -> str:
        """Whether the run could be repeated, in a sentence or two."""
        far = self.shares["difference"].abs()
        worst = str(far.idxmax())
        named = f"The largest difference in a share is {far.max():.2g} percentage points, for {worst}"
        predictions = f"in a prediction it is {100 * self.largest_prediction_difference:.2g}% of the mean"
        limit, beyond = f"{self.tolerance:g} percentage points", int((far > self.allowed).sum())
        if (far <= self.tolerance).all():
            return f"Reproduced to within {limit}. {named}; {predictions}."
        if self.same:
            return (
                f"Reproduced to within chance: shares are means of draws, which another machine or version draws anew, "
                f"and no two means are more than {_CHANCE:g} standard errors apart. {named}; {predictions}."
            )
        more = f"{limit} and by more than chance" if (self.allowed > self.tolerance).any() else limit
        return f"Not reproduced: {beyond} of {len(far)} shares differ by more than {more}. {named}; {predictions}."


def reproduce(result: FitResult, tolerance: float = 0.1, *, progress: bool | None = None) -> Reproduction:
    """Fit once more with the panel, settings, seed and holdout of a run, and compare.

    Draws from a posterior are made again too; the refits of a bootstrap are not, and its fit alone is compared, as
    training left it.

    Args:
        result: the run.
        tolerance: difference in a share that still counts as equal, percentage points.
        progress: whether to show progress; None shows it on a terminal only.

    Raises:
        ConfigError: a run that updates an earlier one, which must be repeated from that one, or imported weights.
    """
    fitted, provenance = result.fitted, result.provenance
    if provenance.updated_from:
        raise ConfigError(
            f"The run is an update of an earlier run, on data {provenance.updated_from[:12]}; repeat that update "
            "instead."
        )
    if fitted.record.status is FitStatus.TAKEN_OVER:
        raise ConfigError("The run's weights were imported from the published package; there is no fit to repeat.")
    again = fit(fitted.panel, fitted.config, result.holdout or None, fitted.seed, progress=progress)
    if isinstance(result, Ensemble) and result.from_posterior:
        again = _drawn_alike(result, again)
    else:
        again = FitResult(again.fitted.at_end_of_training)
    before, after = (run.media_summary()["pct_of_contribution"].to_numpy() for run in (result, again))
    shares = pd.DataFrame(
        {"saved": before, "again": after, "difference": after - before, "by_chance": _by_chance(result)},
        index=pd.Index(fitted.panel.channels, name=CHANNEL),
    )
    predicted, repeated = result.fitted_panel.prediction, again.fitted_panel.prediction
    apart = float(np.abs(repeated - predicted).max() / max(float(np.abs(predicted).mean()), 1e-300))
    return Reproduction(shares, apart, _versions(result, again), float(tolerance))


def _drawn_alike(result: Ensemble, again: FitResult) -> FitResult:
    """The repeated fit with as many draws, by the same method and seed, as the run has."""
    made = result.replicates
    if isinstance(again, Ensemble) and again.from_posterior:
        own = again.replicates
        if (own.method, own.seed, len(own)) == (made.method, made.seed, len(made)):
            return again
    return sample_posterior(again, len(made), made.method, made.seed)  # type: ignore[arg-type]  # a method it knows


def _by_chance(result: FitResult) -> np.ndarray:
    """Standard error of the difference of two means of as many draws, percent of the predicted KPI, `[channel]`."""
    if not (isinstance(result, Ensemble) and result.from_posterior):
        return np.zeros(len(result.panel.channels))
    drawn = result.draws().to_numpy()
    return np.asarray(drawn.std(axis=0, ddof=1) * np.sqrt(2.0 / len(drawn)))


def _versions(saved: FitResult, again: FitResult) -> pd.DataFrame:
    pair = (saved.provenance, again.provenance)
    facts = [{**one.versions, **{name: getattr(one, name) for name in _FACTS}} for one in pair]
    names = [name for name in {**facts[0], **facts[1]} if facts[0].get(name, "") != facts[1].get(name, "")]
    rows = {name: [facts[0].get(name, ""), facts[1].get(name, "")] for name in names}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["saved", "again"], dtype=object)
