"""`response_curves`: what each channel would bring at other levels of spend."""

from collections.abc import Sequence
from typing import Literal

from deepcausalmmm_jax.analysis.response import Level, response_table
from deepcausalmmm_jax.analysis.response import ResponseCurves as ResponseCurves
from deepcausalmmm_jax.ensemble import Ensemble
from deepcausalmmm_jax.result import FitResult


def response_curves(
    result: FitResult,
    *,
    weeks: int | Literal["steady"] | None = None,
    by: Level = "all",
    multipliers: Sequence[float] | None = None,
    level: float = 0.9,
) -> ResponseCurves:
    """Incremental outcome of each channel against its spend, all other channels as they were.

    A point is the prediction with the channel's exposure multiplied in the weeks asked about, less the prediction with
    it at zero there; adstock, saturation, graph and coefficients are computed anew.

    Args:
        result: a fit, or an ensemble, whose refits give the intervals.
        weeks: None for the panel's own weeks: at multiplier 1 the curve is the row of `media_summary`. A number for so
            many weeks after the panel with the last year's mean weekly exposure, the carry-over after them counted.
            "steady" for one week of a spend held until carry-over has settled, coefficients at their constant part.
        by: `all` for the nation, `region` for a curve a region.
        multipliers: of today's spend; 0 and 1 are always among them. From 0 to 2 in steps of 0.1 when None.
        level: of the intervals.

    Raises:
        ConfigError: an option out of range.
    """
    replicates = result.replicates if isinstance(result, Ensemble) else None
    return response_table(result.fitted, replicates, weeks, by, multipliers, level)
