"""Ground mathematics: pure functions of JAX arrays, one region at a time, no batch axis and no configuration."""
