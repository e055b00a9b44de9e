"""Which weeks the model may learn from."""

import numpy as np

from deepcausalmmm_jax.data.panel import Panel
from deepcausalmmm_jax.errors import DataError

FEWEST_TRAINING_WEEKS = 12


def training_weights(panel: Panel, holdout: int | None) -> np.ndarray:
    """The panel's weights with the last `holdout` weeks hidden.

    Args:
        panel: the panel.
        holdout: number of last weeks to hide; None to learn from all.

    Returns:
        `[region, week]`, 0 in held-out weeks.

    Raises:
        DataError: a holdout of 0 or longer than the data, or one that leaves too few weeks to learn from.
    """
    n_weeks = len(panel.weeks)
    if holdout is None:
        hidden = 0
    elif not isinstance(holdout, int | np.integer) or isinstance(holdout, bool) or holdout < 1:
        raise DataError(
            f"holdout must be a whole number of weeks, 1 or more, got {holdout!r}; None learns from all weeks."
        )
    elif holdout >= n_weeks:
        raise DataError(f"holdout={holdout} hides all of the panel's {n_weeks} weeks; make it shorter.")
    else:
        hidden = int(holdout)
    left = n_weeks - hidden
    if left < FEWEST_TRAINING_WEEKS:
        raise DataError(
            f"The panel has {n_weeks} weeks, which leaves {left} to learn from after a holdout of {hidden}; at least "
            f"{FEWEST_TRAINING_WEEKS} are needed, so shorten the holdout or add weeks."
        )
    weights = panel.weights.copy()
    weights[:, left:] = 0.0
    return weights
