"""Mutants that no test can notice: changes that leave the same program, with the reason."""

from typing import NamedTuple


class Same(NamedTuple):
    """A change that changes nothing a user could see."""

    line: str  # part of the line that it begins in
    change: str  # as `mutants.py` writes it
    why: str


SAME = {
    "planning/cells": (
        Same("code = ", "1 -> 2", "other numbers for the same cells, in the same order"),
        Same(
            "code = ",
            "channel * (shape[0] + 1) + region_key + 1 -> channel * (shape[0] + 1) + region_key - 1",
            "other numbers for the same cells, in the same order",
        ),
        Same("WHOLE = ", "1 -> 2", "a mark that stands for no position"),
        Same("even = ", "0.0 -> 1.0", "where nothing can be bought, which is left out of sums and of units"),
        Same("pattern = ", "1.0 -> 2.0", "stands in for the spend of no cell"),
        Same("return np.bincount", "1 -> 2", "one more number, which is cut off"),
    ),
    "planning/tables": (
        Same(
            "return np.bincount",
            "len(cells) + 1 -> len(cells) - 1",
            "the last cell has a region and week, so it is counted",
        ),
    ),
    "planning/budget_plan": (
        Same(
            "if share * self.shadow_price_high",
            "share * self.shadow_price_high >= 1.0 -> share * self.shadow_price_high > 1.0",
            "an end of an interval that is exactly 1",
        ),
        Same(
            "return None if pd.isna",
            "pd.isna(low) or pd.isna(high) -> pd.isna(low) and pd.isna(high)",
            "both ends are missing, or neither",
        ),
    ),
    "planning/flights": (
        Same("total, spent = ", "rows @ found.x -> rows * found.x", "both are its matrix product"),
        Same("on = (spent", "spent >= 0.5 * least -> spent > 0.5 * least", "which switch is tried first, at a tie"),
        Same("must = ", "rows @ problem.polytope.low -> rows * problem.polytope.low", "both are its matrix product"),
        Same("clash = ", "ceiling < least * (1 - TOLERANCE) -> ceiling <= least * (1 - TOLERANCE)", "one number"),
    ),
    "planning/reach_limits": (
        Same(
            "at = np.flatnonzero",
            "x >= (1.0 - AT_LIMIT) * self.most -> x > (1.0 - AT_LIMIT) * self.most",
            "one number, the end of a tolerance",
        ),
        Same(
            "short = polytope.low",
            "polytope.low > self.most * (1.0 + _ROUNDING) -> polytope.low >= self.most * (1.0 + _ROUNDING)",
            "one number, the end of a tolerance",
        ),
        Same("room = np.maximum(", "1.0 -> 2.0", "stands in for a divisor of 0 whose quotient is not used"),
        Same("share = np.where(", "1.0 -> 2.0", "stands in for a divisor of 0 whose quotient is not used"),
    ),
    "planning/spend_tables": (Same("few = Outcome", "1 -> 2", "one more of the draws that a check is made on"),),
    "planning/optimizer/shadow_prices": (
        Same("sums, size = ", "polytope.rows @ x -> polytope.rows * x", "both are its matrix product"),
        Same(
            "at_top = ",
            "polytope.high[i] - x[i] < x[i] - polytope.low[i] -> polytope.high[i] - x[i] <= x[i] - polytope.low[i]",
            "both ends are the same where they are as far away",
        ),
    ),
    "planning/optimizer/search": (
        Same("_FEW_STEPS = ", "20 -> 21", "steps from a plan that is nearly the best, a choice"),
        Same("_NEAR = ", "0.01 -> 0.02", "how far apart results may be and count as one, a choice"),
        Same("size = abs(best.value)", "1.0 -> 2.0", "a share of 0 is 0"),
    ),
    "planning/optimizer/tabulated": (Same("_FIRST = ", "0.1 -> 0.2", "where levels of a table lie, a choice"),),
    "planning/optimizer/total_search": (
        Same("tried[last - 1]", "1 -> 2", "a search from farther off, to the same total"),
        Same("_WIDTHS = ", "1.02 -> 2.02", "where the model's search begins, a choice"),
        Same("_WIDTHS = ", "1.2 -> 2.2", "where the model's search begins, a choice"),
        Same("_SAME = ", "1e-09 -> 2e-09", "what stands for rounding"),
        Same("share = len(tried)", "len(tried) + TURNS -> len(tried) - TURNS", "the time left that a bar shows"),
    ),
    "planning/optimizer/totals": (
        Same("self._few = ", "len(today) <= FEW_CELLS -> len(today) < FEW_CELLS", "speed, at one number of cells"),
        Same("TURNS = ", "10 -> 11", "the time left that a bar shows"),
        Same("minimize_scalar", "0.001 -> 0.002", "a tolerance of the solver"),
        Same("root, back = root + back", "2 * back -> 3 * back", "how fast the other side is sought"),
    ),
    "planning/optimizer/utility": (Same("return Utility(even", "1e-300 -> 2e-300", "what stands for 0 in a divisor"),),
    "planning/experiments/designs": (Same("_TRIED = ", "60 -> 61", "how many sets are drawn, a choice"),),
    "planning/experiments/preposterior": (Same("_NODES = ", "201 -> 202", "nodes of a quadrature, a choice"),),
    "planning/optimizer/solvers": (
        Same("options=", "1e-08 -> 2e-08", "a tolerance of the solver"),
        Same("if gain <= ", "1e-09 -> 2e-09", "a tolerance of the solver"),
        Same(
            "while new[0] < min",
            "new[0] < min(recent[-_MEMORY:]) + 0.0001 * share * gain -> "
            "new[0] <= min(recent[-_MEMORY:]) + 0.0001 * share * gain",
            "a step whose gain is exactly the least",
        ),
        Same(
            "if best.value - checked",
            "best.value - checked < 2e-06 * abs(best.value) -> best.value - checked <= 2e-06 * abs(best.value)",
            "a gain that is exactly the tolerance",
        ),
    ),
    "planning/optimizer/starts": (
        Same(
            "slope = np.where(width", "width > 0 -> width >= 0", "pieces of width 0 are bought last, and hold nothing"
        ),
        Same("slope = np.where(width", "1.0 -> 2.0", "stands in for a divisor of 0 whose quotient is not used"),
    ),
    "planning/curve_outcome": (
        Same("x = np.maximum", "1e-09 -> 2e-09", "what stands for no spend, next to nothing"),
        Same("x = np.maximum", "1e-09 * self.half -> 1e-09 / self.half", "what stands for no spend, next to nothing"),
    ),
    "planning/usual_limit": (
        Same("return 1.0 if scale", "abs(scale - 1.0) < _SAME_TOTAL -> abs(scale - 1.0) <= _SAME_TOTAL", "one number"),
    ),
    "planning/optimizer/projection": (  # what is not settled beforehand is met by the solver
        Same("at_low, at_high = ", "polytope.least >= most -> polytope.least > most", "settled later, by the solver"),
        Same("alone = ", "~at_low -> at_low", "settled later, by the solver"),
        Same("alone = ", "high > low -> high >= low", "settled later, by the solver"),
        Same(
            "if best <= _CLOSE",
            "best <= _CLOSE or best > 0.5 * before -> best <= _CLOSE and best > 0.5 * before",
            "more passes, none of which is kept unless it is better",
        ),
        Same("closer_high", "most - rest + slack -> most - rest - slack", "2e-13 of a sum, below what is promised"),
        Same("small = ", "0 -> 1", "which of two products of the same matrix is taken: speed"),
    ),
    "planning/optimizer/polytope": (
        Same(
            "whole = max",
            "max(float(unit.max(initial=0.0)), float(np.abs(ends).max(initial=0.0))) or 1.0 -> "
            "max(float(unit.max(initial=0.0)), float(np.abs(ends).max(initial=0.0))) and 1.0",
            "the unit that a linear program is scaled by",
        ),
        Same("_EXACT = ", "1e-10 -> 2e-10", "a tolerance of the solver"),
        Same(
            "if total < least",
            "total < least * (1 - _TOTAL_SLACK) -> total <= least * (1 - _TOTAL_SLACK)",
            "one number, the end of a tolerance",
        ),
        Same("whole = ", "0.0 -> 1.0", "the scale in which a linear program is solved"),
    ),
    "planning/optimizer/dual_newton": (
        Same("if after >= 0", "after >= 0 -> after > 0", "at 0 both give the end of the piece"),
        Same(
            "lost = self.rows",
            "(point.wanted > self.low) & (point.wanted < self.high) -> "
            "(point.wanted > self.low) | (point.wanted < self.high)",
            "which cells add rounding to a tolerance",
        ),
        Same("return np.unique(found[", "found > 0 -> found >= 0", "one more piece, of length 0"),
        Same("if -_OVERSHOT", "0.5 * first -> 0.5 / first", "whether a shortcut to the same point is taken: speed"),
    ),
}


def is_same(module: str, line: str, change: str) -> bool:
    """Whether a change to a line of a module is among those that were read and found to change nothing."""
    return any(same.line in line and same.change == change for same in SAME.get(module, ()))
