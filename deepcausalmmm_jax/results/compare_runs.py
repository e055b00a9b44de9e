"""`compare_runs`: two fits side by side: settings, data, channels and accuracy."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.share_basis import share_basis
from deepcausalmmm_jax.attribution.units import units_of
from deepcausalmmm_jax.config.flat import flat_settings
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.fingerprint import fingerprint
from deepcausalmmm_jax.data.panel_changes import PanelChanges, panel_changes
from deepcausalmmm_jax.errors import ConfigError
from deepcausalmmm_jax.io.atomic_write import written_together
from deepcausalmmm_jax.io.html_tables import html_tables
from deepcausalmmm_jax.io.output_path import output_path
from deepcausalmmm_jax.io.plain_numbers import plain_number
from deepcausalmmm_jax.io.write_csv import write_csv
from deepcausalmmm_jax.results.channel_figures import changes, channel_figures
from deepcausalmmm_jax.results.fit_result import FitResult

_TABLES: Final = ("settings", "data", "revised", "figures", "accuracy")
_MEASURES: Final = ("r2", "r2_median_region", "rmse", "wmape", "skill")
_NOTABLE: Final = 1.0  # |z| from which a change is named
_NAMED: Final = 3


@dataclass(frozen=True, eq=False)
class RunComparison:
    """What differs between two runs; what agrees is left out, except in `figures` and `accuracy`.

    Attributes:
        settings: by setting (and seed, weeks held out, versions), columns `before` and `after`.
        data: by fact of the panel (fingerprint, calendar, unit of ROI, weeks, regions, channels, controls), the same
            columns.
        revised: a row per figure of a panel that both runs have and that differs: column, region, week, before, after.
        figures: by figure (share, roi, weekly_contribution, decay, half_saturation, slope) and channel: `before`,
            `after`, `change`, their standard errors, and `z`, the change over the root of the sum of the squared
            errors. Runs that share most of their weeks should differ by far less than a |z| of 1. Of runs on different
            calendars only share and roi, which do not depend on the length of a step; no roi where one run counts
            revenue, or money, and the other does not; and of runs of different KPIs nothing in units of the KPI.
        accuracy: by part (train, holdout) and measure: `before`, `after`, `change`. Each run is scored on its own
            weeks; on different calendars, and of different KPIs, `change` is empty, since an error of a day is no error
            of a week, and one of visits is none of sales.
        names: names of the two runs.
        cadence: calendar of the second run; texts are in its steps.
        share_of: what shares of the second run are of, in words.
    """

    settings: pd.DataFrame
    data: pd.DataFrame
    revised: pd.DataFrame
    figures: pd.DataFrame
    accuracy: pd.DataFrame
    names: tuple[str, str] = ("before", "after")
    cadence: Cadence = Cadence.WEEKLY
    share_of: str = "predicted KPI"

    def __repr__(self) -> str:
        return f"RunComparison({self.summary()})"

    def summary(self) -> str:
        """What differs, in two or three sentences."""
        told = [
            f"{_count(len(self.settings), 'setting')}, {_count(len(self.data), 'fact')} of the data and "
            f"{_count(len(self.revised), 'figure')} of shared {self.cadence.unit}s differ.",
            moved_most(self.figures),
        ]
        return " ".join(told)

    def save(self, folder: str | Path) -> Path:
        """Write every table as a CSV file, all together or none.

        Raises:
            OutputError: the folder cannot be written.
        """
        with written_together(output_path(folder)) as place:
            for name in _TABLES:
                write_csv(getattr(self, name), place / f"{name}.csv", index=name != "revised")
        return Path(folder)

    def _repr_html_(self) -> str:
        shown = {name.capitalize(): getattr(self, name) for name in _TABLES}
        return html_tables(shown, f"{self.names[0]} and {self.names[1]}", self.summary())


def compare_runs(a: FitResult, b: FitResult) -> RunComparison:
    """Compare two runs: their settings, their data, their figures for each channel, and their accuracy.

    Args:
        a: the first run, called `before` in the tables.
        b: the second, called `after`.

    Returns:
        The comparison. Channels that only one run has are listed under `data` and have no figures.

    Raises:
        ConfigError: not the result of a fit.
    """
    for run in (a, b):
        if not isinstance(run, FitResult):
            raise ConfigError(f"compare_runs needs two results of a fit, got {type(run).__name__}; dcm.load reads one.")
    differ = panel_changes(a.panel, b.panel)
    figures, accuracy = changes(channel_figures(a), channel_figures(b)), _accuracy(a, b)
    same_kpi = a.panel.kpi_name == b.panel.kpi_name
    if a.panel.cadence is not b.panel.cadence:
        figures = _of_any_step(figures)
    if not same_kpi:
        figures = _without(figures, "weekly_contribution")
    if a.panel.cadence is not b.panel.cadence or not same_kpi:
        accuracy = accuracy.assign(change=np.nan)
    in_kpi_units = a.panel.revenue_per_kpi is None
    if _unit_of_roi(a) != _unit_of_roi(b) or (in_kpi_units and not same_kpi):
        figures = _without(figures, "roi")
    return RunComparison(
        settings=_differing(_settings(a), _settings(b), "setting"),
        data=_data(a, b, differ),
        revised=differ.revised,
        figures=figures,
        accuracy=accuracy,
        cadence=b.panel.cadence,
        share_of=share_basis(b.fitted_panel),
    )


def moved_most(figures: pd.DataFrame) -> str:
    """The largest moves of shares and ROI in standard errors, in a sentence."""
    rows = _of_any_step(figures)
    known = rows[rows["z"].abs() >= _NOTABLE]
    largest = known.reindex(known["z"].abs().sort_values(ascending=False).index).head(_NAMED)
    if not len(largest):
        return "No share and no ROI moved by a standard error or more."
    parts = []
    for place, row in largest.iterrows():
        figure, channel = cast(tuple[str, str], place)
        name = "ROI" if figure == "roi" else "share"
        unit = "" if figure == "roi" else "%"
        parts.append(f"the {name} of {channel} from {_plain(row['before'])}{unit} to {_plain(row['after'])}{unit}")
    rest = len(known) - len(largest)
    more = f", and {_count(rest, 'other')}" if rest else ""
    return f"Moved by a standard error or more: {', '.join(parts)}{more}."


def _of_any_step(figures: pd.DataFrame) -> pd.DataFrame:
    """The figures that mean the same whatever the length of a step."""
    return figures[figures.index.get_level_values("figure").isin(["share", "roi"])]


def _without(figures: pd.DataFrame, figure: str) -> pd.DataFrame:
    return figures[figures.index.get_level_values("figure") != figure]


def _unit_of_roi(run: FitResult) -> str:
    """What the run's ROI counts, in words."""
    return units_of(run.panel, run.panel.spend is not None, run.panel.revenue_per_kpi is not None).roi


