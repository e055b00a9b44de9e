"""The model: Flax modules over the ground mathematics, one file per part."""
