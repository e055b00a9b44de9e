"""How the paper's model is trained."""
