"""The optimiser of budgets: a concave or S-shaped outcome over a polytope of spends. Knows nothing of a fit."""
