"""Curves of the channels: kinds of carry-over and saturation, for all channels or one by one."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Self, get_args

from deepcausalmmm_jax.checks import closest, did_you_mean, shown
from deepcausalmmm_jax.config.entries import entries_from
from deepcausalmmm_jax.config.priors import Priors
from deepcausalmmm_jax.config.slips import names_slips
from deepcausalmmm_jax.errors import ConfigError

AdstockKind = Literal["geometric", "delayed_geometric", "delayed", "binomial", "weibull_pdf", "weibull_cdf", "none"]
SaturationKind = Literal["hill", "michaelis_menten", "logistic", "log", "root", "linear"]
ReachKind = Literal["reach_frequency"]  # of channels with reach and frequency, which the panel decides
AnyKind = Literal["any"]  # one of `SATURATIONS`, which a number decides when the program runs

ADSTOCKS: tuple[AdstockKind, ...] = get_args(AdstockKind)
SATURATIONS: tuple[SaturationKind, ...] = get_args(SaturationKind)
ADSTOCK_PARAMETERS: Mapping[AdstockKind, tuple[str, ...]] = MappingProxyType(
    {
        "geometric": ("decay",),
        "delayed_geometric": ("decay", "delay"),
        "delayed": ("decay", "delay"),
        "binomial": ("decay",),
        "weibull_pdf": ("scale", "shape"),
        "weibull_cdf": ("scale", "shape"),
        "none": (),
    }
)
SATURATION_PARAMETERS: Mapping[SaturationKind | ReachKind | AnyKind, tuple[str, ...]] = MappingProxyType(
    {
        "hill": ("slope", "half_saturation"),
        "michaelis_menten": ("half_saturation",),
        "logistic": ("half_saturation",),
        "log": ("half_saturation",),
        "root": ("exponent",),
        "linear": (),
        "reach_frequency": ("slope", "half_frequency"),
        "any": ("slope", "half_saturation", "exponent"),
    }
)
BY_REACH: ReachKind = "reach_frequency"
ANY: AnyKind = "any"
BY_EVIDENCE: tuple[SaturationKind, ...] = ("hill", "logistic", "log", "root", "linear")  # that may be chosen
BOUNDED: tuple[SaturationKind, ...] = ("hill", "michaelis_menten", "logistic")  # with a maximum, at an activity of 1
N_WAITS = 8  # weeks within which an effect has set in
_LEAST_DECAY = 1e-4  # of a `delayed` kernel that is narrower than a step
HALF_LIVES: tuple[AdstockKind, ...] = ("geometric", "delayed_geometric")  # whose decay is that of every week


@names_slips
@dataclass(frozen=True)
class ChannelCurves:
    """The curves of one channel, where they differ from those of the others.

    Attributes:
        channel: name of the channel.
        adstock: kind of carry-over; None for the one in `Config.adstock`.
        saturation: kind of saturation; None for the one in `Config.saturation`.
        saturation_first: whether exposure saturates within its own week, before it carries over; None for
            `Config.saturation_first`.

    Raises:
        ConfigError: a name that is not text, or an unknown kind.
    """

    channel: str
    adstock: AdstockKind | None = None
    saturation: SaturationKind | None = None
    saturation_first: bool | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.channel, str) or not self.channel.strip():
            raise ConfigError(f"Setting curves needs the name of a channel in each entry, got {shown(self.channel)}.")
        for name, known in (("adstock", ADSTOCKS), ("saturation", SATURATIONS)):
            value = getattr(self, name)
            if value is not None and value not in known:
                hint = did_you_mean(value, known, f"; known are {', '.join(known)}.")
                raise ConfigError(
                    f"Setting curves gives the channel {shown(self.channel)} the {name} {shown(value)}, which does not "
                    f"exist{hint}"
                )
        if self.saturation_first is not None and not isinstance(self.saturation_first, bool):
            raise ConfigError(
                f"Setting curves gives the channel {shown(self.channel)} "
                f"saturation_first={shown(self.saturation_first)}; it must be true or false."
            )

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Self:
        """Curves from a table of their fields, as in a TOML file.

        Raises:
            ConfigError: an unknown field, no channel, or an invalid value.
        """
        known = [item.name for item in dataclasses.fields(cls)]
        for name in table:
            if name not in known:
                near = closest(name, known)
                hint = f"; known are {', '.join(known)}." if near is None else f"; did you mean {near!r}?"
                raise ConfigError(f"Setting curves has no field {shown(name)}{hint}")
        if "channel" not in table:
            raise ConfigError(f"Setting curves needs a channel in each entry, but {shown(dict(table))} names none.")
        return cls(**table)


@dataclass(frozen=True)
class CurveKind:
    """Carry-over and saturation of one channel, and their order.

    Attributes:
        adstock: kind of carry-over.
        saturation: kind of saturation.
        saturation_first: whether exposure saturates before it carries over.
        n_waits: steps of the panel within which a delayed effect has set in.
    """

    adstock: AdstockKind
    saturation: SaturationKind | ReachKind | AnyKind
    saturation_first: bool = False
    n_waits: int = N_WAITS

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that these curves have."""
        return ADSTOCK_PARAMETERS[self.adstock] + SATURATION_PARAMETERS[self.saturation]


