"""What a fit says: contributions, ROI, curves, forecasts and their intervals. Reads a fit, never trains."""
