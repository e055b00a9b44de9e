"""Season of a panel: the year, and the days of the week where steps are days."""

import numpy as np

from deepcausalmmm_jax.config.settings import Config
from deepcausalmmm_jax.data.bases import fourier_basis
from deepcausalmmm_jax.data.cadence import Cadence
from deepcausalmmm_jax.data.panel import Panel

_PAIRS = 3  # cosines and sines of a week of seven days: six terms, which any pattern with mean zero consists of
_DAY_SCALE = 4.0  # spread of the effect of a day of the week, in spreads of a yearly term: weekends differ by tenths
_LONG_PAIRS = 2  # of the year, with the same prior scale: half a year and more


def season_basis(panel: Panel, config: Config) -> np.ndarray:
    """Regressors of the season, `[week, term]`: Fourier pairs of the year, then six terms of the days of the week.

    Pairs beyond the second are scaled down, so that one prior scale for all terms makes a smooth year, whose peaks may
    be some four weeks wide. The six terms of the week have the same prior for each of the seven days, whose effects sum
    to zero; scaled so that the spread of a day's effect is 4 times the prior scale of a yearly term.

    Args:
        panel: the panel.
        config: length of the year, number of pairs and how fast their prior scale falls.
    """
    pairs = _n_yearly_pairs(panel.cadence, config)
    falling = np.maximum(np.arange(1, pairs + 1) / _LONG_PAIRS, 1.0) ** -config.harmonic_decay
    year: np.ndarray = np.tile(falling, 2) * fourier_basis(panel.week_numbers, config.season_length, pairs)
    if panel.cadence is not Cadence.DAILY:
        return year
    days = fourier_basis(panel.week_numbers, 1.0, _PAIRS)
    return np.concatenate([year, _DAY_SCALE / np.sqrt(_PAIRS) * days], axis=1)


def free_season_basis(panel: Panel, config: Config) -> np.ndarray:
    """The terms of `season_basis` that share the widest prior scale, `[week, term]`.

    They are what least squares may take out, where nothing holds coefficients back: twelve terms would leave little of
    a panel of a year.

    Args:
        panel: the panel.
        config: length of the year, number of pairs and how fast their prior scale falls.
    """
    pairs = config.harmonics if config.harmonic_decay == 0 else min(config.harmonics, _LONG_PAIRS)
    return season_basis(panel, config.replace(harmonics=pairs))


def n_season_terms(cadence: Cadence, config: Config) -> int:
    """Number of terms of `season_basis`."""
    return 2 * _n_yearly_pairs(cadence, config) + (2 * _PAIRS if cadence is Cadence.DAILY else 0)


def peak_terms(cadence: Cadence, config: Config) -> np.ndarray:
    """Which terms of `season_basis` belong to pairs beyond the second, and have their prior scale, `[term]`.

    No term does where all pairs are alike.
    """
    pairs = np.arange(1, _n_yearly_pairs(cadence, config) + 1)
    beyond = (pairs > _LONG_PAIRS) & (config.harmonic_decay > 0)
    days = np.zeros(n_season_terms(cadence, config) - 2 * len(pairs), bool)
    return np.concatenate([beyond, beyond, days])


def _n_yearly_pairs(cadence: Cadence, config: Config) -> int:
    """Pairs that the steps can tell apart: two steps each at least, so that a year of quarters has two.

    Where all pairs are alike, as many as are asked for: so they were in fits before pairs had scales of their own.
    """
    if config.harmonic_decay == 0:
        return config.harmonics
    return min(config.harmonics, int(config.season_length / cadence.weeks + 0.5) // 2)
