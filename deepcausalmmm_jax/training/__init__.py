"""Training as a pure function, and what goes into and comes out of it."""
