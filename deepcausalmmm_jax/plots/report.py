"""The report: one self-contained HTML page."""

from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from deepcausalmmm_jax.analysis.answers import Answers
from deepcausalmmm_jax.files import write_whole
from deepcausalmmm_jax.plots import contribution, fit, graph, response
from deepcausalmmm_jax.types import COMPONENT, REGION

_METRIC_FORMATS = {"r2": "{:.3f}", "r2_median_region": "{:.3f}", "wmape": "{:.1%}", "skill": "{:+.3f}"}


def write_report(result: Answers, path: str | Path) -> Path:
    """Write the page.

    Args:
        result: the fit.
        path: file to write; it appears whole or not at all.

    Returns:
        The path written.

    Raises:
        OutputError: the file cannot be written.
    """
    environment = Environment(loader=PackageLoader("deepcausalmmm_jax.plots"), autoescape=True)
    page = environment.get_template("report.html").render(
        plotly=Markup(get_plotlyjs()),
        kpi=result.panel.kpi_name,
        shape=dict(zip(("regions", "weeks", "channels", "controls"), result.panel.shape, strict=True)),
        holdout=result.holdout,
        status=result.status.sentence,
        metrics=_metrics_rows(result.metrics),
        verdict=_verdict(result.metrics),
        media=_media_rows(result.media_summary()),
        notes=_notes(result.media_summary()),
        trust=_trust_rows(result.notes()),
        priors=_prior_rows(result.priors()),
        tuning=_tuning_rows(result.tuning),
        edges=_edges(result.adjacency),
        edge_meaning=_edge_meaning(result.config.model),
        effects=_effect_rows(result.effects()),
        figures={name: _embedded(figure, name) for name, figure in _figures(result).items()},
        settings=result.config.to_toml(),
    )
    return write_whole(Path(path), lambda file: file.write(page.encode()))


def _figures(result: Answers) -> dict[str, go.Figure]:
    panel, channels = result.panel, list(result.panel.channels)
    table = result.contribution_table()
    national = result.contributions.where(_present(result)).sum(REGION)
    weekly = pd.DataFrame(national.values, index=panel.weeks, columns=[str(n) for n in national[COMPONENT].values])
    start = panel.weeks[-result.holdout] if result.holdout else None
    figures = {
        "fit": fit.actual_and_predicted(table, panel.time_name, panel.kpi_name, start),
        "over_time": contribution.contribution_over_time(weekly, channels, panel.kpi_name),
        "total": contribution.contribution_total(result.media_summary()),
        "adstock": response.adstock_decay(result.adstock_decay()),
        "hill": response.hill_curves(result.hill_curves()),
    }
    if len(result.history):  # weights that were taken over have none
        figures["training"] = fit.training_progress(result.history)
    if len(panel.regions) > 1:
        figures["regions"] = fit.regional_fit(table, panel.region_name, panel.kpi_name)
    if len(channels) > 1:
        figures["network"] = graph.graph_network(result.adjacency)
        figures["heatmap"] = graph.graph_heatmap(result.adjacency)
    return figures


def _present(result: Answers) -> xr.DataArray:
    terms = result.contributions
    return xr.DataArray(result.panel.present, dims=terms.dims[:2], coords={d: terms[d] for d in terms.dims[:2]})


def _embedded(figure: go.Figure, name: str) -> Markup:
    html = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=f"figure-{name}",
        config={"displaylogo": False, "responsive": True},
    )
    return Markup(html)


def _number(value: float, form: str = "{:,.0f}") -> str:
    return "–" if pd.isna(value) else form.format(value)


def _trust_rows(notes: pd.DataFrame) -> list[dict[str, str]]:
    return [
        {
            "channel": str(channel),
            "share": _number(row["share"], "{:.2f}"),
            "error": _number(row["share_error"], "{:.2f}"),
            "note": str(row["note"]) or "–",
        }
        for channel, row in notes.iterrows()
    ]


