"""Texts of a figure in the unit of the panel's steps, which are written for weeks, and in a currency by its name."""

import re
from typing import Any

import plotly.graph_objects as go

from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.plots.theme import escaped

_CURRENCY = re.compile(r"\bcurrency\b")


def in_units(figure: go.Figure, panel: Panel) -> go.Figure:
    """Say days, months or quarters in place of weeks in titles, axes, annotations, legend and hover texts.

    Names of channels, controls and regions stay.

    Args:
        figure: changed in place.
        panel: that it shows.
    """
    cadence = panel.cadence
    if cadence is Cadence.WEEKLY:
        return figure
    layout = figure.layout
    if layout.title.text:
        layout.title.text = cadence.worded(layout.title.text)
    if isinstance(layout.meta, dict) and "subject" in layout.meta:
        layout.meta = {**layout.meta, "subject": cadence.worded(layout.meta["subject"])}
    for each in (figure.for_each_xaxis, figure.for_each_yaxis, figure.for_each_coloraxis):
        each(lambda axis: _reworded_title(axis, cadence))
    for annotation in layout.annotations:
        annotation.text = cadence.worded(annotation.text or "")
    own = {*panel.channels, *panel.controls, *map(str, panel.regions)}
    figure.for_each_trace(lambda trace: _reworded_trace(trace, cadence, own))
    return figure


def in_currency(figure: go.Figure, currency: str | None) -> go.Figure:
    """Name the currency in the titles of axes.

    Args:
        figure: changed in place.
        currency: such as EUR; None where it is unknown.
    """
    if currency is not None:
        name = escaped(currency.strip())
        for each in (figure.for_each_xaxis, figure.for_each_yaxis):
            each(lambda axis: axis.update(title_text=_CURRENCY.sub(lambda _: name, axis.title.text or "")))
    return figure


def _reworded_title(axis: Any, cadence: Cadence) -> None:
    title = axis.colorbar.title if hasattr(axis, "colorbar") else axis.title
    if title.text:
        title.text = cadence.worded(title.text)


def _reworded_trace(trace: Any, cadence: Cadence, own: set[str]) -> None:
    if trace.name and trace.name not in own:
        trace.name = cadence.worded(trace.name)
    template = getattr(trace, "hovertemplate", None)
    if isinstance(template, str):
        trace.hovertemplate = cadence.worded(template)
