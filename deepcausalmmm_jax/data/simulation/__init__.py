"""Simulated panels with known effects."""