def _prior_rows(priors: pd.DataFrame) -> list[list[str]]:
    rows = []
    for _, row in priors.iterrows():
        stated, form = row["stated"], "{:.3g}"
        shown = stated if isinstance(stated, str) else _number(float(stated), form)
        numbers = [_number(float(row[name]), form) for name in ("sd", "found")]
        rows.append([str(row["quantity"]), str(row["name"]), shown, *numbers])
    return rows


def _tuning_rows(tuning: pd.DataFrame) -> list[list[str]]:
    forms = {"set": "{:.3g}", "learned": "{:.3g}", "evidence": "{:+.1f}"}
    return [[str(size), *(_number(row[name], form) for name, form in forms.items())] for size, row in tuning.iterrows()]


def _metrics_rows(metrics: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """A row a measure, a column a period."""
    rows = []
    for measure in metrics.columns:
        if measure == "naive":
            cells = [str(value) or "–" for value in metrics[measure]]
        else:
            cells = [_number(float(value), _METRIC_FORMATS.get(measure, "{:,.0f}")) for value in metrics[measure]]
        rows.append((measure, cells))
    return rows


def _verdict(metrics: pd.DataFrame) -> str:
    """The forecast against the best naive one, in a sentence."""
    if "holdout" not in metrics.index:
        return "No weeks were held out, so nothing here says how well the model forecasts."
    row = metrics.loc["holdout"]
    if pd.isna(row["skill"]):
        return "The held-out weeks have no naive forecast to compare with."
    word = "below" if row["skill"] > 0 else "above"
    return (
        f"On the held-out weeks the error is {abs(row['skill']):.0%} {word} that of the best naive forecast "
        f"({row['naive']}, chosen in hindsight)."
    )


def _media_rows(summary: pd.DataFrame) -> list[dict[str, str]]:
    return [
        {
            "channel": str(name),
            "exposure": _number(row["exposure"]),
            "spend": _number(row["spend"]),
            "outcome": _number(row["incremental_outcome"]),
            "share": _number(row["pct_of_contribution"], "{:.2f} %"),
            "roi": _number(row["roi"], "{:.3g}"),
            "mroi": _number(row["mroi"], "{:.3g}"),
            "cpik": _number(row["cpik"], "{:.3g}"),
            "effectiveness": _number(row["effectiveness"], "{:.3g}"),
        }
        for name, row in summary.iterrows()
    ]


def _notes(summary: pd.DataFrame) -> list[tuple[str, str]]:
    """Each note once, with the channels it holds for."""
    notes = summary.loc[summary["note"] != "", "note"]
    return [(note, ", ".join(str(name) for name in notes.index[notes == note])) for note in dict.fromkeys(notes)]


def _edge_meaning(model: str) -> str:
    if model == "paper":
        return "An edge says how much of a channel's activity the published model mixes into another's."
    return (
        "An edge says by how many of its mean weeks a channel's exposure rises with one more mean week of another's, "
        "read off their weekly ups and downs. A common cause that is not among the controls can look like a link."
    )


def _effect_rows(effects: pd.DataFrame) -> list[dict[str, str]]:
    """Channels with an effect through others."""
    mediated = effects[effects["mediated"] != 0]
    return [
        {"channel": str(row.Index), "through": str(row.through)}
        | {name: _number(float(getattr(row, name))) for name in ("direct", "mediated", "total")}
        for row in mediated.itertuples()
    ]


def _edges(adjacency: pd.DataFrame) -> list[tuple[str, str, str]]:
    links = [
        (str(source), str(target), float(adjacency.loc[source, target]))
        for source in adjacency.index
        for target in adjacency.columns
        if adjacency.loc[source, target] != 0
    ]
    return [
        (source, target, f"{weight:+.2f}") for source, target, weight in sorted(links, key=lambda edge: -abs(edge[2]))
    ]
