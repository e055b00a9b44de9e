"""What structure learning is judged on: simulated data with their truth, scores, and rows of other methods."""
