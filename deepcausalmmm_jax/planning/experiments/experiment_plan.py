"""ExperimentPlan: candidates for the next test, ranked by what they are worth; Experiment, one of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.units import Units
from deepcausalmmm_jax.axes import REGION, TIME
from deepcausalmmm_jax.checks import is_number, shown
from deepcausalmmm_jax.config.lift_tests import LiftTest, TestKind
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.io.output_path import output_path
from deepcausalmmm_jax.io.write_csv import write_csv
from deepcausalmmm_jax.planning.experiments.designs import Design

if TYPE_CHECKING:
    import plotly.graph_objects as go

_TRIFLE = 1e-4  # share of the plan's outcome below which a gain is no reason for a test
_BETWEEN = "; "  # regions of a test in a CSV file


@dataclass(frozen=True, eq=False)
class Experiment:
    """One candidate for a test.

    Attributes:
        candidate: its label in `ExperimentPlan.table`.
        channel: whose spend is changed.
        kind: `go_dark` where spend is cut, `heavy_up` where it is raised.
        spend_change: share by which it changes, -1 for all of it.
        start: first day of the test, or number of its first week.
        end: last day of the test, or number of its last week.
        regions: under test; None for all regions of the panel.
        figures: its row of the table.
    """

    candidate: int
    channel: str
    kind: TestKind
    spend_change: float
    start: str
    end: str
    regions: tuple[object, ...] | None
    figures: pd.Series

    def __repr__(self) -> str:
        where = "all regions" if self.regions is None else f"{len(self.regions)} regions"
        return (
            f"Experiment({self.channel}, {self.spend_change:+.0%} in {where}, {self.start} to {self.end}, "
            f"net value {self.figures['net_value']:,.4g})"
        )

    def lift_test(self, lift: float, standard_error: float) -> LiftTest:
        """The measured test, for `Config(experiments=...)`.

        What was measured is divided by the share of the effect that has arrived at the end of the cool-down
        (`arrived_pct`), as is its error, since a `LiftTest` holds the whole effect. A fit counts it up to its last
        training week, so the weeks in which the rest arrives should be among these.

        Args:
            lift: as measured in the weeks of the test and its cool-down, KPI units of all regions under test together;
                positive where exposure raised the KPI, so a KPI that falls while the channel is dark is a positive
                lift.
            standard_error: of the measurement, KPI units.

        Raises:
            ConfigError: a lift that is not a number, or a standard error that is not above 0.
        """
        if not is_number(lift):
            raise ConfigError(f"lift must be a number of KPI units, got {shown(lift)}.")
        if not (is_number(standard_error) and standard_error > 0):
            raise ConfigError(f"standard_error must be a number above 0, in KPI units, got {shown(standard_error)}.")
        arrived = float(self.figures["arrived_pct"]) / 100.0
        return LiftTest(
            channel=self.channel,
            start=self.start,
            end=self.end,
            lift=float(lift) / arrived,
            standard_error=float(standard_error) / arrived,
            regions=None if self.regions is None else tuple(str(region) for region in self.regions),
            kind=self.kind,
            spend_change=self.spend_change,
        )


@dataclass(frozen=True, eq=False)
class ExperimentPlan:
    """What `plan_experiments` returns.

    Attributes:
        table: a row per candidate, the best first, by `candidate`:
            - `channel`, `kind` (`go_dark` or `heavy_up`), `spend_change` (share), `weeks`, `cool_down` (weeks after the
              test that are measured too), `start`, `end` (of the test), `n_regions`, `regions` (labels);
            - `lift`, `lift_low`, `lift_high`: what the model expects to be measured, KPI units, of all test regions;
              `arrived_pct`: that in percent of the whole effect, carry-over after the cool-down included;
            - `standard_error`: of the measurement, KPI units; `error_pct`: in percent of the KPI of these weeks;
              `placebo_windows`: number of windows that it was found from, 0 where it is the forecast's;
            - `r2`, `rmse`, `rmse_pct`: the match before the test, by week, KPI units and percent;
            - `power`: probability that the test finds the effect asked about; `detectable_lift`, `detectable_roi`: the
              smallest effect found with a probability of 80%;
            - `roi`, `roi_low`, `roi_high`: of the channel over the panel, mean and interval of the draws;
              `narrowing_pct`: expected narrowing of that interval, percent;
            - `spend_difference`: spend of the test less that without it, currency; `cost`, `cost_low`, `cost_high`: net
              cost of the test, in the unit of revenue: revenue lost less spend saved, or spend added less what it
              brings; below 0 where the test earns;
            - `value_of_information`: expected gain of the budget plan over the planning horizon, in the same unit;
              `net_value`: that less `cost`. What a test earns is not added, since it could be earned without a test;
            - `effective_draws`: draws left after a simulated test; `method`: `reweighted`, or `linear` where these are
              too few; `extrapolation`: more exposure than in any week of training.
        perfect_information: expected gain of the plan if every effect were known exactly: the ceiling of
            `value_of_information`.
        plans: plans that could be chosen, a row each, spend a week by channel, with their expected `outcome` a week:
            what they bring against all these channels off the air.
        level: of the intervals, and of the test.
        horizon: weeks for which the budget plan is made.
        units: of spend, outcome, revenue and ROI.
        notes: how figures were found, and caveats.
    """

    table: pd.DataFrame
    perfect_information: float
    plans: pd.DataFrame
    level: float
    horizon: int
    units: Units
    notes: tuple[str, ...]
    _panel: Panel
    _designs: tuple[Design | None, ...]
    _design_of: tuple[int, ...]  # by candidate label

    def __repr__(self) -> str:
        verdict = f"best {self.best!r}" if self.worth_testing else "nothing is worth testing"
        return f"ExperimentPlan({len(self.table)} candidates; {verdict})"

    @property
    def panel(self) -> Panel:
        """The panel up to the last week with a KPI, after which tests begin."""
        return self._panel

    @property
    def worth_testing(self) -> bool:
        """Whether any candidate is expected to bring more than it costs, and more than a ten-thousandth of the plan."""
        least = _TRIFLE * self.horizon * abs(float(self.plans["outcome"].max()))
        return bool(self.table["net_value"].iloc[0] > least)

    @property
    def best(self) -> Experiment:
        """The candidate with the largest net value, which may be below 0; see `worth_testing`."""
        return self.experiment(int(self.table.index[0]))

    def experiment(self, candidate: int) -> Experiment:
        """One candidate of the table.

        Raises:
            ConfigError: there is no such candidate.
        """
        row: Any = self.table.loc[self._checked(candidate)]
        return Experiment(
            candidate=int(candidate),
            channel=row["channel"],
            kind=row["kind"],
            spend_change=float(row["spend_change"]),
            start=row["start"],
            end=row["end"],
            regions=None if self._design(candidate) is None else row["regions"],
            figures=row,
        )

    def matches(self, candidate: int | None = None) -> pd.DataFrame:
        """Regions of a test and of its match.

        Args:
            candidate: its label in the table; the best when None.

        Returns:
            Columns `region`, `role` (`test` or `control`), `weight` (share of the region's KPI that is counted: 1 under
            test) and `mean_kpi` (of a week, KPI units); controls by their weighted KPI. Empty for a national test.

        Raises:
            ConfigError: there is no such candidate.
        """
        design = self._design(self.best.candidate if candidate is None else candidate)
        columns = [REGION, "role", "weight", "mean_kpi"]
        if design is None:
            return pd.DataFrame(columns=columns)
        seen = self._panel.weights > 0
        mean = np.where(seen, self._panel.kpi, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        order = np.argsort(-design.weights * mean[design.controls], kind="stable")
        rows = np.concatenate([design.regions, design.controls[order]])
        weight = np.concatenate([np.ones(len(design.regions)), design.weights[order]])
        role = ["test"] * len(design.regions) + ["control"] * len(order)
        return pd.DataFrame(dict(zip(columns, (self._panel.regions[rows], role, weight, mean[rows]), strict=True)))

    def pre_period(self, candidate: int | None = None) -> pd.DataFrame:
        """The match before the test, week by week.

        Args:
            candidate: its label in the table; the best when None.

        Returns:
            Columns time, `observed` (KPI of the test regions) and `matched` (weighted KPI of the controls), KPI units.
            Empty for a national test.

        Raises:
            ConfigError: there is no such candidate.
        """
        design = self._design(self.best.candidate if candidate is None else candidate)
        if design is None:
            return pd.DataFrame(columns=[TIME, "observed", "matched"])
        weeks = self._panel.weeks[design.weeks]
        return pd.DataFrame({TIME: weeks, "observed": design.observed, "matched": design.matched})

    def plot(self) -> "go.Figure":
        """Value of information against cost, and the match of the best candidate, as a plotly figure."""
        from deepcausalmmm_jax.plots.experiments import experiment_values  # plotly only when something is drawn

        return experiment_values(self)

    def to_csv(self, path: str | Path) -> Path:
        """Write the table as CSV, the regions of a test in one column, separated by semicolons.

        Raises:
            OutputError: the file cannot be written.
        """
        listed = self.table["regions"].map(lambda labels: _BETWEEN.join(str(label) for label in labels))
        place = output_path(path)
        write_csv(self.table.assign(regions=listed), place, index=True)
        return place

    def _design(self, candidate: int) -> Design | None:
        return self._designs[self._design_of[self._checked(candidate)]]

    def _checked(self, candidate: Any) -> int:
        is_label = is_number(candidate) and int(candidate) == candidate and 0 <= candidate < len(self.table)
        if not is_label:
            raise ConfigError(f"There is no candidate {shown(candidate)}; the table has 0 to {len(self.table) - 1}.")
        return int(candidate)
