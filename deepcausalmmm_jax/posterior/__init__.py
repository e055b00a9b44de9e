"""The posterior: one log density, and the ways to read it."""
