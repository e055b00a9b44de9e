"""Panels of which the truth is known."""
