"""Fading sums: what is left of earlier weeks when each keeps the same part of the week before."""

import numpy as np


def fading_sum(series: np.ndarray, kept: float) -> np.ndarray:
    r"""$y_t = x_t + k y_{t-1}$ along the last axis, from zero before the first week.

    Each step doubles the number of weeks that are summed, so that 150 weeks take eight. SciPy's `lfilter` does the
    same, but `scipy.signal` takes half a second to import, which every command would wait for.

    Args:
        series: `[..., week]`.
        kept: part of a week's sum that is left a week later, 0 to 1.

    Returns:
        `[..., week]`.
    """
    found, reach = np.array(series, np.float64), 1
    while reach < found.shape[-1]:
        later = found[..., reach:] + kept**reach * found[..., :-reach]
        found = np.concatenate([found[..., :reach], later], axis=-1)
        reach *= 2
    return found
