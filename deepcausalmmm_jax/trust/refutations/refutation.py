"""Refutation: what `refute` returns."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from deepcausalmmm_jax.io.atomic_write import written_together
from deepcausalmmm_jax.io.graded_table import graded_table
from deepcausalmmm_jax.io.grades import Grade
from deepcausalmmm_jax.io.output_path import output_path
from deepcausalmmm_jax.io.write_csv import write_csv

if TYPE_CHECKING:
    import plotly.graph_objects as go

_SEVERITY = (Grade.PASS, Grade.LOOK, Grade.FAIL)


@dataclass(frozen=True, eq=False)
class Refutation:
    """Tests that tried to break an estimate.

    Attributes:
        table: a row per test: `test`, `changed` (what was changed), `refits`, `figure`, `unit`, `look_above` and
            `fail_above` (its thresholds), `grade`, `channel` (where the figure comes from), `meaning` (with what to do
            if it is not passed) and `source` (of the test).
        details: a row per refit and channel: `test`, `changed`, `channel`, `share` and `share_before` (percent of the
            KPI, after and before the change), `standard_error` of the share, `moved` (the difference in standard
            errors), `roi` and `roi_before`, `rank` and `rank_before` (1 for the largest share).
        estimator: what was compared, in words.
        seconds: wall time, compilation included.
    """

    table: pd.DataFrame
    details: pd.DataFrame
    estimator: str
    seconds: float

    @property
    def worst(self) -> Grade:
        """The worst grade of all tests."""
        return max((Grade(grade) for grade in self.table["grade"]), key=_SEVERITY.index)

    def __repr__(self) -> str:
        count = self.table["grade"].value_counts()
        counted = ", ".join(f"{count.get(grade, 0)} {grade}" for grade in _SEVERITY)
        return f"Refutation({len(self.table)} tests: {counted}; {self.estimator})"

    def _repr_html_(self) -> str:
        shown = self.table.assign(
            figure=[_number(value) for value in self.table["figure"]],
            thresholds=[
                f"look above {_number(look)}, fail above {_number(fail)} ({unit})"
                for look, fail, unit in zip(
                    self.table["look_above"], self.table["fail_above"], self.table["unit"], strict=True
                )
            ],
        )
        columns = ["grade", "test", "changed", "figure", "thresholds", "channel", "meaning"]
        return graded_table(shown[columns].astype(str), "Tests that try to break the estimate", self.estimator)

    def plot(self) -> "go.Figure":
        """The figure of each test beside its thresholds, as a plotly figure."""
        from deepcausalmmm_jax.plots.refuted import refutation  # plotly is loaded only when something is drawn

        return refutation(self.table)

    def to_csv(self, folder: str | Path) -> Path:
        """Write `refutation.csv` and `refutation_details.csv`, both or none.

        Raises:
            OutputError: the folder cannot be written.
        """
        with written_together(output_path(folder)) as place:
            write_csv(self.table, place / "refutation.csv", index=False)
            write_csv(self.details, place / "refutation_details.csv", index=False)
        return Path(folder)


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.2f}"
