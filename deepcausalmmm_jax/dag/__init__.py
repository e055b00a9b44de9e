"""Learning a directed acyclic graph from samples, apart from any marketing mix."""
