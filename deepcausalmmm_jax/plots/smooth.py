"""Curves between the levels at which they are known, drawn without corners."""

import numpy as np
import pandas as pd

from deepcausalmmm_jax.attribution.cubics import cubics_over_root

_POINTS = 120  # of a drawn curve, about
_FINE = 24  # points between two levels, from which those drawn are chosen
_TURN = 1.5  # a turn by this many radians gets as many points as a way across the figure
_FEWEST_LEVELS = 4  # fewer are joined by lines


def smooth_curve(known: pd.DataFrame, at: str, columns: list[str]) -> pd.DataFrame:
    """A curve with many points between its levels, most of them where it bends.

    Between levels stand monotone cubics over the square root of the level, on which saturating and S-shaped curves bend
    the least near zero. The levels themselves are kept.

    Args:
        known: a row per level.
        at: column of the levels, 0 or more.
        columns: to interpolate; the first decides where the points are.

    Returns:
        `at` and the columns in increasing order; those of `known` where it has fewer than four levels or more than are
        drawn.
    """
    known = known.sort_values(at).drop_duplicates(at)
    if not _FEWEST_LEVELS <= len(known) < _POINTS:
        return known[[at, *columns]].copy()
    levels = known[at].to_numpy(np.float64)
    root = np.sqrt(levels)
    curves = {name: cubics_over_root(levels, known[name].to_numpy(np.float64)) for name in columns}
    shares = np.linspace(0.0, 1.0, _FINE, endpoint=False)
    fine = np.append((root[:-1, None] + np.diff(root)[:, None] * shares).ravel(), root[-1])
    chosen = _spread(fine, _length(fine**2, curves[columns[0]](fine**2)))
    drawn = pd.DataFrame({at: chosen**2, **{name: curve(chosen**2) for name, curve in curves.items()}})
    drawn.loc[np.isin(chosen, root), [at, *columns]] = known[[at, *columns]].to_numpy()
    return drawn


def _length(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Length of the way along a curve up to each point, turns included, on axes of length 1."""
    dx, dy = (np.diff(values) / (np.ptp(values) or 1.0) for values in (x, y))
    turns = np.abs(np.diff(np.unwrap(np.arctan2(dy, dx))))
    bends = 0.5 * (np.append(turns, 0.0) + np.append(0.0, turns))
    return np.append(0.0, np.cumsum(np.hypot(dx, dy) + bends / _TURN))


def _spread(fine: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Points that are about equally far apart along the way, each level among them."""
    ends = way[::_FINE]
    counts = np.maximum(np.ceil(np.diff(ends) / ends[-1] * _POINTS).astype(int), 1)
    parts = [np.linspace(a, b, n, endpoint=False) for a, b, n in zip(ends[:-1], ends[1:], counts, strict=True)]
    found = np.interp(np.append(np.concatenate(parts), ends[-1]), way, fine)
    found[np.cumsum(np.append(0, counts))] = fine[::_FINE]  # without rounding
    return found
