"""HealthCard: what speaks for and against a result, and whether to act on it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Self

import pandas as pd

from deepcausalmmm_jax.data.wording import Wording
from deepcausalmmm_jax.io.graded_table import graded_table
from deepcausalmmm_jax.io.grades import ORDER, Grade

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = ("check", "grade", "figure", "threshold", "advice")
_SHOWN = ("grade", "check", "figure", "threshold", "advice")


class HealthCheck(StrEnum):
    """Checks of a result, in the order of the card; the value is the name in tables."""

    DATA = "data"
    TRAINING = "training"
    SAMPLING = "draws"
    STARTS = "starting points"
    SKILL = "forecast against naive ones"
    COVERAGE = "coverage of forecast intervals"
    AUTOCORRELATION = "residual autocorrelation"
    BASELINE = "baseline"
    MEDIA_SHARE = "share of media"
    RETURNS = "plausible returns"
    TIMING = "exposure before the KPI"
    CLEAR = "clear effects"
    PRIOR = "learned from the data"
    RANGE = "range of exposure"
    REFUTATIONS = "refutations"
    EXPERIMENTS = "experiments"


class Verdict(StrEnum):
    """What to do with a result."""

    ACT = "act"  # on what is clear, in small steps
    TEST_FIRST = "test first"  # the data leave open what decides
    DO_NOT_USE = "do not use"  # mend the data or the fit first


class HealthRow(NamedTuple):
    """One check of the card.

    Attributes:
        check: what was checked.
        grade: `not run`, `pass`, `look` or `fail`.
        figure: what was found.
        threshold: what it is compared with; empty where nothing was checked.
        advice: what to do; empty for `pass`.
        decides: whether a `look` here is reason enough to test before acting.
        reason: a clause for the verdict, such as `no channel has a clear effect`; empty for `pass`.
        doubted: channels whose effect is in doubt: no more spend on them is advised before a test.
    """

    check: HealthCheck
    grade: Grade
    figure: str
    threshold: str = ""
    advice: str = ""
    decides: bool = False
    reason: str = ""
    doubted: tuple[str, ...] = ()

    def in_units(self, worded: Wording) -> Self:
        """The same for a panel whose steps are not weeks."""
        figure, threshold, advice, reason = map(worded, (self.figure, self.threshold, self.advice, self.reason))
        return self._replace(figure=figure, threshold=threshold, advice=advice, reason=reason)


@dataclass(frozen=True)
class HealthCard:
    """What `health` returns.

    Attributes:
        rows: a row per check.
        verdict: `act`, `test first` or `do not use`.
        reason: of the verdict, one sentence.
    """

    rows: tuple[HealthRow, ...]
    verdict: Verdict
    reason: str

    def __repr__(self) -> str:
        return f"HealthCard({self.verdict.value}: {self.reason})"

    @property
    def worst(self) -> Grade:
        """The worst grade of all checks."""
        return max((row.grade for row in self.rows), key=ORDER.index, default=Grade.PASS)

    @property
    def doubted(self) -> tuple[str, ...]:
        """Channels whose effect some check puts in doubt, each once."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.doubted))

    @property
    def table(self) -> pd.DataFrame:
        """One row per check: `check`, `grade`, `figure`, `threshold`, `advice`."""
        found = [(row.check.value, row.grade.value, row.figure, row.threshold, row.advice) for row in self.rows]
        return pd.DataFrame(found, columns=list(COLUMNS), dtype=str)

    def _repr_html_(self) -> str:
        lead = f"Verdict: {self.verdict.value}. {self.reason}"
        return graded_table(self.table[list(_SHOWN)], "Health card", lead)

    def plot(self) -> "go.Figure":
        """The card as a plotly figure."""
        from deepcausalmmm_jax.plots.health import health_card  # plotly is loaded only when something is drawn

        return health_card(self)


def verdict_of(rows: tuple[HealthRow, ...], strengths: str) -> tuple[Verdict, str]:
    """The verdict with its reason.

    Args:
        rows: of the card.
        strengths: a sentence for a result to act on.
    """
    failed = [row.reason for row in rows if row.grade is Grade.FAIL and row.reason]
    if failed:
        return Verdict.DO_NOT_USE, _sentence(failed)
    open_points = [row.reason for row in rows if row.grade is Grade.LOOK and row.decides and row.reason]
    return (Verdict.TEST_FIRST, _sentence(open_points)) if open_points else (Verdict.ACT, strengths)


def _sentence(reasons: list[str]) -> str:
    """At most two clauses as one sentence."""
    text = reasons[0] if len(reasons) == 1 else f"{reasons[0]}, and {reasons[1]}"
    return f"{text[0].upper()}{text[1:]}."
