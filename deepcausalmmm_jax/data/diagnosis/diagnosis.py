"""Diagnosis: everything that was found in a panel, as a table."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.diagnosis.findings import Check, Finding
from deepcausalmmm_jax.io.atomic_write import write_text
from deepcausalmmm_jax.io.graded_table import graded_page, graded_table
from deepcausalmmm_jax.io.grades import ORDER, Grade
from deepcausalmmm_jax.io.output_path import output_path
from deepcausalmmm_jax.io.write_csv import write_csv

COLUMNS = ("grade", "check", "column", "region", "weeks", "what", "why", "advice")
_TITLE = "Data checks"


@dataclass(frozen=True)
class Diagnosis:
    """What `Panel.diagnose` returns.

    Attributes:
        rows: a row per finding, and one for each check that found nothing; the worst first.
    """

    rows: tuple[Finding, ...]

    def __repr__(self) -> str:
        count = {grade: sum(row.grade is grade for row in self.rows) for grade in Grade}
        return f"Diagnosis({self.worst.value}: {count[Grade.FAIL]} to fix, {count[Grade.LOOK]} to look at)"

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings that call for action: those graded `fail` or `look`."""
        return tuple(row for row in self.rows if row.grade in (Grade.LOOK, Grade.FAIL))

    @property
    def worst(self) -> Grade:
        """The worst grade of all findings."""
        return max((row.grade for row in self.rows), key=ORDER.index, default=Grade.PASS)

    def beside(self, config: Config) -> "Diagnosis":
        """What remains once a panel is fitted with some settings: advice that they already follow is dropped."""
        taken = (Check.COUNTED_KPI,) if config.counts else ()
        return Diagnosis(tuple(row for row in self.rows if row.check not in taken))

    @property
    def table(self) -> pd.DataFrame:
        """One row per finding: `grade`, `check`, `column`, `region`, `weeks`, `what`, `why`, `advice`.

        `column`, `region` and `weeks` say where; empty means all. Checks that found nothing have the grade `pass`.
        """
        found = [
            (row.grade.value, row.check.value, row.column, row.region, row.weeks, row.what, row.why, row.advice)
            for row in self.rows
        ]
        return pd.DataFrame(found, columns=list(COLUMNS), dtype=str)

    def shown(self) -> pd.DataFrame:
        """The table for display: `grade`, `check`, `where`, `what`, `why`, `advice`."""
        found = [(row.grade.value, row.check.value, row.where, row.what, row.why, row.advice) for row in self.rows]
        return pd.DataFrame(found, columns=["grade", "check", "where", "what", "why", "advice"], dtype=str)

    def _repr_html_(self) -> str:
        return graded_table(self.shown(), _TITLE)

    def to_csv(self, path: str | Path) -> Path:
        """Write `table` as a CSV file.

        Raises:
            OutputError: the file cannot be written.
        """
        place = output_path(path)
        write_csv(self.table, place, index=False)
        return place

    def to_html(self, path: str | Path) -> Path:
        """Write the table as one self-contained HTML page.

        Raises:
            OutputError: the file cannot be written.
        """
        return write_text(output_path(path), graded_page(self._repr_html_(), _TITLE))
