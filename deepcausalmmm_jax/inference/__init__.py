"""From a panel to results: fits, refits, draws from the posterior, cross-validation."""
