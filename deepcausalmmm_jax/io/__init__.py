"""Files: atomic writes, archives of arrays, CSV tables, and compiled programs kept on disk."""
