"""Tests that try to break an estimate: refits to changed panels, compared with the refit to the panel itself."""
