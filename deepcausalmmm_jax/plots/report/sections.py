"""The report's chapters: which figures they hold, and why some are left out."""

from collections.abc import Callable
from dataclasses import dataclass, field

import plotly.graph_objects as go

from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.plots import budget, contribution, fit, graph, panel, region, residual, response, returns
from deepcausalmmm_jax.plots import uncertainty as replicate
from deepcausalmmm_jax.plots.protocols import Answers, PlanAnswers, has_refits

_CURVES = 8


@dataclass(frozen=True)
class Chart:
    """A figure of the page, with a word on how to read it."""

    key: str
    figure: go.Figure
    note: str = ""


@dataclass
class Chapter:
    """Some charts under a heading.

    Attributes:
        key: anchor in the page.
        title: heading, a question.
        charts: what could be drawn.
        absent: title and reason of what could not.
    """

    key: str
    title: str
    charts: list[Chart] = field(default_factory=list)
    absent: list[tuple[str, str]] = field(default_factory=list)

    def add(self, key: str, title: str, draw: Callable[[], go.Figure], note: str = "") -> None:
        """Draw a figure, or keep the reason why it cannot be drawn."""
        try:
            self.charts.append(Chart(key, draw(), note))
        except DataError as reason:
            self.absent.append((title, str(reason)))


def chapters_of(result: Answers, plan: PlanAnswers | None) -> list[Chapter]:
    """All chapters; those without a chart and without anything else to say are left to the caller to drop."""
    chapters = [make(result) for make in (_contribution, _time, _returns, _next_dollar)]
    if plan is not None:
        chapters.append(_plan(result, plan))
    rest = (_regions, _curves, _links, _forecast, _certainty, _data, _training)
    return chapters + [make(result) for make in rest]


def _contribution(result: Answers) -> Chapter:
    chapter = Chapter("contribution", "What did each channel contribute?")
    chapter.add("total", "Contribution", lambda: contribution.contribution_total(result))
    chapter.add("waterfall", "Waterfall", lambda: contribution.contribution_waterfall(result))
    chapter.add("donut", "Donut", lambda: contribution.contribution_donut(result))
    return chapter


def _time(result: Answers) -> Chapter:
    chapter = Chapter("time", "When did it happen?")
    chapter.add("over_time", "Contribution over time", lambda: contribution.contribution_over_time(result))
    lines = "The same without the base; with refits, the three largest channels have their intervals."
    chapter.add("lines", "By channel", lambda: contribution.contribution_over_time(result, "lines"), lines)
    chapter.add("percent", "In percent", lambda: contribution.contribution_over_time(result, "percent"))
    return chapter


def _returns(result: Answers) -> Chapter:
    chapter = Chapter("returns", "What does money earn?")
    one = (
        "The dotted line is where a unit of spend earns itself back."
        if result.panel.revenue_per_kpi is not None
        else ""
    )
    chapter.add("roi", "ROI", lambda: returns.channel_returns(result, "roi"), one)
    note = "What the last 1 % of spend earned: where it is high, more money works; where it is low, less is lost."
    chapter.add("mroi", "Marginal ROI", lambda: returns.channel_returns(result, "mroi"), note)
    chapter.add("cpik", "CPIK", lambda: returns.channel_returns(result, "cpik"))
    chapter.add("shares", "Shares of spend and effect", lambda: returns.spend_and_effect_share(result))
    chapter.add("effectiveness", "Effectiveness", lambda: returns.channel_returns(result, "effectiveness"))
    return chapter


def _next_dollar(result: Answers) -> Chapter:
    chapter = Chapter("next_dollar", "Where does the next dollar go?")
    table = result.spend_response()
    note = (
        "A dot is today, all weeks of the panel together; the other channels stay as they were. Where a curve is still "
        "steep at its dot, more works; dotted parts go beyond what was seen."
    )
    if "incremental_outcome_low" in table:
        note += " The three largest channels have their intervals."
    elif has_refits(result):
        note += " Intervals are left out, since this many refits would take long; response_curves draws them."
    name = result.panel.kpi_name
    chapter.add("response", "Response to spend", lambda: response.response_curves(table, name, top=_CURVES), note)
    return chapter


