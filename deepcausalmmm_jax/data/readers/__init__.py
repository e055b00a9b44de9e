"""From a table as people have it to arrays: columns, numbers, roles."""
