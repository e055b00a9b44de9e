"""Monotone cubics between points: no bump between them that the points do not have."""

import numpy as np


def monotone_cubic(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Values between points, by the cubics of Fritsch and Butland (1984): at a point the harmonic mean of both slopes.

    The same numbers as `scipy.interpolate.PchipInterpolator`, whose import the report would wait for.

    Args:
        x: `[point]`, ascending, three or more.
        y: `[..., point]`, values there.
        at: `[place]`, within the points; the outer cubics go on beyond them.

    Returns:
        `[..., place]`.
    """
    width, slope = np.diff(x), np.diff(y, axis=-1) / np.diff(x)
    tangent = np.concatenate(
        [
            _at_end(width[0], width[1], slope[..., 0], slope[..., 1])[..., None],
            _between(width, slope),
            _at_end(width[-1], width[-2], slope[..., -1], slope[..., -2])[..., None],
        ],
        axis=-1,
    )
    left = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    h, t = width[left], (at - x[left]) / width[left]
    from_left = (1.0 + 2.0 * t) * (1.0 - t) ** 2 * y[..., left] + h * t * (1.0 - t) ** 2 * tangent[..., left]
    from_right = t**2 * (3.0 - 2.0 * t) * y[..., left + 1] - h * t**2 * (1.0 - t) * tangent[..., left + 1]
    return np.asarray(from_left + from_right)


def _between(width: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Slope at the inner points: 0 at a peak or a flat stretch, else a weighted harmonic mean of the slopes beside."""
    before, after = slope[..., :-1], slope[..., 1:]
    w_before, w_after = width[:-1] + 2.0 * width[1:], 2.0 * width[:-1] + width[1:]
    flat = before * after <= 0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = (w_before + w_after) / (w_before / np.where(flat, 1.0, before) + w_after / np.where(flat, 1.0, after))
    return np.where(flat, 0.0, mean)


def _at_end(near_width: float, far_width: float, near: np.ndarray, far: np.ndarray) -> np.ndarray:
    """Slope at an end by three points, kept to the sign of the outer slope and to three times its size."""
    found = ((2.0 * near_width + far_width) * near - near_width * far) / (near_width + far_width)
    found = np.where(np.sign(found) != np.sign(near), 0.0, found)
    return np.where((np.sign(near) != np.sign(far)) & (np.abs(found) > 3.0 * np.abs(near)), 3.0 * near, found)
