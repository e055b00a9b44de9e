"""Monotone cubics through a saturating curve."""

from collections.abc import Callable

import numpy as np
from scipy.interpolate import PchipInterpolator


def cubics_over_root(levels: np.ndarray, values: np.ndarray, axis: int = 0) -> Callable[[np.ndarray], np.ndarray]:
    """Values at other levels, by the monotone cubics of Fritsch and Butland (1984) over the square root of the level.

    On that axis saturating and S-shaped curves bend the least near zero.

    Args:
        levels: `[level]`, 0 or more, increasing.
        values: at the levels, which lie along one axis.
        axis: which.
    """
    curve = PchipInterpolator(np.sqrt(levels), values, axis=axis)
    return lambda at: np.asarray(curve(np.sqrt(at)))
