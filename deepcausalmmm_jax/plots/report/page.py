"""The report's page: one self-contained HTML file."""

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from deepcausalmmm_jax.checks import require
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.panel_summary import columns_line
from deepcausalmmm_jax.data.wording import Wording
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.io.atomic_write import write_text
from deepcausalmmm_jax.io.output_path import output_path
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.plots.budget import refuse_unknown_plan
from deepcausalmmm_jax.plots.report.ahead import computed_ahead
from deepcausalmmm_jax.plots.report.changes import KEY as CHANGES
from deepcausalmmm_jax.plots.report.changes import changes_section, changes_tables
from deepcausalmmm_jax.plots.report.credited import credited_tables
from deepcausalmmm_jax.plots.report.decision import decision
from deepcausalmmm_jax.plots.report.findings import findings
from deepcausalmmm_jax.plots.report.payload import Json, figure_data, region_data, template_data
from deepcausalmmm_jax.plots.report.plan_tables import plan_tables
from deepcausalmmm_jax.plots.report.planner import KEY as PLANNER
from deepcausalmmm_jax.plots.report.planner import TITLE as PLANNER_TITLE
from deepcausalmmm_jax.plots.report.planner import Planner
from deepcausalmmm_jax.plots.report.sections import Section, first_page, sections_of
from deepcausalmmm_jax.plots.report.tables import Table, tables_of
from deepcausalmmm_jax.plots.theme import channel_colors
from deepcausalmmm_jax.plots.units import wording_of
from deepcausalmmm_jax.results.compare_runs import compare_runs
from deepcausalmmm_jax.results.fit_result import FitResult
from deepcausalmmm_jax.trust.health import health_card
from deepcausalmmm_jax.trust.refutations.refutation import Refutation

_LONGEST_CURRENCY = 8
_SCRIPTS = ("tables.js", "report.js", "plan_math.js", "planner.js")  # in the order in which they need each other


