"""Texts of a figure in the unit of the panel's steps, which are written for weeks, and in a currency by its name."""

import re
from typing import Any

import plotly.graph_objects as go

from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.kept_names import replaced
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.data.wording import Wording
from deepcausalmmm_jax.plots.theme import bare_names, escaped, labels

_CURRENCY = re.compile(r"\bcurrency\b")


def in_units(figure: go.Figure, panel: Panel) -> go.Figure:
    """Say days, months or quarters in place of weeks in titles, axes, annotations, legend and hover texts.

    Names of the KPI, channels, controls and regions stay.

    Args:
        figure: changed in place.
        panel: that it shows.
    """
    if panel.cadence is Cadence.WEEKLY:
        return figure
    worded = wording_of(panel)
    layout = figure.layout
    if layout.title.text:
        layout.title.text = worded(layout.title.text)
    if isinstance(layout.meta, dict) and "subject" in layout.meta:
        layout.meta = {**layout.meta, "subject": worded(layout.meta["subject"])}
    for each in (figure.for_each_xaxis, figure.for_each_yaxis, figure.for_each_coloraxis):
        each(lambda axis: _reworded_title(axis, worded))
    for annotation in layout.annotations:
        annotation.text = worded(annotation.text or "")
    figure.for_each_trace(lambda trace: _reworded_trace(trace, worded))
    return figure


def wording_of(panel: Panel) -> Wording:
    """The calendar's words for texts that hold names as the panel has them, or as figures label them."""
    return Wording(panel, _forms)


def _forms(name: str) -> list[str]:
    """A name as sentences, labels and hover texts have it."""
    bare = bare_names([name])[name]
    return [bare, escaped(name), escaped(bare), labels([name])[name]]


def in_currency(figure: go.Figure, currency: str | None, panel: Panel) -> go.Figure:
    """Name the currency in the titles of axes; names of the panel stay.

    Args:
        figure: changed in place.
        currency: such as EUR; None where it is unknown.
        panel: that the figure shows.
    """
    if currency is not None:
        name, own = escaped(currency.strip()), [escaped(panel.kpi_name), *map(escaped, panel.channels)]
        for each in (figure.for_each_xaxis, figure.for_each_yaxis):
            each(lambda axis: axis.update(title_text=replaced(axis.title.text or "", _CURRENCY, lambda _: name, own)))
    return figure


def _reworded_title(axis: Any, worded: Wording) -> None:
    title = axis.colorbar.title if hasattr(axis, "colorbar") else axis.title
    if title.text:
        title.text = worded(title.text)


def _reworded_trace(trace: Any, worded: Wording) -> None:
    if trace.name:
        trace.name = worded(trace.name)
    template = getattr(trace, "hovertemplate", None)
    if isinstance(template, str):
        trace.hovertemplate = worded(template)
