"""Files: written whole or not at all, archives of arrays, compiled programs kept on disk."""
