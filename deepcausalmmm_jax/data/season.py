"""Season of a panel: the year, and the days of the week where steps are days."""

import numpy as np

from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.bases import fourier_basis
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.panel import Panel

_PAIRS = 3  # cosines and sines of a week of seven days: six terms, which any pattern with mean zero consists of
_DAY_SCALE = 4.0  # spread of the effect of a day of the week, in spreads of a yearly term: weekends differ by tenths


def season_basis(panel: Panel, config: Config) -> np.ndarray:
    """Regressors of the season, `[week, term]`: Fourier pairs of the year, then six terms of the days of the week.

    The six terms have the same prior for each of the seven days, whose effects sum to zero; scaled so that the spread
    of a day's effect is 4 times the prior scale of a yearly term.

    Args:
        panel: the panel.
        config: length of the year and number of pairs.
    """
    year = fourier_basis(panel.week_numbers, config.season_length, config.harmonics)
    if panel.cadence is not Cadence.DAILY:
        return year
    days = fourier_basis(panel.week_numbers, 1.0, _PAIRS)
    return np.concatenate([year, _DAY_SCALE / np.sqrt(_PAIRS) * days], axis=1)


def n_season_terms(cadence: Cadence, config: Config) -> int:
    """Number of terms of `season_basis`."""
    return 2 * config.harmonics + (2 * _PAIRS if cadence is Cadence.DAILY else 0)
