"""User settings: of a fit, of its priors, and of the paper's model."""
