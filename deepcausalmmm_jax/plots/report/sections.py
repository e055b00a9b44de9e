"""Sections of the report: the figures they hold, and why some are left out."""

from collections.abc import Callable
from dataclasses import dataclass, field

import plotly.graph_objects as go

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import DataError
from deepcausalmmm_jax.planning.budget_plan import BudgetPlan
from deepcausalmmm_jax.plots import (
    budget,
    composition,
    contribution,
    controls,
    fit,
    frequency,
    graph,
    panel,
    region,
    residual,
    response,
    returns,
)
from deepcausalmmm_jax.plots import uncertainty as replicate
from deepcausalmmm_jax.plots.geography import geography_of
from deepcausalmmm_jax.plots.report.wording import few, listed
from deepcausalmmm_jax.plots.theme import bare_names
from deepcausalmmm_jax.plots.units import in_currency, in_units, wording_of
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult

_CURVES = 8
_FIRST = 8  # channels on the first page


@dataclass(frozen=True)
class Chart:
    """A figure of the page, with a note on how to read it."""

    key: str
    figure: go.Figure
    note: str = ""


@dataclass
class Section:
    """Charts under a heading.

    Attributes:
        key: anchor on the page.
        title: heading, a question.
        charts: figures that could be drawn.
        absent: title and reason of those that could not.
    """

    key: str
    title: str
    charts: list[Chart] = field(default_factory=list)
    absent: list[tuple[str, str]] = field(default_factory=list)

    def in_units(self, panel: Panel) -> "Section":
        """The same for a panel whose steps are not weeks; its figures are changed in place."""
        worded = wording_of(panel)
        charts = [Chart(one.key, in_units(one.figure, panel), worded(one.note)) for one in self.charts]
        absent = [(worded(title), worded(reason)) for title, reason in self.absent]
        return Section(self.key, worded(self.title), charts, absent)

    def in_currency(self, currency: str | None, panel: Panel) -> "Section":
        """The same with the currency's name on axes of money; its figures are changed in place."""
        for chart in self.charts:
            in_currency(chart.figure, currency, panel)
        return self

    def add(self, key: str, title: str, draw: Callable[[], go.Figure], note: str = "") -> None:
        """Draw a figure, or record why it cannot be drawn; one figure never costs the whole page."""
        try:
            self.charts.append(Chart(key, draw(), note))
        except DataError as reason:
            self.absent.append((title, str(reason)))
        except (ArithmeticError, LookupError, TypeError, ValueError) as fault:  # figures that nobody has thought of
            self.absent.append((title, f"It cannot be drawn from these data ({type(fault).__name__}: {fault})."))


def sections_of(result: FitResult, plan: BudgetPlan | None) -> list[Section]:
    """All sections; the caller drops those without any content."""
    sections = [
        Section("health", "Can the result be trusted?"),
        Section("experiments", "What did experiments measure?"),
    ]
    sections += [make(result) for make in (_contribution, _over_time, _returns, _next_dollar)]
    if plan is not None:
        sections.append(_plan(result, plan))
    sections += [make(result) for make in (_regions, _curves, _links, _forecast, _certainty)]
    sections += [Section("checks", "Are the data in order?"), _data(result), _training(result)]
    return sections


def first_page(result: FitResult) -> Section:
    """The figure beside the verdict: the return of the largest channels, with a line at break-even."""
    section = Section("summary", "Summary")
    if result.media_summary()["roi"].notna().any():
        section.add("first_roi", "ROI", lambda: returns.channel_returns(result, "roi", _FIRST), _break_even(result))
    return section


def _contribution(result: FitResult) -> Section:
    section, names = Section("contribution", "What did each channel contribute?"), controls.control_names(result)
    section.add("total", "Contribution", lambda: contribution.contribution_total(result))
    centred = "Controls count from their means, so over all weeks little is left of them." if names else ""
    parts = _parts(result)
    note = " ".join(filter(None, (centred, parts)))
    section.add("waterfall", "Waterfall", lambda: composition.contribution_waterfall(result), note)
    section.add("donut", "Donut", lambda: composition.contribution_donut(result), parts)
    return section


def _parts(result: FitResult) -> str:
    """What the parts of a prediction are where effects multiply, and treatments or events have tables of their own."""
    if not result.fitted_panel.has_log_link or not contribution.credited_names(result):
        return ""
    return (
        "Effects multiply: parts are shares of the prediction that add up. What treatments and events change, all else "
        "as it was, is in their tables."
    )


def _over_time(result: FitResult) -> Section:
    section = Section("time", "How did contributions change over time?")
    parts = _parts(result)
    section.add("over_time", "Contribution over time", lambda: contribution.contribution_over_time(result), parts)
    lines = "Without the baseline."
    if isinstance(result, Ensemble):
        lines += " Shaded: 90% intervals of the three largest channels."
    section.add("lines", "By channel", lambda: contribution.contribution_over_time(result, "lines"), lines)
    section.add("percent", "Share over time", lambda: contribution.contribution_over_time(result, "percent"))
    if controls.control_names(result):
        section.add("controls", "Controls by week", lambda: controls.controls_over_time(result))
        section.add("control_ranges", "Ranges of controls", lambda: controls.control_ranges(result))
    return section


def _returns(result: FitResult) -> Section:
    section = Section("returns", "What return did spend earn?")
    section.add("roi", "ROI", lambda: returns.channel_returns(result, "roi"), _break_even(result))
    note = "Return on the next 1% of spend: where it is high, more spend pays; where it is low, cutting costs little."
    section.add("mroi", "Marginal ROI", lambda: returns.channel_returns(result, "mroi"), note)
    section.add("cpik", "CPIK", lambda: returns.channel_returns(result, "cpik"))
    section.add("shares", "Shares of spend and effect", lambda: returns.spend_and_effect_share(result))
    section.add("effectiveness", "Effectiveness", lambda: returns.channel_returns(result, "effectiveness"))
    return section


