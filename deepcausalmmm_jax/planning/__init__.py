"""Decisions: budgets, scenarios and response curves."""
