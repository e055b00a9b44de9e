"""Totals of each region for the page: parts of the prediction, and intervals of shares and returns."""

import re

import numpy as np
import pandas as pd
from scipy.special import ndtri

from deepcausalmmm_jax.plots.composition import donut_parts, waterfall_parts
from deepcausalmmm_jax.results.ensemble import Ensemble
from deepcausalmmm_jax.results.fit_result import FitResult

MEASURES = ("pct_of_contribution", "roi", "effectiveness")
_SAME = 0.01  # share by which a contribution may differ from the incremental outcome


def region_parts(result: FitResult) -> dict[str, pd.DataFrame]:
    """Region x part of the figures that show what the prediction is made of, by the name of the figure."""
    return {"donut": donut_parts(result), "waterfall": waterfall_parts(result)}


def region_measures(result: FitResult) -> dict[str, pd.DataFrame]:
    """Region x channel of each measure, with `_low` and `_high` where there are draws.

    Draws are of contributions. An interval of a measure is that of the contribution in proportion, and missing where
    the contribution is not the incremental outcome, as with channels that drive others.
    """
    panel, totals = result.panel, result.regional_summary()
    wide = {name: totals[name].unstack("channel", sort=False)[list(result.panel.channels)] for name in MEASURES}
    wide = {name: table for name, table in wide.items() if table.notna().any().any()}
    if not isinstance(result, Ensemble):
        return wide
    ends, outcome = result.region_intervals(), totals["incremental_outcome"].unstack("channel", sort=False)
    counted = _by_channel(result, _summed(result, panel.past), outcome)
    same = (counted - outcome[list(panel.channels)]).abs() <= _SAME * counted.abs()
    found, least = dict(wide), _least_width(result)
    for end, reach in (("low", np.maximum(1.0 - least, 0.0)), ("high", 1.0 + least)):
        share = _by_channel(result, ends.sel(bound=end).values, outcome) / counted.where(same & (counted.abs() > 0))
        share = share.clip(upper=reach, axis=1) if end == "low" else share.clip(lower=reach, axis=1)
        found |= {f"{name}_{end}": table * share for name, table in wide.items()}
    return found


def _least_width(result: Ensemble) -> np.ndarray:
    """How far intervals reach at least, `[channel]`, as a share of the estimate: no region is known better than all."""
    trust = result.channel_trust.table
    if result.from_posterior:
        return np.zeros(len(trust))
    error = trust["share_error"] / trust["share"].where(trust["share"] > 0)
    return float(ndtri(0.95)) * error.fillna(0.0).to_numpy(np.float64)


def _summed(result: FitResult, where: np.ndarray) -> np.ndarray:
    """Contributions over some region-weeks, `[region, component]`."""
    return np.asarray(np.where(where[:, :, None], result.contributions.values, 0.0).sum(axis=1))


def _by_channel(result: FitResult, values: np.ndarray, like: pd.DataFrame) -> pd.DataFrame:
    """`[region, component]` as a table of region x channel, in the order of regions of another."""
    names = [str(name) for name in result.contributions["component"].values]
    table = pd.DataFrame(values, index=[str(name) for name in result.panel.regions], columns=names)
    return table.loc[like.index, list(result.panel.channels)]


def natural_order(names: list[str]) -> list[int]:
    """Positions of names as people sort them: Geo2 before Geo10."""

    def key(at: int) -> list[tuple[int, int, str]]:
        parts = re.split(r"(\d+)", names[at].casefold())
        return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]

    return sorted(range(len(names)), key=key)