def _break_even(result: FitResult) -> str:
    return "Dotted line: break-even (ROI = 1)." if result.panel.revenue_per_kpi is not None else ""


def _next_dollar(result: FitResult) -> Section:
    section = Section("next_dollar", "Where should the next unit of spend go?")
    table = result.spend_response()
    what = "exposure" if result.panel.spend is None else "spend"
    note = (
        f"Dots mark today's {what}, summed over the panel's weeks; the other channels stay as they are. The steeper a "
        f"curve at its dot, the more the next unit of {what} brings. Dotted parts lie beyond the range seen in "
        "training."
    )
    if "incremental_outcome_low" in table:
        note += " Shaded: 90% intervals of the three largest channels."
    elif isinstance(result, Ensemble):
        note += " Intervals are left out here, since they would take long to compute; response_curves has them."
    name = result.panel.kpi_label
    section.add("response", "Response to spend", lambda: response.response_curves(table, name, top=_CURVES), note)
    return section


def _plan(result: FitResult, plan: BudgetPlan) -> Section:
    section = Section("plan", "What does the plan change?")
    section.add(
        "plan",
        "Budget",
        lambda: budget.plan_against_history(plan.channels, plan.units.spend, names=result.panel.channels),
        plan.period + ".",
    )
    name = result.panel.kpi_label
    section.add(
        "plan_outcome",
        "Expected outcome",
        lambda: budget.outcome_against_history(plan.channels, name, names=result.panel.channels),
    )
    return section


def _regions(result: FitResult) -> Section:
    section = Section("regions", "How do regions differ?")
    found = geography_of(result.panel)
    size = "Bubble size: the region's KPI." if found is not None and found.kind == "markets" else ""
    section.add("map", "Map", lambda: region.region_map(result), size)
    order = "Regions with the largest KPI first."
    section.add("by_region", "Contribution by region", lambda: region.region_heatmap(result), order)
    section.add("roi_by_region", "ROI by region", lambda: region.region_heatmap(result, "roi"), order)
    return section


def _curves(result: FitResult) -> Section:
    section = Section("curves", "How do carry-over and saturation work?")
    section.add("adstock", "Carry-over", lambda: response.adstock_decay(result))
    note = "Where a dot is high on its curve, saturation is close: more exposure adds little."
    section.add("hill", "Saturation", lambda: response.hill_curves(result), note)
    if any(result.panel.has_reach):
        section.add("frequency", "Frequency", lambda: frequency.frequency_effect(result), _on_frequency(result))
    section.add("coefficients", "Coefficients over time", lambda: response.coefficients_over_time(result))
    return section


def _on_frequency(result: FitResult) -> str:
    """At which channels another frequency brings more, as far as that is known."""
    table, bare = result.frequency(), bare_names(result.panel.channels)
    gain = table["gain_low" if "gain_low" in table else "gain"]
    names = [bare[name] for name in table.index[gain > 0]]
    if not names:
        return "At no channel is another frequency clearly better than today's."
    unsure = "" if "gain_low" in table else " It is not known how certain that is."
    return f"The same contacts would bring more at the best frequency of {listed(few(names))}.{unsure}"


def _links(result: FitResult) -> Section:
    section = Section("links", "How are channels linked?")
    section.add("network", "Network", lambda: graph.graph_network(result))
    section.add("heatmap", "Edge weights", lambda: graph.graph_heatmap(result))
    if section.charts:
        section.add("effects", "Direct and mediated effects", lambda: graph.effects(result))
    return section


def _forecast(result: FitResult) -> Section:
    section = Section("forecast", "How good is the forecast?")
    section.add("fit", "Actual and predicted", lambda: fit.actual_and_predicted(result))
    note = "Every region has the same weight here, so that large ones do not hide small ones."
    section.add("scaled", "Relative fit", lambda: fit.actual_and_predicted(result, scaled=True), note)
    section.add("regions_fit", "Fit by region", lambda: fit.regional_fit(result))
    section.add("holdout", "Held-out weeks", lambda: fit.holdout_scatter(result))
    section.add("residuals", "Residuals", lambda: residual.residuals(result))
    chance = "Bars outside the grey band show that the error of one week helps to predict later ones."
    section.add("autocorrelation", "Autocorrelation", lambda: residual.residual_autocorrelation(result), chance)
    return section


def _certainty(result: FitResult) -> Section:
    section = Section("certainty", "How certain are the estimates?")
    section.add("refits", "Distribution of draws", lambda: replicate.distributions(result))
    if section.charts and result.panel.spend is not None:
        section.add("refits_roi", "ROI, distribution of draws", lambda: replicate.distributions(result, "roi"))
    return section


def _data(result: FitResult) -> Section:
    data, section = result.panel, Section("data", "What data went in?")
    section.add("kpi", "KPI", lambda: panel.panel_kpi(data))
    section.add("exposure", "Exposure", lambda: panel.panel_exposure(data))
    section.add("spend", "Spend", lambda: panel.panel_spend(data))
    if (data.weights > 0).all():
        section.absent.append(("Gaps", "Every region has a KPI in every week."))
    else:
        section.add("gaps", "Gaps", lambda: panel.panel_gaps(data))
    return section


def _training(result: FitResult) -> Section:
    section = Section("training", "Appendix: how was the model trained?")
    section.add("training", "Training", lambda: fit.training_progress(result))
    return section
