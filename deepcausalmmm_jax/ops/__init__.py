"""Pure functions of JAX arrays, each for one region or for regions as the last axis; batches come from `vmap`.

Ranks and shapes are asserted where arrays enter (`chex`): that happens while tracing and costs nothing afterwards.
"""
