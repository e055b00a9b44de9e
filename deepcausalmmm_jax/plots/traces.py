"""Plotly's classes, most of which it imports only where they are first used."""

from plotly.graph_objs import Bar, Figure, Heatmap, Layout, Pie, Scatter
from plotly.graph_objs.layout import Annotation, Shape, Template

__all__ = ["Annotation", "Bar", "Figure", "Heatmap", "Layout", "Pie", "Scatter", "Shape", "Template"]
