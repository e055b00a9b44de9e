"""What a fit says: contributions, returns, curves, forecasts and their intervals. Reads a fit, never trains."""
