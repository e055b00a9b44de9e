"""From data to results: what is drawn, how often, and what it stands for."""
