"""The published model, DeepCausalMMM (arXiv 2510.13087)."""
