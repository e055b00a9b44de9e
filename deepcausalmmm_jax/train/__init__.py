"""Learning: from arrays and weights to parameters, compiled as a whole."""
