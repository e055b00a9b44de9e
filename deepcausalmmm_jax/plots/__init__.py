"""Figures and the report: tables in, plotly Figures or HTML out; no number is computed here."""
