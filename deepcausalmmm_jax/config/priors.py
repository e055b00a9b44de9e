"""Prior knowledge of the user, in business terms."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from deepcausalmmm_jax.checks import check_kinds, is_number, require
from deepcausalmmm_jax.config.slips import names_slips

PosteriorMethod = Literal["auto", "hmc", "laplace", "nuts", "none"]

SIGNS = ("positive", "negative")
CURVE_PARAMETERS = ("decay", "half_saturation", "slope")
_TIGHTEST, _WIDEST = 1e-4, 1e6  # standard deviation over value: beyond them it is a fixed value, or no prior at all
_LARGEST_SPREAD = 100.0  # of logs
_MOST_DRAWS = 1_000_000


@names_slips
@dataclass(frozen=True)
class Priors:
    """Stated priors; channels and controls by name, each value with its standard deviation, the uncertainty about it.

    Each field also takes a table by name: `Priors(roi={"tv": (2.0, 0.5)}, control_sign={"price": "negative"})`.

    Attributes:
        share: triples (channel, share of the KPI, sd): `(("tv", 0.10, 0.02),)`.
        roi: triples (channel, incremental revenue per unit of spend, sd); requires spend.
        decay: triples (channel, decay, sd), 0 to 1: share of an effect that is left a week later.
        half_life: triples (channel, weeks, sd): weeks in which half of what is left of an effect fades, for geometric
            carry-over, with or without a delay; for each channel this or the decay.
        half_saturation: triples (channel, exposure at half of the maximum effect, in mean weeks, sd).
        slope: triples (channel, Hill slope, sd).
        control_sign: pairs (control, `positive` or `negative`): the sign of its effect in every region.
        cpik: triples (channel, spend per incremental unit of the KPI, sd); requires spend.
        total: pair (share of the KPI, sd) of all media together.
        curve: quadruples (channel, parameter, median, spread) of a `decay`, `half_saturation` or `slope`: a prior that
            is normal in the log of the parameter (of a decay, in the logit); `fit_kpis` writes them.
        half_frequency: triples (channel, contacts, sd) of a channel with reach and frequency: contacts a week at which
            the response of the people reached is half of its maximum.
        mroi: triples (channel, incremental revenue per unit of 1% more spend, sd); requires spend. It may stand beside
            a share, ROI or CPIK of the channel, and says then how far the channel is saturated.

    Raises:
        ConfigError: an entry that is malformed, out of range, or given twice.
    """

    share: tuple[tuple[str, float, float], ...] = ()
    roi: tuple[tuple[str, float, float], ...] = ()
    decay: tuple[tuple[str, float, float], ...] = ()
    half_saturation: tuple[tuple[str, float, float], ...] = ()
    slope: tuple[tuple[str, float, float], ...] = ()
    control_sign: tuple[tuple[str, str], ...] = ()
    half_life: tuple[tuple[str, float, float], ...] = ()
    cpik: tuple[tuple[str, float, float], ...] = ()
    total: tuple[float, ...] = ()
    curve: tuple[tuple[str, str, float, float], ...] = ()
    half_frequency: tuple[tuple[str, float, float], ...] = ()
    mroi: tuple[tuple[str, float, float], ...] = ()

    def __post_init__(self) -> None:
        limits = {"share": 1.0, "decay": 1.0}
        unlimited = ("roi", "cpik", "half_life", "half_saturation", "slope", "half_frequency", "mroi")
        limits |= dict.fromkeys(unlimited, math.inf)
        for name in (*limits, "control_sign"):
            value = _as_entries(getattr(self, name))
            nested = isinstance(value, list | tuple) and all(isinstance(entry, list | tuple) for entry in value)
            require(nested, f"priors.{name}", value, "a list of lists, or a table by name")
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
        total = math.fsum(entry[1] for entry in self.share)
        require(total <= 1.0, "priors.share", self.share, f"shares that sum to at most 1 (these sum to {total:.4g})")
        effects = [entry[0] for entry in (*self.share, *self.roi, *self.cpik)]
        twice = sorted({name for name in effects if effects.count(name) > 1})
        require(not twice, "priors", twice, "one of share, ROI and CPIK for each channel")
        self._check_total()
        both = {entry[0] for entry in self.decay} & {entry[0] for entry in self.half_life}
        require(not both, "priors", sorted(both), "a decay or a half-life for each channel, not both")
        self._check_curve()

    def _check_curve(self) -> None:
        entries = self.curve
        nested = isinstance(entries, list | tuple) and all(isinstance(entry, list | tuple) for entry in entries)
        require(nested, "priors.curve", entries, "a list of lists")
        object.__setattr__(self, "curve", tuple(tuple(entry) for entry in entries))
        for entry in self.curve:
            named = len(entry) == 4 and isinstance(entry[0], str) and entry[1] in CURVE_PARAMETERS
            numbers = named and all(is_number(value) for value in entry[2:])
            wanted = f"a channel, one of {', '.join(CURVE_PARAMETERS)}, its median and the spread of its log"
            require(numbers, "priors.curve", entry, wanted)
            below = 1.0 if entry[1] == "decay" else 1e12
            require(1e-12 <= entry[2] < below, "priors.curve", entry, f"given with a median between 0 and {below:g}")
            wide = f"given with a spread from {_TIGHTEST:g} to {_LARGEST_SPREAD:g}"
            require(_TIGHTEST <= entry[3] <= _LARGEST_SPREAD, "priors.curve", entry, wide)
        named_here = [entry[:2] for entry in self.curve]
        twice = sorted({pair for pair in named_here if named_here.count(pair) > 1 or pair in self.stated_curves()})
        require(not twice, "priors.curve", twice, "one prior for each parameter of a channel")

    def stated_curves(self) -> frozenset[tuple[str, str]]:
        """Pairs of a channel and a stated parameter of its curves; a half-life is one of the decay."""
        named = {name: getattr(self, name) for name in CURVE_PARAMETERS} | {"half_life": self.half_life}
        return frozenset(
            (entry[0], "decay" if name == "half_life" else name) for name, entries in named.items() for entry in entries
        )

    def _check_total(self) -> None:
        pair = self.total
        numbers = isinstance(pair, list | tuple) and len(pair) in (0, 2) and all(map(is_number, pair))
        require(numbers, "priors.total", pair, "a pair (share of the KPI, standard deviation)")
        object.__setattr__(self, "total", tuple(pair))
        if pair:
            _check_triple("priors.total", ("all media", *pair), 1.0)

    def channels(self) -> tuple[str, ...]:
        """All channels that have a prior, each once."""
        groups: tuple[tuple[tuple[Any, ...], ...], ...] = (
            *(self.share, self.roi, self.cpik, self.decay, self.half_saturation, self.slope, self.half_life),
            self.half_frequency,
            self.curve,
            self.mroi,
        )
        return tuple(dict.fromkeys(entry[0] for group in groups for entry in group))


@names_slips
@dataclass(frozen=True)
class PosteriorSettings:
    """Default priors of shares, curves and scales, and how the posterior is computed.

    A spread is a standard deviation of logs (of logits for the total share and the persistence): with 0.7 a quantity
    lies within a factor of two of its median with probability two thirds.

    Attributes:
        method: `hmc`, many short Markov chains; `nuts`, longer chains of the no-U-turn sampler; `laplace`, weighted
            draws from a normal approximation at the mode, which is faster and whose Pareto k shows where it fails;
            `none`, a fit without draws and intervals; `auto`, `hmc` for fewer than eight regions and otherwise `none`,
            where the mode found by training is as good and `bootstrap` gives intervals.
        draws: number of posterior draws kept with the fit.
        total_share: median of the share of the KPI that all media contribute (under a log link, of their effect on its
            log: 0.2 is 18% of the KPI); training reads it and the next two too.
        total_spread: its spread.
        split_spread: spread of the shares of the channels around equal shares.
        delay: median of the delay before an effect begins, weeks.
        delay_spread: its spread.
        slope: median of the Hill slope.
        slope_spread: its spread.
        half_saturation: median of the half-saturation, in multiples of a typical burst of exposure.
        half_saturation_spread: its spread.
        noise: median of the weekly innovation of the KPI, as a share of the mean KPI.
        noise_spread: its spread.
        persistence_spread: spread of the persistence of residuals, around 27%.
        level: standard deviation of the mean prediction of a region around its mean KPI.
        trend: median of the change of the national trend over a quarter, as a share of the mean KPI.
        control: median effect of one standard deviation of a control, as a share of the mean KPI.
        shock: median of the weekly shock shared by all regions, as a share of the mean KPI.
        size_spread: spread of these scales and of those in `Penalties` for season and regions.
        peaks_spread: spread of the scales of the season's pairs beyond the second. Whether a season has peaks at all is
            known less than how large a season is.
        coarsening: regions at which the likelihood counts half. All weeks and regions share the same curves, and where
            those differ from the true ones, more data make intervals narrower around a wrong value. To counter this,
            the likelihood of R regions is raised to the power 1 / (1 + R / coarsening): 0.71 for one region. A very
            large number takes the model at its word.
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
    peaks_spread: float = 1.4
    coarsening: float = 2.5

    def __post_init__(self) -> None:
        check_kinds(self)
        require(self.draws >= 20, "posterior.draws", self.draws, "20 or more")
        require(self.draws <= _MOST_DRAWS, "posterior.draws", self.draws, f"at most {_MOST_DRAWS:,}")
        require(0 < self.total_share < 1, "posterior.total_share", self.total_share, "between 0 and 1")
        numbers = [item.name for item in dataclasses.fields(self) if item.name not in ("method", "draws")]
        for name in numbers:
            value = getattr(self, name)
            require(value > 0, f"posterior.{name}", value, "a number above 0")
            most = _LARGEST_SPREAD if name.endswith("_spread") else _WIDEST
            sensible = 1.0 / _WIDEST <= value <= most
            require(sensible, f"posterior.{name}", value, f"from {1.0 / _WIDEST:g} to {most:g}")


def _as_entries(stated: Any) -> Any:
    """Priors as a list of lists, where they are given by name: `{"tv": (2.0, 0.5)}` is `[["tv", 2.0, 0.5]]`."""
    if not isinstance(stated, Mapping):
        return stated
    return [(name, *value) if isinstance(value, list | tuple) else (name, value) for name, value in stated.items()]


def _check_triple(name: str, entry: tuple[Any, ...], limit: float) -> None:
    numbers = [v for v in entry[1:] if is_number(v)]
    right = len(entry) == 3 and len(numbers) == 2 and isinstance(entry[0], str)
    require(right, name, entry, "a triple (channel, value, standard deviation)")
    require(0 < entry[1] < limit, name, entry[1], f"between 0 and {limit:g}" if limit < math.inf else "above 0")
    require(entry[2] > 0, name, entry[2], "given with a standard deviation above 0")
    require(1e-12 <= entry[1] <= 1e12, name, entry[1], "between 1e-12 and 1e12")
    sensible = _TIGHTEST <= entry[2] / entry[1] <= _WIDEST
    require(sensible, name, entry, "given with a standard deviation from 0.0001 to 1,000,000 times its value")
