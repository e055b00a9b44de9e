"""Bases over time: Fourier terms for the yearly season, linear knots for the trend.

They are computed once per panel, on the host and in double precision.
"""

import numpy as np


def fourier_basis(week: np.ndarray, period: float, harmonics: int) -> np.ndarray:
    r"""Yearly season as $\cos(2 \pi k t / P)$ and $\sin(2 \pi k t / P)$ for k = 1 ... `harmonics`.

    Args:
        week: `[week]`, week numbers on a calendar that all panels share, so that later weeks are in phase with the
            training weeks.
        period: P, weeks in a year.
        harmonics: number of pairs of terms.

    Returns:
        `[week, 2 * harmonics]`, all cosines first.
    """
    angle = 2.0 * np.pi * week[:, None] * np.arange(1, harmonics + 1) / period
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=1)


def knot_basis(week: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Weights of linear interpolation between knots; constant before the first and after the last knot.

    Args:
        week: `[week]`, in weeks.
        knots: `[knot]`, ascending, in weeks.

    Returns:
        `[week, knot]`, each row summing to 1.
    """
    held = np.clip(week, knots[0], knots[-1])
    right = np.clip(np.searchsorted(knots, held, side="right"), 1, len(knots) - 1)
    share = (held - knots[right - 1]) / (knots[right] - knots[right - 1])
    column = np.arange(len(knots))
    left_part = (1.0 - share)[:, None] * (column == (right - 1)[:, None])
    return np.asarray(left_part + share[:, None] * (column == right[:, None]))
