"""Judgement of a fit: health, refutations, hidden causes."""
