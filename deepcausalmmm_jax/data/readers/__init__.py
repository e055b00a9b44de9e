"""From a table to arrays: columns, numbers, roles."""
