"""What a user may set: settings of a fit, priors, and those of the paper's model."""
