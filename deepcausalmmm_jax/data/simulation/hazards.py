"""Additional difficulties of a simulated panel; drawn separately, so that panels without them do not change."""

from numbers import Integral
from typing import NamedTuple

import numpy as np

from deepcausalmmm_jax.checks import shown
from deepcausalmmm_jax.errors import DataError

_LATE_START = 0.5  # of the weeks
_OUTLIER = 6.0  # standard deviations of the noise


class Roles(NamedTuple):
    """Special channels, boolean `[channel]` each."""

    flighted: np.ndarray  # four weeks on air, four off
    national: np.ndarray  # same exposure in all regions, relative to their size
    late: np.ndarray  # off air in the first half of the weeks
    placebo: np.ndarray  # without effect on the KPI
    confounded: np.ndarray  # exposure follows the first control


def roles(
    rng: np.random.Generator,
    n_channels: int,
    *,
    flighted: int,
    national: int,
    late: int,
    placebo: int,
    confounded: int,
) -> Roles:
    """Channels of each role: flighted ones are the first, confounded ones the last, others are drawn at random."""
    position = np.arange(n_channels)

    def drawn(count: int) -> np.ndarray:
        return np.isin(position, rng.permutation(n_channels)[:count])

    return Roles(
        flighted=position < flighted,
        national=drawn(national),
        late=drawn(late),
        placebo=drawn(placebo),
        confounded=position >= n_channels - confounded,
    )


def check_roles(counts: dict[str, int], n_channels: int) -> None:
    """Raise DataError for more channels of a role than exist, or if no channel has an effect."""
    for name, count in counts.items():
        # The defaults of one flighted and one confounded channel must be valid for a single channel too.
        if not isinstance(count, Integral) or isinstance(count, bool) or not 0 <= count <= max(n_channels, 1):
            raise DataError(f"{name} must be a whole number from 0 to n_channels={n_channels}, got {shown(count)}.")
    if counts["placebo"] == n_channels:
        raise DataError(f"placebo={n_channels} leaves no channel with an effect; at least one is needed.")


def changed_budgets(own: np.ndarray, on: np.ndarray, given: Roles) -> tuple[np.ndarray, np.ndarray]:
    """Exposure `[region, week, channel]` and weeks on air `[week, channel]`, with national and late channels."""
    national = own.mean(axis=0, keepdims=True)
    own = np.where(given.national, national / national.mean(axis=1, keepdims=True), own)
    before = np.arange(len(on)) < _LATE_START * len(on)
    return own, np.where(before[:, None] & given.late, 0.0, on)


def outliers(rng: np.random.Generator, shape: tuple[int, int], share: float, noise: float) -> np.ndarray:
    """Additional error `[region, week]`: outliers, positive or negative, in a share of the region-weeks."""
    hit = rng.random(shape) < share
    return np.asarray(hit * rng.choice([-1.0, 1.0], shape) * _OUTLIER * noise)


def gaps(rng: np.random.Generator, shape: tuple[int, int], share: float) -> np.ndarray:
    """`[region, week]`, True where the KPI is missing; never in the first or last week of a region."""
    missing = rng.random(shape) < share
    missing[:, [0, -1]] = False
    return missing
