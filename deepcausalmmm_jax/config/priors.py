"""What a user knows before the data are seen, in business terms."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from deepcausalmmm_jax.checks import check_kinds, require

PosteriorMethod = Literal["auto", "hmc", "laplace", "nuts", "none"]

SIGNS = ("positive", "negative")


@dataclass(frozen=True)
class Priors:
    """Stated knowledge; channels and controls by name, each value with its standard deviation: how sure one is.

    Attributes:
        share: triples (channel, share of the KPI, sd): `(("tv", 0.10, 0.02),)`.
        roi: triples (channel, incremental revenue per unit of spend, sd); needs spend.
        decay: triples (channel, decay, sd), 0 to 1: how much of an effect is left a week later.
        half_saturation: triples (channel, mean weeks of exposure, sd) at which half of the greatest effect is reached.
        slope: triples (channel, Hill slope, sd).
        control_sign: pairs (control, `positive` or `negative`): the direction of its effect in every region.

    Raises:
        ConfigError: an entry that is not of this form, out of range, or given twice.
    """

    share: tuple[tuple[str, float, float], ...] = ()
    roi: tuple[tuple[str, float, float], ...] = ()
    decay: tuple[tuple[str, float, float], ...] = ()
    half_saturation: tuple[tuple[str, float, float], ...] = ()
    slope: tuple[tuple[str, float, float], ...] = ()
    control_sign: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        limits = {"share": 1.0, "roi": math.inf, "decay": 1.0, "half_saturation": math.inf, "slope": math.inf}
        for name in (*limits, "control_sign"):
            value = getattr(self, name)
            nested = isinstance(value, list | tuple) and all(isinstance(entry, list | tuple) for entry in value)
            require(nested, f"priors.{name}", value, "a list of lists")
            object.__setattr__(self, name, tuple(tuple(entry) for entry in value))
            entries = getattr(self, name)
            names = [entry[0] for entry in entries if entry]
            require(len(set(map(str, names))) == len(entries), f"priors.{name}", value, "free of repeats")
        for name, limit in limits.items():
            for entry in getattr(self, name):
                _check_triple(f"priors.{name}", entry, limit)
        for entry in self.control_sign:
            right = len(entry) == 2 and isinstance(entry[0], str) and entry[1] in SIGNS
            require(right, "priors.control_sign", entry, "a control and positive or negative")
        both = {entry[0] for entry in self.share} & {entry[0] for entry in self.roi}
        require(not both, "priors", sorted(both), "a share or an ROI for a channel, not both")

    def channels(self) -> tuple[str, ...]:
        """All channels named, once each."""
        groups = (self.share, self.roi, self.decay, self.half_saturation, self.slope)
        return tuple(dict.fromkeys(entry[0] for group in groups for entry in group))


@dataclass(frozen=True)
class PosteriorSettings:
    """Default priors of shares, curves and scales, and how the posterior is read.

    A spread is a standard deviation of logs (of logits for the total share and the persistence): at 0.7 a quantity lies
    within a factor of two of its median with a probability of two thirds.

    Attributes:
        method: `hmc`, many short Markov chains; `laplace`, weighted draws from the curvature at the mode, which is
            quicker and says by its Pareto k where it fails; `none`, the fit without draws and intervals; `auto`, `hmc`
            below eight regions and `none` from there on, where training's own mode is as good and `bootstrap` shows
            what regions say of one another.
        draws: from the posterior, kept with the fit.
        total_share: median of the share of the KPI that all media bring.
        total_spread: its spread.
        split_spread: spread of the channels' shares around equal ones.
        delay: median of the wait before an effect sets in, weeks.
        delay_spread: its spread.
        slope: median of the Hill slope.
        slope_spread: its spread.
        half_saturation: median of the half-saturation, in typical bursts of exposure.
        half_saturation_spread: its spread.
        noise: median of what is new in a week, as a share of the mean KPI.
        noise_spread: its spread.
        persistence_spread: spread of the persistence of residuals, around 27 %.
        level: standard deviation of a region's mean prediction around its mean KPI.
        trend: median of the change of the national trend over a quarter, as a share of the mean KPI.
        control: median effect of one standard deviation of a control, as a share of the mean KPI.
        shock: median of the weekly shock that all regions share, as a share of the mean KPI.
        size_spread: spread of these and of the sizes in `Penalties` for season and regions.
    """

    method: PosteriorMethod = "auto"
    draws: int = 300
    total_share: float = 0.2
    total_spread: float = 1.0
    split_spread: float = 1.3
    delay: float = 0.3
    delay_spread: float = 1.3
    slope: float = 1.0
    slope_spread: float = 0.4
    half_saturation: float = 2.0
    half_saturation_spread: float = 0.8
    noise: float = 0.04
    noise_spread: float = 1.0
    persistence_spread: float = 1.2
    level: float = 0.1
    trend: float = 0.05
    control: float = 0.04
    shock: float = 0.01
    size_spread: float = 0.7

    def __post_init__(self) -> None:
        check_kinds(self)
        require(self.draws >= 20, "posterior.draws", self.draws, "20 or more")
        require(0 < self.total_share < 1, "posterior.total_share", self.total_share, "between 0 and 1")
        numbers = [item.name for item in dataclasses.fields(self) if item.name not in ("method", "draws")]
        for name in numbers:
            require(getattr(self, name) > 0, f"posterior.{name}", getattr(self, name), "a number above 0")


def _check_triple(name: str, entry: tuple[Any, ...], limit: float) -> None:
    numbers = [v for v in entry[1:] if isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)]
    right = len(entry) == 3 and len(numbers) == 2 and isinstance(entry[0], str)
    require(right, name, entry, "made of (channel, value, standard deviation)")
    require(0 < entry[1] < limit, name, entry[1], f"between 0 and {limit:g}" if limit < math.inf else "above 0")
    require(entry[2] > 0, name, entry[2], "known with a standard deviation above 0")
