"""Prior scales of what the model learns, as the user sets them."""

import dataclasses
from dataclasses import dataclass

from deepcausalmmm_jax.checks import check_kinds, require
from deepcausalmmm_jax.config.slips import names_slips


@names_slips
@dataclass(frozen=True)
class Penalties:
    """Prior scales of what the model learns: the smaller the scale, the stronger the penalty.

    Each is the standard deviation (for the graph, the mean) of a prior and has the unit of its quantity: a quantity q
    with scale s is penalised by (q / s)^2 / 2 nats, on the same footing as the log-likelihood of the data.

    Attributes:
        media_total: share of the KPI that all media are expected to contribute, for the priors of the level in training
            (`baseline`) and in forecasts; that of the shares themselves is in `PosteriorSettings`.
        media_region: spread of a channel's coefficient over regions, in logs.
        time_variation: spread of a channel's coefficient over weeks, shared by all regions, in logs.
        time_variation_region: spread of a region's coefficient over weeks around that, in logs.
        decay: spread of the adstock decay, in logits around 0.5; 1.4 is about as flat as a uniform decay from 0 to 1.
        slope: spread of the Hill slope, in logs around 1.5.
        half_saturation: spread of the half-saturation, in logs around 1.2 times the exposure of a typical burst.
        baseline: spread of the regional level around what `media_total` leaves, as a share of the mean KPI.
        trend: change of the national trend over a quarter, as a share of the mean KPI.
        trend_region: the same for the deviation of a region from it.
        seasonality: scale of a shared seasonal term of the first two pairs, and of the days of the week, as a share of
            the mean KPI.
        seasonality_region: the same for the deviation of a region from it.
        season_peaks: scale of a shared seasonal term of the pairs beyond the second, which make peaks of some weeks,
            before it falls from pair to pair (`Config.harmonic_decay`).
        season_peaks_region: the same for the deviation of a region from it.
        control: effect of one standard deviation of a control, as a share of the mean KPI.
        control_region: spread of that effect over regions.
        noise_region: spread of the noise level over regions, in logs.
        graph: mean strength of an edge between channels, in standard deviations of the target per standard deviation of
            the source.
        blend: mean share of a channel's activity that comes from another channel that drives it.
        gru: spread of the weights of the GRU.
    """

    media_total: float = 0.3
    media_region: float = 0.15
    time_variation: float = 0.1
    time_variation_region: float = 0.01
    decay: float = 1.4
    slope: float = 0.4
    half_saturation: float = 0.45
    baseline: float = 0.5
    trend: float = 0.07
    trend_region: float = 0.08
    seasonality: float = 0.05
    seasonality_region: float = 0.02
    season_peaks: float = 0.05
    season_peaks_region: float = 0.02
    control: float = 0.2
    control_region: float = 0.05
    noise_region: float = 0.3
    graph: float = 0.02
    blend: float = 0.02
    gru: float = 1.0

    def __post_init__(self) -> None:
        check_kinds(self)
        for name in (item.name for item in dataclasses.fields(self)):
            value = getattr(self, name)
            require(value > 0, f"penalties.{name}", value, "a number above 0")
            require(1e-6 <= value <= 1e6, f"penalties.{name}", value, "from 1e-06 to 1e+06")
