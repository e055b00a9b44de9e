"""The report's section on what changed against an earlier run."""

import pandas as pd

from deepcausalmmm_jax.io.plain_numbers import plain_number
from deepcausalmmm_jax.plots import runs
from deepcausalmmm_jax.plots.report.sections import Section
from deepcausalmmm_jax.plots.report.tables import Table, number, signed
from deepcausalmmm_jax.results.compare_runs import RunComparison

KEY = "changes"
_MOST_ROWS = 25
_ERRORS = "Bars: one standard error either way."


def changes_section(comparison: RunComparison) -> Section:
    """Figures of the section; `changes_tables` has its tables."""
    section = Section(KEY, "What changed?")
    section.add("changed_shares", "Contribution, before and after", lambda: runs.run_changes(comparison), _ERRORS)
    section.add("changed_roi", "ROI, before and after", lambda: runs.run_changes(comparison, "roi"), _ERRORS)
    return section


def changes_tables(comparison: RunComparison) -> list[Table]:
    """Shares and ROI, settings, data and revised figures that differ; those without a row are left out."""
    found = [
        _figures(comparison.figures),
        _pairs("changed_settings", "Settings that differ", comparison.settings),
        _pairs("changed_data", "Data that differ", comparison.data),
        _revised(comparison.revised),
    ]
    return [table for table in found if table.rows]


def _figures(figures: pd.DataFrame) -> Table:
    rows = []
    for figure, name in (("share", "share, %"), ("roi", "ROI")):
        own = figures[figures.index.get_level_values("figure") == figure].droplevel("figure")
        for channel, row in own.dropna(subset=["change"]).iterrows():
            cells = [_with_error(row, column) for column in ("before", "after")]
            cells += [signed(float(row[column])) for column in ("change", "z")]
            rows.append([str(channel), name, *cells])
    note = (
        "In brackets: standard errors. z: the change over the root of the sum of both squared standard errors. Two "
        "runs that share most of their weeks should differ by far less than a z of 1."
    )
    header = ["channel", "figure", "before", "after", "change", "z"]
    return Table("changed_figures", "Shares and ROI, before and after", header, rows, note)


def _with_error(row: pd.Series, column: str) -> str:
    error = row[f"{column}_error"]
    return number(float(row[column])) + ("" if pd.isna(error) else f" ({number(float(error))})")


def _pairs(key: str, title: str, table: pd.DataFrame) -> Table:
    rows = [[str(name), str(row["before"]), str(row["after"])] for name, row in table.iterrows()]
    return Table(key, title, [str(table.index.name or ""), "before", "after"], rows)


def _revised(revised: pd.DataFrame) -> Table:
    rows = [
        [str(row["column"]), str(row["region"]), str(row["week"])]
        + ["–" if pd.isna(row[column]) else plain_number(float(row[column]), 6) for column in ("before", "after")]
        for _, row in revised.head(_MOST_ROWS).iterrows()
    ]
    note = f"The first {_MOST_ROWS} of {len(revised):,}." if len(revised) > _MOST_ROWS else ""
    return Table("revised", "Revised figures", ["column", "region", "week", "before", "after"], rows, note)
