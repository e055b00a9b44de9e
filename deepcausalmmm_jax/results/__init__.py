"""What users hold after a fit: FitResult, Ensemble, and the files they are saved in."""
