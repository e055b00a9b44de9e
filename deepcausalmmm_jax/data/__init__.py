"""From a long table to named arrays, on the host, with NumPy and pandas."""
