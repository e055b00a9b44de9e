"""What a user knows before the data are seen, in business terms."""

import math
from dataclasses import dataclass
from typing import Any

from deepcausalmmm_jax.checks import require

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


def _check_triple(name: str, entry: tuple[Any, ...], limit: float) -> None:
    numbers = [v for v in entry[1:] if isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)]
    right = len(entry) == 3 and len(numbers) == 2 and isinstance(entry[0], str)
    require(right, name, entry, "made of (channel, value, standard deviation)")
    require(0 < entry[1] < limit, name, entry[1], f"between 0 and {limit:g}" if limit < math.inf else "above 0")
    require(entry[2] > 0, name, entry[2], "known with a standard deviation above 0")
