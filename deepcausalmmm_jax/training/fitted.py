"""What a fit leaves behind: everything that answers are computed from."""

import dataclasses
import math
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from deepcausalmmm_jax.axes import Variables
from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.inputs import training_weeks
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.scaling import Scales
from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.training.origin import Origin
from deepcausalmmm_jax.training.state import History


@dataclass(frozen=True)
class TrainingRecord:
    """Course of the training, by epoch.

    Attributes:
        objective: `[epoch]`, nats per observation.
        acyclicity: `[epoch]`, h of the channel graph.
        learning_rate: `[epoch]`.
        terms: `[epoch]` by name: the data's terms and every penalty, nats per observation.
        status: how training ended.
        seconds: wall time, compilation included.
        origin: where and when it ran; None where nothing was trained.
    """

    objective: np.ndarray
    acyclicity: np.ndarray
    learning_rate: np.ndarray
    terms: dict[str, np.ndarray]
    status: FitStatus
    seconds: float
    origin: Origin | None = None

    @classmethod
    def of(cls, history: History, seconds: float) -> Self:
        """The record of a fit that has ended, without the epochs that were not run."""
        run = int(history.epochs)
        return cls(
            objective=np.asarray(history.objective)[:run],
            acyclicity=np.asarray(history.acyclicity)[:run],
            learning_rate=np.asarray(history.learning_rate)[:run],
            terms={name: np.asarray(term)[:run] for name, term in history.terms.items()},
            status=FitStatus(int(history.status)),
            seconds=seconds,
            origin=Origin.now(),
        )

    def table(self) -> pd.DataFrame:
        """Objective, acyclicity, learning rate and every term of the objective, by epoch."""
        columns = {"objective": self.objective, "acyclicity_h": self.acyclicity, "learning_rate": self.learning_rate}
        return pd.DataFrame(columns | self.terms, index=pd.RangeIndex(1, len(self.objective) + 1, name="epoch"))


class LiftsBefore(NamedTuple):
    """What a fit to the KPI alone says of lift tests, each in the unit of its test."""

    lift: np.ndarray  # [test]
    sd: np.ndarray  # [test], NaN where it is unknown


class CurveEvidence(NamedTuple):
    """Log evidence of kinds of saturation, from which `Config.curve="auto"` chose."""

    kinds: tuple[str, ...]  # the first is the one that the others had to beat
    log_evidence: np.ndarray  # [kind], nats


class LinkEvidence(NamedTuple):
    """Log evidence of the KPI under each link, from which `Config.link="auto"` chose."""

    links: tuple[str, ...]  # the first is the one that the other had to beat
    log_evidence: np.ndarray  # [link], nats, of the density of the KPI itself; minus infinity where it is impossible


class LinkGroupEvidence(NamedTuple):
    """Evidence of numbers of groups of regions, from which `Config.link_groups="learn"` chose."""

    numbers: tuple[int, ...]  # of groups
    criterion: np.ndarray  # [number], as `GraphGroups.evidence`: the lowest, 0, is best


@dataclass(frozen=True, eq=False)
class Fitted:
    """Parameters with the panel, scales and settings they belong to.

    Attributes:
        variables: the model's `params` and `fitted` variables, numpy arrays in nested dicts.
        panel: all weeks that the fit was given, held-out ones included.
        weights: `[region, week]`, 0 in weeks that were not learned from.
        scales: from the training weeks.
        config: settings.
        record: course of the training.
        seed: of the random start.
        trained: variables at the end of training where `variables` are the estimate from the posterior; None where the
            two are the same.
        lifts_before: of a fit with lift tests: what it would say of them without them; None without tests.
        curve_evidence: of a fit that chose its kind of saturation; None where it was stated.
        link_evidence: of a fit that chose its link; None where it was stated.
        link_group_evidence: of a fit that looked for groups of regions; None where it did not.
    """

    variables: Variables
    panel: Panel
    weights: np.ndarray
    scales: Scales
    config: Config
    record: TrainingRecord
    seed: int
    trained: Variables | None = None
    lifts_before: LiftsBefore | None = None
    curve_evidence: CurveEvidence | None = None
    link_evidence: LinkEvidence | None = None
    link_group_evidence: LinkGroupEvidence | None = None

    @property
    def keeps_earlier_scales(self) -> bool:
        """Whether the fit updates an earlier one, whose scales it keeps."""
        origin = None if self.record is None else self.record.origin
        return origin is not None and bool(origin.updated_from)

    @property
    def at_end_of_training(self) -> "Fitted":
        """The same with the variables that training left, not those that summarise draws from the posterior."""
        return self if self.trained is None else dataclasses.replace(self, variables=self.trained, trained=None)

    @property
    def n_training_weeks(self) -> int:
        """Weeks up to the last one learned from."""
        return training_weeks(self.weights)

    @property
    def n_holdout_weeks(self) -> int:
        """Weeks after those that have a KPI in any region."""
        return int(self.panel.has_kpi[self.n_training_weeks :].sum())


@dataclass(frozen=True, eq=False)
class Replicates:
    """Refits to draws of the panel, or draws from the posterior.

    Attributes:
        variables: the model's variables, each array with a leading axis `[replicate]`.
        status: `[replicate]`, how each refit ended, a FitStatus.
        epochs: `[replicate]`.
        check: `[check, 2, channel]`, shares of the KPI for some draws, refitted from the point estimate (0) and from a
            random start (1).
        method: how the panel was resampled, or how the posterior was explored.
        block: weeks that were resampled together.
        seed: of the draws.
        warm_start: whether the refits started from the point estimate.
        seconds: wall time without compilation.
        compile_seconds: wall time of the compilation.
        coordinates: `[replicate, coordinate]` of draws from the posterior, standard normal a priori; None for refits.
        pareto_k: of draws from the posterior: how far it departs from the normal approximation at its mode; above 0.7
            too far for `laplace`.
        r_hat: of Markov chains: the largest over shares and log density.
        chains: number of Markov chains of equal length that the draws consist of, in order; 1 where they are mixed.
        failed: refits that ended without usable parameters, and are not among these.
    """

    variables: Variables
    status: np.ndarray
    epochs: np.ndarray
    check: np.ndarray
    method: str
    block: int
    seed: int
    warm_start: bool
    seconds: float
    compile_seconds: float
    coordinates: np.ndarray | None = None
    pareto_k: float = math.nan
    r_hat: float = math.nan
    chains: int = 1
    failed: int = 0

    def __len__(self) -> int:
        """Number of refits."""
        return len(self.status)
