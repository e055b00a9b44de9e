"""Files as people have them -> panels: what is in a file, which column is what, and a schema that says so."""