def _plain(value: float) -> str:
    return plain_number(float(value), 3)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _settings(run: FitResult) -> dict[str, object]:
    provenance = run.provenance
    facts: dict[str, object] = {**flat_settings(run.config), "seed": provenance.seed, "holdout": provenance.holdout}
    return facts | {f"version of {name}": text for name, text in provenance.versions.items()}


def _data(a: FitResult, b: FitResult, differ: PanelChanges) -> pd.DataFrame:
    unit = b.panel.cadence.unit if a.panel.cadence is b.panel.cadence else "step"

    def facts(run: FitResult) -> dict[str, object]:
        panel = run.panel
        named = {"KPI": panel.kpi_label, "data": fingerprint(panel)[:12]}
        weeks = {f"first {unit}": panel.week_label(0), f"last {unit}": panel.week_label(-1)}
        last = panel.week_label(panel.n_past_weeks - 1) if panel.n_past_weeks else ""
        counts = dict(zip(("regions", f"{unit}s", "channels", "controls"), panel.shape, strict=True))
        named |= {"calendar": panel.cadence.value, "ROI": _unit_of_roi(run)}
        return {**named, **weeks, f"last {unit} with a KPI": last, **counts}

    table = _differing(facts(a), facts(b), "fact")
    for kind in ("region", "channel", "control"):
        if differ.lost[kind] or differ.new[kind]:
            table.loc[f"{kind}s of one run only"] = [", ".join(differ.lost[kind]), ", ".join(differ.new[kind])]
    return table


def _differing(before: dict[str, object], after: dict[str, object], name: str) -> pd.DataFrame:
    names = [key for key in {**before, **after} if before.get(key, "") != after.get(key, "")]
    rows = {key: [str(before.get(key, "")), str(after.get(key, ""))] for key in names}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["before", "after"], dtype=object).rename_axis(name)


def _accuracy(a: FitResult, b: FitResult) -> pd.DataFrame:
    rows: dict[tuple[str, str], list[float]] = {}
    for part in ("train", "holdout"):
        for measure in _MEASURES:
            pair = [float(run.metrics[measure].get(part, np.nan)) for run in (a, b)]
            if not np.isnan(pair).all():
                rows[part, measure] = [*pair, pair[1] - pair[0]]
    index = pd.MultiIndex.from_tuples(list(rows), names=["part", "measure"])
    return pd.DataFrame(list(rows.values()), index=index, columns=["before", "after", "change"], dtype=np.float64)