def _plan(result: Answers, plan: PlanAnswers) -> Chapter:
    chapter = Chapter("plan", "What does the plan change?")
    chapter.add(
        "plan",
        "Plan and today",
        lambda: budget.plan_against_history(plan.channels, plan.units.spend),
        plan.period + ".",
    )
    name = result.panel.kpi_name
    chapter.add("plan_outcome", "Expected outcome", lambda: budget.outcome_against_history(plan.channels, name))
    return chapter


def _regions(result: Answers) -> Chapter:
    chapter = Chapter("regions", "Where does it work?")
    chapter.add("map", "Map", lambda: region.region_map(result), "Bubbles grow with the region's KPI.")
    chapter.add("by_region", "Contribution by region", lambda: region.region_heatmap(result))
    chapter.add("roi_by_region", "ROI by region", lambda: region.region_heatmap(result, "roi"))
    return chapter


def _curves(result: Answers) -> Chapter:
    chapter = Chapter("curves", "How does exposure work?")
    chapter.add("adstock", "Carry-over", lambda: response.adstock_decay(result))
    note = "A dot high on its curve is close to the ceiling: more exposure adds little."
    chapter.add("hill", "Diminishing returns", lambda: response.hill_curves(result), note)
    chapter.add("coefficients", "Coefficients over time", lambda: response.coefficients_over_time(result))
    return chapter


def _links(result: Answers) -> Chapter:
    chapter = Chapter("links", "How are channels linked?")
    chapter.add("network", "Network", lambda: graph.graph_network(result))
    chapter.add("heatmap", "Links", lambda: graph.graph_heatmap(result))
    if chapter.charts:
        chapter.add("effects", "Direct and mediated effects", lambda: graph.effects(result))
    return chapter


def _forecast(result: Answers) -> Chapter:
    chapter = Chapter("forecast", "How good is the forecast?")
    chapter.add("fit", "Actual and predicted", lambda: fit.actual_and_predicted(result))
    note = "Each region counts alike here, so that large ones do not hide small ones."
    chapter.add("scaled", "Scaled", lambda: fit.actual_and_predicted(result, scaled=True), note)
    chapter.add("regions_fit", "Fit by region", lambda: fit.regional_fit(result))
    chapter.add("holdout", "Held-out weeks", lambda: fit.holdout_scatter(result))
    chapter.add("residuals", "Residuals", lambda: residual.residuals(result))
    chance = "Bars beyond the grey band mean that errors of one week tell something about later ones."
    chapter.add("autocorrelation", "Autocorrelation", lambda: residual.residual_autocorrelation(result), chance)
    return chapter


def _certainty(result: Answers) -> Chapter:
    chapter = Chapter("certainty", "How sure is this?")
    chapter.add("refits", "Draws", lambda: replicate.distributions(result))
    if chapter.charts and result.panel.spend is not None:
        chapter.add("refits_roi", "ROI over draws", lambda: replicate.distributions(result, "roi"))
    return chapter


def _data(result: Answers) -> Chapter:
    data, chapter = result.panel, Chapter("data", "What went in?")
    chapter.add("kpi", "KPI", lambda: panel.panel_kpi(data))
    chapter.add("exposure", "Exposure", lambda: panel.panel_exposure(data))
    chapter.add("spend", "Spend", lambda: panel.panel_spend(data))
    if (data.weights > 0).all():
        chapter.absent.append(("Gaps", "Every region has its KPI in every week."))
    else:
        chapter.add("gaps", "Gaps", lambda: panel.panel_gaps(data))
    return chapter


def _training(result: Answers) -> Chapter:
    chapter = Chapter("training", "How was it trained?")
    chapter.add("training", "Training", lambda: fit.training_progress(result))
    return chapter