def write_report(
    result: FitResult,
    path: str | Path,
    plan: BudgetPlan | None = None,
    currency: str | None = None,
    refutations: Refutation | None = None,
    previous: FitResult | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write the page.

    Args:
        result: the fit; an ensemble adds intervals.
        path: file to write; it appears whole or not at all.
        plan: a budget plan, which gets a section of its own.
        currency: of spend and revenue, put before amounts; None for none.
        refutations: what `refute` returned, for the health card; None where it was not run.
        previous: an earlier run, with which this one is compared in a section of its own.
        tell: called with the name of each step but the first, the checks, as it begins.

    Returns:
        The path written.

    Raises:
        DataError: not the result of a fit, not a plan, or a plan whose table of channels lacks a column.
        ConfigError: a currency that is not a short text, not what `refute` returns, or a previous run that is not a
            result.
        OutputError: the file cannot be written.
    """
    place = output_path(path)
    _refuse(result, plan, currency)
    diagnosis = result.panel.diagnose().beside(result.config)
    with computed_ahead(result, plan, currency) as ahead:
        card = health_card(result, refutations, plan, diagnosis)
        tell("tables")
        tables = tables_of(result, card, diagnosis, refutations)
        tables["contribution"] += credited_tables(result)
        tables["plan"] = plan_tables(plan, currency)
        tell("charts")
        ahead.curves.result()
        sections, first = sections_of(result, plan), first_page(result)
        tell("planner")
        board, why_not = ahead.planner.result()
    if previous is not None:
        comparison = compare_runs(previous, result)
        sections.insert(1, changes_section(comparison))  # after the section on health
        tables[CHANGES] = changes_tables(comparison)
    cadence, channels, worded = result.panel.cadence, result.panel.channels, wording_of(result.panel)
    first, *sections = _in_words([first, *sections], currency, result.panel)
    tables = _tables_in_words(tables, channels, worded)
    _add_planner(sections, why_not)
    shown = _with_content(sections, tables, board)
    tell("page")
    regions = region_data(result)
    data = _data([first, *shown], list(result.panel.channels), regions, board)
    environment = Environment(loader=PackageLoader("deepcausalmmm_jax.plots.report"), autoescape=True)
    shape = dict(zip(("regions", "weeks"), result.panel.shape[:2], strict=True))
    page = environment.get_template("report.html").render(
        plotly=Markup(get_plotlyjs()),
        style=Markup(_asset("report.css") + _asset("planner.css")),
        scripts=[Markup(_asset(name)) for name in _SCRIPTS],
        planner=board,
        data=Markup(_for_script(data)),
        kpi=result.panel.kpi_label,
        shape=shape,
        columns=columns_line(result.panel),
        weeks=(result.panel.week_label(0), result.panel.week_label(len(result.panel.weeks) - 1)),
        unit=cadence.unit,
        spans=_spans(result),
        status=result.status.sentence,
        decision=decision(result, card, plan, currency),
        first=first,
        findings=findings(result, plan, diagnosis).in_labels(channels).in_units(worded),
        sections=shown,
        tables=tables,
        absent=_absent(sections, tables, plan),
        regions=regions,
        settings=[(name, row["value"], row["default"]) for name, row in result.config.summary().iterrows()],
    )
    return write_text(place, page)


def _in_words(sections: list[Section], currency: str | None, panel: Panel) -> list[Section]:
    """Sections with amounts in the user's currency, and with the panel's own unit of time."""
    return [section.in_currency(currency, panel).in_units(panel) for section in sections]


def _tables_in_words(
    tables: dict[str, list[Table]], channels: tuple[str, ...], worded: Wording
) -> dict[str, list[Table]]:
    """Tables with the panel's own unit of time, and with short labels but where columns to mend are named."""
    found = {key: [table.in_units(worded) for table in own] for key, own in tables.items()}
    return {key: own if key == "checks" else [table.in_labels(channels) for table in own] for key, own in found.items()}


def _add_planner(sections: list[Section], why_not: str) -> None:
    """Put the planner's section after those on the next unit of spend and the plan."""
    section = Section(PLANNER, PLANNER_TITLE)
    if why_not:
        section.absent.append(("Planner", why_not))
    after = max(i for i, other in enumerate(sections) if other.key in ("next_dollar", "plan"))
    sections.insert(after + 1, section)


def _refuse(result: FitResult, plan: BudgetPlan | None, currency: str | None) -> None:
    if not isinstance(result, FitResult):
        raise DataError(f"A report needs the result of fit, bootstrap or load, got {type(result).__name__}.")
    if plan is not None:
        refuse_unknown_plan(plan)
    if currency is not None:
        fine = isinstance(currency, str) and 0 < len(currency.strip()) <= _LONGEST_CURRENCY and currency.isprintable()
        require(fine, "currency", currency, "a short text such as EUR or $")


def _with_content(sections: list[Section], tables: dict[str, list[Table]], board: Planner | None) -> list[Section]:
    """Sections that have a chart, a table or the planner."""
    return [
        section
        for section in sections
        if section.charts or tables.get(section.key) or (section.key == PLANNER and board is not None)
    ]


def _data(
    sections: list[Section], channels: list[str], regions: dict[str, Json] | None, board: Planner | None
) -> dict[str, object]:
    """What the page's scripts read."""
    return {
        "template": template_data(),
        "charts": {chart.key: figure_data(chart.figure) for section in sections for chart in section.charts},
        "channels": channels,
        "colors": channel_colors(channels),
        "regions": regions,
        "planner": None if board is None else board.data,
    }


def _spans(result: FitResult) -> str:
    """The held-out weeks, and the planned weeks after the last KPI, in words."""
    panel, held = result.panel, result.holdout_weeks
    text = "no weeks held out"
    if len(held):
        first, last = (panel.week_label(int(at)) for at in panel.weeks.get_indexer(held[[0, -1]]))
        text = f"{len(held)} week{'s' if len(held) > 1 else ''} held out ({first} to {last})"
    planned = len(panel.weeks) - panel.n_past_weeks
    if planned:
        text += f", {planned} planned after the last KPI, in week {panel.week_label(panel.n_past_weeks - 1)}"
    return Wording(panel)(text)


def _absent(sections: list[Section], tables: dict[str, list[Table]], plan: BudgetPlan | None) -> list[tuple[str, str]]:
    """What the page leaves out, and why; a reason shared by several figures is given once."""
    reasons: dict[str, list[str]] = {}
    for section in sections:
        for title, reason in section.absent:
            reasons.setdefault(reason, []).append(title)
    if plan is None:
        reasons["No plan was given; pass report(result, path, plan=...)."] = ["Budget plan"]
    return [(", ".join(titles), reason) for reason, titles in reasons.items()]


def _asset(name: str) -> str:
    return (files("deepcausalmmm_jax.plots.report") / "templates" / name).read_text(encoding="utf-8")


def _for_script(data: object) -> str:
    """JSON that is safe inside a script element: no text of the user's can close it."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
