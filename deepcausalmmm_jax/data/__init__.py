"""From a long table to named arrays, on the host, with numpy and pandas."""