@dataclass(frozen=True)
class CurveKinds:
    """Kinds of all channels: they decide the program of the model, so this is part of a static argument.

    Attributes:
        channels: by channel.
        max_lag: lags of the finite kernels, steps of the panel.
        step_weeks: length of a step of the panel, weeks; starts and priors of carry-over, which are stated in weeks,
            are converted by it.
    """

    channels: tuple[CurveKind, ...]
    max_lag: int
    step_weeks: float = 1.0

    @classmethod
    def same(
        cls, n_channels: int, adstock: AdstockKind, saturation: SaturationKind = "hill", max_lag: int = 13
    ) -> Self:
        """The same kinds for all channels."""
        return cls((CurveKind(adstock, saturation),) * n_channels, max_lag)

    def paced(self, step_weeks: float) -> Self:
        """The same kinds for a panel with steps of another length, weeks."""
        if step_weeks == 1.0:
            return self
        waits = max(2, math.ceil(N_WAITS / step_weeks))
        channels = tuple(dataclasses.replace(kind, n_waits=waits) for kind in self.channels)
        return dataclasses.replace(self, channels=channels, step_weeks=step_weeks)

    def usual_decay(self) -> tuple[float, ...]:
        r"""Logit of the decay a step at which its prior is centred, by channel; 0 for weeks.

        The mean lag $\alpha / (1 - \alpha)$ of a geometric carry-over, a week, keeps its length in time, and so does
        the width of a `delayed` kernel; a binomial one is as long as its lags, whatever they are.
        """
        return tuple(_usual_decay(kind.adstock, self.step_weeks) for kind in self.channels)

    def groups(self) -> tuple[tuple[CurveKind, tuple[int, ...]], ...]:
        """Each kind that some channel has, with the positions of its channels."""
        by_kind: dict[CurveKind, list[int]] = {}
        for at, kind in enumerate(self.channels):
            by_kind.setdefault(kind, []).append(at)
        return tuple((kind, tuple(at)) for kind, at in by_kind.items())

    def having(self, parameter: str) -> tuple[bool, ...]:
        """By channel, whether its curves have a parameter."""
        return tuple(parameter in kind.parameters for kind in self.channels)

    def with_adstock(self, *kinds: AdstockKind) -> tuple[bool, ...]:
        """By channel, whether its carry-over is one of these."""
        return tuple(kind.adstock in kinds for kind in self.channels)

    def bounded(self) -> tuple[bool, ...]:
        """By channel, whether its saturation has a maximum."""
        return tuple(kind.saturation in BOUNDED for kind in self.channels)

    def reached(
        self, channels: tuple[str, ...], has_reach: tuple[bool, ...], own: tuple[ChannelCurves, ...], priors: Priors
    ) -> Self:
        """The same kinds, with the curve of reach and frequency for the channels that have them.

        Args:
            channels: names, in the order of the kinds.
            has_reach: by channel.
            own: curves of single channels, which may state the carry-over of such a channel, and no saturation.
            priors: which may state its decay and slope, and no half-saturation.

        Raises:
            ConfigError: names the channel and what it cannot have.
        """
        there = {name for name, has in zip(channels, has_reach, strict=True) if has}
        for entry in own:
            if entry.channel in there and (entry.saturation, entry.saturation_first) != (None, None):
                raise ConfigError(
                    f"Setting curves gives the channel {shown(entry.channel)} a saturation, but reach and frequency "
                    "have a curve of their own; set its adstock only, or pass its impressions in media."
                )
        halves = [name for name, *_ in priors.half_saturation]
        halves += [name for name, parameter, *_ in priors.curve if parameter == "half_saturation"]
        if wrong := sorted(there & set(halves)):
            raise ConfigError(
                f"Setting priors.half_saturation names the channel {shown(wrong[0])}, which has reach and frequency; "
                "state priors.half_frequency, in contacts, instead."
            )
        kinds = tuple(
            dataclasses.replace(kind, saturation=BY_REACH, saturation_first=True) if has else kind
            for kind, has in zip(self.channels, has_reach, strict=True)
        )
        return dataclasses.replace(self, channels=kinds)

    def extended(self, more: int) -> Self:
        """With as many more channels, of the first channel's kind."""
        return dataclasses.replace(self, channels=self.channels + self.channels[:1] * more)


