"""A finding on a panel: what, where, why it matters, what to do."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, Self

from deepcausalmmm_jax.data.wording import Wording
from deepcausalmmm_jax.io.grades import Grade

_NAMED = 4


class Check(StrEnum):
    """Checks of a panel, in the order in which they are made; the value is the name in tables."""

    FITTABLE = "can be fitted"
    GAPS = "missing rows"
    MISSING_KPI = "missing KPI"
    ZEROS_AT_END = "zeros at the end"
    KPI_LEVEL = "level of the KPI"
    COUNTED_KPI = "zeros of the KPI"
    ZERO_WEEKS = "weeks of zero"
    KPI_OUTLIERS = "KPI outliers"
    REPEATED_KPI = "repeated KPI"
    DOUBLED_KPI = "doubled KPI weeks"
    KPI_STEP = "steps of the KPI"
    SHORT_WEEK = "first and last week"
    SAME_REGIONS = "regions with one KPI"
    REGION_TOTAL = "totals of regions"
    OUTLIERS = "outliers in columns"
    CONSTANT = "constant columns"
    VARIATION = "variation over weeks"
    COPIES = "near-copies"
    COLLINEARITY = "collinearity"
    FREQUENCY = "reach and frequency"
    CONTROL_STEP = "steps of controls"
    PRICE_JUMP = "cost per unit"
    REGION_PRICE = "cost per unit by region"
    SPEND_MATCH = "spend and exposure"
    MEDIATOR = "controls that follow media"
    FOLLOWS_KPI = "media that follow the KPI"
    SIZE = "size of the panel"


class Finding(NamedTuple):
    """One finding.

    Attributes:
        grade: `not run`, `pass`, `look` or `fail`.
        check: that found it.
        column: names of the columns concerned, comma-separated; empty for the panel as a whole.
        region: names of the regions concerned; empty for all.
        weeks: labels of the weeks concerned; empty for all.
        what: was found, with its figure.
        why: it matters.
        advice: what to do.
        unit: of the steps of the panel.
    """

    grade: Grade
    check: Check
    what: str
    column: str = ""
    region: str = ""
    weeks: str = ""
    why: str = ""
    advice: str = ""
    unit: str = "week"

    def in_units(self, worded: Wording) -> Self:
        """The same for a panel whose steps are not weeks."""
        what, why, advice = (worded(text) for text in (self.what, self.why, self.advice))
        return self._replace(what=what, why=why, advice=advice, unit=worded.cadence.unit)

    @property
    def where(self) -> str:
        """Column, region and weeks in one cell."""
        region = f"region {self.region}" if self.region else ""
        weeks = f"{self.unit} {self.weeks}" if self.weeks else ""
        return ", ".join(part for part in (self.column, region, weeks) if part)


def passed(check: Check, what: str) -> Finding:
    """The finding that a check found nothing to act on."""
    return Finding(Grade.PASS, check, what)


def not_run(check: Check, why: str) -> Finding:
    """The finding that a check could not be made, and why."""
    return Finding(Grade.NOT_RUN, check, why)


def names(labels: Iterable[object]) -> str:
    """Labels, comma-separated; of more than four the first three and how many more there are."""
    shown = [str(label) for label in labels]
    if len(shown) > _NAMED:
        shown = [*shown[: _NAMED - 1], f"{len(shown) - _NAMED + 1} more"]
    return ", ".join(shown)


def span(first: str, last: str) -> str:
    """Labels of the first and last week as one text."""
    return first if first == last else f"{first} to {last}"


def several(count: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
