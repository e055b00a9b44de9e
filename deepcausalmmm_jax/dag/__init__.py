"""Learning a directed acyclic graph from samples, independent of marketing mix models."""