def _usual_decay(adstock: AdstockKind, step_weeks: float) -> float:
    if step_weeks == 1.0 or adstock not in ("geometric", "delayed_geometric", "delayed"):
        return 0.0
    if adstock == "delayed":
        decay = max(0.5 ** (step_weeks**2), _LEAST_DECAY)
        return math.log(decay / (1.0 - decay))
    return -math.log(step_weeks)


def family_of_saturation(kind: str) -> str:
    """`maximum` for kinds that have one, `no_maximum` for those that bend without, or `linear`."""
    if kind == "linear":
        return "linear"
    return "maximum" if kind in BOUNDED else "no_maximum"


def channel_curves_from(value: object) -> tuple[ChannelCurves, ...]:
    """The setting `curves`: a list of `ChannelCurves`, or of tables with their fields.

    Raises:
        ConfigError: something else, an invalid entry, or a channel named twice.
    """
    entries = entries_from("curves", value, ChannelCurves)
    names = [entry.channel for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"Setting curves names the channel {shown(twice[0])} twice; keep one entry.")
    return entries


def kinds_of(
    channels: Iterable[str],
    common: CurveKind,
    own: tuple[ChannelCurves, ...],
    max_lag: int,
) -> CurveKinds:
    """Kinds by channel: those of all, except where a channel has its own.

    Args:
        channels: names, in the panel's order.
        common: of all channels.
        own: of single channels.
        max_lag: lags of the finite kernels, weeks.

    Raises:
        ConfigError: curves of a channel that is not among them.
    """
    names, by_name = tuple(channels), {entry.channel: entry for entry in own}
    for name in by_name:
        if name not in names:
            hint = did_you_mean(name, names, f"; known are {', '.join(names)}.")
            raise ConfigError(f"Setting curves names the channel {shown(name)}, which the panel does not have{hint}")
    return CurveKinds(tuple(kind_of(by_name.get(name), common) for name in names), max_lag)


def kind_of(own: ChannelCurves | None, common: CurveKind) -> CurveKind:
    """The kind of a channel with its own settings, or of one without any."""
    if own is None:
        return common
    return CurveKind(
        adstock=common.adstock if own.adstock is None else own.adstock,
        saturation=common.saturation if own.saturation is None else own.saturation,
        saturation_first=common.saturation_first if own.saturation_first is None else own.saturation_first,
    )


def refuse_priors_of_absent_parameters(priors: Priors, common: CurveKind, own: tuple[ChannelCurves, ...]) -> None:
    """Refuse stated priors of parameters that a channel's curves do not have.

    Raises:
        ConfigError: names the channel, the parameter and the kind.
    """
    by_name = {entry.channel: entry for entry in own}
    for name in ("decay", "half_life", "half_saturation", "slope"):
        pooled = (entry for entry in priors.curve if entry[1] == name)
        for channel, *_ in (*getattr(priors, name), *pooled):
            kind = kind_of(by_name.get(channel), common)
            is_carried = name in ("decay", "half_life")
            has = kind.adstock in HALF_LIVES if name == "half_life" else name in kind.parameters
            if not has:
                curve = f"{kind.adstock!r} carry-over" if is_carried else f"{kind.saturation!r} saturation"
                raise ConfigError(
                    f"Setting priors.{name} names the channel {shown(channel)}, whose {curve} has no "
                    f"{name.replace('_', '-')}; leave it out, or give the channel another kind of curve."
                )
