"""The report: one self-contained HTML page."""

import json
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.io.atomic_write import write_whole
from deepcausalmmm_jax.plots.budget import refuse_unknown_plan
from deepcausalmmm_jax.plots.protocols import Answers, PlanAnswers
from deepcausalmmm_jax.plots.report.findings import in_words
from deepcausalmmm_jax.plots.report.payload import figure_data, region_data, template_data
from deepcausalmmm_jax.plots.report.sections import Chapter, chapters_of
from deepcausalmmm_jax.plots.report.tables import Table, tables_of
from deepcausalmmm_jax.plots.theme import channel_colors


def write_report(result: Answers, path: str | Path, plan: PlanAnswers | None = None) -> Path:
    """Write the page.

    Args:
        result: the fit; an ensemble gives it intervals.
        path: file to write; it appears whole or not at all.
        plan: a budget plan, which gets a chapter.

    Returns:
        The path written.

    Raises:
        DataError: no result of a fit, no plan, or a plan whose allocation lacks a column.
        OutputError: the file cannot be written.
    """
    if not hasattr(result, "media_summary"):
        raise DataError(f"A report needs the result of fit, bootstrap or load, got {type(result).__name__}.")
    if plan is not None:
        refuse_unknown_plan(plan)
    tables, chapters = tables_of(result), chapters_of(result, plan)
    shown = [chapter for chapter in chapters if chapter.charts or tables.get(chapter.key)]
    regions = region_data(result)
    channels = list(result.panel.channels)
    data = {
        "template": template_data(),
        "charts": {chart.key: figure_data(chart.figure) for chapter in shown for chart in chapter.charts},
        "channels": channels,
        "colors": channel_colors(channels),
        "regions": regions,
    }
    environment = Environment(loader=PackageLoader("deepcausalmmm_jax.plots.report"), autoescape=True)
    shape = dict(zip(("regions", "weeks", "channels", "controls"), result.panel.shape, strict=True))
    page = environment.get_template("report.html").render(
        plotly=Markup(get_plotlyjs()),
        style=Markup(_asset("report.css")),
        scripts=[Markup(_asset("tables.js")), Markup(_asset("report.js"))],
        data=Markup(_for_script(data)),
        kpi=result.panel.kpi_name,
        shape=shape,
        weeks=(result.panel.week_label(0), result.panel.week_label(len(result.panel.weeks) - 1)),
        spans=_spans(result),
        status=result.status.sentence,
        words=in_words(result, plan),
        chapters=shown,
        tables=tables,
        absent=_absent(chapters, tables, plan),
        regions=regions,
        settings=result.config.to_toml(),
    )
    return write_whole(Path(path), lambda file: file.write(page.encode()))


def _spans(result: Answers) -> str:
    """The weeks held out, and the planned ones behind the last KPI, in words."""
    panel, held = result.panel, result.holdout_weeks
    words = "no weeks held out"
    if len(held):
        first, last = (panel.week_label(int(at)) for at in panel.weeks.get_indexer(held[[0, -1]]))
        words = f"{len(held)} week{'s' if len(held) > 1 else ''} held out ({first} to {last})"
    planned = len(panel.weeks) - panel.n_past_weeks
    if planned:
        words += f", {planned} planned after the last KPI, in week {panel.week_label(panel.n_past_weeks - 1)}"
    return words


def _absent(chapters: list[Chapter], tables: dict[str, list[Table]], plan: PlanAnswers | None) -> list[tuple[str, str]]:
    """What the page leaves out, with the reason; reasons that hold for several figures once."""
    reasons: dict[str, list[str]] = {}
    for chapter in chapters:
        for title, reason in chapter.absent:
            reasons.setdefault(reason, []).append(title)
    if plan is None:
        reasons["No plan was given; pass report(result, path, plan=...)."] = ["Budget plan"]
    return [(", ".join(titles), reason) for reason, titles in reasons.items()]


def _asset(name: str) -> str:
    return (files("deepcausalmmm_jax.plots.report") / "templates" / name).read_text(encoding="utf-8")


def _for_script(data: object) -> str:
    """JSON that may stand inside a script element: no text of the user's can end it."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
