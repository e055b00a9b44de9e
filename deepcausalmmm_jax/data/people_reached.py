"""People reached, from contacts."""

import numpy as np


def reach_from(exposure: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """People reached, in the shape of both, from exposure and contacts per person; 0 where nobody is."""
    return np.where(frequency > 0, exposure / np.where(frequency > 0, frequency, 1.0), 0.0)
