"""Prior scales: how far each part of the model may move, as traced arrays, and which of them the data adjust."""

from collections.abc import Mapping
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

# Of the season's pairs beyond the second.
PEAKS = ("season_peaks", "season_peaks_region")

# Prior scales that are learned. The others either shape the curves, where one panel says too little about a spread over
# channels, or belong to terms that are not Gaussian.
LEARNED = (
    "media_region",
    "time_variation",
    "trend",
    "trend_region",
    "seasonality",
    "seasonality_region",
    *PEAKS,
    "control",
    "control_region",
)

# Log of the factor at the start of training where it is not 0: what the model cannot explain yet would be mistaken for
# variation over time.
_START = {"time_variation": -1.2}


class PriorScales(NamedTuple):
    """Scalars, standard deviation (for `graph` and `blend`: mean) of each prior; see `config.penalties` for units."""

    media_total: Array
    media_region: Array
    time_variation: Array
    time_variation_region: Array
    decay: Array
    slope: Array
    half_saturation: Array
    baseline: Array
    trend: Array
    trend_region: Array
    seasonality: Array
    seasonality_region: Array
    season_peaks: Array
    season_peaks_region: Array
    control: Array
    control_region: Array
    noise_region: Array
    graph: Array
    blend: Array
    gru: Array


class LearnedScales(nn.Module):
    """Learned prior scales: the user's, each times a factor that training finds."""

    @nn.compact
    def __call__(self) -> dict[str, Array]:
        """Logs of the factors, by name."""
        return {name: self.param(name, nn.initializers.constant(_START.get(name, 0.0)), ()) for name in LEARNED}


def learned_scales(scales: PriorScales, log_factors: Mapping[str, Array], tune: Array) -> PriorScales:
    """The prior scales times the learned factors, or as they are where `tune` is 0.

    Args:
        scales: as the user set them.
        log_factors: scalars, by the names in `LEARNED`.
        tune: scalar, 1 or 0.
    """
    factors = jnp.exp(tune * jnp.stack([log_factors[name] for name in LEARNED]))
    return scales._replace(**{name: getattr(scales, name) * factors[at] for at, name in enumerate(LEARNED)})
