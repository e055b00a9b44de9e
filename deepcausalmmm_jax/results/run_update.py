"""What `update` returns: the new result, and what moved and why."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deepcausalmmm_jax.errors import FitStatus
from deepcausalmmm_jax.io.atomic_write import written_together
from deepcausalmmm_jax.io.html_tables import html_tables
from deepcausalmmm_jax.io.output_path import output_path
from deepcausalmmm_jax.io.write_csv import write_csv
from deepcausalmmm_jax.results.compare_runs import moved_most
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.results.own_notes import doubt_of_draws

CAUSES = ("new_weeks", "revised", "both", "refit")  # columns of `Update.moved`: the parts of a change
_NAMED = 3


@dataclass(frozen=True, eq=False)
class Update:
    """A run brought up to date.

    Attributes:
        result: the new result, of the same kind as the old one; for a bootstrap the fit without refits.
        previous: the old result.
        moved: by figure (share, roi, weekly_contribution) and channel: `before`, `after`, `change`, standard errors and
            `z` as in `compare_runs`; and the parts of the change: by `new_weeks`, by `revised` figures of old weeks,
            by `both` together beyond what either brings alone, and by `refit`, the further training without either.
            The last is found where weeks are new and figures revised, or neither is, as where only the holdout differs
            or only planned weeks are new; else it is within the only cause there is.
        revised: a row per figure of the old weeks that has changed: column, region, week, before, after.
        new_weeks: labels of the weeks that are new, or had been planned and have a KPI now.
        needs_refits: whether the old result had refits of a bootstrap, which must be made again.
    """

    result: FitResult
    previous: FitResult
    moved: pd.DataFrame
    revised: pd.DataFrame
    new_weeks: tuple[str, ...]
    needs_refits: bool

    def __repr__(self) -> str:
        return f"Update({self.summary()})"

    def summary(self) -> str:
        """What is new, what was revised and what moved, in a few sentences."""
        unit = self.result.panel.cadence.unit
        new = f"{_steps(self.new_weeks, unit)}{self._planned()}"
        told = [f"{new}; {_revised(self.revised, unit)}.", moved_most(self.moved)]
        if doubt := doubt_of_draws(self.result, "new estimates and their errors"):
            told.append(doubt)
        sources = [name for name in ("new_weeks", "revised") if self.moved[name].fillna(0.0).any()]
        if self.previous.status is FitStatus.EPOCH_LIMIT and len(sources) == 1 and not self.moved["refit"].any():
            whose = f"the new {unit}s" if sources == ["new_weeks"] else "the revised figures"
            told.append(
                "Training of the run ended before it had converged, so part of what moved may come from training on, "
                f"not from {whose}."
            )
        if self.needs_refits:
            told.append("The refits belong to the old run: call bootstrap on the new result for its intervals.")
        return " ".join(told)

    def _planned(self) -> str:
        """How many of the new weeks have no KPI, in words."""
        panel = self.result.panel
        unseen = {panel.week_label(at) for at in range(len(panel.weeks)) if not panel.has_kpi[at]}
        count = len(unseen.intersection(self.new_weeks))
        if not count:
            return ""
        whose = f", {count} of them" if count < len(self.new_weeks) else ","
        return f"{whose} without a KPI"

    def save(self, folder: str | Path) -> Path:
        """Write the new result as `fit.npz`, and `moved.csv` and `revised.csv`, all together or none.

        Raises:
            OutputError: the folder cannot be written.
        """
        with written_together(output_path(folder)) as place:
            self.result.save(place / "fit.npz")
            write_csv(self.moved, place / "moved.csv", index=True)
            write_csv(self.revised, place / "revised.csv", index=False)
        return Path(folder)

    def _repr_html_(self) -> str:
        tables = {"What moved": self.moved, "Revised figures": self.revised}
        return html_tables(tables, "Update", self.summary())


def _steps(labels: tuple[str, ...], unit: str) -> str:
    if not labels:
        return f"No new {unit}"
    if len(labels) == 1:
        return f"1 new {unit} ({labels[0]})"
    return f"{len(labels)} new {unit}s ({labels[0]} to {labels[-1]})"


def _revised(revised: pd.DataFrame, unit: str) -> str:
    if not len(revised):
        return f"no figure of the old {unit}s was revised"
    names = list(dict.fromkeys(revised["column"]))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    figures = "1 figure" if len(revised) == 1 else f"{len(revised):,} figures"
    return f"{figures} of the old {unit}s revised in {', '.join(names[:_NAMED])}{more}"
